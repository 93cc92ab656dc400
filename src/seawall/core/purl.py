"""Package URLs: one text for a package, whatever its ecosystem.

    pkg:type/namespace/name@version?qualifiers#subpath

Source: the purl specification (ECMA-427) and its list of types. The grammar and the rules for each type are packageurl-python's; here is only how a
package of ours maps to the parts.
"""

from functools import lru_cache
from typing import Final

from msgspec.structs import replace
from packageurl import PackageURL

from seawall.core.package import Distro, Package, SourcePackage

OS_TYPES: Final = frozenset({"deb", "apk", "rpm", "alpm", "opkg"})
"""Types whose packages belong to a distribution: their namespace is its id, and they carry ``distro``."""

# Types whose name holds its namespace before this sign, as the ecosystem writes it.
_NAMESPACE_ENDS_WITH: Final = {
    "npm": "/",
    "golang": "/",
    "maven": ":",
    "composer": "/",
    "swift": "/",
    "conan": "/",
    "huggingface": "/",
    "github": "/",
    "githubactions": "/",
    "hex": "/",
    "k8s": "/",
}

# What tools call distributions whose os-release has another ID.
_DISTROS: Final = {"redhat": "rhel", "amazon": "amzn", "oracle": "ol", "rockylinux": "rocky", "alma": "almalinux", "suse": "sles"}


def purl_of(package: Package, distro: Distro | None = None) -> str:
    """The purl of a package; ``distro`` is that of the image it is in, for packages of a distribution."""
    qualifiers = dict(package.qualifiers)
    namespace, name, version = "", package.name, package.version
    if package.type in OS_TYPES:
        namespace = distro.id if distro else ""
        if package.arch:
            qualifiers["arch"] = package.arch
        if distro:
            qualifiers["distro"] = f"{distro.id}-{distro.version_id}" if distro.version_id else distro.id
        if package.module:
            qualifiers["rpmmod"] = package.module
        if package.source and (package.source.name != package.name or package.source.version != version):
            upstream = package.source.name
            qualifiers["upstream"] = upstream if package.source.version in ("", version) else f"{upstream}@{package.source.version}"
        if package.type == "rpm":
            epoch, colon, rest = version.partition(":")
            if colon and epoch.isdigit():
                qualifiers["epoch"], version = epoch, rest
    elif package.type in _NAMESPACE_ENDS_WITH:
        namespace, _, name = name.rpartition(_NAMESPACE_ENDS_WITH[package.type])
    return PackageURL(package.type, namespace or None, name, version or None, qualifiers or None).to_string()


@lru_cache(maxsize=4096)
def read_purl(text: str) -> tuple[Package, Distro | None]:
    """The package and the distribution that a purl tells of. Raises ``ValueError`` when it is no purl."""
    purl = PackageURL.from_string(text)
    given = purl.qualifiers
    qualifiers: dict[str, str] = dict(given) if isinstance(given, dict) else {}
    name, version = purl.name, purl.version or ""
    distro = None
    source = None
    arch = module = ""
    if purl.type in OS_TYPES:
        arch = qualifiers.pop("arch", "")
        module = qualifiers.pop("rpmmod", "")
        distro = _distro(purl.namespace or "", qualifiers.pop("distro", ""))
        if purl.type == "rpm" and (epoch := qualifiers.pop("epoch", "")) not in ("", "0"):
            version = f"{epoch}:{version}"
        if upstream := qualifiers.pop("upstream", ""):
            source = _upstream(upstream, version)
        if arch in ("source", "src"):  # it is a source package itself
            source = SourcePackage(name, version)
    elif purl.type in _NAMESPACE_ENDS_WITH and purl.namespace:
        name = f"{purl.namespace}{_NAMESPACE_ENDS_WITH[purl.type]}{name}"
    package = Package(type=purl.type, name=name, version=version, arch=arch, module=module, source=source, qualifiers=qualifiers, purl=text)
    return package, distro


def _upstream(text: str, version: str) -> SourcePackage:
    """The source package that a qualifier names: ``openssl``, ``openssl@3.0.11-1``, or the file of a source RPM, which some tools write."""
    if text.endswith((".src.rpm", ".nosrc.rpm")):
        parts = text.removesuffix(".rpm").rpartition(".")[0].rsplit("-", 2)
        if len(parts) == 3:
            epoch, colon, _ = version.partition(":")
            return SourcePackage(parts[0], f"{epoch}:{parts[1]}-{parts[2]}" if colon and epoch.isdigit() else f"{parts[1]}-{parts[2]}")
    name, _, own = text.partition("@")
    return SourcePackage(name, own or version)


def _distro(namespace: str, text: str) -> Distro | None:
    """``debian-12``, or the words of other tools: a codename (``bookworm``), a bare version (``3.19``), another name of the distribution."""
    found = _read_distro(namespace, text)
    return replace(found, id=_DISTROS.get(found.id, found.id)) if found else None


def _read_distro(namespace: str, text: str) -> Distro | None:
    if not text:
        return Distro(namespace) if namespace else None
    name, dash, version = text.rpartition("-")
    if not dash:
        name, version = (namespace, text) if text[0].isdigit() else (namespace or text, "")
        if not version and text != namespace:
            return Distro(name, codename=text)
    if not version[:1].isdigit():
        return Distro(namespace or name, codename=version)
    return Distro(name, version)
