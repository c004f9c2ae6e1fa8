"""Write what ``kubesaga`` can do into docs/cli.md: ``python -m hack.docs.cli [--check]``.

Commands, arguments, options and exit codes are those of the program itself. ``make generate`` writes them, ``make
check`` compares.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from hack.docs.markers import with_parts, write_or_compare
from kubesaga.cli.exits import MEANINGS
from kubesaga.cli.groups import Section, arguments_of, shown_name
from kubesaga.cli.lint.problem import DESCRIPTIONS
from kubesaga.cli.main import new_app
from kubesaga.cli.options import CLUSTER_OPTIONS

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"

Words = tuple[str, ...]
Row = tuple[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if ``--check`` finds a difference, else 0."""
    return write_or_compare(generated, PAGE, arguments, program="hack.docs.cli", about=__doc__)


def generated(page: str) -> str:
    """The page with its parts made anew. Raises MarkerError."""
    root = typer.main.get_command(new_app())
    contexts = dict(every_command(root.make_context("kubesaga", [], resilient_parsing=True)))
    parts = {
        "contents": _contents(contexts),
        "options": _table(("Option", "Meaning"), _shared_options(contexts)),
        "commands": "\n".join(_command(words, context) for words, context in contexts.items()),
        "lint codes": _table(("Code", "Meaning"), ((f"`{code}`", said) for code, said in sorted(DESCRIPTIONS.items()))),
        "exit codes": _table(("Code", "Meaning"), ((f"{code:d}", meaning) for code, meaning in MEANINGS.items())),
    }
    return with_parts(page, parts)


def every_command(context: Any, *words: str) -> Iterator[tuple[Words, Any]]:
    """The words of every command, in the order of the help, each with a click context."""
    order = list(Section)
    commands = [command for command in context.command.commands.values() if not command.hidden]
    commands.sort(key=lambda command: order.index(command.rich_help_panel) if command.rich_help_panel in order else 0)
    for command in commands:
        below = command.context_class(command, info_name=command.name, parent=context)
        yield (*words, str(command.name)), below
        if hasattr(command, "commands"):
            yield from every_command(below, *words, str(command.name))


def _contents(contexts: dict[Words, Any]) -> str:
    lines = []
    for section in Section:
        lines += [f"**{section}**", "", "| Command | What it does |", "| --- | --- |"]
        for words, context in contexts.items():
            if contexts[words[:1]].command.rich_help_panel == section:
                name = " ".join(words)
                lines.append(f"| [`{name}`](#kubesaga-{'-'.join(words)}) | {_cell(_sentence(context.command))} |")
        lines.append("")
    return "\n".join(lines)


def _command(words: Words, context: Any) -> str:
    command = context.command
    usage = " ".join(("kubesaga", *words, *command.collect_usage_pieces(context)))
    lines = [f"### kubesaga {' '.join(words)}", "", "```", usage, "```", "", _text(command.help or ""), ""]
    arguments = [(f"`{shown_name(each)}`", each.help or "") for each in arguments_of(command)]
    options = [_option(record) for record in _records(command, context, shared=False)]
    if arguments or options:
        lines.append(_table(("Argument or option", "Meaning"), (*arguments, *options)))
    if any(_is_shared(option) for option in command.params):
        lines.append("It also takes the [options of the cluster](#the-cluster).\n")
    return "\n".join(lines)


def _shared_options(contexts: dict[Words, Any]) -> list[Row]:
    rows = {}
    for context in contexts.values():
        for record in _records(context.command, context, shared=True):
            rows[record[0]] = _option(record)
    return list(rows.values())


def _records(command: Any, context: Any, *, shared: bool) -> Iterator[Row]:
    """The options' names and meanings, without --help."""
    for option in command.params:
        if option.param_type_name == "option" and _is_shared(option) is shared:
            record = option.get_help_record(context)
            if record:
                yield record


def _is_shared(option: Any) -> bool:
    return getattr(option, "rich_help_panel", None) == CLUSTER_OPTIONS


def _option(record: Row) -> Row:
    return f"`{record[0]}`", re.sub(r"\.?\s+\[default: ([^;\]]+)\]$", r"; default: `\1`.", record[1])


def _sentence(command: Any) -> str:
    """The first sentence, which the list of commands shows too."""
    first = (command.help or "").strip().split("\n\n")[0]
    return " ".join(first.split())


def _text(help_text: str) -> str:
    """The paragraphs; those after a form feed or backspace stand as they are written."""
    paragraphs = help_text.strip().split("\n\n")
    shown = []
    for paragraph in paragraphs:
        if paragraph.startswith("\b"):
            shown.append("```\n" + paragraph.removeprefix("\b").strip("\n") + "\n```")
        else:
            shown.append(_escaped(" ".join(paragraph.split())))
    return "\n\n".join(shown)


def _table(heads: Row, rows: Iterable[Row]) -> str:
    lines = [f"| {heads[0]} | {heads[1]} |", "| --- | --- |"]
    lines += [f"| {name.replace('|', chr(92) + '|')} | {_cell(meaning)} |" for name, meaning in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Markdown in which only code is markup."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([<*_\[\]])", r"\\\1", part) for part in parts)


if __name__ == "__main__":
    sys.exit(main())
