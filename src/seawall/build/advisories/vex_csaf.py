"""CSAF 2.0 documents as VEX: what a vendor says of its products.

Source: OASIS, "Common Security Advisory Framework Version 2.0", sections 3.2.2 (product tree), 3.2.3 (vulnerabilities) and 4.5 (profile 5, VEX).

A product counts where it can be told which package it is: by a purl, of itself or of the component that a relationship puts on a platform. A platform
that is a release of Red Hat Enterprise Linux (by CPE) limits its components to that release. Products that are only named are left out, and counted.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from seawall.build.advisories.feeds.fields import mapping, mappings, text, texts
from seawall.build.advisories.vex import Product, Statement, Status, VexProblem

MAX_DEPTH: Final = 60
MAX_PRODUCTS: Final = 500_000

_STATUSES: Final = {
    "known_not_affected": Status.NOT_AFFECTED,
    "fixed": Status.FIXED,
    "first_fixed": Status.FIXED,
    "known_affected": Status.AFFECTED,
    "first_affected": Status.AFFECTED,
    "last_affected": Status.AFFECTED,
    "under_investigation": Status.UNDER_INVESTIGATION,
}
_RED_HAT: Final = re.compile(r"cpe:(?:/o|2\.3:o):redhat:enterprise_linux:(\d+)(?:[.:]|\Z)")
_FIXES: Final = ("vendor_fix", "mitigation", "workaround", "none_available", "no_fix_planned")


class _Component(Struct, frozen=True):
    """A product of the tree: its purls and digests, and the distribution that it is, if it is one."""

    purls: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    platform: str = ""


def read(path: str, document: dict[str, Any]) -> Iterator[Statement | VexProblem]:
    """The statements of a parsed document: one for each vulnerability, status and reason."""
    about = mapping(document.get("document"))
    tracking = mapping(about.get("tracking"))
    name = text(tracking.get("id")) or path
    author = text(mapping(about.get("publisher")).get("name"))
    time = text(tracking.get("current_release_date"))
    if text(tracking.get("status")) == "draft":
        yield VexProblem(path, "is a draft; its statements do not count")
        return
    products, problems = _products(mapping(document.get("product_tree")))
    for problem in problems:
        yield VexProblem(path, problem)
    groups = {
        text(group.get("group_id")): texts(group.get("product_ids"))
        for group in mappings(mapping(document.get("product_tree")).get("product_groups"))
    }
    unknown = 0
    for item in mappings(document.get("vulnerabilities")):
        names = tuple(dict.fromkeys(filter(None, (text(item.get("cve")), *(text(entry.get("text")) for entry in mappings(item.get("ids")))))))
        if not names:
            yield VexProblem(path, "a vulnerability without a CVE or another id")
            continue
        labels = _by_product(mappings(item.get("flags")), "label", groups)
        impacts = _by_product([entry for entry in mappings(item.get("threats")) if entry.get("category") == "impact"], "details", groups)
        actions = _by_product([entry for entry in mappings(item.get("remediations")) if entry.get("category") in _FIXES], "details", groups)
        told: dict[tuple[Status, str, str, str], list[Product]] = {}
        without_reason = 0
        for key, status in _STATUSES.items():
            for product in texts(mapping(item.get("product_status")).get(key)):
                found = products.get(product)
                if found is None:
                    unknown += 1
                    continue
                label, impact = labels.get(product, ""), impacts.get(product, "")
                if status is Status.NOT_AFFECTED and not label and not impact:
                    without_reason += 1
                    continue
                told.setdefault((status, label, impact, actions.get(product, "")), []).append(found)
        if without_reason:
            yield VexProblem(path, f"{names[0]}: {without_reason} products are not affected without a reason (flag or impact); they do not count")
        for (status, label, impact, action), found_products in told.items():
            yield Statement(
                vulnerabilities=names,
                products=tuple(dict.fromkeys(found_products)),
                status=status,
                time=time,
                justification=label,
                text=impact,
                action=action,
                document=name,
                author=author,
            )
    if unknown:
        yield VexProblem(path, f"{unknown} products are named, but not by a purl; what is said of them was left out")


def _by_product(entries: list[dict[str, Any]], field: str, groups: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """What entries say of each product. One that names none speaks of no product in particular, and is left out."""
    found: dict[str, str] = {}
    for entry in entries:
        for product in (*texts(entry.get("product_ids")), *(one for group in texts(entry.get("group_ids")) for one in groups.get(group, ()))):
            found.setdefault(product, text(entry.get(field)))
    return found


def _products(tree: dict[str, Any]) -> tuple[dict[str, Product], list[str]]:
    """The products that can be told, by their id in the document."""
    components: dict[str, _Component] = {}
    problems: list[str] = []
    for item in mappings(tree.get("full_product_names")):
        _add(item, components)
    pending = [(branch, 1) for branch in mappings(tree.get("branches"))]
    while pending and len(components) < MAX_PRODUCTS:
        branch, depth = pending.pop()
        if isinstance(branch.get("product"), dict):
            _add(branch["product"], components)
        if depth >= MAX_DEPTH and branch.get("branches"):
            problems.append(f"branches of the product tree deeper than {MAX_DEPTH} were left out")
            continue
        pending += [(child, depth + 1) for child in mappings(branch.get("branches"))]
    products = {name: Product(found.purls, found.digests) for name, found in components.items() if found.purls or found.digests}
    for item in mappings(tree.get("relationships")):
        part = components.get(text(item.get("product_reference")))
        whole = components.get(text(item.get("relates_to_product_reference")))
        name = text(mapping(item.get("full_product_name")).get("product_id"))
        if not name or part is None or whole is None or not part.purls:
            continue
        if whole.purls or whole.digests:
            products[name] = Product(whole.purls, whole.digests, part.purls)
        elif whole.platform:
            products[name] = Product(part.purls, platform=whole.platform)
        elif all("@" in purl for purl in part.purls):
            products[name] = Product(part.purls)  # a version is of one place, whatever the platform is called
    return products, list(dict.fromkeys(problems))


def _add(item: dict[str, Any], components: dict[str, _Component]) -> None:
    name = text(item.get("product_id"))
    if not name:
        return
    helper = mapping(item.get("product_identification_helper"))
    purls = tuple(filter(None, (text(helper.get("purl")), *texts(helper.get("purls")))))
    digests = tuple(
        f"sha256:{text(entry.get('value')).lower()}"
        for group in mappings(helper.get("hashes"))
        for entry in mappings(group.get("file_hashes"))
        if text(entry.get("algorithm")).lower() == "sha256" and text(entry.get("value"))
    )
    release = _RED_HAT.match(text(helper.get("cpe")))
    components[name] = _Component(purls, digests, f"rhel-{release[1]}" if release else "")
