"""``seawall network generate``: minimal policies, and the proof that they allow exactly what was wanted."""

from typing import Any

import click
import msgspec

from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_USAGE
from seawall.core.errors import UsageError


@click.command(
    "generate",
    epilog="""\b
Examples:
  seawall network generate deploy/                                        what is allowed now, said explicitly
  seawall network generate deploy/ --from-flows day.json > policies.yaml   of that, what was used
  seawall network generate deploy/ --from-flows day.json --observed        whatever was used, allowed or not
""",
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--from-flows", "files", multiple=True, metavar="FILE", help="Only what these flows used (formats: see network flows --help).")
@click.option("--observed", is_flag=True, help="With --from-flows: also what the policies of now deny.")
@click.option("-f", "--format", "format_", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, targets: tuple[str, ...], files: tuple[str, ...], observed: bool, format_: str) -> None:
    """Write NetworkPolicies that allow what is allowed or observed, and no more, and prove it. Exit 1 when the proof fails."""
    from seawall.app.cli.network_flows import read_flows
    from seawall.app.network import analyse  # numpy takes a tenth of a second
    from seawall.deploy.network.documents import diff_text
    from seawall.deploy.network.flows.needs import needs
    from seawall.deploy.network.generate import declared, generate

    if observed and not files:
        raise UsageError("--observed needs --from-flows FILE")
    analysis = analyse(targets)
    errors, notes = list(analysis.errors), list(analysis.cluster.notes)
    if not analysis.readable:
        for error in errors:
            click.echo(f"seawall: {error.path}: {error.message}", err=True)
        context.exit(EXIT_USAGE)
    if files:
        flows = read_flows(files)
        errors += flows.errors
        found = needs(analysis.cluster, flows, analysis.mesh, denied_too=observed)
        wanted = found.wanted
        notes += [f"{count:,} x {reason}" for reason, count in found.unknown.items()]
        notes += [f"not allowed now, and left out: {pair} ({count:,} times); --observed takes it in" for pair, count in found.denied.items()]
        if wanted.dns:
            notes.append(
                f"{len(wanted.dns)} workloads ask the DNS of the cluster, which is not in the input: they may reach k8s-app=kube-dns in kube-system"
            )
    else:
        wanted = declared(analysis.cluster, analysis.mesh)
    made = generate(analysis.cluster, wanted)
    notes += [f"no NetworkPolicy can say: {item}" for item in made.inexpressible]
    notes += [f"no selector tells these apart, and they share a policy: {item}" for item in made.together]
    verdict = "proved: exactly these" if made.is_exact else "NOT proved"
    summary = f"{made.policies} policies for {made.wanted} connections; {verdict}"
    if format_ == "json":
        document: dict[str, Any] = {
            "schema": "seawall.network-policies/v1",
            "policies": made.text,
            "proof": {"exact": made.is_exact, "connections": made.wanted, "missing": made.missing, "extra": made.extra},
            "inexpressible": made.inexpressible,
            "together": made.together,
            "errors": errors,
            "notes": notes,
        }
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        for error in errors:
            click.echo(f"seawall: {error.path}{f':{error.line}' if error.line else ''}: {error.message}", err=True)
        for note in notes:
            click.echo(f"note: {note}", err=True)
        click.echo(summary, err=True)
        for line in diff_text((*made.missing, *made.extra)):
            click.echo(f"  {line}", err=True)
        click.echo(made.text)
    context.exit(EXIT_FINDINGS if not made.is_exact else EXIT_INCOMPLETE if errors else 0)
