"""OpenVEX, read and written.

Source: the OpenVEX specification 0.2.0 (https://github.com/openvex/spec); documents of 0.0.1, which name products by plain texts, are read too.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from seawall.build.advisories.feeds.fields import mapping, mappings, text, texts
from seawall.build.advisories.vex import Product, Statement, Status, VexProblem, is_time

CONTEXT: Final = "https://openvex.dev/ns/v0.2.0"
MAX_STATEMENTS: Final = 200_000

JUSTIFICATIONS: Final = frozenset(
    {
        "component_not_present",
        "vulnerable_code_not_present",
        "vulnerable_code_not_in_execute_path",
        "vulnerable_code_cannot_be_controlled_by_adversary",
        "inline_mitigations_already_exist",
    }
)
_DIGESTS: Final = {"sha-256": "sha256:", "sha256": "sha256:", "sha-512": "sha512:", "sha512": "sha512:"}


def read(path: str, document: dict[str, Any]) -> Iterator[Statement | VexProblem]:
    """The statements of a parsed document. ``path`` names it in problems and where no ``@id`` does."""
    author = text(document.get("author"))
    common = text(document.get("last_updated")) or text(document.get("timestamp"))
    products = _products(document.get("products"))
    statements = mappings(document.get("statements"))
    if not statements:
        yield VexProblem(path, "holds no statement")
    for number, item in enumerate(statements[:MAX_STATEMENTS], start=1):
        statement = _statement(item, products)
        if isinstance(statement, str):
            yield VexProblem(path, f"statement {number}: {statement}")
            continue
        time = text(item.get("last_updated")) or text(item.get("timestamp")) or common
        if time and not is_time(time):
            yield VexProblem(path, f"statement {number}: {time!r} is no time; it counts as older than all others")
        names, found, status = statement
        yield Statement(
            vulnerabilities=names,
            products=found,
            status=status,
            time=time,
            justification=text(item.get("justification")),
            text=text(item.get("impact_statement")) or text(item.get("status_notes")),
            action=text(item.get("action_statement")),
            document=text(document.get("@id")) or path,
            author=author,
        )
    if len(statements) > MAX_STATEMENTS:
        yield VexProblem(path, f"more than {MAX_STATEMENTS:,} statements; the rest was left out")


def _statement(item: dict[str, Any], common: tuple[Product, ...]) -> tuple[tuple[str, ...], tuple[Product, ...], Status] | str:
    """The parts that decide, or why the statement cannot count."""
    told = item.get("vulnerability")
    about = {"name": told} if isinstance(told, str) else mapping(told)
    names = tuple(name for name in (text(about.get("name")), *texts(about.get("aliases"))) if name) or tuple(filter(None, (text(about.get("@id")),)))
    if not names:
        return "names no vulnerability"
    products = _products(item.get("products")) or common
    if not products:
        return f"{names[0]}: names no product"
    try:
        status = Status(text(item.get("status")))
    except ValueError:
        return f"{names[0]}: {text(item.get('status'))!r} is no status"
    justification = text(item.get("justification"))
    if status is Status.NOT_AFFECTED:
        if not justification and not text(item.get("impact_statement")):
            return f"{names[0]}: not_affected needs a justification or an impact_statement"
        if justification and justification not in JUSTIFICATIONS:
            return f"{names[0]}: {justification!r} is no justification"
    return names, products, status


def _products(value: object) -> tuple[Product, ...]:
    found = []
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str):
            found.append(Product((item,)))
        elif isinstance(item, dict):
            ids, digests = _component(item)
            subcomponents = [
                name
                for part in item.get("subcomponents") or ()
                if isinstance(part, (str, dict))
                for name in ((part,) if isinstance(part, str) else _component(part)[0])
            ]
            if ids or digests:
                found.append(Product(ids, digests, tuple(subcomponents)))
    return tuple(found)


def _component(item: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names and digests of a product or a part of one."""
    identifiers = mapping(item.get("identifiers"))
    ids = dict.fromkeys(name for name in (text(item.get("@id")), text(identifiers.get("purl"))) if name)
    digests = tuple(
        f"{_DIGESTS[algorithm]}{text(digest).lower()}" for algorithm, digest in mapping(item.get("hashes")).items() if algorithm in _DIGESTS
    )
    return tuple(ids), digests


def write(statements: Iterable[Statement], *, author: str, time: str) -> dict[str, Any]:
    """A document with these statements. ``author`` is who stands for it, ``time`` when it was made (RFC 3339).

    Its ``@id`` is made of its contents, so that the same statements give the same document.
    """
    told = [_told(statement) for statement in statements]
    digest = hashlib.sha256(json.dumps([author, told], sort_keys=True).encode(errors="surrogatepass")).hexdigest()
    return {
        "@context": CONTEXT,
        "@id": f"https://openvex.dev/docs/public/vex-{digest}",
        "author": author,
        "timestamp": time,
        "version": 1,
        "statements": told,
    }


def _told(statement: Statement) -> dict[str, Any]:
    name, *aliases = statement.vulnerabilities
    told: dict[str, Any] = {"vulnerability": {"name": name, **({"aliases": aliases} if aliases else {})}}
    if statement.time:
        told["timestamp"] = statement.time
    told["products"] = [_product(product) for product in statement.products]
    told["status"] = statement.status.value
    if statement.status is Status.NOT_AFFECTED:
        if statement.justification in JUSTIFICATIONS:
            told["justification"] = statement.justification
        if statement.text or "justification" not in told:
            told["impact_statement"] = statement.text or statement.justification or "no reason was given"
    elif statement.text:
        told["status_notes"] = statement.text
    if statement.status is Status.AFFECTED:
        told["action_statement"] = statement.action or "no action is known"
        if statement.time:
            told["action_statement_timestamp"] = statement.time
    return told


def _product(product: Product) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if product.ids:
        told["@id"] = product.ids[0]
        if product.ids[0].startswith("pkg:"):
            told["identifiers"] = {"purl": product.ids[0]}
    if hashes := {f"sha-{digest[3:6]}": digest.partition(":")[2] for digest in product.digests}:
        told["hashes"] = hashes
    if product.subcomponents:
        told["subcomponents"] = [{"@id": purl, "identifiers": {"purl": purl}} for purl in product.subcomponents]
    return told
