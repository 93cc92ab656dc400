"""Image references: ``nginx``, ``ghcr.io/team/app:1.4``, ``[::1]:5000/app@sha256:...``, read and normalised as the container runtimes do.

    reference  = [ registry "/" ] repository [ ":" tag ] [ "@" digest ]
    registry   = ( host name | IPv4 | "[" IPv6 "]" ) [ ":" port ]
    repository = part { "/" part }
    part       = a-z 0-9, joined by one ".", one or two "_", or any number of "-"
    tag        = up to 128 of A-Z a-z 0-9 "_" "." "-", not starting with "." or "-"
    digest     = algorithm ":" hex

What stands before the first slash is a registry when it has a dot, a colon or a capital letter, or is ``localhost``; otherwise the registry is
Docker Hub, where a repository of one part lies below ``library/``.

Sources: the grammar of github.com/distribution/reference, which the kubelet and containerd use; the OCI distribution specification (names and
tags); the OCI image specification (digests).
"""

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

DOCKER_HUB: Final = "docker.io"
DEFAULT_TAG: Final = "latest"

_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_IS_REPOSITORY: Final = re.compile(rf"{_PART}(?:/{_PART})*").fullmatch
# The grammar is ambiguous before the first slash: what is no host name (a_b.example) still passes where it could be a part of a repository.
_IS_REGISTRY: Final = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?|{_PART}").fullmatch
_IS_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}").fullmatch
_IS_HEX: Final = re.compile(r"[0-9a-f]+").fullmatch
_DIGEST_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}  # in hexadecimal digits

_MAX_LENGTH: Final = 1024
_MAX_REPOSITORY: Final = 255


class ImageReference(Struct, frozen=True):
    """A reference in full: ``nginx`` has the registry ``docker.io`` and the repository ``library/nginx``.

    ``tag`` and ``digest`` (``sha256:...``) are empty where the text has none. The registry keeps its port and its capitals.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository: ``docker.io/library/nginx``."""
        return f"{self.registry}/{self.repository}"

    @property
    def effective_tag(self) -> str:
        """The tag that is asked for: ``latest`` where there is neither a tag nor a digest."""
        return self.tag or ("" if self.digest else DEFAULT_TAG)

    def __str__(self) -> str:
        return f"{self.name}{self.tag and f':{self.tag}'}{self.digest and f'@{self.digest}'}"


@lru_cache(maxsize=4096)
def parse_image_reference(text: str) -> ImageReference:
    """Read a reference. Raises ``ValueError`` with a message for users when no container runtime would accept it."""
    if len(text) > _MAX_LENGTH:
        raise _invalid(text, "it is too long")
    rest, at, digest = text.partition("@")
    if at:
        algorithm, _, encoded = digest.partition(":")
        if _DIGEST_LENGTHS.get(algorithm) != len(encoded) or not _IS_HEX(encoded):
            raise _invalid(text, f"a digest is {', '.join(_DIGEST_LENGTHS)}, a colon, and all its digits in lower case")
    registry, rest = _registry(rest)
    repository, colon, tag = rest.partition(":")
    if not _IS_REGISTRY(registry):
        raise _invalid(text, f"{registry!r} is not a registry")
    if not _IS_REPOSITORY(repository):
        raise _invalid(text, "a repository is written in lower case" if repository != repository.lower() else "")
    if len(repository) > _MAX_REPOSITORY:
        raise _invalid(text, f"a repository has at most {_MAX_REPOSITORY} characters")
    if colon and not _IS_TAG(tag):
        raise _invalid(text, f"{tag[:40]!r} is not a tag")
    if not at and len(text) == _DIGEST_LENGTHS["sha256"] and _IS_HEX(text):
        raise _invalid(text, "it looks like the id of an image")
    return ImageReference(registry, repository, tag, digest)


def _registry(text: str) -> tuple[str, str]:
    """The registry, and what follows it: the rule by which ``team/app`` is on Docker Hub and ``localhost/app`` is not."""
    first, slash, rest = text.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        first, rest = DOCKER_HUB, text
    elif first == "index.docker.io":  # its old name
        first = DOCKER_HUB
    if first == DOCKER_HUB and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest


def _invalid(text: str, why: str) -> ValueError:
    return ValueError(f"{text[:80]!r} is not an image reference{why and f': {why}'}")
