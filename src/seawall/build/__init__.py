"""The first phase: what goes into an image. Its rooms are not built yet."""
