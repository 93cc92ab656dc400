"""VEX documents of any format, recognised by what they hold."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from seawall.build.advisories import vex_csaf, vex_cyclonedx, vex_openvex
from seawall.build.advisories.vex import Statement, VexProblem
from seawall.core.errors import InputError

MAX_BYTES: Final = 256 * 2**20


def read_vex(path: str, data: bytes) -> Iterator[Statement | VexProblem]:
    """The statements of an OpenVEX, CSAF or CycloneDX document (JSON). Raises :class:`InputError` when it is none of these."""
    if len(data) > MAX_BYTES:
        raise InputError(path, f"is larger than {MAX_BYTES >> 20} MiB")
    try:
        document: Any = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(path, f"is no JSON: {error}") from None
    if isinstance(document, dict):
        if "openvex" in str(document.get("@context", "")).lower():
            return vex_openvex.read(path, document)
        if isinstance(document.get("document"), dict) and "csaf_version" in document["document"]:
            return vex_csaf.read(path, document)
        if document.get("bomFormat") == "CycloneDX":
            return vex_cyclonedx.read(path, document)
    raise InputError(path, "is no VEX document: OpenVEX, CSAF or CycloneDX is expected")
