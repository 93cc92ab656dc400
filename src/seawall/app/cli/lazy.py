"""Groups whose commands are imported only when they run: start-up is a feature."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """Commands by name, each a ``command`` in a module of its own; what ``--help`` says of it stands here, so that it imports none.

    ``lazy`` maps names to module and help text. Commands that were added in the ordinary way come first.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *self._lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._lazy:
            command: click.Command = import_module(f"seawall.app.cli.{self._lazy[cmd_name][0]}").command
            return command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, command.get_short_help_str(formatter.width)) for name, command in self.commands.items()]
        rows += [(name, text) for name, (_, text) in self._lazy.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
