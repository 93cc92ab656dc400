"""``seawall network migrate``: administrators' policies in the newer kind, with the proof that nothing changes."""

import click
import msgspec

from seawall.app.cli.main import EXIT_FINDINGS, EXIT_INCOMPLETE
from seawall.core.errors import InputError
from seawall.core.report import ScanError


@click.command(
    "migrate",
    epilog="""\b
Examples:
  seawall network migrate cluster/                     the new policies as YAML; proof and notes on standard error
  seawall network migrate cluster/ > policies.yaml
  seawall network migrate cluster/ --format json       policies, notes and proof in one document
""",
)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("-f", "--format", "format_", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(context: click.Context, targets: tuple[str, ...], format_: str) -> None:
    """Write AdminNetworkPolicy and BaselineAdminNetworkPolicy as ClusterNetworkPolicy (v1alpha2), and prove that they mean the same.

    The proof compares every connection between the pods, nodes and outside addresses of the input before and after. Exit 1 when one differs or a
    policy cannot be carried over.
    """
    from seawall.app.network import read_all
    from seawall.deploy.network.documents import ports  # numpy takes a tenth of a second
    from seawall.deploy.network.migrate import migrate

    resources, errors = read_all(targets)
    if not resources:
        raise InputError(errors[0].path, errors[0].message, errors[0].line)
    migration = migrate(resources)
    proof = migration.proof
    if format_ == "json":
        document = {
            "schema": "seawall.network-migration/v1",
            "policies": migration.documents,
            "proof": {"equal": proof.equal, "everywhere": proof.everywhere, "connections": proof.compared, "changes": proof.changes},
            "left": list(map(ScanError.of, migration.left)),
            "errors": errors,
            "notes": migration.notes,
        }
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        import yaml

        if migration.documents:
            apart = msgspec.json.decode(msgspec.json.encode(migration.documents))  # what stands twice is written twice, without anchors
            click.echo(yaml.dump_all(apart, Dumper=yaml.CSafeDumper, sort_keys=False, explicit_start=True), nl=False)
        for error in (*errors, *map(ScanError.of, migration.left)):
            click.echo(f"seawall: {error.path}{f':{error.line}' if error.line else ''}: {error.message}", err=True)
        for note in migration.notes:
            click.echo(f"note: {note}", err=True)
        for change in proof.changes:
            click.echo(f"differs: {change.src} => {change.dst}: {ports(change.before)} -> {ports(change.after)}", err=True)
        if proof.equal:
            where = "and in any other cluster, as they compile to the same" if proof.everywhere else "in this input"
            click.echo(f"proved: all {proof.compared} connections are as they were, {where}", err=True)
    if proof.changes or migration.left:
        context.exit(EXIT_FINDINGS)
    context.exit(EXIT_INCOMPLETE if errors else 0)
