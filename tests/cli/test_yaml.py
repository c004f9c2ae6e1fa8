"""What is written as YAML is read again as what it was: here, by PyYAML, and by kubectl (``WORDS`` was tried on it)."""

from __future__ import annotations

import pytest
import yaml

from kubesaga.cli.inputs import parse_documents
from kubesaga.cli.yaml_dumper import to_yaml

WORDS = [
    "1e3", "1.5e3", "1E-2", ".5", "5.", "+1", "089", "0o17", "017", "0x1F", "0b11", "1_000", "12:30", "190:20:30",
    "2026-11-21", "y", "N", "yes", "NO", "on", "True", "null", "~", "", "=", "<<", ".inf", ".NaN", "a: b", "- a", "#a",
    " a", "a\nb", "é", "1.2.3", "_1", "+",
]  # fmt: skip
TAKEN_FOR_ELSE = {
    "1e3",
    "1.5e3",
    "1E-2",
    "089",
    "0o17",
    "12:30",
    "190:20:30",
    "2026-11-21",
    "y",
    "N",
    "yes",
    "NO",
    "on",
}


@pytest.mark.parametrize("word", WORDS)
def test_a_text_stays_a_text(word: str) -> None:
    written = to_yaml([{"a": word, "b": {word: 1}, "c": [word]}])
    expected = {"a": word, "b": {word: 1}, "c": [word]}
    assert yaml.safe_load(written) == expected
    assert parse_documents(written, "a.yaml") == [expected]


@pytest.mark.parametrize("word", sorted(TAKEN_FOR_ELSE))
def test_what_some_reader_takes_for_something_else_is_in_quotes(word: str) -> None:
    assert to_yaml([{"a": word}]) == f"a: '{word}'\n"


@pytest.mark.parametrize("value", [0, -3, 2**62, 1.5, 1e-7, 1e30, True, None, [], {}])
def test_any_other_value_stays_what_it_is(value: object) -> None:
    (found,) = parse_documents(to_yaml([{"a": value}]), "a.yaml")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


def test_each_document_stands_by_itself() -> None:
    assert parse_documents(to_yaml([{"a": 1}, {"b": 2}]), "a.yaml") == [{"a": 1}, {"b": 2}]
