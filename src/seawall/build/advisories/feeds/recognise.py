"""Which format a file is in, by what it holds; its name counts only where a format has no mark of its own."""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Final

from seawall.build.advisories.feeds import (
    alpine,
    cpan,
    debian_list,
    debian_tracker,
    end_of_life,
    exploited,
    haskell,
    kubernetes,
    likelihood,
    osv,
    php,
    retire,
    rubysec,
    rustsec,
)
from seawall.build.advisories.model import FeedProblem, Record

Read = Callable[[str, bytes], Iterator[Record | FeedProblem]]

HEAD: Final = 64 * 2**10
"""Bytes in which a file shows what it is."""

READERS: Final[dict[str, Read]] = {
    "alpine": alpine.read,
    "cpan": cpan.read,
    "debian-list": debian_list.read,
    "debian-tracker": debian_tracker.read,
    "end-of-life": end_of_life.read,
    "kev": exploited.read,
    "haskell": haskell.read,
    "kubernetes": kubernetes.read,
    "epss": likelihood.read,
    "osv": osv.read,
    "php": php.read,
    "retirejs": retire.read,
    "rubysec": rubysec.read,
    "rustsec": rustsec.read,
}
DATA_SUFFIXES: Final = (".json", ".yaml", ".yml", ".csv")
"""Files that look like data: one of them that is in no known format is told; of others only the number."""

_DEBIAN_HEAD: Final = re.compile(rb"^\[\d{1,2} \w{3} \d{4}\] (?:DSA|DLA|DTSA|ELA)-\d", re.MULTILINE)
_YAML: Final = (
    ("alpine", re.compile(rb"^distroversion:", re.MULTILINE)),
    ("rubysec", re.compile(rb"^(?:gem|engine):", re.MULTILINE)),
    ("php", re.compile(rb"^reference:\s*['\"]?composer://", re.MULTILINE)),
    ("cpan", re.compile(rb"^(?:cpan_distribution|version_range|CVSS_\d):", re.MULTILINE)),
)
_OSV_YAML: Final = (re.compile(rb"^id:", re.MULTILINE), re.compile(rb"^(?:modified|affected):", re.MULTILINE))
_TOML_BLOCK: Final = re.compile(rb"\A\s*(?:```|~~~)+ *toml\b")
_FRONT_MATTER: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?---\s")
_EXAMPLE: Final = b'"RUSTSEC-0000-0000"'


def recognise(path: str, data: bytes) -> str:
    """The name of the format, a key of :data:`READERS`; empty for what is none of them."""
    head = data[:HEAD]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        if _DEBIAN_HEAD.search(head[:4096]):
            return "debian-list"
        return _json(path, head, data)
    if path.endswith((".yaml", ".yml")):
        return _yaml(head)
    if _TOML_BLOCK.match(head):
        return "" if _EXAMPLE in head else "haskell" if b"[[affected]]" in head else "rustsec" if b"[versions]" in head else ""
    if _FRONT_MATTER.match(head):
        return "end-of-life" if b"\nreleases:" in data else ""
    if head.startswith((b"#model_version", b"cve,epss")):
        return "epss"
    if head.lstrip(b"\xef\xbb\xbf").startswith((b"cveID,", b'"cveID"')):
        return "kev"
    return ""


def _yaml(head: bytes) -> str:
    if all(field.search(head) for field in _OSV_YAML):
        return "osv"
    return next((name for name, mark in _YAML if mark.search(head)), "")


def _json(path: str, head: bytes, data: bytes) -> str:
    name = PurePosixPath(path).name
    if b'"$schema"' in head and b'"properties"' in head:
        return ""  # the schema of a feed, not a feed
    if b'"cveID"' in head and b'"vulnerabilities"' in head:
        return "kev"
    if b'"secfixes"' in data and b'"distroversion"' in data:
        return "alpine"
    if b'"_kubernetes_io"' in head or (b"jsonfeed" in head and b'"items"' in head):
        return "kubernetes"
    if b'"id"' in data and b'"modified"' in data and (b'"affected"' in data or b'"withdrawn"' in data or b'"schema_version"' in head):
        return "osv"
    if b'"repositories"' in head and b'"releases"' in head and b'"status"' in head:
        return "debian-tracker"
    if b'"vulnerabilities"' in head and (b'"below"' in head or b'"extractors"' in head) and not name.endswith("-backdoored.json"):
        return "retirejs"
    if (b'"eol"' in head and b'"cycle"' in head) or b'"eolFrom"' in head or b'"isEol"' in head:
        return "end-of-life"
    return ""
