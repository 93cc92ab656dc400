"""``seawall network flows``: observed flows over what the policies allow, and what a proposal would have cut."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_USAGE
from seawall.core.errors import UsageError

if TYPE_CHECKING:
    from seawall.deploy.network.flows.overlay import Denied, Overlay
    from seawall.deploy.network.flows.read import Observed
    from seawall.deploy.network.flows.replay import Replay
    from seawall.deploy.network.proof import DecidedBy

MAX_LINES: Final = 50  # of a list in text


@click.command(
    "flows",
    epilog="""\b
Examples:
  seawall network flows deploy/ --flows hubble.json             what policy would deny, what it grants that nobody uses
  seawall network flows deploy/ --flows day.json --replay new/   what the policies in new/ would have cut
\b
Formats, told apart by what is in the files:
  Hubble        what its exporter writes, one JSON object a line
  Calico        flow logs of Goldmane, Whisker, Enterprise and Cloud
  conntrack     conntrack -E -o timestamp,extended
  CSV and JSON  src, dst, port, protocol and, if one likes, time, verdict, count
""",
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--flows", "files", multiple=True, required=True, metavar="FILE", help="A file of flows, or - for standard input; may be repeated.")
@click.option("--replay", "proposal", metavar="PROPOSED_DIR", help="Policies that are proposed instead of those in TARGET.")
@click.option("--keep", is_flag=True, help="With --replay: policies of TARGET that the proposal does not replace by name stay.")
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, targets: tuple[str, ...], files: tuple[str, ...], proposal: str | None, keep: bool, format_: str) -> None:
    """Lay observed flows over what the policies allow. Exit 1 when policy denies a flow that was seen, or a proposal would cut one."""
    from seawall.app.network import analyse  # numpy takes a tenth of a second
    from seawall.deploy.network.flows.overlay import overlay
    from seawall.deploy.network.flows.replay import proposed, replay

    observed = read_flows(files)
    analysis = analyse(targets)
    errors = [*observed.errors, *analysis.errors]
    notes = list(analysis.cluster.notes)
    result: Overlay | Replay
    if proposal is None:
        result = overlay(analysis.cluster, observed, analysis.mesh)
        found = bool(result.denied)
    else:
        other = analyse([proposal])
        errors += other.errors
        if other.mesh.policies:
            notes.append(f"the policies of a service mesh in {proposal} are not replayed: the mesh is taken as it is in TARGET")
        result = replay(analysis.cluster, proposed(analysis.cluster, other.cluster, keep=keep), observed, analysis.mesh, analysis.mesh)
        found = bool(result.cut)
    if format_ == "json":
        schema = "seawall.network-flows/v1" if proposal is None else "seawall.network-replay/v1"
        document: dict[str, Any] = {"schema": schema, **msgspec.to_builtins(result), "errors": errors, "notes": notes}
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        for error in errors:
            click.echo(f"seawall: {error.path}{f':{error.line}' if error.line else ''}: {error.message}", err=True)
        for note in notes:
            click.echo(f"note: {note}", err=True)
        click.echo("\n".join(_text(result)))
    if not analysis.readable or (observed.errors and not observed.flows):
        context.exit(EXIT_USAGE)
    context.exit(EXIT_FINDINGS if found else EXIT_INCOMPLETE if errors else 0)


def read_flows(files: Sequence[str]) -> "Observed":
    """The flows of some files. Raises ``UsageError`` for one that cannot be opened."""
    from seawall.deploy.network.flows.read import read

    with ExitStack() as stack:
        opened = []
        for path in files:
            try:
                opened.append((path, stack.enter_context(click.open_file(path, "rb"))))
            except OSError as error:
                raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        try:
            return read(opened)
        except OSError as error:
            raise UsageError(f"{', '.join(files)} cannot be read: {error.strerror}") from error


def _text(result: "Overlay | Replay") -> Iterator[str]:
    from seawall.deploy.network.documents import ports
    from seawall.deploy.network.flows.overlay import Overlay

    if isinstance(result, Overlay):
        yield f"{result.records:,} records, {result.flows:,} different flows; policy allows {result.allowed:,} of the connections"
        yield from _list("policy denies", [_flow(item) for item in result.denied])
        unused = [f"{policy_name(item)} {item.rule}{_place(item)}" for item in result.unused_rules]
        yield from _list("rules that decided none of them", unused)
        yield from _list("allowed connections that nobody used", [f"{item.src} => {item.dst} : {ports(item.ports)}" for item in result.unused])
    else:
        yield f"{result.records:,} records, {result.flows:,} different flows; the proposal keeps {result.kept:,} connections"
        yield from _list("the proposal would have cut", [_flow(item) for item in result.cut])
        yield f"denied before and after: {result.still_denied:,}; newly allowed: {result.opened:,}"
    yield from _list("ends that are not known", [f"{count:,} x {reason}" for reason, count in result.unknown.items()])
    if result.passed:
        yield "passed over: " + ", ".join(f"{count:,} x {what}" for what, count in sorted(result.passed.items()))


def _list(title: str, items: Sequence[str]) -> Iterator[str]:
    yield f"{title}: {len(items):,}" if items else f"{title}: none"
    for item in items[:MAX_LINES]:
        yield f"  {item}"
    if len(items) > MAX_LINES:
        yield f"  ... and {len(items) - MAX_LINES:,} more; --format json has all"


def _flow(item: "Denied") -> str:
    times = f", {item.first} to {item.last}" if item.first and item.first != item.last else f", {item.first}" if item.first else ""
    seen = f", seen as {item.verdict}" if item.verdict != "unknown" else ""
    by = (
        ""
        if item.by is None
        else f"; {item.by.direction}: {policy_name(item.by)}{f' {item.by.rule}' if item.by.rule else ' isolates'}{_place(item.by)}"
    )
    return f"{item.src} => {item.dst} {item.protocol} {item.port} ({item.count:,} times{seen}{times}){by}"


def policy_name(item: Any) -> str:
    """A policy as results name it."""
    return f"{item.kind} {item.namespace + '/' if item.namespace else ''}{item.name}"


def _place(item: "DecidedBy | Any") -> str:
    return f" ({item.path}:{item.line})" if item.path and item.line else ""
