"""What below a directory has to be rendered, and which files are therefore no manifests by themselves."""

import os
from collections.abc import Iterator

from msgspec import Struct

from seawall.core.errors import InputError
from seawall.io.sources import charts
from seawall.io.sources.kustomization import NAMES, Kustomization, layers, references
from seawall.io.sources.walk import walk

CHART_PARTS = ("templates", "crds", "charts", "ci")
"""The directories of a chart whose files are not manifests: ``ci`` holds values."""


class Discovery(Struct, frozen=True):
    """The charts and kustomizations to render, as directories below the one that was searched, named as :func:`walk` names files.

    ``directories`` and ``files`` (real paths) are those that are read through them.
    """

    charts: tuple[str, ...] = ()
    kustomizations: tuple[str, ...] = ()
    directories: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()

    def covers(self, path: str) -> bool:
        """Whether a file must not be read as a plain manifest."""
        real = os.path.realpath(path)
        if real in self.files:
            return True
        parent = os.path.dirname(real)
        while parent not in self.directories:
            if parent == os.path.dirname(parent):
                return False
            parent = os.path.dirname(parent)
        return True


def discover(directory: str) -> Discovery:
    """The charts and kustomizations below a directory that the project does not ignore.

    A chart inside of a chart is rendered with it, a library not at all; a kustomization that another one includes is rendered through it. Places that
    cannot be looked into are errors of the walk that reads the manifests, and not told twice.
    """
    names = (charts.DESCRIPTION, *NAMES)
    found = [path for path in walk(directory, names) if not isinstance(path, InputError)]
    described = [os.path.dirname(path) for path in found if os.path.basename(path) == charts.DESCRIPTION]
    chart_directories = [path for path in described if charts.is_chart(path)]
    parts = frozenset(os.path.realpath(os.path.join(path, part)) for path in chart_directories for part in CHART_PARTS)
    inside = Discovery(directories=parts)
    tops = [path for path in chart_directories if not inside.covers(os.path.join(path, charts.DESCRIPTION))]
    kustomized = dict.fromkeys(os.path.dirname(path) for path in found if os.path.basename(path) in NAMES)
    roots, reached = _roots([path for path in kustomized if not inside.covers(os.path.join(path, "kustomization"))])
    return Discovery(
        charts=tuple(path for path in tops if not charts.is_library(path)),
        kustomizations=tuple(roots),
        directories=parts,
        files=frozenset(_chart_files(chart_directories)) | frozenset(_kustomize_files(reached)),
    )


def _chart_files(directories: list[str]) -> Iterator[str]:
    """The files beside the templates that are settings: ``Chart.yaml``, ``values.yaml``, ``values-production.yaml``."""
    for directory in directories:
        for name in os.listdir(directory):
            if name in (charts.DESCRIPTION, "requirements.yaml") or ("values" in name and name.endswith((".yaml", ".yml", ".json"))):
                yield os.path.realpath(os.path.join(directory, name))


def _roots(directories: list[str]) -> tuple[list[str], dict[str, Kustomization]]:
    """The kustomizations that no other includes, and by real path all that are reached from them.

    Of those that only include each other in a circle one is a root too: its rendering says what is wrong.
    """
    stacks = {directory: layers(directory) for directory in directories}
    included = {inner.directory for stack in stacks.values() for inner in stack[1:]}
    targets = {directory: stack for directory, stack in stacks.items() if stack and not stack[0].is_component}
    roots = [directory for directory, stack in targets.items() if stack[0].directory not in included]
    reached = {layer.directory: layer for root in roots for layer in targets[root]}
    for directory, stack in targets.items():
        if stack[0].directory not in reached:
            roots.append(directory)
            reached |= {layer.directory: layer for layer in stack}
    # A component that nothing uses is not rendered; its resources are manifests, and its patches are not.
    unused = {stack[0].directory: stack[0] for stack in stacks.values() if stack and stack[0].is_component and stack[0].directory not in reached}
    return sorted(roots), reached | unused


def _kustomize_files(kustomizations: dict[str, Kustomization]) -> Iterator[str]:
    for kustomization in kustomizations.values():
        yield kustomization.file
        for path, text in references(kustomization):
            if not (kustomization.is_component and path[0] == "resources"):
                yield os.path.realpath(os.path.join(kustomization.directory, text))
