"""Helm charts, rendered by the real ``helm template``, and traced back to their templates.

rendered = render_chart("charts/web", values=["production.yaml"], settings=["replicas=3"])

Nothing is fetched: a dependency that is not in ``charts/`` is an error. Test hooks are left out, as nobody deploys them. JSON schemas of values are
not applied, since they may refer to schemas on the network. ``helm`` is found on the PATH, or by ``SEAWALL_HELM``.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from seawall.core.errors import InputError
from seawall.core.location import Origin
from seawall.core.resource import Path
from seawall.io.sources.document import Document, Source, documents, value_of
from seawall.io.sources.manifests import decode, read_bytes
from seawall.io.sources.nodes import Malformed
from seawall.io.sources.rendering import Place, Rendered, Run, find_program, run, user_path, workshop
from seawall.io.sources.template_lines import Template

DESCRIPTION: Final = "Chart.yaml"
ADVICE: Final = (
    "install Helm (https://helm.sh/docs/intro/install/, or go install helm.sh/helm/v3/cmd/helm@latest), or set SEAWALL_HELM to the program"
)
KUBERNETES_VERSION: Final = "1.34.0"
"""What charts that ask for ``.Capabilities.KubeVersion`` are told by default. Helm's own default depends on how it was built."""

_SOURCE: Final = re.compile(r"# Source: (\S.*)")
_PLACES: Final = (
    re.compile(r"(?:template: |error at \()(?P<path>[^\s:()]+\.\w+):(?P<line>\d+)"),
    re.compile(r"YAML parse error on (?P<path>[^\s:]+)"),
)
_VALUES_FILE: Final = re.compile(r"cannot load (?P<path>values\.yaml):(?:.*?\bline (?P<line>\d+):)?")
_MISSING_DEPENDENCY: Final = re.compile(r"missing in charts/ directory: (.+)")


def is_chart(directory: str) -> bool:
    """Whether a directory is a chart: a ``Chart.yaml``, and something to render."""
    return os.path.isfile(os.path.join(directory, DESCRIPTION)) and any(
        os.path.isdir(os.path.join(directory, part)) for part in ("templates", "charts", "crds")
    )


def is_library(directory: str) -> bool:
    """Whether a chart is only there to be used by other charts. It cannot be rendered by itself."""
    return _describe(directory).get("type") == "library"


def render_chart(
    directory: str,
    *,
    values: Sequence[str] = (),
    settings: Sequence[str] = (),
    name: str = "release",
    namespace: str = "",
    kubernetes_version: str = "",
) -> Rendered:
    """The objects of a chart, with values files and ``key=value`` settings applied in this order, as a release of this name.

    Raises ``InputError``, with the file and line that Helm names, where the chart does not render.
    """
    chart = os.path.realpath(directory)
    if not os.path.isfile(os.path.join(chart, DESCRIPTION)):
        raise InputError(directory, f"is no chart: there is no {DESCRIPTION}")
    helm = find_program("SEAWALL_HELM", ["helm"], directory, ADVICE)
    arguments = [
        "--include-crds", "--skip-tests", f"--namespace={namespace or 'default'}",
        f"--kube-version={_full_version(kubernetes_version)}",
        *(f"--values={_csv(_values_file(path))}" for path in values),
        *(f"--set={setting}" for setting in settings),
        "--", name, chart,
    ]  # fmt: skip
    with workshop() as home:
        done = run(directory, [helm, "template", "--skip-schema-validation", *arguments], home)
        if done.status and "unknown flag: --skip-schema-validation" in done.message:  # before Helm 3.16
            done = run(directory, [helm, "template", *arguments], home)
    if done.status:
        raise _error(directory, chart, done)
    text = decode(directory, done.output)
    return Rendered(directory, text, _trace(directory, chart, text))


def _values_file(path: str) -> str:
    """The absolute path of a values file. Helm would also take an address on the network, or standard input."""
    if not os.path.isfile(path):
        raise InputError(path, "there is no such values file")
    return os.path.abspath(path)


def _full_version(version: str) -> str:
    """``1.30`` as Helm wants it. The default where none is given."""
    version = version.removeprefix("v") or KUBERNETES_VERSION
    return f"{version}.0" if version.count(".") == 1 else version


def _csv(path: str) -> str:
    """Helm reads the option as a line of CSV."""
    return '"' + path.replace('"', '""') + '"'


# Errors


def _error(directory: str, chart: str, done: Run) -> InputError:
    """What Helm says of a chart that does not render, at the file and line that it names."""
    message = " ".join(line.strip() for line in done.message.split("Use --debug flag")[0].splitlines() if line.strip().lower()[:8] != "warning:")
    message = message.removeprefix("Error: ") or f"helm ended with status {done.status} and no message"
    if done.status < 0 or message.startswith(("fatal error:", "runtime:")):
        message = f"helm broke down ({message[:200]})"
    if missing := _MISSING_DEPENDENCY.search(message):
        described = os.path.join(directory, DESCRIPTION)
        advice = f"does not render: {missing[1]} is missing in charts/; helm dependency build {directory} fetches it"
        return InputError(described, advice, _line(described))
    if match := _VALUES_FILE.search(message):
        return InputError(os.path.join(directory, match["path"]), message, int(match["line"]) if match["line"] else None)
    resolver = _Files(directory, chart)
    for pattern in _PLACES:
        for match in reversed(list(pattern.finditer(message))):  # the innermost is the cause
            if path := resolver.user_path(match["path"]):
                line = int(match["line"]) if "line" in match.groupdict() else None
                return InputError(path, f"does not render: {message}", line)
    return InputError(directory, f"does not render: {message}")


