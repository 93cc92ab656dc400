"""Each control at every version and level, with the exact field and line: ``cases/*.yaml``.

A file says in its first line which controls it is about. A comment ``# fails LEVEL VERSIONS: FIELD`` stands on the line where the failure must
point: LEVEL is baseline, restricted or both; VERSIONS are ``v1.22+`` or ``v1.0-v1.18``; FIELD is the end of the field's path. What no comment
expects must not be found.
"""

import re
from pathlib import Path

import pytest

from seawall.core.pod import pods
from seawall.core.resource import Resource
from seawall.core.verdict import Failure
from seawall.deploy.workload.pss.levels import CONTROLS, NEWEST, Level, controls, revisions
from seawall.io.sources.manifests import read_manifest

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
EXPECTATION = re.compile(r"fails (baseline|restricted|both) v1\.(\d+)(\+|-v1\.(\d+)): ([^;\s]+)")


def about(path: Path) -> set[str]:
    heading, names = path.read_text().splitlines()[0].split(":")
    assert heading == "# controls"
    return set(names.split())


def expected(path: Path, level: Level, minor: int) -> list[tuple[int, str]]:
    """The line and the end of the field of every failure that there must be."""
    places = []
    for number, line in enumerate(path.read_text().splitlines()[1:], 2):
        _, _, comment = line.partition("  # ")
        found = EXPECTATION.findall(comment)
        assert len(found) == comment.count("fails"), f"{path.name}:{number}: {comment}"
        for where, since, _, until, field in found:
            if where in (level.value, "both") and int(since) <= minor <= int(until or NEWEST):
                places.append((number, field))
    return places


def found(path: Path, level: Level, minor: int) -> list[tuple[int, str]]:
    """The line and the field of every failure of the controls that the file is about."""
    names = about(path)
    resources = [resource for resource in read_manifest(str(path)) if isinstance(resource, Resource)]
    places = []
    for pod in (pod for resource in resources for pod in pods(resource)):
        for control in controls(level, minor):
            if control.name in names:
                for _, judge in revisions(control, minor):
                    failures = list(judge(pod))
                    assert all(isinstance(failure, Failure) for failure in failures)
                    places += [(failure.field.locate().line, str(failure.field)) for failure in failures]
    return places


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("level", [Level.BASELINE, Level.RESTRICTED])
def test_failures_are_exactly_the_expected_ones_at_every_version(path: Path, level: Level) -> None:
    for minor in range(NEWEST + 1):
        missing, surplus = expected(path, level, minor), []
        for line, field in found(path, level, minor):
            match = next((place for place in missing if place[0] == line and field.endswith(place[1])), None)
            if match:
                missing.remove(match)
            else:
                surplus.append((line, field))
        assert (missing, surplus) == ([], []), f"v1.{minor}"


def test_every_control_has_cases() -> None:
    assert set().union(*map(about, CASES)) == {control.name for control in CONTROLS}
