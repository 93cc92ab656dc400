"""The third phase: what happens in a running cluster. Its rooms are not built yet."""