def _line(path: str) -> int | None:
    """The line at which a chart lists its dependencies."""
    lines = _read(path).splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith("dependencies:")), None)


# Origins


class ChartOrigins(Struct, frozen=True):
    """For each line of the rendered text (counted from 1) its place."""

    places: tuple[Place | None, ...]

    def of_line(self, line: int) -> Place | None:
        return self.places[line - 1] if 1 <= line <= len(self.places) else None

    def of_object(self, line: int, data: Mapping[str, Any]) -> Place | None:  # noqa: ARG002 (a line says it all)
        return self.of_line(line)

    def of_field(self, line: int, data: Mapping[str, Any], path: Path) -> Place | None:  # noqa: ARG002
        return self.of_line(line)


class _Section(Struct):
    """One document under a ``# Source:`` comment: its template as Helm names it, its first line (from 1) and its lines."""

    template: str
    start: int
    lines: list[str]


def _trace(directory: str, chart: str, text: str) -> ChartOrigins:
    lines = text.split("\n")
    places: list[Place | None] = [None] * len(lines)
    files = _Files(directory, chart)
    by_template: dict[str, list[_Section]] = {}
    for section in _sections(lines, files):
        by_template.setdefault(section.template, []).append(section)
    for template, sections in by_template.items():
        _place(files, template, sections, places)
    return ChartOrigins(tuple(places))


def _sections(lines: Sequence[str], files: "_Files") -> Iterator[_Section]:
    """The documents in the output. Helm writes the comment behind each ``---`` of its own; a CRD file may have more of those inside."""
    section: _Section | None = None
    for index, line in enumerate(lines):
        if line.rstrip("\r") != "---":
            if section is not None and index >= section.start - 1:
                section.lines.append(line)
            continue
        match = _SOURCE.fullmatch(lines[index + 1]) if index + 1 < len(lines) else None
        if match is None or files.user_path(match[1]) is None:
            match = None
        if section is not None and (match or section.lines):
            yield section
        if match is not None:
            section = _Section(match[1], index + 3, [])
        elif section is not None:
            section = _Section(section.template, index + 2, [])
    if section is not None:
        yield section


def _place(files: "_Files", template: str, sections: Sequence[_Section], places: list[Place | None]) -> None:
    path = files.user_path(template)
    if path is None:
        return
    whole = Place(Origin("helm", path))
    text = files.text(template)
    written = text.split("\n")
    traced = Template(text, verbatim="/crds/" in template).trace([section.lines for section in sections]) if text else []
    for index, section in enumerate(sections):
        for offset in range(len(section.lines)):
            number = traced[index][offset] if traced else None
            places[section.start - 1 + offset] = Place(Origin("helm", path, number), written[number - 1]) if number else whole


class _Files:
    """The files behind the names that Helm gives them: ``web/charts/cache/templates/a.yaml``, from the name of the chart, not of its directory."""

    def __init__(self, directory: str, chart: str) -> None:
        self._directory = directory
        self._chart = chart
        name = _describe(chart).get("name")
        self._name = name if isinstance(name, str) else ""
        self._charts: dict[tuple[str, ...], str | None] = {(): chart}

    def user_path(self, name: str) -> str | None:
        """The file, or the archive that it is in, as the user would open it; ``None`` if the chart has no such file."""
        found = self._find(name)
        return user_path(self._directory, found) if found else None

    def text(self, name: str) -> str:
        """The text of the file; empty if it is in an archive."""
        found = self._find(name)
        return _read(found) if found and not found.endswith((".tgz", ".tar.gz")) else ""

    def _find(self, name: str) -> str | None:
        parts = name.split("/")
        if parts[0] != self._name or any(part in ("", ".", "..") for part in parts):
            return None
        names: list[str] = []
        rest = parts[1:]
        while len(rest) > 2 and rest[0] == "charts":
            names.append(rest[1])
            rest = rest[2:]
        chart = self._subchart(tuple(names))
        if chart is None or os.path.isfile(chart):
            return chart
        found = os.path.join(chart, *rest)
        return found if os.path.isfile(found) else None

    def _subchart(self, names: tuple[str, ...]) -> str | None:
        """The directory or archive of the chart that is used under these names, outermost first."""
        if names not in self._charts:
            parent = self._subchart(names[:-1])
            self._charts[names] = parent and (parent if os.path.isfile(parent) else _dependency(parent, names[-1]))
        return self._charts[names]


def _dependency(chart: str, name: str) -> str | None:
    """The directory or archive in ``charts/`` of the dependency that is used under ``name``."""
    listed = _describe(chart).get("dependencies")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and entry.get("alias") == name and isinstance(entry.get("name"), str):
            name = entry["name"]
            break
    below = os.path.join(chart, "charts")
    try:
        entries = sorted(os.listdir(below))
    except OSError:
        return None
    for entry in entries:
        path = os.path.join(below, entry)
        if os.path.isdir(path) and _describe(path).get("name") == name:
            return path
    archives = [entry for entry in entries if re.fullmatch(re.escape(name) + r"-v?\d.*\.(?:tgz|tar\.gz)", entry)]
    return os.path.join(below, archives[0]) if len(archives) == 1 else None


def _describe(directory: str) -> dict[str, Any]:
    """What ``Chart.yaml`` says; nothing where it cannot be read (Helm says why)."""
    source = Source(DESCRIPTION, _read(os.path.join(directory, DESCRIPTION)))
    try:
        for document in documents(source):
            if isinstance(document, Document) and isinstance(value := value_of(document.root), dict):
                return value
    except Malformed:
        return {}
    return {}


def _read(path: str) -> str:
    try:
        return decode(path, read_bytes(path)) if os.path.isfile(path) else ""
    except InputError:
        return ""
