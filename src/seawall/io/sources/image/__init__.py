"""Container images: OCI layouts, archives of ``docker save`` and OCI, registries and root file systems, read without unpacking anything to disk.

    image = open_image("oci:build/image:1.4")
    view = read_image_files(image, wanted, take)     # every layer once: digests verified, wanted files handed over
    view.resolve("etc/os-release")                   # the merged file system, through links, never out of the image

1. A backend (``layout.py`` or ``archive.py``, chosen by ``open.py``; the registry client) is a ``BlobSource`` (``model.py``): manifests and blobs.
2. ``manifest.py`` goes from a reference through indexes and the platform to an :class:`~seawall.io.sources.image.model.Image`.
3. ``layer.py`` streams one layer: ``compression.py`` inflates in a second thread, ``tar.py`` parses, and out comes a ``Listing`` (``listing.py``).
4. ``filesystem.py`` merges listings as the container runtime would; ``contents.py`` puts it all together.

Everything here is hostile until proven otherwise: the bounds are in ``limits.py``.
"""
