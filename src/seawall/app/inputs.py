"""What the targets of a command name: files, directories and all that is in them, charts and kustomizations; and the objects of each."""

import os
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from seawall.core.errors import InputError
from seawall.core.resource import Resource
from seawall.io.sources.charts import render_chart
from seawall.io.sources.discovery import discover
from seawall.io.sources.document import Source
from seawall.io.sources.kustomize import render_kustomization
from seawall.io.sources.manifests import read_manifest, resources
from seawall.io.sources.rendering import Rendered, resources_of
from seawall.io.sources.walk import MANIFEST_SUFFIXES, walk

LOCKFILES: Final = (
    "conan.lock", "conda-lock.yml", "conda-lock.yaml", "pubspec.lock", "packages.config", "packages.lock.json", ".csproj", ".fsproj", ".vbproj",
    "Directory.Packages.props", "project.assets.json", "mix.lock", "rebar.lock", "go.mod", "cabal.project.freeze", "stack.yaml.lock",
    "gradle.lockfile", ".lockfile", "pom.xml", "bun.lock", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock",
    "Manifest.toml", "cpanfile.snapshot", "composer.lock", "pdm.lock", "Pipfile.lock", "poetry.lock", "pylock.toml", ".txt",
    "uv.lock", "renv.lock", "Gemfile.lock", "gems.locked", "Cargo.lock", "Package.resolved", "Podfile.lock",
)  # fmt: skip
"""Ends of the names of files that may say which packages a source tree uses: those that a walk stops at. The cataloguers know them exactly."""


class Reading(Struct, frozen=True, kw_only=True):
    """How inputs are read. ``values`` (files) and ``set`` (``key=value``) are for the charts, ``kubernetes_version`` is what they are told.

    ``texts`` stand in for the files of these paths.
    """

    values: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    kubernetes_version: str = ""
    texts: Mapping[str, str] = {}


HOLDERS: Final = ("image", "oci", "archive", "rootfs", "sbom")
"""Kinds of target that hold packages: images wherever they are, root file systems, bills of materials."""


class Kind(StrEnum):
    """How an input becomes objects, or, for the last two, packages."""

    MANIFEST = "manifest"
    CHART = "chart"
    KUSTOMIZATION = "kustomize"
    LOCKFILE = "lockfile"
    PACKAGES = "packages"


class Input(Struct, frozen=True):
    """A file to read or a directory to render. ``found`` says that a directory above it was named, not the input itself."""

    path: str
    size: int = 0
    found: bool = False
    kind: Kind = Kind.MANIFEST


def find_inputs(targets: Sequence[str]) -> Iterator[Input | InputError]:
    """What the targets name: ``chart:DIR``, ``kustomize:DIR``, images and the like, files, ``-``, and directories with all that is in them."""
    for target in targets:
        prefix, colon, rest = target.partition(":")
        if colon and prefix in (Kind.CHART, Kind.KUSTOMIZATION):
            yield Input(rest, kind=Kind(prefix))
        elif colon and prefix in HOLDERS:
            yield Input(target, kind=Kind.PACKAGES)
        elif target != "-" and os.path.isdir(target):
            yield from _below(target)
        else:
            yield Input(target, _size(target), kind=Kind.LOCKFILE if _is_lockfile(target) else Kind.MANIFEST)


def _below(directory: str) -> Iterator[Input | InputError]:
    """Charts and kustomizations are rendered; their parts are no manifests of their own."""
    discovery = discover(directory)
    for kind, places in ((Kind.CHART, discovery.charts), (Kind.KUSTOMIZATION, discovery.kustomizations)):
        for place in places:
            yield Input(place, found=True, kind=kind)
    for path in walk(directory, (*MANIFEST_SUFFIXES, *LOCKFILES)):
        if isinstance(path, InputError):
            yield path
        elif _is_lockfile(path):
            yield Input(path, found=True, kind=Kind.LOCKFILE)
        elif path.endswith(MANIFEST_SUFFIXES) and not discovery.covers(path):
            yield Input(path, _size(path), found=True)


def _is_lockfile(path: str) -> bool:
    return path.endswith(LOCKFILES) and (not path.endswith(".txt") or "requirements" in path)


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except (OSError, ValueError):
        return 0  # reading it says what is wrong with it


def read_objects(item: Input, reading: Reading, rendered: dict[str, Rendered]) -> Iterator[Resource | InputError]:
    """The objects of an input. What was rendered is kept in ``rendered``."""
    if item.kind is Kind.MANIFEST:
        return read(item.path, reading, rendered, found=item.found)
    try:
        if item.kind is Kind.CHART:
            rendered[item.path] = render_chart(item.path, values=reading.values, settings=reading.set, kubernetes_version=reading.kubernetes_version)
        else:
            rendered[item.path] = render_kustomization(item.path)
    except InputError as error:
        return iter([error])
    return resources_of(rendered[item.path])


def read(path: str, reading: Reading, rendered: Mapping[str, Rendered], *, found: bool = False) -> Iterator[Resource | InputError]:
    if path in rendered:
        return resources_of(rendered[path])
    if path in reading.texts:
        return resources(Source(path, reading.texts[path]))
    return read_manifest(path, found=found)
