"""The order of versions, one file per ecosystem.

Each module has a :class:`Scheme`: ``compare(a, b)`` is -1, 0 or 1, and ``key(version)`` gives bytes whose order is the same, so that "is this version
affected" is a comparison of bytes, and a fleet is matched by a join. Neither raises: a version that no specification covers has a stable place.
"""
