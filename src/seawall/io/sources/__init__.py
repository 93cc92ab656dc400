"""Reads manifests (and later charts, images, clusters, logs) into the typed facts that the domains judge.

Everything that is read is treated as hostile: size, depth and count are limited in :mod:`limits`, and what cannot be read
is an :class:`~seawall.core.errors.InputError` with its path and line, never a traceback and never silence.
"""
