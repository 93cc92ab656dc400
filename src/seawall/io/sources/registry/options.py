"""How registries are reached: mirrors, hosts without TLS, certificates, and the addresses that follow from a reference."""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from seawall.core.errors import UsageError
from seawall.core.image_reference import DOCKER_HUB, ImageReference
from seawall.io.sources.http import HttpOptions

_HOSTS: Final = {DOCKER_HUB: "registry-1.docker.io"}
"""Registries whose API is served under another name."""


class RegistryOptions(Struct, frozen=True):
    """Settings for all registries.

    ``mirrors`` has, for a registry (``docker.io``), the places that are asked before it, in this order: ``[http://]host[:port][/prefix]``, where the
    prefix comes before the repository. ``plain_http`` has the hosts (``host`` or ``host:port``) that may be asked without TLS; loopback always may.
    ``ca_file`` is a PEM file of certificate authorities that are trusted beside those of the system. ``auth_file`` is read instead of the usual
    credentials files.
    """

    mirrors: Mapping[str, tuple[str, ...]] = {}
    plain_http: frozenset[str] = frozenset()
    ca_file: str = ""
    auth_file: str = ""
    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    retries: int = 3

    def http(self) -> HttpOptions:
        """What of this is about HTTP. A mirror that is written with ``http://`` is one that was asked for without TLS."""
        plain = {mirror.split("/")[2] for mirrors in self.mirrors.values() for mirror in mirrors if mirror.startswith("http://")}
        return HttpOptions(self.ca_file, self.plain_http | plain, self.connect_seconds, self.read_seconds, self.retries)


class Endpoint(Struct, frozen=True):
    """A place that serves a repository.

    ``registry`` is the name under which its credentials are kept; ``scheme`` is empty where it is not yet known.
    """

    registry: str
    host: str
    repository: str
    scheme: str = ""
    is_mirror: bool = False


def endpoints(reference: ImageReference, options: RegistryOptions) -> Iterator[Endpoint]:
    """The places to ask for a repository, the registry itself last. Raises ``UsageError`` for a mirror that is no address."""
    for mirror in options.mirrors.get(reference.registry, ()):
        yield _mirror(mirror, reference.repository)
    yield Endpoint(reference.registry, _HOSTS.get(reference.registry, reference.registry), reference.repository)


def _mirror(text: str, repository: str) -> Endpoint:
    written = text if "://" in text else f"//{text}"
    try:
        parts = urlsplit(written)
        is_good = bool(parts.hostname) and parts.port != 0 and parts.scheme in ("", "http", "https") and "@" not in parts.netloc
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.fragment or not text.isprintable():
        raise UsageError(f"a mirror is written as [http://]host[:port][/prefix], unlike {text.rpartition('@')[2][:80]!r}")
    prefix = parts.path.strip("/")
    return Endpoint(parts.netloc, parts.netloc, f"{prefix}/{repository}" if prefix else repository, parts.scheme, is_mirror=True)
