"""What charts and kustomizations have in common: a program of others renders them, and each rendered line has an origin.

The program is run as on foreign ground. What it reads is hostile, so it gets an empty home, no PATH to find helpers on, a proxy that answers nobody,
bounded time, memory and output, and its arguments as a list. It never meets a cluster: there is no kubeconfig where it looks.
"""

import os
import resource as limits
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, Final, Protocol

from msgspec import Struct
from msgspec.structs import replace
from yaml.nodes import Node

from seawall.core.errors import InputError
from seawall.core.fix import Change, Edit
from seawall.core.location import Location, Origin
from seawall.core.resource import Path, Resource
from seawall.io.sources.document import Document, NodePositions, Source
from seawall.io.sources.manifests import resources

MAX_SECONDS: Final = 60
MAX_OUTPUT_BYTES: Final = 64 * 2**20
MAX_MESSAGE_BYTES: Final = 2**16
MAX_MEMORY_BYTES: Final = 4 * 2**30
"""Address space. Go programs reserve about 1.3 GiB before they do anything."""


class Place(Struct, frozen=True):
    """Where a rendered line comes from. ``text`` is the line of ``origin`` as it is written there; ``None`` where only the file can be told."""

    origin: Origin
    text: str | None = None


class Origins(Protocol):
    """Where rendered lines come from. Implementations are plain data, as they travel between scan processes."""

    def of_object(self, line: int, data: Mapping[str, Any]) -> Place | None:
        """The place of the object ``data``, which starts at ``line`` of the rendered text."""
        ...

    def of_field(self, line: int, data: Mapping[str, Any], path: Path) -> Place | None:
        """The place of the field at ``path`` of the object ``data``, which stands at ``line``; for a missing field, of what stands for it there."""
        ...

    def of_line(self, line: int) -> Place | None:
        """The place of a rendered line, where that can be told without knowing the field."""
        ...


class Rendered(Struct, frozen=True):
    """What a target renders to. ``path`` is the target as the user named it; ``text`` is what ``seawall render`` prints."""

    path: str
    text: str
    origins: Origins


def resources_of(rendered: Rendered) -> Iterator[Resource | InputError]:
    """The rendered objects. Their locations are in the rendered text and carry the origin; their edits are edits of the origin."""
    source = Source(rendered.path, rendered.text)
    for item in resources(source):
        if isinstance(item, InputError) or not isinstance(item.positions, NodePositions):
            yield item
            continue
        positions = RenderedPositions(item.positions.document, item.positions.root, rendered.origins, item.data)
        place = rendered.origins.of_object(positions.first_line(), item.data)
        yield Resource(item.path, item.data, positions, place.origin if place else None)


class RenderedPositions(NodePositions):
    """Positions in the rendered text, with origins. Implements :class:`seawall.core.resource.Positions`."""

    __slots__ = ("_data", "_origins")

    def __init__(self, document: Document, root: Node, origins: Origins, data: Mapping[str, Any]) -> None:
        super().__init__(document, root)
        self._origins = origins
        self._data = data

    def first_line(self) -> int:
        """The rendered line at which the object starts."""
        return self.document.source.line_and_column(self.document.base + self.root.start_mark.index)[0]

    def locate(self, path: Path, field: str) -> Location:
        location = super().locate(path, field)
        place = self._origins.of_field(location.line, self._data, path)
        return replace(location, origin=place.origin) if place else location

    def edits(self, changes: Sequence[tuple[Path, Change]]) -> tuple[Edit, ...]:
        """Edits of the origin, or none at all where one of them cannot be told for sure: where the origin is not literally the rendered text."""
        path = changes[0][0] if len(changes) == 1 else None
        edits = [self._in_origin(edit, path) for edit in super().edits(changes)]
        return tuple(edit for edit in edits if edit is not None) if all(edits) else ()

    def _in_origin(self, edit: Edit, path: Path | None) -> Edit | None:
        first = self._literal(edit.line, path)
        if first is None or first.line is None:
            return None
        # What is put between two lines needs both: there may be more between them in the origin than the rendered text shows.
        last = edit.end_line if edit.old else edit.end_line + 1
        start = edit.line - 1 if not edit.old and edit.column == 1 else edit.line
        for line in range(start, last + 1):
            place = first if line == edit.line else self._literal(line, None)
            if place is None or place.path != first.path or place.line != first.line + line - edit.line:
                return None
        return Edit(
            first.path, first.line, edit.column, first.line + edit.end_line - edit.line, edit.end_column, edit.old, edit.new,
        )  # fmt: skip

    def _literal(self, line: int, path: Path | None) -> Origin | None:
        """The origin of a rendered line, if it is the same text there."""
        place = self._origins.of_field(line, self._data, path) if path else self._origins.of_line(line)
        if place is None or place.text is None or place.text.rstrip("\r\n") != _full_line(self.document.source, line):
            return None
        return place.origin


