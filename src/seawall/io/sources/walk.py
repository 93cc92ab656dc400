"""The files below a directory that may hold something to scan, in a stable order, without those that the project ignores."""

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seawall.core.errors import InputError
from seawall.io.sources.limits import MAX_DIRECTORY_DEPTH, MAX_FILES

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MANIFEST_SUFFIXES = (".yaml", ".yml", ".json")
IGNORE_FILES = (".gitignore", ".seawallignore")


def walk(directory: str, suffixes: tuple[str, ...] = MANIFEST_SUFFIXES) -> Iterator[str | InputError]:
    """Paths of regular files whose name ends in one of ``suffixes``, and an error for each place that cannot be looked into.

    Symbolic links are followed once: a directory that was seen already, under whatever name, is not entered again.
    ``.gitignore`` and ``.seawallignore`` count as in Git, each for its own directory and below.
    """
    yield from _Walk(suffixes).below(directory, "", [], 0)


class _Walk:
    def __init__(self, suffixes: tuple[str, ...]) -> None:
        self._suffixes = suffixes
        self._seen: set[tuple[int, int]] = set()
        self._count = 0

    def below(self, top: str, inside: str, ignores: "list[tuple[str, GitIgnoreSpec]]", depth: int) -> Iterator[str | InputError]:
        directory = os.path.join(top, inside) if inside else top
        try:
            identity = os.stat(directory)
            entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
        except OSError as error:
            yield InputError(directory, (error.strerror or str(error)).lower())
            return
        if (identity.st_dev, identity.st_ino) in self._seen:
            return
        self._seen.add((identity.st_dev, identity.st_ino))
        if depth > MAX_DIRECTORY_DEPTH:
            yield InputError(directory, f"more than {MAX_DIRECTORY_DEPTH} directories deep; not entered")
            return
        try:
            spec = _ignore_spec(directory, {entry.name for entry in entries})
        except OSError as error:
            yield InputError(error.filename or directory, f"{(error.strerror or str(error)).lower()}; nothing is ignored here")
            spec = None
        if spec is not None:
            ignores = [*ignores, (inside, spec)]
        for entry in entries:
            name = os.path.join(inside, entry.name)
            try:
                mode = entry.stat().st_mode
            except OSError as error:
                if entry.name.endswith(self._suffixes):
                    yield InputError(entry.path, (error.strerror or str(error)).lower())
                continue
            is_directory = stat.S_ISDIR(mode)
            if entry.name == ".git" or _ignored(name, ignores, is_directory):
                continue
            if is_directory:
                yield from self.below(top, name, ignores, depth + 1)
            elif stat.S_ISREG(mode) and entry.name.endswith(self._suffixes):
                self._count += 1
                if self._count <= MAX_FILES:
                    yield os.path.join(top, name)
                elif self._count == MAX_FILES + 1:
                    yield InputError(top, f"more than {MAX_FILES:,} files; the rest was not scanned")


def _ignore_spec(directory: str, names: set[str]) -> "GitIgnoreSpec | None":
    lines: list[str] = []
    for name in IGNORE_FILES:
        if name in names:
            with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as file:
                lines += file.read(2**20).splitlines()
    if not lines:
        return None
    from pathspec import GitIgnoreSpec  # only projects that ignore something pay for it

    return GitIgnoreSpec.from_lines(lines)


def _ignored(name: str, ignores: "list[tuple[str, GitIgnoreSpec]]", is_directory: bool) -> bool:
    """The deepest ignore file that has an opinion decides, as in Git."""
    for inside, spec in reversed(ignores):
        below = os.path.relpath(name, inside) if inside else name
        verdict = spec.check_file(below + "/" if is_directory else below)
        if verdict.include is not None:
            return verdict.include
    return False
