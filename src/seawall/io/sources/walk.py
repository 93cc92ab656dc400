"""The files below a directory that may hold something to scan, in a stable order, without those that the project ignores."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress

from seawall.core.errors import InputError
from seawall.io.sources.ignore import Ignore
from seawall.io.sources.limits import MAX_DIRECTORY_DEPTH, MAX_FILES, MAX_IGNORE_BYTES

MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
IGNORE_FILES = (".gitignore", ".seawallignore")

_Ignores = list[tuple[Ignore, tuple[str, ...]]]
"""The ignore files that count in a directory, the nearest last, each with the names that lead from its own directory to this one."""


def walk(directory: str, suffixes: tuple[str, ...] = MANIFEST_SUFFIXES) -> Iterator[str | InputError]:
    """Paths of regular files whose name ends in one of ``suffixes``, and an error for each place that cannot be looked into.

    Symbolic links are followed once: a directory that was seen already, under whatever name, is not entered again, nor is one above the walk.
    ``.gitignore`` and ``.seawallignore`` count as in Git, each for its own directory and below; those above count too, up to the top of the
    working tree.
    """
    return _Walk(suffixes).start(directory)


class _Walk:
    def __init__(self, suffixes: tuple[str, ...]) -> None:
        self._suffixes = suffixes
        self._seen: set[tuple[int, int]] = set()
        self._count = 0

    def start(self, top: str) -> Iterator[str | InputError]:
        real = os.path.realpath(top)
        above = _directories_above(real)
        for path in above:
            with suppress(OSError):
                self._enter(path)
        ignores: _Ignores = []
        for path in reversed(_of_working_tree(real, above)):
            names = tuple(os.path.relpath(real, path).split(os.sep))
            for item in _ignore_files(path, IGNORE_FILES):
                if isinstance(item, InputError):
                    yield item
                else:
                    ignores.append((item, names))
        yield from self._below(top, ignores, 0)

    def _below(self, directory: str, ignores: _Ignores, depth: int) -> Iterator[str | InputError]:
        try:
            if not self._enter(directory):
                return
            if depth > MAX_DIRECTORY_DEPTH:
                yield InputError(directory, f"more than {MAX_DIRECTORY_DEPTH} directories deep; not entered")
                return
            with os.scandir(directory) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            yield _cannot(directory, error)
            return
        names = {entry.name for entry in entries}
        for item in _ignore_files(directory, [name for name in IGNORE_FILES if name in names]):
            if isinstance(item, InputError):
                yield item
            else:
                ignores = [*ignores, (item, ())]
        for entry in entries:
            yield from self._entry(entry, ignores, depth)
            if self._count > MAX_FILES:
                return

    def _entry(self, entry: os.DirEntry[str], ignores: _Ignores, depth: int) -> Iterator[str | InputError]:
        is_wanted = entry.name.endswith(self._suffixes)
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            if (is_wanted or not entry.is_symlink()) and not _is_ignored(entry.name, ignores, is_directory=False):
                yield _cannot(entry.path, error)
            return
        is_directory = stat.S_ISDIR(mode)
        if entry.name == ".git" or not (is_wanted or is_directory) or _is_ignored(entry.name, ignores, is_directory=is_directory):
            return
        if is_directory:
            yield from self._below(entry.path, [(ignore, (*names, entry.name)) for ignore, names in ignores], depth + 1)
        elif not stat.S_ISREG(mode):
            yield InputError(entry.path, "is no regular file; not read")
        elif self._count == MAX_FILES:
            self._count += 1
            yield InputError(entry.path, f"more than {MAX_FILES:,} files; the rest was not scanned")
        else:
            self._count += 1
            yield entry.path

    def _enter(self, directory: str) -> bool:
        """Whether this is the first time here. Raises ``OSError``."""
        status = os.stat(directory)
        identity = (status.st_dev, status.st_ino)
        if identity in self._seen:
            return False
        self._seen.add(identity)
        return True


def _directories_above(directory: str) -> list[str]:
    """The nearest first."""
    above = []
    while (parent := os.path.dirname(directory)) != directory:
        above.append(parent)
        directory = parent
    return above


def _of_working_tree(directory: str, above: list[str]) -> list[str]:
    """Those of the directories above one that are in the same working tree of Git; none where there is no such tree."""
    for place, path in enumerate([directory, *above]):
        if os.path.lexists(os.path.join(path, ".git")):
            return above[:place]
    return []


def _ignore_files(directory: str, names: Sequence[str]) -> Iterator[Ignore | InputError]:
    for name in names:
        path = os.path.join(directory, name)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                yield InputError(path, "is no regular file; nothing is ignored here")
                continue
            with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
                text = file.read(MAX_IGNORE_BYTES + 1)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield _cannot(path, error, "; nothing is ignored here")
            continue
        if len(text) > MAX_IGNORE_BYTES:
            yield InputError(path, f"over the limit of {MAX_IGNORE_BYTES // 2**10} KiB; nothing is ignored here")
        else:
            yield Ignore(text)


def _is_ignored(name: str, ignores: _Ignores, *, is_directory: bool) -> bool:
    """The deepest ignore file that has an opinion decides, as in Git."""
    for ignore, names in reversed(ignores):
        verdict = ignore.verdict((*names, name), is_directory=is_directory)
        if verdict is not None:
            return verdict
    return False


def _cannot(path: str, error: OSError, consequence: str = "") -> InputError:
    return InputError(path, (error.strerror or str(error)).lower() + consequence)
