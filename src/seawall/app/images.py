"""Targets that hold packages: images wherever they are, root file systems, bills of materials, source trees."""

import os
from collections.abc import Iterable, Iterator

from msgspec import Struct

from seawall.app.inputs import HOLDERS, LOCKFILES
from seawall.app.packages import ImageOptions
from seawall.build.image.catalogue import Catalogue
from seawall.build.image.cataloguer import File, Problem
from seawall.build.image.inspect import Collector, Inspection, catalogue_files, inspect_image, inspect_rootfs
from seawall.core.errors import InputError, UsageError
from seawall.core.package import Distro, Package
from seawall.io.sources.image.model import Image, Platform, parse_platform
from seawall.io.sources.image.open import open_image
from seawall.io.sources.manifests import read_bytes
from seawall.io.sources.walk import walk


class Contents(Struct, frozen=True, kw_only=True):
    """The packages of one target. ``name`` is as the user wrote it without the kind; ``digest`` is an image's, else empty."""

    target: str
    name: str
    packages: tuple[Package, ...]
    distro: Distro | None = None
    digest: str = ""
    catalogue: Catalogue
    inspection: Inspection | None = None
    problems: tuple[InputError, ...] = ()

    @property
    def is_image(self) -> bool:
        return self.inspection is not None and self.inspection.image is not None


def kind_of(target: str) -> tuple[str, str]:
    """The kind of a target (empty: a path) and the rest of it."""
    kind, colon, rest = target.partition(":")
    return (kind, rest) if colon and kind in HOLDERS else ("", target)


def contents_of(target: str, options: ImageOptions = ImageOptions()) -> Contents:
    """Read a target. Raises ``InputError`` when nothing of it can be read."""
    kind, rest = kind_of(target)
    if not rest:
        raise UsageError(f"{target}: what follows {kind}: is missing")
    match kind:
        case "rootfs":
            return _inspected(target, rest, inspect_rootfs(rest))
        case "sbom":
            return _bill(target, rest)
        case "":
            return _tree(target, rest)
        case _:
            return _inspected(target, rest, inspect_image(open_target(target, options)))


def open_target(target: str, options: ImageOptions = ImageOptions()) -> Image:
    """The image that a target names. Raises ``InputError`` or ``UsageError``."""
    kind, rest = kind_of(target)
    platform = _platform(options.platform)
    if kind == "image":
        from seawall.io.sources.registry.options import RegistryOptions
        from seawall.io.sources.registry.source import open_registry_image  # HTTP, for registries only

        reached = RegistryOptions(mirrors=_mirrors(options.mirrors), plain_http=frozenset(options.plain_http), ca_file=options.ca_file)
        return open_registry_image(rest, platform, reached)
    if kind in ("oci", "archive"):
        return open_image(target, platform)
    raise UsageError(f"{target} is no image; one is named by image:REF, oci:DIR[:tag] or archive:FILE")


def _mirrors(given: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """``REGISTRY=MIRROR`` as pairs; several mirrors of one registry are asked in their order."""
    found: dict[str, tuple[str, ...]] = {}
    for text in given:
        registry, equals, mirror = text.partition("=")
        if not equals or not registry or not mirror:
            raise UsageError(f"--mirror {text}: write REGISTRY=HOST[:PORT][/PREFIX]")
        found[registry] = (*found.get(registry, ()), mirror)
    return found


def _platform(text: str) -> Platform | None:
    try:
        return parse_platform(text) if text else None
    except ValueError as error:
        raise UsageError(f"--platform: {error}") from None


def _inspected(target: str, name: str, found: Inspection) -> Contents:
    catalogue = found.catalogue
    return Contents(
        target=target,
        name=name,
        packages=catalogue.packages,
        distro=catalogue.distro,
        digest=found.image.digest if found.image else "",
        catalogue=catalogue,
        inspection=found,
        problems=found.problems,
    )


def _bill(target: str, path: str) -> Contents:
    from seawall.build.sbom.read import read_sbom

    bill = read_sbom(read_bytes(path), path)
    problems = tuple(_error(path, problem) for problem in bill.problems)
    if not bill.format:
        raise problems[0] if problems else InputError(path, "is no bill of materials that is known")
    catalogue = Catalogue(packages=bill.packages, distro=bill.distro, problems=bill.problems)
    return Contents(target=target, name=bill.subject or path, packages=bill.packages, distro=bill.distro, catalogue=catalogue, problems=problems)


def _tree(target: str, path: str) -> Contents:
    """The lockfiles below a directory, or a single one."""
    if os.path.isdir(path):
        return lockfiles(target, walk(path, suffixes=LOCKFILES))
    if os.path.exists(path) and not Collector().of(os.path.normpath(path).lstrip("/")):
        raise InputError(path, "is no lockfile that is known; an image is named by archive:FILE, a bill of materials by sbom:FILE")
    if not os.path.exists(path):
        raise InputError(path, "does not exist; an image in a registry is named by image:REF")
    return lockfiles(target, (path,))


def lockfiles(target: str, paths: Iterable[str | InputError]) -> Contents:
    """The packages that some lockfiles name. Errors among the paths become problems."""
    problems: list[InputError] = []
    catalogue = catalogue_files(_files(paths, problems))
    problems += [_error("", problem) for problem in catalogue.problems]
    return Contents(target=target, name=target, packages=catalogue.packages, catalogue=catalogue, problems=tuple(problems))


def _files(paths: Iterable[str | InputError], problems: list[InputError]) -> Iterator[File]:
    collector = Collector()
    for item in paths:
        if isinstance(item, InputError):
            problems.append(item)
        elif collector.of(os.path.normpath(item).lstrip("/")):
            try:
                yield File(item, read_bytes(item))
            except InputError as error:
                problems.append(error)


def _error(path: str, problem: Problem) -> InputError:
    return InputError(problem.path or path, problem.message, problem.line)
