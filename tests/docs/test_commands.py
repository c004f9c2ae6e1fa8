"""Every line of `kubesaga` or `kubectl saga` on a page to copy is one that the program takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from kubesaga.cli.main import new_app
from tests.docs.pages import DOCS, ROOT

APP = typer.main.get_command(new_app())
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((ROOT / "examples").glob("*/README.md"))]


def lines(page: Path) -> list[str]:
    """The command lines in the code blocks of a page, from the command on."""
    blocks = re.findall(r"```(?:console|sh)\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
    whole = "\n".join(blocks).replace("\\\n", " ")
    return re.findall(r"^(?:\$ )?(?:kubectl saga|kubesaga) ([a-z].*)$", whole, flags=re.MULTILINE)


def parse(line: str) -> None:
    """Have the program read a command line, without running it. Raises what it would print."""
    words, above = shlex.split(line.split(" | ", maxsplit=1)[0], comments=True), None
    command: Any = APP
    while hasattr(command, "get_command"):
        above = command.make_context(command.name, words, parent=above, resilient_parsing=True)
        _, command, words = command.resolve_command(above, [*above._protected_args, *above.args])
    command.make_context(command.name, words, parent=above)


LINES = [pytest.param(line, id=f"{page.relative_to(ROOT)}: {line}") for page in PAGES for line in lines(page)]


@pytest.mark.parametrize("line", LINES)
def test_the_program_takes_the_line(line: str) -> None:
    parse(line)


def test_there_are_lines_to_look_at() -> None:
    assert len(LINES) > 30
