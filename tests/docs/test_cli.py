"""docs/cli.md tells what the program can do, all of it and nothing else."""

from __future__ import annotations

import re

import pytest
import typer

from hack.docs import cli
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import new_app
from tests.docs.pages import page

TEXT = page("cli")
ROOT = typer.main.get_command(new_app()).make_context("kubesaga", [], resilient_parsing=True)
COMMANDS = dict(cli.every_command(ROOT))


def test_the_page_is_as_the_program_says() -> None:
    assert cli.main(["--check"]) == 0


def test_every_command_has_a_section_and_a_line_in_the_contents() -> None:
    names = [" ".join(words) for words in COMMANDS]
    assert re.findall(r"^### kubesaga (.+)$", TEXT, flags=re.MULTILINE) == names
    assert sorted(re.findall(r"^\| \[`(.+?)`\]\(#", TEXT, flags=re.MULTILINE)) == sorted(names)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_is_told(words: tuple[str, ...]) -> None:
    section = TEXT.split(f"### kubesaga {' '.join(words)}\n")[1].split("\n### ")[0]
    shared = TEXT.split("## The cluster\n")[1].split("\n## ")[0]
    for option in COMMANDS[words].command.params:
        if option.param_type_name == "option" and not option.hidden:
            assert all(name in section or name in shared for name in option.opts)


def test_every_exit_code_is_told() -> None:
    section = TEXT.split("## Exit codes\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| (\d+) \|", section, flags=re.MULTILINE) == [str(int(code)) for code in ExitCode]
