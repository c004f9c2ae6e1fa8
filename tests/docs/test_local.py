"""docs/local.md does what it shows: its commands run and end as it says, and its options are those of the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from hack.docs.cli import every_command
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import main, new_app
from tests.docs.pages import findings, manifests, page

PAGE = page("local")
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"```console\n(.*?)```", PAGE, flags=re.DOTALL)
    for line in re.findall(r"^\$ (kubesaga run .*)$", block, flags=re.MULTILINE)
]
ENDS = {
    "--fail charge": ExitCode.COMPENSATED,
    "--fail charge:1=Retryable --fast": ExitCode.DONE,
    "--fail charge=Timeout --fast": ExitCode.COMPENSATED,
    "--fail charge --fail undo:reserve": ExitCode.NEEDS_HUMAN,
    "--seed 5 --fast": ExitCode.COMPENSATED,
    "--name big -p amount=5000": ExitCode.NEEDS_HUMAN,
    "--resume big --approve manager": ExitCode.DONE,
}
"""How a command with these words ends; the others succeed."""


def test_the_commands_end_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (template,) = re.findall(r"```yaml\n# template.yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    (tmp_path / "template.yaml").write_text(template, "utf-8")
    (tmp_path / "order.json").write_text('{"amount": 42}', "utf-8")
    monkeypatch.chdir(tmp_path)
    ran = [shlex.join(command) for command in COMMANDS if command[1:] != ["--resume"]]
    assert [words for words in ENDS if not any(line.endswith(words) for line in ran)] == []
    for line in ran:
        expected = next((code for words, code in ENDS.items() if line.endswith(words)), ExitCode.DONE)
        assert main(shlex.split(line)) == expected, line


def test_the_template_passes_the_checks() -> None:
    (template,) = manifests(PAGE)
    assert findings(template) == []


def test_its_options_are_those_of_the_program() -> None:
    root = typer.main.get_command(new_app()).make_context("kubesaga", [], resilient_parsing=True)
    run = dict(every_command(root))["run",].command
    options = {name for each in run.params for name in each.opts if name.startswith("--")}
    named = set(re.findall(r"(?<![\w-])--[a-z]+", PAGE))
    assert len(named) >= 10
    assert named <= options
