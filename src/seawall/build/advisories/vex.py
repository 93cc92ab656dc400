"""What somebody who knows a product says of vulnerabilities in it (VEX), held against what was found. Pure.

The formats (OpenVEX, CSAF, CycloneDX) are read into :class:`Statement`; here is which statement is about a finding, and which of several counts:

* A statement is about a product: an image, one package in an image, or a package wherever it is. A purl that leaves parts away speaks of all packages
  that agree in the rest; a version or qualifier that it has must be the same.
* Of the statements about a finding the latest counts. Of two at the same time the more careful one does.
* ``not_affected`` and ``fixed`` excuse the finding, with the reason that was given; ``affected`` and ``under_investigation`` do not.

Source: OpenVEX specification 0.2.0, sections "Statement", "Product" and "VEX documents"; CISA, "Minimum Requirements for VEX".
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct
from packageurl import PackageURL

from seawall.core.package import Package


class Status(StrEnum):
    """The four answers, the most careful first."""

    AFFECTED = "affected"
    UNDER_INVESTIGATION = "under_investigation"
    FIXED = "fixed"
    NOT_AFFECTED = "not_affected"


_CARE: Final = {status: place for place, status in enumerate(Status)}
EXCUSING: Final = frozenset({Status.NOT_AFFECTED, Status.FIXED})


class Product(Struct, frozen=True):
    """What a statement is about: ``ids`` are purls (or other addresses of an image), ``digests`` those of an image (``sha256:...``).

    With ``subcomponents`` (purls) it is about these within the product. ``platform`` limits it to a distribution (``rhel-9``); empty is no limit.
    """

    ids: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    subcomponents: tuple[str, ...] = ()
    platform: str = ""


class Statement(Struct, frozen=True, kw_only=True):
    """One answer. ``vulnerabilities`` are the ids of one vulnerability. ``time`` is RFC 3339. ``justification`` is the word of the format for why it
    is not affected, ``text`` what was said in prose. ``document`` names where it stands, ``author`` who says it."""

    vulnerabilities: tuple[str, ...]
    products: tuple[Product, ...]
    status: Status
    time: str = ""
    justification: str = ""
    text: str = ""
    action: str = ""
    document: str = ""
    author: str = ""


class VexProblem(Struct, frozen=True):
    """Something in a document that cannot be understood, or may not be there; the rest was read."""

    path: str
    message: str


class Image(Struct, frozen=True):
    """The image that packages are in: its digests (manifest, index, configuration) and the names it is known by
    (``docker.io/library/nginx:1.25``)."""

    digests: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()


class Verdict(Struct, frozen=True):
    """The statement that counts, and in words those that say otherwise."""

    statement: Statement
    conflicts: tuple[str, ...] = ()

    @property
    def excuses(self) -> bool:
        return self.statement.status in EXCUSING

    @property
    def reason(self) -> str:
        """Why, in the words of the statement."""
        statement = self.statement
        said = statement.text or statement.justification.replace("_", " ") or statement.status.replace("_", " ")
        by = f" ({statement.author})" if statement.author else ""
        return f"{statement.status.replace('_', ' ')}: {said}{by}" if said != statement.status.replace("_", " ") else f"{said}{by}"


def verdict(statements: Iterable[Statement], ids: Sequence[str], package: Package, image: Image | None = None, platform: str = "") -> Verdict | None:
    """What is said of a vulnerability (any of its ``ids``) in a package; ``None`` where nothing is. ``platform`` is the distribution (``rhel-9``)."""
    names = {name.upper() for name in ids}
    about = [
        statement
        for statement in statements
        if any(name.upper() in names for name in statement.vulnerabilities)
        and any(_is_about(product, package, image, platform) for product in statement.products)
    ]
    if not about:
        return None
    chosen = max(about, key=lambda statement: (_moment(statement.time), -_CARE[statement.status]))
    others = dict.fromkeys(
        f"{other.document or 'another statement'} says {other.status.replace('_', ' ')}{f' ({other.time})' if other.time else ''}"
        for other in about
        if other.status is not chosen.status
    )
    return Verdict(chosen, tuple(others))


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    """A time; what is none is before all others."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00") if text.endswith("Z") else text)
    except ValueError:
        return _NEVER
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def is_time(text: str) -> bool:
    """Whether a text is a time of RFC 3339."""
    return _moment(text) is not _NEVER


