"""``seawall sbom``: the bill of materials of an image, a directory or another bill."""

import os
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from seawall.app.cli.imaging import image_options, tell
from seawall.app.cli.judging import write
from seawall.app.cli.main import EXIT_INCOMPLETE


@click.command(
    epilog="""\b
Examples:
  seawall sbom image:registry.example/shop/web:1.4                    CycloneDX of an image
  seawall sbom archive:web.tar --format spdx --output web.spdx.json
  seawall sbom . --format json                                        the lockfiles of a source tree
  seawall sbom sbom:theirs.spdx.json --format cyclonedx               another tool's bill, translated
"""
)
@click.argument("target", metavar="TARGET")
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(["cyclonedx", "spdx", "json"]),
    default="cyclonedx",
    show_default=True,
    allow_from_autoenv=False,
    help="CycloneDX 1.6, SPDX 2.3, or Seawall's own.",
)
@click.option("-o", "--output", metavar="FILE", allow_from_autoenv=False, help="Write to a file instead of the screen.")
@image_options
@click.pass_context
def command(
    context: click.Context,
    target: str,
    format_: str,
    output: str | None,
    platform: str,
    plain_http: tuple[str, ...],
    mirrors: tuple[str, ...],
    ca_file: str,
) -> None:
    """List the packages of TARGET: image:REF, oci:DIR[:tag], archive:FILE, rootfs:DIR, sbom:FILE, or a path with lockfiles."""
    from seawall.app.images import contents_of  # dozens of formats, for those who ask
    from seawall.app.packages import ImageOptions

    contents = contents_of(target, ImageOptions(platform=platform, plain_http=plain_http, mirrors=mirrors, ca_file=ca_file))
    tell(contents.problems)
    from seawall.build.sbom.subject import Subject

    subject = Subject(name=contents.name, packages=contents.packages, digest=contents.digest, distro=contents.distro, created=_now())
    text = msgspec.json.format(msgspec.json.encode(_document(format_, subject)), indent=2).decode() + "\n"
    if output:
        write(output, [text])
    else:
        click.echo(text, nl=False)
    context.exit(EXIT_INCOMPLETE if contents.problems else 0)


def _document(format_: str, subject: Any) -> dict[str, Any]:
    if format_ == "spdx":
        from seawall.build.sbom.spdx import spdx

        return spdx(subject)
    if format_ == "json":
        from seawall.build.sbom.native import native

        return native(subject)
    from seawall.build.sbom.cyclonedx import cyclonedx

    return cyclonedx(subject)


def _now() -> str:
    """The time of the document; reproducible builds set it (``SOURCE_DATE_EPOCH``)."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(fixed), UTC) if fixed.isdigit() and len(fixed) < 12 else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
