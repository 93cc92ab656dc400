"""The HTML report: well-formed, inert, complete."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from seawall.app.scan import scan
from seawall.core.finding import Status, Suppression
from seawall.core.fix import Fix
from seawall.core.location import Location, Origin
from seawall.core.policy import Policy
from seawall.core.report import Report, ScanError
from seawall.core.rule import Outcome, Rule
from seawall.core.severity import Confidence, Severity
from seawall.core.target import ResourceTarget
from seawall.core.verdict import NotEvaluated
from seawall.deploy.workload import compile_checks
from seawall.io.reports import render
from seawall.io.reports.context import Context
from seawall.io.reports.html import source
from seawall.io.reports.terminal import printable

Build = Callable[..., Any]
CORPUS = Path(__file__).parents[4] / "shared" / "data" / "corpus"
VOID = {"meta", "input", "rect"}
ELEMENTS = """
    html head meta title style body a div header h1 h2 h3 h4 h5 p strong code ul li b span small section table caption thead tbody tr th td
    svg rect input label details summary article pre mark footer
"""
ATTRIBUTES = """
    lang charset http-equiv content name class id href rel aria-labelledby aria-label role scope viewbox preserveaspectratio x y width height
    type checked for open
"""
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'--></style></title></textarea><svg onload=alert(1)>",
    "&lt;b&gt;&#60;i&#62;",
    "javascript:alert(1)",
    "<!--",
    "]]><a href=//evil.example>",
    "\u202egnp.exe\u200b\x00\x1b[31m",
]


class Page(HTMLParser):
    """Reads the page strictly: every element is one of ours, and closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS.split(), tag
        assert {name for name, _ in attrs} <= set(ATTRIBUTES.split()), attrs
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    @property
    def text(self) -> str:
        return "".join(text for tag, text in self.texts if tag != "style")

    def count(self, tag: str, class_: str = "") -> int:
        return sum(name == tag and (not class_ or class_ in (attributes.get("class") or "").split()) for name, attributes in self.elements)


def page(report: Report, **context: Any) -> Page:
    html = render("html", report, Context(**context))
    html.encode()  # no lone surrogate
    assert html.startswith("<!DOCTYPE html>\n")
    read = Page()
    read.feed(html)
    read.close()
    assert not read.open
    check_policy(read)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes in read.elements:
        assert {attributes.get("aria-labelledby") or attributes.get("for") or ids[0]} <= set(ids)
        assert re.match(r"https://|#[a-z]+$", attributes.get("href") or "#a")
    assert read.count("caption") == read.count("table")
    return read


