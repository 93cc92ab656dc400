"""The first phase: what goes into an image. ``image`` says what is in one, ``sbom`` writes and reads bills of materials, ``advisories`` knows what is
known against packages, ``judge`` and ``rules`` make findings of it."""
