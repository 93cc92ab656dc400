"""``seawall network explain``: why a connection is allowed or denied."""

import click
import msgspec

from seawall.app.cli.main import EXIT_INCOMPLETE, EXIT_USAGE


@click.command(
    "explain",
    epilog="""\b
Examples:
  seawall network explain deploy/ --src shop/web --dst shop/db
  seawall network explain deploy/ --src shop/web --dst 169.254.169.254 --port 80
""",
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--src", required=True, metavar="NS/POD|IP", help="Who opens the connection: a pod, a workload, a node or an address.")
@click.option("--dst", required=True, metavar="NS/POD|IP", help="To whom.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port at the destination; by default all.")
@click.option("--protocol", type=click.Choice(["TCP", "UDP", "SCTP"], case_sensitive=False), help="By default all, and TCP for a port.")
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, targets: tuple[str, ...], src: str, dst: str, port: int | None, protocol: str | None, format_: str) -> None:
    """Which policies select each end of a connection, and which of their rules allow or deny it, tier by tier."""
    from seawall.app.network import analyse  # numpy takes a tenth of a second
    from seawall.deploy.network.explain import asked_range, explain, text
    from seawall.deploy.network.mesh.layer import joined
    from seawall.deploy.network.question import Questions

    analysis = analyse(targets)
    if not analysis.readable:
        for error in analysis.errors:
            click.echo(f"seawall: {error.path}: {error.message}", err=True)
        context.exit(EXIT_USAGE)
    questions = Questions(analysis.cluster, analysis.mesh)
    asked = asked_range((protocol or "").upper(), port)
    whole = joined(analysis.cluster, analysis.mesh)
    found = [
        item
        for source in questions.find(src)
        for destination in questions.find(dst)
        for item in explain(questions, whole, source, destination, asked)
    ]
    found = list(dict.fromkeys(found))
    if format_ == "json":
        document = {
            "schema": "seawall.network-explain/v1",
            "explanations": found,
            "errors": list(analysis.errors),
            "notes": list(analysis.cluster.notes),
        }
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        for error in analysis.errors:
            click.echo(f"seawall: {error.path}{f':{error.line}' if error.line else ''}: {error.message}", err=True)
        for note in analysis.cluster.notes:
            click.echo(f"note: {note}", err=True)
        click.echo("\n".join(text(found)))
    context.exit(EXIT_INCOMPLETE if analysis.errors else 0)
