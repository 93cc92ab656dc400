"""The vulnerabilities of a CycloneDX document as VEX: what its ``analysis`` says.

Source: the CycloneDX specification 1.4 to 1.7, ``vulnerabilities[].analysis`` and ``affects``.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from seawall.build.advisories.feeds.fields import mapping, mappings, text, texts
from seawall.build.advisories.vex import Product, Statement, Status, VexProblem

_STATES: Final = {
    "not_affected": Status.NOT_AFFECTED,
    "false_positive": Status.NOT_AFFECTED,
    "resolved": Status.FIXED,
    "resolved_with_pedigree": Status.FIXED,
    "exploitable": Status.AFFECTED,
    "in_triage": Status.UNDER_INVESTIGATION,
}
_LINK: Final = re.compile(r"urn:cdx:[^/#]+/\d+#(.+)")
"""BOM-Link: an element of a document by its serial number and version."""


def read(path: str, document: dict[str, Any]) -> Iterator[Statement | VexProblem]:
    """The statements of a parsed document; vulnerabilities without an analysis say nothing."""
    purls = _purls(document)
    metadata = mapping(document.get("metadata"))
    name = text(document.get("serialNumber")) or path
    unknown = 0
    for item in mappings(document.get("vulnerabilities")):
        analysis = mapping(item.get("analysis"))
        status = _STATES.get(text(analysis.get("state")))
        if status is None:
            if analysis.get("state"):
                yield VexProblem(path, f"{text(item.get('id'))}: {text(analysis.get('state'))!r} is no state of an analysis")
            continue
        names = tuple(dict.fromkeys(filter(None, (text(item.get("id")), *(text(entry.get("id")) for entry in mappings(item.get("references")))))))
        affected = [_product(text(entry.get("ref")), purls) for entry in mappings(item.get("affects"))]
        products = tuple(dict.fromkeys(product for product in affected if product))
        unknown += len(affected) - sum(product is not None for product in affected)
        if not names or not products:
            continue
        yield Statement(
            vulnerabilities=names,
            products=products,
            status=status,
            time=text(analysis.get("lastUpdated")) or text(analysis.get("firstIssued")) or text(metadata.get("timestamp")),
            justification=text(analysis.get("justification")),
            text=text(analysis.get("detail")) or ("false positive" if analysis.get("state") == "false_positive" else ""),
            action=", ".join(texts(analysis.get("response"))) or text(item.get("recommendation")),
            document=name,
            author=text(mapping(metadata.get("supplier")).get("name")),
        )
    if unknown:
        yield VexProblem(path, f"{unknown} components are affected of which no purl is known; what is said of them was left out")


def _product(ref: str, purls: dict[str, str]) -> Product | None:
    if link := _LINK.fullmatch(ref):
        ref = link[1]
    purl = purls.get(ref) or (ref if ref.startswith("pkg:") else "")
    return Product((purl,)) if purl else None


def _purls(document: dict[str, Any]) -> dict[str, str]:
    """The purl of each component by its reference, the root's included."""
    found: dict[str, str] = {}
    pending = [mapping(mapping(document.get("metadata")).get("component")), *mappings(document.get("components"))]
    while pending:
        item = pending.pop()
        if item.get("bom-ref") and text(item.get("purl")):
            found[text(item.get("bom-ref"))] = text(item.get("purl"))
        pending += mappings(item.get("components"))
    return found
