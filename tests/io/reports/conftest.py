"""Findings and reports to render: a builder for examples, and a strategy for anything that a hostile manifest could make a rule say."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from seawall.core.errors import InputError
from seawall.core.finding import Evidence, Finding, Status, Suppression
from seawall.core.fix import Edit, Fix
from seawall.core.location import Location, Origin
from seawall.core.report import Report, ScanError, Scanned, summarize
from seawall.core.rule import Control, Explanation, Outcome, Parameter, Phase, Rule
from seawall.core.severity import Confidence, Severity
from seawall.core.target import FileTarget, ImageTarget, NodeTarget, ResourceTarget, SubjectTarget, Target
from seawall.core.verdict import NotEvaluated

TARGET = ResourceTarget(kind="Deployment", name="web", namespace="shop", api_version="apps/v1", container="app")

RULE = Rule(
    id="privileged",
    title="Container runs privileged",
    severity=Severity.CRITICAL,
    phase=Phase.DEPLOY,
    category="isolation",
    explanation=Explanation("A container that\n    runs privileged.", "It owns the node.\n\nReally {so}.", "Set it to <false>.", "None."),
    aliases={"trivy": ("KSV-0017",)},
    controls=(Control("cis-kubernetes-1.12", "5.2.2"), Control("pss-baseline", "privileged")),
    references=("https://kubernetes.io/docs/concepts/security/",),
    parameters=(Parameter("allowed", "Names that pass.", ("node-agent",)),),
)


@pytest.fixture(scope="session")
def rules() -> Mapping[str, Rule]:
    return {RULE.id: RULE}


@pytest.fixture(scope="session")
def location() -> Callable[..., Location]:
    """A location of the field ``privileged`` with a line of source; arguments replace its parts."""

    def build(**changes: Any) -> Location:
        line = "            privileged: true"
        field = "spec.template.spec.containers[0].securityContext.privileged"
        return replace(Location("deploy/web.yaml", 24, 13, 24, 29, field=field, snippet=line), **changes)

    return build


@pytest.fixture(scope="session")
def finding(location: Callable[..., Location]) -> Callable[..., Finding]:
    """A finding as the rule ``privileged`` makes it; arguments replace its parts."""

    def build(**changes: Any) -> Finding:
        usual = Finding(
            rule="privileged",
            severity=Severity.CRITICAL,
            confidence=Confidence.HIGH,
            title="Container runs privileged",
            message="container app sets privileged: true",
            target=TARGET,
            locations=(location(),),
            evidence=(Evidence("value", True),),
            fix=Fix(safe=True, description="set privileged to false"),
            fingerprint="sha256:" + "0" * 64,
        )
        return replace(usual, **changes)

    return build


@pytest.fixture(scope="session")
def report() -> Callable[..., Report]:
    """A report of some findings; arguments replace its parts."""

    def build(*findings: Finding, **changes: Any) -> Report:
        scanned = Scanned(targets=("deploy",), files=12, resources=31, seconds=0.21)
        return replace(Report(scanned=scanned, findings=findings, summary=summarize(findings)), **changes)

    return build


# What hostile input can bring: any character at all in names and messages, any bytes in file names.
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=12)
SLUGS = st.from_regex(r"[a-z]{1,8}(-[a-z]{1,8})?", fullmatch=True)
PATHS = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name).map(lambda name: name.decode("utf-8", "surrogateescape")) | st.just(
    "-"
)
PLACES = st.tuples(st.integers(1, 10**6), st.integers(1, 200), st.integers(0, 3), st.integers(1, 200)).map(
    lambda place: (place[0], place[1], place[0] + place[2], place[3] if place[2] else max(place[1], place[3]))
)


@st.composite
def locations(draw: st.DrawFn) -> Location:
    origin = draw(st.none() | st.builds(Origin, tool=st.just("helm"), path=PATHS, line=st.none() | st.integers(1, 99)))
    snippet = draw(st.just(UNSET) | st.text(st.characters(exclude_categories=(), exclude_characters="\n"), max_size=30).map(lambda text: text * 5))
    line, column, end_line, end_column = draw(PLACES)
    return Location(draw(PATHS), line, column, end_line, end_column, field=draw(st.none() | ANYTHING), origin=origin, snippet=snippet)


@st.composite
def edits(draw: st.DrawFn) -> Edit:
    line, column, end_line, end_column = draw(PLACES)
    return Edit(draw(PATHS), line, column, end_line, end_column, old=draw(ANYTHING), new=draw(ANYTHING))


def targets() -> st.SearchStrategy[Target]:
    return st.one_of(
        st.builds(ResourceTarget, kind=ANYTHING, name=ANYTHING, namespace=ANYTHING, container=ANYTHING),
        st.builds(ImageTarget, reference=ANYTHING),
        st.builds(FileTarget, path=PATHS),
        st.builds(NodeTarget, name=ANYTHING),
        st.builds(SubjectTarget, kind=st.just("User"), name=ANYTHING),
    )


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    status = draw(st.sampled_from(Status))
    suppressions = st.none() | st.builds(
        Suppression, source=st.sampled_from(["comment", "policy"]), reason=ANYTHING, until=st.none() | st.just("2031-01-01")
    )
    return Finding(
        rule=draw(SLUGS | st.just(RULE.id)),
        severity=draw(st.sampled_from(Severity)),
        confidence=draw(st.sampled_from(Confidence)),
        title=draw(ANYTHING),
        message=draw(ANYTHING),
        target=draw(targets()),
        locations=tuple(draw(st.lists(locations(), max_size=3))),
        evidence=tuple(draw(st.lists(st.builds(Evidence, what=ANYTHING, value=ANYTHING | st.integers() | st.none()), max_size=2))),
        fix=draw(st.none() | st.builds(Fix, safe=st.booleans(), description=ANYTHING, edits=st.lists(edits(), max_size=3).map(tuple))),
        fingerprint=draw(st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)),
        status=status,
        suppression=draw(suppressions) if status is Status.SUPPRESSED else None,
    )


@st.composite
def any_report(draw: st.DrawFn) -> Report:
    found = tuple(draw(st.lists(findings(), max_size=4)))
    errors = st.builds(lambda path, message, line: ScanError.of(InputError(path, message, line)), PATHS, ANYTHING, st.none() | st.integers(1, 10**6))
    outcomes = st.dictionaries(SLUGS, st.dictionaries(st.sampled_from(Outcome), st.integers(1, 99), max_size=3), max_size=3)
    return Report(
        scanned=Scanned(
            targets=tuple(draw(st.lists(PATHS, max_size=2))), files=draw(st.integers(0, 3)), resources=draw(st.integers(0, 3)), seconds=0.5
        ),
        findings=found,
        not_evaluated=tuple(draw(st.lists(st.builds(NotEvaluated, rule=SLUGS, target=targets(), reason=ANYTHING), max_size=3))),
        errors=tuple(draw(st.lists(errors, max_size=2))),
        summary=summarize(found),
        outcomes=draw(outcomes),
    )


@pytest.fixture(scope="session")
def reports() -> st.SearchStrategy[Report]:
    """Reports of anything that hostile input could make the rules say."""
    return any_report()


@pytest.fixture(scope="session")
def any_location() -> st.SearchStrategy[Location]:
    return locations()
