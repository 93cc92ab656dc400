"""Kubernetes manifests: YAML streams and JSON, from a file or from standard input, to resources.

for item in read_manifest("deploy/web.yaml"):
    ...  # a Resource, or an InputError for a part that could not be read
"""

import codecs
import os
import stat
import sys
from collections.abc import Iterator
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from seawall.core.errors import InputError
from seawall.core.resource import Resource
from seawall.io.sources.document import Document, NodePositions, Source, child_of, documents, value_of
from seawall.io.sources.limits import MAX_FILE_BYTES
from seawall.io.sources.nodes import Malformed

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read_manifest(path: str, *, found: bool = False) -> Iterator[Resource | InputError]:
    """The resources of one input, ``-`` being standard input, and an error for each part that cannot be read.

    ``found`` says that the user did not name the file but a directory above it. Then JSON that cannot be Kubernetes is passed over in
    silence, where a file that was named is read and reported whatever it is.
    """
    try:
        source = Source(path, decode(path, read_bytes(path)))
    except InputError as error:
        yield error
        return
    if found and path.endswith(".json") and "apiVersion" not in source.text:
        return
    yield from resources(source)


def resources(source: Source) -> Iterator[Resource | InputError]:
    """The resources in a text that was read already."""
    for document in documents(source):
        if isinstance(document, Malformed):
            yield _error(source, document)
            continue
        try:
            yield from _objects(document, document.root, value_of(document.root))
        except Malformed as error:
            yield _error(source, Malformed(error.message, document.base + error.index))


def _objects(document: Document, root: Node, data: Any) -> Iterator[Resource]:
    """A document is an object, a list of objects (``kind: List``, ``PodList``, ...) or something else, which is passed over."""
    if type(data) is not dict:
        return
    kind, items = data.get("kind"), data.get("items")
    if type(kind) is str and kind.endswith("List") and type(items) is list and "apiVersion" in data:
        found = child_of(root, "items")
        if found is not None and type(found[1]) is SequenceNode:
            for item, node in zip(items, found[1].value, strict=True):
                if type(item) is dict and kind != "List" and "kind" not in item:
                    # A typed list (PodList) may leave apiVersion and kind of its items out.
                    item = {"apiVersion": data["apiVersion"], "kind": kind.removesuffix("List"), **item}
                yield from _objects(document, node, item)
    elif type(kind) is str and type(data.get("apiVersion")) is str and type(root) is MappingNode:
        yield Resource(document.source.path, data, NodePositions(document, root))


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
                size = os.fstat(file.fileno())
                if stat.S_ISREG(size.st_mode) and size.st_size > MAX_FILE_BYTES:
                    raise InputError(path, f"{size.st_size / 2**20:.0f} MiB is over the limit of {MAX_FILE_BYTES // 2**20} MiB; not read", 1)
                data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(path, (error.strerror or str(error)).lower()) from None
    except ValueError:
        raise InputError(path, "no file can have this name") from None
    if len(data) > MAX_FILE_BYTES:
        raise InputError(path, f"over the limit of {MAX_FILE_BYTES // 2**20} MiB; not read", 1)
    return data


def decode(path: str, data: bytes) -> str:
    """Text out of bytes: UTF-8, or what the byte order mark says. Raises ``InputError`` at the line of the first bad byte."""
    encoding = "utf-8"
    for bom, name in _BOMS:
        if data.startswith(bom):
            data, encoding = data[len(bom) :], name
            break
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(path, f"not valid {encoding.upper()}: {error.reason} at byte {error.start}", line) from None