# --- products ------------------------------------------------------------------------------------------------------------------------------------


def _is_about(product: Product, package: Package, image: Image | None, platform: str) -> bool:
    if product.platform and not (platform == product.platform or platform.startswith(f"{product.platform}.")):
        return False
    if product.subcomponents:
        return _is_image(product, image) and any(_covers(purl, package.purl) for purl in product.subcomponents)
    return any(_covers(purl, package.purl) for purl in product.ids) or _is_image(product, image)


def _is_image(product: Product, image: Image | None) -> bool:
    """Whether a product is the image: by digest, or, where it tells none, by its name."""
    if image is None:
        return False
    digests = {*product.digests, *(digest for name in product.ids if (digest := _digest(name)))}
    if digests:
        return not digests.isdisjoint(image.digests)
    return any(_names(name, one) for name in product.ids for one in image.names)


def _digest(name: str) -> str:
    if name.startswith("pkg:"):
        purl = _purl(name)
        version = purl.version or "" if purl and purl.type in ("oci", "docker") else ""
        return version if version.startswith("sha256:") else ""
    digest = name.rpartition("@")[2]
    return digest if digest.startswith("sha256:") else ""


def _names(text: str, image: str) -> bool:
    """Whether a purl of an image (``pkg:oci/nginx?repository_url=docker.io/library/nginx&tag=1.25``), or a plain reference, is that image."""
    repository, tag = _split(image)
    purl = _purl(text)
    if purl is None:
        return _split(text) in ((repository, tag), (repository, ""))
    if purl.type not in ("oci", "docker"):
        return False
    qualifiers = purl.qualifiers if isinstance(purl.qualifiers, dict) else {}
    if purl.type == "docker":
        path = "/".join(filter(None, (purl.namespace or "library", purl.name)))
        wanted, wanted_tag = f"{qualifiers.get('repository_url', 'docker.io')}/{path}", purl.version or ""
    else:
        wanted, wanted_tag = qualifiers.get("repository_url", ""), qualifiers.get("tag", "")
        if not wanted:
            return False  # a name alone is that of many images
        if wanted.rpartition("/")[2] != purl.name:
            wanted = f"{wanted}/{purl.name}"
    return _split(wanted)[0] == repository and wanted_tag in ("", tag)


def _split(reference: str) -> tuple[str, str]:
    """The repository, in full, and the tag (empty where there is none)."""
    reference = reference.partition("@")[0].removeprefix("https://").removeprefix("oci://").removeprefix("docker://")
    path, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        path, tag = reference, ""
    first, slash, rest = path.partition("/")
    if not slash:
        path = f"docker.io/library/{path}"
    elif "." not in first and ":" not in first and first != "localhost":
        path = f"docker.io/{path}"
    elif first in ("index.docker.io", "registry-1.docker.io"):
        path = f"docker.io/{rest}"
    if path.startswith("docker.io/") and path.count("/") == 1:
        path = path.replace("docker.io/", "docker.io/library/")
    return path, tag


@lru_cache(maxsize=16384)
def _purl(text: str) -> PackageURL | None:
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def _covers(general: str, purl: str) -> bool:
    """Whether a purl in a statement speaks of a package's: all that it says must be the same."""
    one, other = _purl(general), _purl(purl)
    if one is None or other is None:
        return False
    if (one.type, one.namespace or "", one.name) != (other.type, other.namespace or "", other.name):
        return False
    if one.version and one.version != other.version:
        return False
    mine = one.qualifiers if isinstance(one.qualifiers, dict) else {}
    theirs = other.qualifiers if isinstance(other.qualifiers, dict) else {}
    return all(theirs.get(name) == value for name, value in mine.items()) and one.subpath in (None, "", other.subpath)
