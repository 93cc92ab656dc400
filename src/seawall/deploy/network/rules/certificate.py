"""When a certificate is valid, read from its DER with no more understanding than that takes.

    Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { version [0] EXPLICIT OPTIONAL, serialNumber INTEGER, signature SEQUENCE, issuer SEQUENCE,
                               validity SEQUENCE { notBefore Time, notAfter Time }, ... }, ... }

Sources: RFC 5280 (4.1 and 4.1.2.5), X.690 (lengths), RFC 7468 (PEM).
"""

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

MAX_TEXT: Final = 1 << 20  # a Secret is no larger
MAX_CERTIFICATES: Final = 64
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----")
_SEQUENCE, _INTEGER, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x02, 0xA0, 0x17, 0x18
_CENTURY: Final = 50  # RFC 5280: two digits below it are of this century


class Validity(Struct, frozen=True):
    """From when to when, both inclusive."""

    not_before: datetime
    not_after: datetime


def validities(pem: str) -> list[Validity]:
    """Of each certificate of a PEM text, in its order, the first being the server's own. Raises ``ValueError`` for what is no certificate."""
    blocks = _PEM.findall(pem[:MAX_TEXT])[:MAX_CERTIFICATES]
    if not blocks:
        raise ValueError("there is no PEM certificate")
    return [validity(binascii.a2b_base64(block)) for block in blocks]


def validity(der: bytes) -> Validity:
    """Raises ``ValueError``."""
    _, certificate = next(_elements(der), (0, b""))
    _, signed = next(_elements(certificate), (0, b""))
    parts = [item for item in _some(signed, 5) if item[0] != _VERSION]
    if [tag for tag, _ in parts[:4]] != [_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE]:
        raise ValueError("this is no X.509 certificate")
    times = [_time(tag, content) for tag, content in _some(parts[3][1], 2)]
    if len(times) != 2:
        raise ValueError("the certificate does not say until when it is valid")
    return Validity(times[0], times[1])


def _some(content: bytes, count: int) -> list[tuple[int, bytes]]:
    return [item for item, _ in zip(_elements(content), range(count), strict=False)]


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The tags and contents of the elements that stand side by side. Tags and lengths of more than four bytes do not occur in certificates."""
    place = 0
    while place < len(content):
        if place + 2 > len(content):
            raise ValueError("the certificate is cut off")
        tag, length = content[place], content[place + 1]
        place += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise ValueError("the certificate has a length that DER does not allow")
            length = int.from_bytes(content[place : place + size], "big")
            place += size
        if place + length > len(content):
            raise ValueError("the certificate is cut off")
        yield tag, content[place : place + length]
        place += length


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii", "replace")
    if tag == _UTC_TIME and re.fullmatch(r"[0-9]{12}Z", text):
        text = ("20" if int(text[:2]) < _CENTURY else "19") + text
    elif tag != _GENERALIZED_TIME or not re.fullmatch(r"[0-9]{14}Z", text):
        raise ValueError("the certificate has a time that RFC 5280 does not allow")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
