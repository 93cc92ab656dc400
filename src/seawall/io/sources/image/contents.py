"""Reads what is in an image: every layer once, and what only links make known a second time.

``wanted`` chooses files by their path while a layer streams past, when nobody knows yet where links will lead. So in the end a wanted path may be a
link to a file that was not taken (``etc/os-release``, hard links of package managers), or lie behind a linked directory (``lib`` to ``usr/lib``).
Only the layers that have such files are read again, for these files alone.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from seawall.io.sources.image.filesystem import Filesystem, Unread
from seawall.io.sources.image.layer import Take, Wanted, read_layer
from seawall.io.sources.image.listing import Listing
from seawall.io.sources.image.model import Image, Layer
from seawall.io.sources.image.rootfs import read_rootfs

Reader = Callable[[Wanted, Take], Listing]
"""Reads one layer."""

TakeFrom = Callable[[int, str, bytes], None]
"""Told layer (from 0), path and content. The same layer and path may come again; the later one counts. Ask ``Filesystem.survives`` in the end."""


def read_image_files(image: Image, wanted: Wanted, take: TakeFrom) -> Filesystem:
    """Read an image, verified, and give its merged file system. Raises ``InputError``."""
    return _read(image.reference, [_reader(image, layer) for layer in image.layers], image.reading_order, wanted, take)


def read_rootfs_files(directory: str, wanted: Wanted, take: TakeFrom) -> Filesystem:
    """The same for an unpacked root file system, as one layer. Raises ``InputError``."""
    return _read(directory, [lambda asked, give: read_rootfs(directory, asked, give)], (), wanted, take)


def _reader(image: Image, layer: Layer) -> Reader:
    if layer.descriptor.is_foreign:
        return lambda _wanted, _take: Listing(image.reference)
    return lambda wanted, take: read_layer(image.open_layer(layer), layer.descriptor, layer.diff_id, wanted, take, name=image.reference)


def _read(name: str, readers: Sequence[Reader], order: Iterable[int], wanted: Wanted, take: TakeFrom) -> Filesystem:
    listings: dict[int, Listing] = {}
    for index in order or range(len(readers)):
        listings[index] = readers[index](wanted, _taker(index, take))
    view = Filesystem(name)
    for index in range(len(readers)):
        view.apply(listings[index])
    _read_again(view, readers, view.unread(wanted), take)
    return view


def _taker(index: int, take: TakeFrom) -> Take:
    return lambda path, data: take(index, path, data)


def _read_again(view: Filesystem, readers: Sequence[Reader], missing: Iterable[Unread], take: TakeFrom) -> None:
    by_layer: dict[int, dict[str, list[Unread]]] = defaultdict(lambda: defaultdict(list))
    for item in missing:
        by_layer[item.layer][item.stored].append(item)
    for index, by_path in by_layer.items():

        def take_all(path: str, data: bytes, index: int = index, by_path: dict[str, list[Unread]] = by_path) -> None:
            for item in by_path[path]:
                take(index, item.path, data)
                view.read_as(item)

        again = readers[index](lambda path, _mode, _size, by_path=by_path: path in by_path, take_all)  # type: ignore[misc]
        known = set(map(str, view.layers[index].problems))
        view.add_problems(problem for problem in again.problems if str(problem) not in known)
