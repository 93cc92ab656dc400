"""What the commands that read images have in common: their options."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
import msgspec

from seawall.core.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])


def image_options(command: Command) -> Command:
    """The options that say which image, and how to reach it."""
    for option in (
        click.option("--ca-file", default="", envvar="SEAWALL_CA_FILE", metavar="FILE", help="Certificates to trust beside the system's."),
        click.option(
            "--mirror",
            "mirrors",
            multiple=True,
            envvar="SEAWALL_REGISTRY_MIRROR",
            metavar="REGISTRY=HOST",
            help="Ask this mirror first (repeatable).",
        ),
        click.option("--plain-http", multiple=True, metavar="HOST", help="A registry without TLS (repeatable); loopback always may be one."),
        click.option(
            "--platform", default="", metavar="OS/ARCH", help="The platform of an image that has several.  [default: linux on this machine's]"
        ),
    ):
        command = option(command)
    return command


def tell(problems: Iterable[InputError]) -> None:
    """Say on standard error what could not be read."""
    for problem in problems:
        click.echo(f"seawall: {problem}", err=True)


def print_json(document: Any) -> None:
    """A document for programs."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
