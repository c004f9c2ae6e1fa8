"""What goes to stdout: stable and whole in a pipe, coloured on a terminal."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import yaml

from kubesaga.cli.options import Format
from kubesaga.cli.output import Table, print_table, print_yaml, show

Capture = pytest.CaptureFixture[str]
DATA = [{"name": "order-1", "state": "Complete", "note": "Überraschung: yes"}]


class Terminal(io.StringIO):
    """A stream that a human looks at."""

    def isatty(self) -> bool:
        return True


def table() -> Table:
    shown = Table(("Name", "State", "Message"), wide=frozenset({"Message"}), styles={"Complete": "green"})
    shown.add("order-1", "Complete", "all [3] steps")
    shown.add("a-much-longer-name-" + "x" * 120, None, 2)
    return shown


def test_a_table_in_a_pipe_is_whole_with_columns_that_line_up(capsys: Capture) -> None:
    show(Format.TABLE, DATA, table())
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "STATE"]
    assert first.split() == ["order-1", "Complete"]
    assert head.index("STATE") == first.index("Complete")
    assert second == "a-much-longer-name-" + "x" * 120


def test_wide_shows_more_columns(capsys: Capture) -> None:
    show(Format.WIDE, DATA, table())
    assert "all [3] steps" in capsys.readouterr().out


@pytest.mark.parametrize(("format_", "load"), [(Format.JSON, json.loads), (Format.YAML, yaml.safe_load)])
def test_data_is_the_same_in_json_and_yaml(format_: Format, load: Any, capsys: Capture) -> None:
    show(format_, DATA, table())
    out = capsys.readouterr().out
    assert load(out) == DATA
    assert "Ü" in out


def test_names_stand_alone(capsys: Capture) -> None:
    show(Format.NAME, DATA, table(), names=["task.kubesaga.dev/order-1"])
    assert capsys.readouterr().out == "task.kubesaga.dev/order-1\n"


def test_many_documents_are_many(capsys: Capture) -> None:
    print_yaml([{"a": 1}, {"b": 2}], documents=True)
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("no_colour", [False, True])
def test_a_terminal_gets_colours_unless_they_are_not_wanted(no_colour: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    print_table(table())
    assert "all [3] steps" in terminal.getvalue()
    assert ("\x1b[32m" in terminal.getvalue()) is not no_colour


def test_a_narrow_terminal_cuts_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    print_table(table())
    assert "a-much-longer-name-" + "x" * 120 in terminal.getvalue()
    assert len(terminal.getvalue().splitlines()) == 3


def test_a_table_without_rows_is_nothing(capsys: Capture) -> None:
    print_table(Table(("Name",)))
    assert capsys.readouterr().out == ""
