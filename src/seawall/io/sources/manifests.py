"""Kubernetes manifests: YAML streams and JSON, from a file or from standard input, to resources.

for item in read_manifest("deploy/web.yaml"):
    ...  # a Resource, or an InputError for a part that could not be read
"""

import codecs
import gc
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from yaml.nodes import Node

from seawall.core.errors import InputError
from seawall.core.resource import Resource
from seawall.io.sources.document import Document, NodePositions, Source, child_of, documents, value_of
from seawall.io.sources.limits import MAX_FILE_BYTES
from seawall.io.sources.nodes import Malformed

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read_manifest(path: str, *, found: bool = False) -> Iterator[Resource | InputError]:
    """The resources of one input, ``-`` being standard input, and an error for each part that cannot be read.

    ``found`` says that the user did not name the file but a directory above it. Then it may hold no Kubernetes object at all, and JSON that
    cannot be Kubernetes is passed over whatever is wrong with it; a file that was named has to have an object in it.
    """
    nothing = True
    for item in _read(path, found=found):
        nothing = False
        yield item
    if nothing and not found:
        yield InputError(path, "no Kubernetes object in it")


def _read(path: str, *, found: bool) -> Iterator[Resource | InputError]:
    problem = None
    try:
        data = read_bytes(path)
    except InputError as error:
        yield error
        return
    try:
        text = decode(path, data)
    except InputError as error:
        # kubectl puts replacement characters for what is no text, and applies the rest.
        problem, text = error, decode(path, data, errors="replace")
    is_other_json = found and path.endswith(".json") and "apiVersion" not in text
    if is_other_json and "\\" not in text:  # with an escape in it, apiVersion may be written in another way
        return
    if problem and not is_other_json:
        yield problem
    for item in resources(Source(path, text)):
        if not (is_other_json and isinstance(item, InputError)):
            yield item


def resources(source: Source) -> Iterator[Resource | InputError]:
    """The resources in a text that was read already."""
    with _collector_paused():
        for document in documents(source):
            if isinstance(document, Malformed):
                yield _error(source, document)
                continue
            try:
                yield from _objects(document, document.root, value_of(document.root, has_aliases=document.has_aliases))
            except Malformed as error:
                yield _error(source, Malformed(error.message, document.base + error.index))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keeps the garbage collector from walking a tree of millions of nodes, in which there is nothing to collect."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _objects(document: Document, root: Node, data: Any) -> Iterator[Resource]:
    """A document is an object, a list of objects or something else, which is passed over.

    To kubectl whatever has ``items`` is a list (``List``, ``PodList``, ...), and lists may hold lists. Other tools go by the kind, so that
    something with ``items`` that is not called a list is both here.
    """
    if type(data) is not dict:
        return
    kind, version, items = data.get("kind"), data.get("apiVersion"), data.get("items")
    if type(kind) is not str or type(version) is not str:
        return
    if type(items) is list and (found := child_of(root, "items")) is not None:
        for item, node in zip(items, found[1].value, strict=True):
            yield from _objects(document, node, _complete(item, version, kind))
        if kind.endswith("List"):
            return
    yield Resource(document.source.path, data, NodePositions(document, root))


def _complete(item: Any, version: str, kind: str) -> Any:
    """An item of a typed list (``PodList``) may leave its apiVersion and kind out; that of a plain ``List`` may not."""
    if type(item) is not dict or kind == "List" or not kind.endswith("List"):
        return item
    return {**item, "apiVersion": item.get("apiVersion") or version, "kind": item.get("kind") or kind.removesuffix("List")}


def _error(source: Source, error: Malformed) -> InputError:
    line, _ = source.line_and_column(min(error.index, len(source.text)))
    message = error.message
    if "{{" in source.text:
        message += "; this looks like a template: render it first (helm template DIR | seawall scan -)"
    return InputError(source.path, message, line)


def read_bytes(path: str) -> bytes:
    """The bytes of a file or of standard input (``-``), up to the limit. Raises ``InputError``."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                if stat.S_ISREG(status.st_mode) and status.st_size > MAX_FILE_BYTES:
                    raise _too_large(path, f"{status.st_size / 2**20:.0f} MiB is")
                data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(path, (error.strerror or str(error)).lower()) from None
    except ValueError:
        raise InputError(path, "no file can have this name") from None
    if len(data) > MAX_FILE_BYTES:
        raise _too_large(path, "it is")
    return data


def _too_large(path: str, size: str) -> InputError:
    return InputError(path, f"{size} over the limit of {MAX_FILE_BYTES // 2**20} MiB; not read", 1)


def decode(path: str, data: bytes, errors: str = "strict") -> str:
    """Text out of bytes: UTF-8, or what the byte order mark says. Raises ``InputError`` at the line of the first bad byte."""
    bom, encoding = next(((bom, name) for bom, name in BOMS if data.startswith(bom)), (b"", "utf-8"))
    try:
        return data[len(bom) :].decode(encoding, errors)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].decode(encoding, "replace").count("\n") + 1
        raise InputError(path, f"not valid {encoding.upper()}: {error.reason} at byte {len(bom) + error.start}", line) from None
