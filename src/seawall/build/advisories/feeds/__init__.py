"""One file per feed format: bytes in, advisories out. A module has a ``FEED`` value."""
