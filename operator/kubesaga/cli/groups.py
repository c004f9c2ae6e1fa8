"""The app and its topics, such as ``templates``: commands that hold commands.

Their help lists the commands under headings, a command's usage names its arguments as one would type them, and a
command that does not exist gets the name that was meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from kubesaga.cli.errors import CliError


class Section(StrEnum):
    """The headings of the root's help; a command names its own as ``rich_help_panel``."""

    RUN = "Run a workflow and look at it"
    ACT = "Decide about a Task"
    WRITE = "Write handlers and templates"
    CLUSTER = "Look at the whole"


class SagaCommand(TyperCommand):
    """A command whose usage is ``NAME [STEP] PATH...``."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """What the usage line has after the command's name."""
        return ["[OPTIONS]", *map(_usage, arguments_of(self))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what arguments and options mean; options with a heading of their own come last."""
        sections = {"Arguments": [(shown_name(each), each.help or "") for each in arguments_of(self)], "Options": []}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx) if option.param_type_name == "option" else None
            if record:
                heading = getattr(option, "rich_help_panel", None)
                sections.setdefault(heading if isinstance(heading, str) else "Options", []).append(record)
        for heading, entries in sections.items():
            if entries:
                with formatter.section(heading):
                    formatter.write_dl(entries)


def arguments_of(command: Any) -> list[Any]:
    """The arguments of a command, without its options."""
    return [parameter for parameter in command.params if parameter.param_type_name == "argument"]


def _usage(argument: Any) -> str:
    name = f"{shown_name(argument)}{'...' if argument.nargs == -1 else ''}"
    return name if argument.required else f"[{name}]"


def shown_name(argument: Any) -> str:
    """How usage and docs call an argument."""
    return str(argument.metavar or str(argument.name).upper())


class SagaGroup(TyperGroup):
    """Commands under headings, and the nearest name for one that does not exist."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write a list of commands for each heading, those without one last."""
        commands = {name: command for name, command in self.commands.items() if not command.hidden}
        if not commands:
            return
        width = max(map(len, commands))
        lists: dict[str, list[tuple[str, str]]] = {section: [] for section in Section}
        for name, command in commands.items():
            heading = getattr(command, "rich_help_panel", None)
            entry = (name.ljust(width), command.get_short_help_str(formatter.width - width - 6))
            lists.setdefault(heading if isinstance(heading, str) else "Commands", []).append(entry)
        for heading, entries in lists.items():
            if entries:
                with formatter.section(heading):
                    formatter.write_dl(entries)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first argument names. Raises CliError if there is none."""
        name = args[0]
        if name not in self.commands and not name.startswith("-") and not ctx.resilient_parsing:
            visible = [known for known, command in self.commands.items() if not command.hidden]
            close = difflib.get_close_matches(name, visible, n=2)
            hint = f"did you mean {' or '.join(close)}?" if close else f"see: {ctx.command_path} --help"
            raise CliError(f"{ctx.command_path} has no command {name!r}", hint)
        return super().resolve_command(ctx, args)


class SagaApp(typer.Typer):
    """An app whose commands are all of the kind above."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            **settings,
            cls=SagaGroup,
            invoke_without_command=True,
            rich_markup_mode=None,
            context_settings={"help_option_names": ["-h", "--help"]},
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """A decorator that adds a command."""
        return super().command(name, **{"cls": SagaCommand, **settings})


def new_group(help_text: str) -> typer.Typer:
    """A topic, such as ``templates``, to which commands are added; alone it prints its help."""
    group = SagaApp(help=help_text)
    group.callback()(print_help_if_alone)
    return group


def print_help_if_alone(ctx: typer.Context) -> None:
    """Print the help of a group that was called without a command."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
