"""VEX documents as the commands use them: files to statements, findings to statements."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import UNSET

from seawall.build.advisories.vex import Product, Statement, Status, VexProblem
from seawall.build.advisories.vex_documents import read_vex
from seawall.core.errors import InputError
from seawall.core.finding import Finding
from seawall.core.target import PackageTarget
from seawall.io.sources.manifests import read_bytes


def read_statements(paths: Sequence[str], errors: list[InputError]) -> list[Statement]:
    """The statements of VEX documents; what cannot be understood in them goes to ``errors``. Raises ``InputError`` for a file that is none."""
    statements: list[Statement] = []
    for path in paths:
        for item in read_vex(path, read_bytes(path)):
            if isinstance(item, VexProblem):
                errors.append(InputError(item.path, item.message))
            else:
                statements.append(item)
    return statements


def statements_of(findings: Iterable[Finding], time: str) -> Iterator[Statement]:
    """What a report says of vulnerabilities, as VEX statements: the excused ones as not affected or fixed, the open ones as affected."""
    for item in findings:
        if item.vulnerability is UNSET or not isinstance(item.target, PackageTarget):
            continue
        told = item.vulnerability
        status, justification, said = Status.AFFECTED, "", ""
        if item.suppression:
            said = item.suppression.reason
            status = Status.FIXED if item.suppression.source == "changelog" else Status.NOT_AFFECTED
        image = item.target.image
        product = Product(ids=(image,), subcomponents=(item.target.purl,)) if image else Product(ids=(item.target.purl,))
        action = ""
        if status is Status.AFFECTED:
            action = item.fix.description if item.fix else "no fix is known"
        yield Statement(
            vulnerabilities=(told["id"], *told["aliases"]),
            products=(product,),
            status=status,
            time=time,
            justification=justification,
            text=said,
            action=action,
        )
