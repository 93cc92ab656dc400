"""Which format a document is in."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from seawall.build.image.documents import Unreadable, read_xml, string
from seawall.build.sbom.read import cyclonedx, cyclonedx_xml, native, spdx, spdx3, spdx_tag_value
from seawall.build.sbom.read.assemble import Sbom, assemble
from seawall.build.sbom.read.entry import Document
from seawall.build.sbom.read.sections import Sections, sections, value

MAX_BYTES: Final = 256 * 2**20
MAX_WRAPPINGS: Final = 4
"""A signed statement that GitHub exported has three."""

_TAG_VALUE: Final = re.compile(rb"^[ \t]*SPDXVersion[ \t]*:", re.MULTILINE)
_YAML: Final = re.compile(rb"""^["']?spdxVersion["']?[ ]*:""", re.MULTILINE)


def read_sbom(data: bytes, path: str) -> Sbom:
    """The packages of a bill of materials, and what it is about. ``path`` is for messages.

    Never raises: where nothing can be read, ``format`` is empty and ``problems`` say why.
    """
    try:
        return assemble(_document(data), path)
    except Unreadable as error:
        return Sbom(format="", problems=(error.problem(path),))


def _document(data: bytes) -> Document:
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES // 2**20} MiB; not read")
    data = _utf8(data)
    start = data[:4096].lstrip()[:1]
    if start == b"<":
        return cyclonedx_xml.read(read_xml(data))
    if start == b"{":
        return _json(data)
    if _TAG_VALUE.search(data):
        return spdx_tag_value.read(data.decode("utf-8", "replace"))
    if _YAML.search(data):
        return spdx.read_yaml_text(data)
    raise Unreadable("not a bill of materials in CycloneDX or SPDX")


def _utf8(data: bytes) -> bytes:
    """Windows' shells write UTF-16 when output is redirected."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16").encode()
        except UnicodeError:
            raise Unreadable("not UTF-16 text", 1) from None
    return data.removeprefix(b"\xef\xbb\xbf")


def _json(data: bytes) -> Document:
    """A document, or what others wrap around one: a signed envelope, a statement of in-toto, GitHub's export."""
    part: bytes | msgspec.Raw = data
    for _ in range(MAX_WRAPPINGS):
        members = sections(part)
        if "bomFormat" in members or ("specVersion" in members and "components" in members):
            return cyclonedx.read(members)
        if "spdxVersion" in members:
            return spdx.read(members)
        if "@graph" in members:
            return spdx3.read(members)
        if _is_native(members):
            return native.read(members)
        inner = _unwrapped(members)
        if inner is None:
            raise Unreadable("JSON, but no bill of materials in CycloneDX or SPDX")
        part = inner
    raise Unreadable("wrapped too often; not read")


def _is_native(members: Sections) -> bool:
    return string(value(members.get("schema"))) == native.SCHEMA


def _unwrapped(members: Mapping[str, msgspec.Raw]) -> bytes | msgspec.Raw | None:
    if "payload" in members:
        try:
            return base64.b64decode(string(value(members["payload"])), validate=False)
        except (binascii.Error, ValueError):
            raise Unreadable("a signed envelope whose payload is not base64") from None
    return members.get("predicate") or members.get("sbom")