def check_policy(read: Page) -> None:
    """Nothing runs, nothing is loaded, and the style sheet is the one that the policy names."""
    [policy] = [attributes["content"] for _, attributes in read.elements if attributes.get("http-equiv") == "Content-Security-Policy"]
    styles = [text for tag, text in read.texts if tag == "style"]
    digest = b64encode(hashlib.sha256("".join(styles).encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert read.count("style") == 1
    assert "url(" not in "".join(styles)
    assert "@import" not in "".join(styles)


def test_one_finding(finding: Build, report: Build, rules: dict[str, Rule]) -> None:
    read = page(report(finding(), outcomes={"privileged": {Outcome.FAIL: 1, Outcome.PASS: 1234}}), rules=rules)
    assert read.count("details", "object") == 1
    assert read.count("article", "finding") == 1
    assert ("mark", "privileged: true") in read.texts
    for said in (
        "Act now: 1 finding would hand over a node or the cluster.",
        "Deployment shop/web",
        "deploy/web.yaml:24:13",
        "Fix: set privileged to false safe",
        "It owns the node.",
        "Set it to <false>.",
        "trivy: KSV-0017",
        "https://kubernetes.io/docs/concepts/security/",
        "1,234",
    ):
        assert said in read.text


def test_no_findings(report: Build) -> None:
    read = page(report())
    assert "No findings." in read.text
    assert read.count("input") == 0


def test_headlines(finding: Build, report: Build) -> None:
    broken = (ScanError("broken.yaml", 3, "not valid YAML"),)
    high, low = finding(severity=Severity.HIGH), finding(severity=Severity.LOW)
    assert "Act soon: 2 findings would spare an attacker a boundary." in page(report(high, high)).text
    assert "Nothing critical or high; 1 finding to weigh. Not everything could be scanned." in page(report(low, errors=broken)).text
    nothing = report(errors=broken)
    assert "Nothing could be scanned." in page(replace(nothing, scanned=replace(nothing.scanned, files=0))).text


def test_the_numbers_add_up(finding: Build, report: Build) -> None:
    severities = [Severity.CRITICAL, *[Severity.HIGH] * 2, *[Severity.MEDIUM] * 3, Severity.UNKNOWN]
    read = page(report(*(finding(severity=severity, target=ResourceTarget("Pod", f"p{place}")) for place, severity in enumerate(severities))))
    tiles = re.findall(r"(\d+)(critical|high|medium|low|info|unknown)(?=[a-z ]+)", read.text)
    assert {name: int(count) for count, name in tiles[:6]} == {"critical": 1, "high": 2, "medium": 3, "low": 0, "info": 0, "unknown": 1}
    objects = [attributes["class"] for tag, attributes in read.elements if tag == "details" and "object" in (attributes["class"] or "")]
    assert objects == ["object r5", "object r4", "object r4", "object r3", "object r3", "object r3", "object r3"]


def test_what_is_not_an_open_finding_stands_apart(finding: Build, report: Build) -> None:
    accepted = finding(status=Status.SUPPRESSED, suppression=Suppression("comment", "known", "2031-01-01"))
    blind = NotEvaluated("netpol-missing", finding().target, "no NetworkPolicy was given to the scan")
    errors = (ScanError("broken.yaml", 3, "not valid YAML"),)
    read = page(report(accepted, finding(status=Status.BASELINE), errors=errors, not_evaluated=(blind,)))
    assert read.count("article") == 0
    cells = [text for tag, text in read.texts if tag == "td"]
    assert {"suppressed by comment: known (until 2031-01-01)", "baseline", "broken.yaml:3", "not valid YAML", "netpol-missing"} <= set(cells)


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_text_stays_text(payload: str, finding: Build, location: Build, report: Build, rules: dict[str, Rule]) -> None:
    found = finding(
        rule=payload,
        title=payload,
        message=payload,
        confidence=Confidence.LOW,
        target=ResourceTarget(kind=payload, name=payload, namespace=payload, container="a" + payload),
        locations=(location(path=payload, snippet=payload, column=1, end_column=4, field=payload, origin=Origin(payload, payload, 3)),),
        fix=Fix(safe=True, description=payload),
        aliases=(payload,),
    )
    accepted = replace(found, status=Status.SUPPRESSED, suppression=Suppression(payload, payload))
    rule = replace(rules["privileged"], id=payload, category=payload, references=(payload, f"https://x/{payload}"))
    for known in ({}, {payload: rule}):
        everything = report(found, accepted, errors=(ScanError(payload, 1, payload),), not_evaluated=(NotEvaluated(payload, found.target, payload),))
        read = page(everything, rules=known)
        assert read.text.count(printable(payload)) >= 8


def marked(location: Location) -> tuple[str, str, str]:
    parts = re.fullmatch(r'<pre><span class="line">\d+ </span>(.*)<mark>(.*)</mark>(.*)</pre>', source(location))
    assert parts
    return parts[1], parts[2], parts[3]


def test_the_region_is_marked(location: Build) -> None:
    assert marked(location()) == ("", "privileged: true", "")
    assert marked(location(column=25, end_column=29)) == ("privileged: ", "true", "")
    assert marked(location(end_line=30, end_column=1)) == ("", "privileged: true", "")
    assert marked(location(column=29, end_column=29)) == ("privileged: true", "", "")
    assert marked(location(column=500, end_column=510)) == ("privileged: true", "", "")
    assert marked(location(snippet="a" * 500 + "<" * 900 + "b" * 500, column=501, end_column=1401)) == (
        "..." + "a" * 100,
        "&lt;" * 300 + "...",
        "b" * 100 + "...",
    )
    assert source(location(snippet=UNSET)) == ""


@settings(max_examples=50)
@given(data=st.data())
def test_any_report_is_inert(reports: st.SearchStrategy[Report], rules: dict[str, Rule], data: st.DataObject) -> None:
    report = data.draw(reports)
    read = page(report, rules=rules, verbose=data.draw(st.booleans()))
    assert read.count("div", "place") == sum(finding.status is Status.OPEN for finding in report.findings)


def test_a_real_report() -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}")
    checks = compile_checks(Policy())
    report = scan([str(CORPUS / "kubernetes-goat")], checks)
    read = page(report, rules=checks.rules)
    assert read.count("div", "place") == report.summary.open > 100
    assert read.count("details", "object") == len(
        {(str(finding.target), finding.locations[0].path if finding.locations else "") for finding in report.findings}
    )


def test_no_filter_leaves_nothing(finding: Build, report: Build) -> None:
    read = page(report(finding(severity=Severity.LOW)))
    assert [attributes["id"] for tag, attributes in read.elements if tag == "input"] == ["show-1", "show-2"]
