"""``seawall network prove``: what is meant to be true of a network, proved or refuted."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_USAGE
from seawall.core.errors import UsageError
from seawall.core.report import ScanError

if TYPE_CHECKING:
    from seawall.deploy.network.assertions import Assertion
    from seawall.deploy.network.proof import Result

MAX_BYTES: Final = 1_000_000  # of a file of assertions
COMMAND_LINE: Final = "--assert"


@click.command(
    "prove",
    epilog="""\b
Examples:
  seawall network prove deploy/ --assert "no pod in ns shop reaches ns db on any port but 5432"
  seawall network prove deploy/ --assertions network.txt      one assertion a line, # begins a comment
\b
Assertions:
  only ns monitoring reaches ns shop on TCP 9090
  pods with tier=front reach workload shop/api on 8080
  nothing outside reaches ns db
  no pod reaches outside on TCP but 443
  ns shop reaches only ns db, pods with k8s-app=kube-dns in kube-system
  every pod in ns shop is isolated for ingress
""",
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--assert", "texts", multiple=True, metavar="TEXT", help="An assertion; may be given several times.")
@click.option(
    "--assertions", "files", multiple=True, type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="A file of assertions, one a line."
)
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, targets: tuple[str, ...], texts: tuple[str, ...], files: tuple[str, ...], format_: str) -> None:
    """Prove assertions about who can talk to whom, or refute them by an example. Exit 1 when one does not hold."""
    from seawall.app.network import analyse  # numpy takes a tenth of a second
    from seawall.deploy.network.proof import Prover

    if not texts and not files:
        raise UsageError('nothing to prove; give --assert "no pod in ns a reaches ns b" or --assertions FILE')
    read = list(_read(texts, files))
    assertions = [item for item in read if not isinstance(item, ScanError)]
    misread = [item for item in read if isinstance(item, ScanError)]
    if not read:
        raise UsageError(f"there is no assertion in {', '.join(files)}")
    analysis = analyse(targets)
    prover = Prover(analysis.cluster, analysis.mesh)
    results = [prover.prove(assertion) for assertion in assertions] if analysis.readable else []
    errors = [*misread, *analysis.errors]
    if format_ == "json":
        document = {"schema": "seawall.network-proof/v1", "results": results, "errors": errors, "notes": list(analysis.cluster.notes)}
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        for error in errors:
            click.echo(f"seawall: {error.path}{f':{error.line}' if error.line else ''}: {error.message}", err=True)
        for note in analysis.cluster.notes:
            click.echo(f"note: {note}", err=True)
        for result in results:
            click.echo("\n".join(_lines(result)))
    refuted = any(not result.holds for result in results)
    unread = EXIT_INCOMPLETE if results else EXIT_USAGE
    context.exit(EXIT_FINDINGS if refuted else unread if errors or not analysis.readable else 0)


def _read(texts: tuple[str, ...], files: tuple[str, ...]) -> Iterator["Assertion | ScanError"]:
    """All assertions, in their order; one that is none is an error with its place."""
    from seawall.deploy.network.assertions import Misread, parse

    for path, line, text in (*((COMMAND_LINE, None, text) for text in texts), *_lines_of(files)):
        try:
            yield parse(text)
        except Misread as misread:
            yield ScanError(path, line, f"{misread}; in: {text.strip()[:200]}")


def _lines_of(files: tuple[str, ...]) -> Iterator[tuple[str, int, str]]:
    for path in files:
        try:
            with Path(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise UsageError(f"{path} is larger than {MAX_BYTES:,} bytes")
            lines = data.decode("utf-8-sig").splitlines()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8") from error
        for number, line in enumerate(lines, 1):
            text = line.split(" #")[0].strip()
            if text and not text.startswith("#"):
                yield path, number, text


def _lines(result: "Result") -> Iterator[str]:
    yield f"{'holds' if result.holds else 'FAILS'}: {result.assertion}"
    if result.reason:
        yield f"  {result.reason}"
    shown = result.counterexample
    if shown is None or (shown.src is None or shown.dst is None):
        return
    by = shown.by
    if by is None:
        yield "  no policy that decides selects either end"
    else:
        place = f" ({by.path}:{by.line})" if by.path and by.line else ""
        policy = f"{by.kind} {by.namespace + '/' if by.namespace else ''}{by.name}"
        verb = "allowed" if shown.allowed else "denied"
        yield f"  {by.direction} {verb} by {policy}, {by.rule}{place}" if by.rule else f"  {policy} isolates {by.direction}; no rule allows it{place}"
    if shown.src_pod or shown.dst_pod:
        yield f"  from {shown.src_pod or shown.src} to {shown.dst_pod or shown.dst}"
