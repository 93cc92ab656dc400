"""``seawall layers``: what each layer of an image brought, and what of it is wasted."""

from collections.abc import Iterator
from typing import Any, Final

import click

from seawall.app.cli import terminal
from seawall.app.cli.imaging import image_options, print_json, tell
from seawall.app.cli.main import EXIT_INCOMPLETE
from seawall.core.errors import UsageError

SCHEMA: Final = "seawall.layers/v1"
SHOWN: Final = 5  # files and vulnerabilities of a layer that the text names


@click.command(
    epilog="""\b
Examples:
  seawall layers image:registry.example/shop/web:1.4
  seawall layers archive:web.tar --base image:debian:12      what is the base's, and what is ours
  seawall layers oci:build/image --format json
"""
)
@click.argument("target", metavar="TARGET")
@click.option("--base", metavar="TARGET", help="The image it was built on, to tell its layers from yours.")
@click.option("--db", "database", envvar="SEAWALL_DB", metavar="FILE", help="The advisory database.  [default: in the user's data directory]")
@click.option("-f", "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, allow_from_autoenv=False)
@image_options
@click.pass_context
def command(
    context: click.Context,
    target: str,
    base: str | None,
    database: str | None,
    format_: str,
    platform: str,
    plain_http: tuple[str, ...],
    mirrors: tuple[str, ...],
    ca_file: str,
) -> None:
    """Tell the story of an image: for each layer the instruction, its size, waste, packages and vulnerabilities."""
    from seawall.app.images import contents_of, open_target
    from seawall.app.packages import ImageOptions
    from seawall.app.vulnerabilities import by_layer
    from seawall.build.image.layers import story

    options = ImageOptions(platform=platform, plain_http=plain_http, mirrors=mirrors, ca_file=ca_file)
    contents = contents_of(target, options)
    if contents.inspection is None or not contents.is_image:
        raise UsageError(f"{target} is no image; layers are told of image:REF, oci:DIR[:tag] and archive:FILE")
    told = story(contents.inspection, open_target(base, options) if base else None)
    known = by_layer(contents, database)
    tell(contents.problems)
    if format_ == "json":
        print_json({"schema": SCHEMA, "image": contents.name, "digest": contents.digest, "layers": [_json(layer, known) for layer in told]})
    else:
        click.echo("\n".join(_text(told, known, width=terminal.width())))
    context.exit(EXIT_INCOMPLETE if contents.problems else 0)


def _json(layer: Any, known: dict[str, list[dict[str, Any]]] | None) -> dict[str, Any]:
    return {
        "index": layer.index,
        "digest": layer.digest,
        "diff_id": layer.diff_id,
        "instruction": layer.instruction,
        "created": layer.created,
        "size": layer.size,
        "compressed_size": layer.compressed if layer.compressed >= 0 else None,
        "wasted": layer.wasted,
        "wasted_files": [{"path": file.path.encode(errors="replace").decode(), "size": file.size} for file in layer.wasted_files],
        "empty": layer.empty,
        "base": layer.base,
        "packages": [package.purl for package in layer.packages],
        "vulnerabilities": (known or {}).get(layer.digest or "", []),
        "secrets": [
            {"path": secret.path.encode(errors="replace").decode(), "what": secret.what, "removed": secret.removed} for secret in layer.secrets
        ],
    }


def _text(told: list[Any], known: dict[str, list[dict[str, Any]]] | None, *, width: int) -> Iterator[str]:
    """A line for each step, and below it what is remarkable."""
    for layer in told:
        whose = {True: "base", False: "own", None: ""}[layer.base]
        size = "" if layer.empty else megabytes(layer.size)
        yield f"{layer.index:>3} {whose:<4} {size:>9}  {_shortened(layer.instruction or 'no history', width - 21)}"
        notes = []
        if layer.packages:
            notes.append(f"{len(layer.packages)} packages")
        found = (known or {}).get(layer.digest or "", [])
        if found:
            worst = ", ".join(item["id"] for item in found[:SHOWN])
            notes.append(f"{len(found)} vulnerabilities ({worst}{', ...' if len(found) > SHOWN else ''})")
        if layer.wasted:
            files = ", ".join(f"{file.path} {megabytes(file.size)}" for file in layer.wasted_files[:SHOWN])
            notes.append(f"{megabytes(layer.wasted)} wasted: {files}")
        for secret in layer.secrets:
            later = " (removed later, and still in the image)" if secret.removed else ""
            notes.append(f"secret: {secret.path}: {secret.what}{later}")
        for note in notes:
            yield f"{'':>20}{_shortened(note, width - 20)}"
    size, waste = sum(layer.size for layer in told), sum(layer.wasted for layer in told)
    yield f"{megabytes(size)} in {sum(not layer.empty for layer in told)} layers, {megabytes(waste)} of it wasted"
    if known is None:
        yield "vulnerabilities were not looked for: there is no advisory database (seawall advisories update)"


def megabytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _shortened(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: max(width - 3, 1)] + "..."
