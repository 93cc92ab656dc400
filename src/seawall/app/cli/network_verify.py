"""``seawall network verify``: the policies enforced in a network of namespaces, and tested with packets."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_USAGE

if TYPE_CHECKING:  # it takes numpy, which takes a tenth of a second
    from seawall.deploy.network.packets.verify import Verification

_SHOWN: Final = 50  # mismatches, in text


@click.command(
    "verify",
    epilog="""\b
Examples:
  sudo seawall network verify deploy/
  sudo seawall network verify snapshot.json --max-pods 60 --format json
""",
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--max-pods", type=click.IntRange(1, 500), default=150, show_default=True, help="Pods in the test; those of different classes first.")
@click.option("--max-ports", type=click.IntRange(1, 256), default=16, show_default=True, help="Ports of policies to try, for each of TCP and UDP.")
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, targets: tuple[str, ...], max_pods: int, max_ports: int, format_: str) -> None:
    """Test the answers of the engine with real packets. Exit 1 when they do not agree.

    Each pod becomes a network namespace on this machine, the policies become rules of nftables on the way between them, and everyone tries to
    connect to everyone over TCP and UDP. It takes root, ip and nft; the machine's own network is not touched.
    """
    from seawall.app.network import analyse
    from seawall.deploy.network.packets.verify import verify

    analysis = analyse(targets)
    if not analysis.readable:
        _tell(analysis.errors, ())
        context.exit(EXIT_USAGE)
    found = verify(analysis.cluster, max_pods, max_ports)
    if format_ == "json":
        document = {"schema": "seawall.network-verify/v1", **msgspec.structs.asdict(found)}
        document |= {"errors": analysis.errors, "notes": (*analysis.cluster.notes, *found.notes)}
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        _tell(analysis.errors, (*analysis.cluster.notes, *found.notes))
        click.echo("\n".join(_lines(found)))
    context.exit(EXIT_FINDINGS if found.mismatches else EXIT_INCOMPLETE if analysis.errors else 0)


def _lines(found: "Verification") -> Iterable[str]:
    for item in found.mismatches[:_SHOWN]:
        yield f"{item.src} => {item.dst} {item.protocol} {item.port}: expected {item.expected}, seen {item.seen}"
    if len(found.mismatches) > _SHOWN:
        yield f"... and {len(found.mismatches) - _SHOWN} more"
    yield from (f"not tested: {item}" for item in found.not_tested)
    outcome = f"{len(found.mismatches)} mismatches" if found.mismatches else "packets and engine agree"
    yield f"{found.probes} probes between {found.pairs} pairs in {found.seconds:.2f} s: {outcome}"


def _tell(errors: Iterable[Any], notes: Iterable[str]) -> None:
    for error in errors:
        click.echo(f"seawall: {error.path}{f':{error.line}' if error.line else ''}: {error.message}", err=True)
    for note in notes:
        click.echo(f"note: {note}", err=True)
