"""The ``seawall`` command: global options, and commands that are imported only when they run."""

import os
import sys
import traceback
from typing import Any, Final, NoReturn

import click

from seawall import __version__
from seawall.app.cli.lazy import LazyGroup
from seawall.core.errors import SeawallError

COMMANDS: Final = {
    # name: (what --help says of it, so that --help imports no command; the command stands in a module of that name)
    "scan": "Judge manifests, images and lockfiles: what is wrong, where, why, and how to fix it.",
    "fix": "Apply safe fixes in place, or print them as a patch.",
    "render": "Show the objects of a chart or kustomization, with their origins.",
    "sbom": "The bill of materials of an image, a directory or another bill.",
    "layers": "What each layer of an image brought, and what of it is wasted.",
    "advisories": "The advisory database: update it, build it, ask it.",
    "network": "Who can talk to whom: list, eval, explain, diff, prove, generate, verify.",
    "detect": "Judge audit logs and system-call events by rules.",
    "explain": "Explain one rule in full.",
    "rules": "List the rules.",
}

ENVIRONMENT_PREFIX: Final = "SEAWALL"

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
EXIT_INCOMPLETE: Final = 3


class Commands(LazyGroup):
    """The commands; their options may come from the environment."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            command.context_settings.setdefault("auto_envvar_prefix", ENVIRONMENT_PREFIX)  # SEAWALL_FORMAT, whatever the command
        return command


@click.command(
    cls=Commands,
    lazy={name: (name, text) for name, text in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": ENVIRONMENT_PREFIX, "max_content_width": 110},
    epilog="Start with: seawall scan .",
)
@click.version_option(__version__, prog_name="seawall")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colours in the output.")
@click.option("-q", "--quiet", is_flag=True, help="Results only: no notes, no progress.")
@click.option("-v", "--verbose", is_flag=True, help="Say more: evidence, references, suppressed findings.")
@click.pass_context
def cli(context: click.Context, color: str, quiet: bool, verbose: bool) -> None:
    """Seawall secures Kubernetes from the Dockerfile to the running pod."""
    context.obj = {"color": color, "quiet": quiet, "verbose": verbose}


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 clean, 1 findings, 2 wrong usage or nothing readable, 3 part could not be scanned."""
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        status: Any = cli.main(args=arguments, prog_name="seawall", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except SeawallError as error:
        click.echo(f"seawall: {error}", err=True)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("seawall: interrupted", err=True)
        return 130
    except BrokenPipeError:
        # The reader (head, less) has seen enough; closing the pipe quietly is what it expects.
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001 (a defect of ours is told in one line, too; where it happened helps whoever mends it)
        *_, place = traceback.extract_tb(error.__traceback__)
        click.echo(
            f"seawall: defect in {os.path.basename(place.filename)}:{place.lineno}: {type(error).__name__}: {error}; please report it", err=True
        )
        return EXIT_USAGE