def _full_line(source: Source, line: int) -> str | None:
    lines = source.text.count("\n") + 1
    return source.line_text(line) if 1 <= line <= lines else None


def find_program(variable: str, names: Sequence[str], purpose: str, advice: str) -> str:
    """The absolute path of a program: what the environment variable says, or the first of ``names`` on the PATH. Raises ``InputError``.

    ``purpose`` is the target that needs it, ``advice`` how to get it.
    """
    chosen = os.environ.get(variable, "")
    for name in [chosen] if chosen else names:
        if found := shutil.which(name):
            return os.path.abspath(found)
    missing = f"{variable}={chosen} is no program" if chosen else f"{' or '.join(names)} is not on the PATH"
    raise InputError(purpose, f"cannot be rendered: {missing}; {advice}")


class Run(Struct, frozen=True):
    """How a program ended: ``output`` is complete, ``message`` is the start of what it wrote to standard error."""

    status: int
    output: bytes
    message: str


@contextmanager
def workshop() -> Iterator[str]:
    """An empty directory, without symbolic links in its path, that vanishes afterwards."""
    with tempfile.TemporaryDirectory(prefix="seawall-", ignore_cleanup_errors=True) as directory:
        yield os.path.realpath(directory)


def run(target: str, command: Sequence[str], home: str) -> Run:
    """Run a program in the empty directory ``home``. Raises ``InputError`` for ``target`` where a bound is reached."""
    with open(os.path.join(home, "stdout"), "w+b") as output, open(os.path.join(home, "stderr"), "w+b") as message:
        try:
            process = subprocess.Popen(  # noqa: S603 (a list of arguments, bounded below)
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=message, cwd=home, env=_environment(home), start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise InputError(target, f"cannot be rendered: {command[0]} does not start: {error}") from None
        try:
            _bound(process.pid)
            status = process.wait(MAX_SECONDS)
        except subprocess.TimeoutExpired:
            raise InputError(target, f"was not rendered within {MAX_SECONDS} seconds; given up") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it started
            process.wait()
        text = _read(output, MAX_OUTPUT_BYTES)
        if len(text) >= MAX_OUTPUT_BYTES or status == -signal.SIGXFSZ:
            raise InputError(target, f"renders to more than {MAX_OUTPUT_BYTES // 2**20} MiB; not read")
        return Run(status, text, _read(message, MAX_MESSAGE_BYTES).decode("utf-8", "replace").strip())


def _environment(home: str) -> dict[str, str]:
    empty = os.path.join(home, "home")
    os.makedirs(empty, exist_ok=True)
    nobody = "http://127.0.0.1:1"  # what would go to the network is refused at once
    return {
        "HOME": empty, "TMPDIR": empty, "PATH": empty, "LANG": "C.UTF-8", "KUBECONFIG": os.path.join(empty, "no-kubeconfig"),
        "XDG_CACHE_HOME": empty, "XDG_CONFIG_HOME": empty, "XDG_DATA_HOME": empty,
        "HELM_CACHE_HOME": empty, "HELM_CONFIG_HOME": empty, "HELM_DATA_HOME": empty, "HELM_PLUGINS": os.path.join(empty, "no-plugins"),
        "HTTP_PROXY": nobody, "HTTPS_PROXY": nobody, "ALL_PROXY": nobody,
    }  # fmt: skip


def _bound(pid: int) -> None:
    """Bound what a process may use; its children inherit it."""
    with suppress(ProcessLookupError):  # it may have ended already
        limits.prlimit(pid, limits.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        limits.prlimit(pid, limits.RLIMIT_FSIZE, (MAX_OUTPUT_BYTES, MAX_OUTPUT_BYTES))
        limits.prlimit(pid, limits.RLIMIT_CORE, (0, 0))


def _read(file: IO[bytes], limit: int) -> bytes:
    file.seek(0)
    return file.read(limit)


def user_path(target: str, absolute: str) -> str:
    """A file found by its real path, as the user would open it, who named the target directory ``target``."""
    joined = os.path.join(target, os.path.relpath(absolute, os.path.realpath(target)))
    plain = os.path.normpath(joined)
    return plain if os.path.realpath(plain) == os.path.realpath(joined) else joined
