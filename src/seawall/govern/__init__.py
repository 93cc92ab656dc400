"""Across the phases: decisions, attack paths, compliance, risk. Its rooms are not built yet."""
