"""Which backend a target names: ``oci:DIR[:TAG]`` or ``archive:FILE[:NAME]``. Images of registries are opened by ``io/sources/registry``."""

import os

from seawall.core.errors import InputError
from seawall.io.sources.image.archive import open_archive
from seawall.io.sources.image.layout import open_layout, split_place
from seawall.io.sources.image.model import Image, Platform


def open_image(target: str, platform: Platform | None = None) -> Image:
    """The image of a layout or an archive on this machine. Raises ``InputError``.

    Each kind is taken for the other where the file system says so: a directory cannot be an archive.
    """
    kind, _, place = target.partition(":")
    if kind not in {"oci", "archive"} or not place:
        raise InputError(target, "is neither oci:DIR nor archive:FILE")
    if os.path.isdir(split_place(place)[0]):
        return open_layout(place, platform, name=target)
    if kind == "oci" and not os.path.exists(split_place(place)[0]):
        raise InputError(target, "there is no such directory")
    return open_archive(place, platform, name=target)
