"""Reads an image or a directory and says what packages are in it: the cataloguers work while the layers stream past."""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from seawall.build.image.catalogue import Catalogue, Found, join
from seawall.build.image.cataloguer import Cataloguer, Fact, File
from seawall.build.image.selection import Selection, all_cataloguers
from seawall.core.errors import InputError
from seawall.io.sources.image.contents import read_image_files, read_rootfs_files
from seawall.io.sources.image.filesystem import Filesystem
from seawall.io.sources.image.layer import Want, is_binary
from seawall.io.sources.image.model import Image

_EXECUTABLE: Final = 0o111
_LIBRARIES: Final = (".so", ".dll", ".dylib", ".exe")


class Inspection(Struct, frozen=True):
    """What was found. ``view`` is the merged file system, ``image`` the image it is of, ``None`` for a directory.

    ``problems`` name files that could not be read or understood; the rest was.
    """

    catalogue: Catalogue
    view: Filesystem
    image: Image | None = None
    problems: tuple[InputError, ...] = ()


def inspect_image(image: Image) -> Inspection:
    """Read every layer of an image. Raises ``InputError`` where it is damaged or goes beyond the limits."""
    collector = Collector()
    view = read_image_files(image, collector.wanted, collector.take)
    layers = [layer.digest for layer in image.layers]
    catalogue = join(collector.found(layers), view.survives, view.canonical)
    return Inspection(catalogue, view, image, (*image.problems, *view.problems, *_problems(image.reference, catalogue)))


def inspect_rootfs(directory: str) -> Inspection:
    """Read an unpacked root file system. Raises ``InputError``."""
    collector = Collector()
    view = read_rootfs_files(directory, collector.wanted, collector.take)
    catalogue = join(collector.found([""]), view.survives, view.canonical)
    return Inspection(catalogue, view, None, (*view.problems, *_problems(directory, catalogue)))


def catalogue_files(files: Iterable[File]) -> Catalogue:
    """The packages that single files tell of: the lockfiles of a source tree, each by itself."""
    collector = Collector()
    for file in files:
        collector.take(0, file.path, file.data)
    return join(collector.found([""]), lambda _path, _index: True)


def _problems(name: str, catalogue: Catalogue) -> Iterator[InputError]:
    for problem in catalogue.problems:
        yield InputError(f"{name}: {problem.path}", problem.message, problem.line)


class Collector:
    """Chooses files by their path and has them parsed as they come; what came again counts as it came last."""

    def __init__(self, cataloguers: Iterable[Cataloguer] | None = None) -> None:
        self._selection = Selection(all_cataloguers() if cataloguers is None else cataloguers)
        self._found: dict[tuple[int, str], list[tuple[Cataloguer, list[Fact]]]] = {}

    def wanted(self, path: str, mode: int, size: int) -> Want:
        """Whether a file's content is worth having: a path that a cataloguer knows, or, if it turns out to be one, a binary."""
        if self.of(path):
            return Want.YES
        if size and (mode & _EXECUTABLE or path.endswith(_LIBRARIES) or ".so." in path):
            return Want.IF_BINARY
        return Want.NO

    def of(self, path: str) -> tuple[Cataloguer, ...]:
        """The cataloguers that a path is for."""
        return self._selection.of(path)

    def take(self, layer: int, path: str, data: bytes) -> None:
        """Parse a file."""
        cataloguers = self.of(path)
        if is_binary(data[:8]):
            cataloguers = (*cataloguers, *self._selection.binaries)
        file = File(path, data)
        facts = [(cataloguer, list(cataloguer.parse(file))) for cataloguer in dict.fromkeys(cataloguers)]
        if any(told for _, told in facts):
            self._found[layer, path] = facts
        else:
            self._found.pop((layer, path), None)

    def found(self, layers: list[str]) -> Iterator[Found]:
        """The facts, each with its place; ``layers`` are the layers' digests."""
        for (index, path), facts in self._found.items():
            for cataloguer, told in facts:
                for fact in told:
                    yield Found(fact, path, layers[index], index, cataloguer.installed)
