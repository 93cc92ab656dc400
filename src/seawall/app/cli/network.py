"""``seawall network``: who can talk to whom."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import click
import msgspec

from seawall.app.cli.lazy import LazyGroup
from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_USAGE

Command = TypeVar("Command", bound=Callable[..., Any])

PROTOCOLS: Final = ("TCP", "UDP", "SCTP")

targets_argument = click.argument("targets", nargs=-1, required=True, metavar="TARGET...")


def format_option(*names: str) -> Callable[[Command], Command]:
    """``--format`` with these choices, the first being the default."""
    return click.option("-f", "--format", "format_", type=click.Choice(names), default=names[0], show_default=True, allow_from_autoenv=False)


@click.command(
    cls=LazyGroup,
    lazy={
        "explain": ("network_explain", "Which policies and rules allow or deny a connection, in words."),
        "prove": ("network_prove", "Prove assertions, or refute them by a counter-example."),
        "generate": ("network_generate", "The least policies that allow declared or observed connections."),
        "flows": ("network_flows", "Hold observed flows against the policies, or replay proposed ones."),
        "migrate": ("network_migrate", "AdminNetworkPolicies as ClusterNetworkPolicies, proved equal."),
        "verify": ("network_verify", "Send real packets, and compare them with the model."),
    },
    epilog="""\b
Examples:
  seawall network list deploy/                                       every allowed connection
  seawall network eval deploy/ --src shop/web --dst shop/db --port 5432
  seawall network diff main/ branch/                                 what a change opens and closes
""",
)
def command() -> None:
    """Who can talk to whom: proved from the policies of all kinds."""


@command.command(
    "list",
    epilog="""\b
Examples:
  seawall network list deploy/
  seawall network list deploy/ --format html > connections.html       a graph to click through
  seawall network list deploy/ --format dot | dot -Tsvg > connections.svg
""",
)
@targets_argument
@format_option("text", "json", "csv", "md", "dot", "html")
@click.pass_context
def list_(context: click.Context, targets: tuple[str, ...], format_: str) -> None:
    """Every connection that the policies allow, from workload to workload."""
    from seawall.app.network import all_connections, analyse  # numpy takes a tenth of a second
    from seawall.deploy.network import documents

    analysis = analyse(targets)
    found = all_connections(analysis)
    if format_ == "json":
        _print_json(documents.network_json(found, analysis.errors, analysis.cluster.notes))
    elif format_ == "html":
        from seawall.deploy.network.html_graph import html
        from seawall.deploy.network.selecting import selecting

        _tell(analysis.errors, ())
        click.echo("".join(html(found, selecting(analysis.cluster))), nl=False)
    else:
        _tell(analysis.errors, analysis.cluster.notes)
        for line in documents.LISTS[format_](found):
            click.echo(line)
    context.exit(_status(analysis.errors, readable=analysis.readable))


@command.command(
    "eval",
    epilog="""\b
Examples:
  seawall network eval deploy/ --src shop/web --dst shop/db --port 5432
  seawall network eval deploy/ --src shop/web --dst 169.254.169.254 --port 80
""",
)
@targets_argument
@click.option("--src", required=True, metavar="NS/POD|IP", help="Who opens the connection: a pod, a workload, a node or an address.")
@click.option("--dst", required=True, metavar="NS/POD|IP", help="To whom.")
@click.option("--port", required=True, type=click.IntRange(1, 65535), help="The port at the destination.")
@click.option("--protocol", type=click.Choice(PROTOCOLS, case_sensitive=False), default="TCP", show_default=True)
@format_option("text", "json")
@click.pass_context
def eval_(context: click.Context, targets: tuple[str, ...], src: str, dst: str, port: int, protocol: str, format_: str) -> None:
    """Whether one connection is allowed, and which rule decides. Exit 0 when it is, 1 when it is not."""
    from seawall.app.network import analyse
    from seawall.deploy.network import documents
    from seawall.deploy.network.model import Protocol
    from seawall.deploy.network.question import Questions

    analysis = analyse(targets)
    if not analysis.readable:
        _tell(analysis.errors, ())
        context.exit(EXIT_USAGE)
    questions = Questions(analysis.cluster, analysis.mesh)
    asked = [
        questions.ask(source, destination, Protocol(protocol.upper()), port) for source in questions.find(src) for destination in questions.find(dst)
    ]
    document = documents.answer_json(asked)
    if format_ == "json":
        _print_json({**document, "errors": list(analysis.errors), "notes": list(analysis.cluster.notes)})
    else:
        _tell(analysis.errors, analysis.cluster.notes)
        click.echo("\n".join(_answer(document)))
    context.exit(0 if document["allowed"] else EXIT_FINDINGS)


def _answer(document: dict[str, Any]) -> Iterable[str]:
    yield "yes" if document["allowed"] else "no"
    for side in ("egress", "ingress"):
        decision = document[side]
        end = document["src"] if side == "egress" else document["dst"]
        what = "allowed" if decision["allowed"] else "denied"
        by = decision["by"]
        if by is None:
            yield f"{side}: {what}; no policy that decides selects {end}"
            continue
        name = f"{by['kind']} {by['namespace'] + '/' if by['namespace'] else ''}{by['name']}"
        yield f"{side}: {what} by {name}, {by['rule']}" if by["rule"] else f"{side}: {what}; {name} selects {end}, and no rule allows it"
    if mesh := document.get("mesh"):
        what = "allowed" if mesh["allowed"] else "denied"
        by = mesh["by"]
        yield f"mesh: {what}" + (f" by {by['kind']} {by['namespace']}/{by['name']}{', ' + by['rule'] if by['rule'] else ''}" if by else "")
        for restriction in mesh.get("restrictions", ()):
            yield f"  only {restriction['kind']} {restriction['detail']}"


@command.command(
    epilog="""\b
Examples:
  seawall network diff before/ after/
  seawall network diff before/ after/ --exit-code     exit 1 on any change
"""
)
@click.argument("before")
@click.argument("after")
@click.option("--exit-code", is_flag=True, help="Exit with 1 when anything changes.")
@format_option("text", "json")
@click.pass_context
def diff(context: click.Context, before: str, after: str, exit_code: bool, format_: str) -> None:
    """The connections that are added, removed or changed between two folders or snapshots."""
    from seawall.app.network import all_connections, analyse
    from seawall.deploy.network import documents
    from seawall.deploy.network.changes import changes

    one, other = analyse([before]), analyse([after])
    found = list(changes(all_connections(one), all_connections(other)))
    errors, notes = (*one.errors, *other.errors), (*one.cluster.notes, *other.cluster.notes)
    if format_ == "json":
        _print_json(documents.diff_json(found, errors, notes))
    else:
        _tell(errors, notes)
        if one.readable and other.readable:
            click.echo("\n".join(documents.diff_text(found)) or "nothing changes")
    status = _status(errors, readable=one.readable and other.readable)
    context.exit(EXIT_FINDINGS if exit_code and found and status == 0 else status)


def _tell(errors: Iterable[Any], notes: Iterable[str]) -> None:
    for error in errors:
        click.echo(f"seawall: {error.path}{f':{error.line}' if error.line else ''}: {error.message}", err=True)
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _status(errors: Iterable[Any], *, readable: bool) -> int:
    if not readable:
        return EXIT_USAGE
    return EXIT_INCOMPLETE if tuple(errors) else 0


def _print_json(document: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
