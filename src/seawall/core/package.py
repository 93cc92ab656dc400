"""Software packages as facts: what a package manager, a lockfile, a binary or an SBOM says is there."""

from collections.abc import Mapping

from msgspec import Struct


class Distro(Struct, frozen=True):
    """A distribution by the words of its ``/etc/os-release``: ``Distro("debian", "12")``, ``Distro("alpine", "3.19.1")``.

    ``version_id`` is empty for rolling releases; ``codename`` is ``VERSION_CODENAME`` (``bookworm``), ``like`` is ``ID_LIKE``, ``name`` is
    ``PRETTY_NAME``.

    Source: os-release(5).
    """

    id: str
    version_id: str = ""
    codename: str = ""
    like: tuple[str, ...] = ()
    name: str = ""


class SourcePackage(Struct, frozen=True):
    """The source package that a binary package was built from. Distributions write their advisories about these."""

    name: str
    version: str


class Package(Struct, frozen=True, kw_only=True):
    """A package at one place.

    ``type`` is the purl type (``deb``, ``apk``, ``rpm``, ``pypi``, ``npm``, ``golang``, ``cargo``, ``maven``, ``gem``, ``composer``, ``nuget``, ...).
    ``name`` is written as its ecosystem writes it: ``openssl``, ``@babel/core``, ``github.com/spf13/cobra``, ``org.slf4j:slf4j-api``,
    ``symfony/http-kernel``.
    ``version`` is the package manager's, with the epoch where it is not 0 (``1:2.30-4``).
    ``qualifiers`` are further purl qualifiers that tell packages of one name apart (``classifier``, ``repository_url``); ``arch`` and
    ``distro`` are not among them.
    ``path`` is the file that tells of it, without a leading slash; ``layer`` the digest of the layer that this file came with, empty outside images.
    ``module`` is the RPM module stream it belongs to (``nodejs:18``).
    ``ref`` is its name among the packages of the same file, ``requires`` the ``ref`` of those it needs directly; ``name@version`` is used where
    ``ref`` is empty.
    ``development`` marks what the lockfile says is not needed at run time.
    ``purl`` is filled in where all is known, see :func:`seawall.core.purl.purl_of`.
    """

    type: str
    name: str
    version: str
    licenses: tuple[str, ...] = ()
    path: str = ""
    layer: str = ""
    source: SourcePackage | None = None
    arch: str = ""
    module: str = ""
    qualifiers: Mapping[str, str] = {}
    ref: str = ""
    requires: tuple[str, ...] = ()
    development: bool = False
    purl: str = ""
