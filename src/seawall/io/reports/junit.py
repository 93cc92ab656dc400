"""JUnit XML for the test view of CI systems: a suite for each file with a case for each rule and object, and a suite of the rules that found nothing.

The elements and attributes are those that the readers of Ant, Jenkins and GitLab have in common.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final
from xml.etree import ElementTree as ET

from seawall.core.finding import Finding, Status
from seawall.core.report import Report, ScanError
from seawall.core.rule import Outcome
from seawall.io.reports import phrases
from seawall.io.reports.context import Context

# Everything but the Char production of XML 1.0, which has no way to write the rest, not even as a reference.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
RULES: Final = "seawall.rules"


def render(report: Report, context: Context) -> Iterator[str]:  # noqa: ARG001 (all renderers are called alike)
    """One document: the files in the order of the findings, then those with nothing but errors, then those without either, then the rules."""
    suites = [*_files(report), _suite(RULES, _rules(report))]
    totals = {name: sum(int(suite.attrib[name]) for suite in suites) for name in _COUNTED}
    counts = " ".join(f'{name}="{count}"' for name, count in totals.items())
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="seawall" {counts} time="{report.scanned.seconds:.3f}">\n'
    for suite in suites:
        ET.indent(suite, level=1)
        yield f"  {ET.tostring(suite, encoding='unicode')}\n"
    yield "</testsuites>\n"


_COUNTED: Final = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error", "skipped": "testcase/skipped"}


def _suite(name: str, cases: Iterable[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", name=_legal(name))
    suite.extend(cases)
    suite.attrib |= {name: str(len(suite.findall(path))) for name, path in _COUNTED.items()}
    return suite


def _files(report: Report) -> Iterator[ET.Element]:
    findings: dict[str, dict[tuple[str, str], list[Finding]]] = defaultdict(lambda: defaultdict(list))
    errors: dict[str, list[ScanError]] = defaultdict(list)
    for finding in report.findings:
        about = phrases.subject(finding.target)
        findings[phrases.file(finding.locations[0].path) if finding.locations else about][finding.rule, about].append(finding)
    for error in report.errors:
        errors[phrases.file(error.path)].append(error)
    for file in dict.fromkeys([*findings, *errors, *map(phrases.file, report.scanned.paths)]):
        cases = [_judged(file, f"{rule}: {about}", same) for (rule, about), same in findings.get(file, {}).items()]
        cases += [_failed(file, error) for error in errors.get(file, ())]
        yield _suite(file, cases or [_case("no findings", file)])


def _judged(file: str, name: str, findings: list[Finding]) -> ET.Element:
    """The case of one rule on one object: it fails while one of its findings is open."""
    case = _case(name, file)
    opened = [finding for finding in findings if finding.status is Status.OPEN]
    if opened:
        worst = max(opened, key=lambda finding: finding.severity.rank)
        failure = ET.SubElement(case, "failure", type=worst.severity.value, message=_legal(worst.message))
        failure.text = _legal("\n".join(map(_details, opened)))
    else:
        ET.SubElement(case, "skipped", message=_legal(phrases.status(findings[0])))
    return case


def _details(finding: Finding) -> str:
    places = [phrases.place(location) for location in finding.locations[:1]]
    fix = f"\n  fix: {finding.fix.description}" if finding.fix else ""
    return f"{': '.join([*places, finding.severity.value, finding.message])}{fix}"


def _failed(file: str, error: ScanError) -> ET.Element:
    case = _case("readable", file)
    ET.SubElement(case, "error", type="input", message=_legal(error.message)).text = _legal(phrases.error(error))
    return case


def _rules(report: Report) -> Iterator[ET.Element]:
    """The rules that found nothing, told apart: passed, not evaluated, nothing to judge. Those that found something stand with the files."""
    reasons: dict[str, dict[str, None]] = defaultdict(dict)
    for item in report.not_evaluated:
        reasons[item.rule][item.reason] = None
    for rule in dict.fromkeys([*report.outcomes, *reasons]):
        outcomes = report.outcomes.get(rule, {})
        if rule not in reasons and Outcome.FAIL in outcomes:
            continue
        case = _case(rule, RULES)
        if rule in reasons:
            ET.SubElement(case, "skipped", message=_legal(f"not evaluated: {'; '.join(reasons[rule])}"))
        elif Outcome.PASS not in outcomes:
            ET.SubElement(case, "skipped", message="not applicable")
        yield case


def _case(name: str, file: str) -> ET.Element:
    return ET.Element("testcase", name=_legal(name), classname=_legal(file))


def _legal(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
