"""``seawall render``: the objects that a chart or kustomization produces, with their origins."""

import os
import re
from typing import Any, Final

import click
import msgspec

from seawall.app.cli.main import EXIT_INCOMPLETE
from seawall.core.errors import InputError, UsageError
from seawall.core.report import ScanError
from seawall.io.sources.charts import is_chart, render_chart
from seawall.io.sources.kustomization import is_kustomization
from seawall.io.sources.kustomize import render_kustomization
from seawall.io.sources.rendering import Rendered, resources_of

SCHEMA: Final = "seawall.render/v1"
_TARGET: Final = re.compile(r"(chart|kustomize):(.*)", re.DOTALL)


@click.command(
    epilog="""\b
Examples:
  seawall render charts/web -f production.yaml --set replicas=3
  seawall render kustomize:overlays/production
  seawall render chart:charts/web --format json
"""
)
@click.argument("target", metavar="TARGET")
@click.option("-f", "--values", multiple=True, metavar="FILE", help="Values file of a chart (repeatable, the last one wins).")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A value of a chart (repeatable).")
@click.option("--name", default="release", show_default=True, help="Name of the release of a chart.")
@click.option("-n", "--namespace", default="", help="Namespace of the release of a chart.")
@click.option("--kubernetes-version", default="", metavar="X.Y", help="What a chart is told that it is installed on.")
@click.option("--format", "format_", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True, allow_from_autoenv=False)
@click.pass_context
def command(
    context: click.Context,
    target: str,
    values: tuple[str, ...],
    settings: tuple[str, ...],
    name: str,
    namespace: str,
    kubernetes_version: str,
    format_: str,
) -> None:
    """Show the objects that a chart or a kustomization renders to, each with the file that it comes from.

    TARGET is chart:DIR, kustomize:DIR, or a directory that is one of both. The lines of findings in the target are lines of this text.
    """
    kind, directory = _kind(target)
    if kind == "chart":
        rendered = render_chart(
            directory, values=values, settings=settings, name=name, namespace=namespace, kubernetes_version=kubernetes_version
        )  # fmt: skip
    elif values or settings:
        raise UsageError("--values and --set are for charts; a kustomization has none")
    else:
        rendered = render_kustomization(directory)
    document, errors = _document(rendered)
    for error in errors:
        click.echo(f"seawall: {error}", err=True)
    click.echo(document if format_ == "json" else rendered.text, nl=format_ == "json")
    context.exit(EXIT_INCOMPLETE if errors else 0)


def _kind(target: str) -> tuple[str, str]:
    """What to render a target with, and its directory."""
    match = _TARGET.fullmatch(target)
    if match:
        return match[1], match[2]
    kinds = [kind for kind, fits in (("chart", is_chart), ("kustomize", is_kustomization)) if fits(target)]
    if len(kinds) == 1:
        return kinds[0], target
    if kinds:
        raise UsageError(f"{target} is a chart and a kustomization; write chart:{target} or kustomize:{target}")
    what = "is neither a chart nor a kustomization" if os.path.isdir(target) else "is no directory"
    raise InputError(target, what)


def _document(rendered: Rendered) -> tuple[str, list[InputError]]:
    """``seawall.render/v1``, and the errors in it."""
    objects: list[dict[str, Any]] = []
    errors: list[InputError] = []
    for item in resources_of(rendered):
        if isinstance(item, InputError):
            errors.append(item)
        else:
            objects.append({"object": item.data, "origin": item.origin})
    document = {"schema": SCHEMA, "objects": objects, "errors": [ScanError.of(error) for error in errors]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode(), errors
