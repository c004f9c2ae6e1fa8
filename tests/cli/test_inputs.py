"""What a user hands over, and what is said of it where it cannot be read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from kubesaga.cli.errors import CliError
from kubesaga.cli.inputs import key_values, parse_context, parse_documents, read_text


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("n=2", 2),
        ("n=-1.5e3", -1500.0),
        ("n=true", True),
        ("n=null", None),
        ("n=", ""),
        ("n=carol", "carol"),
        ("n=a=b", "a=b"),
        ("n=no", "no"),
        ("n=NaN", "NaN"),
        ("n=007", "007"),
        ("n=12:30:45", "12:30:45"),
        ("n=2026-11-21", "2026-11-21"),
        ('n="2"', "2"),
        ("n=[1, two]", [1, "two"]),
        ('n={"a": [1]}', {"a": [1]}),
        ("n={a: {b: 2026-11-21}}", {"a": {"b": "2026-11-21"}}),
    ],
)
def test_a_pairs_value_is_json_if_it_can_be_and_else_text(pair: str, value: Any) -> None:
    assert key_values([pair]) == {"n": value}


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["quantity"], "is not key=value"),
        (["=2"], "is not key=value"),
        (["a=1", "a=2"], "-p a: is there twice"),
        (["a=[1"], "-p a:1:"),
        (['a={"b":'], "-p a:1:"),
    ],
)
def test_a_pair_that_is_none_is_told(pairs: list[str], said: str) -> None:
    with pytest.raises(CliError) as error:
        key_values(pairs)
    assert said in error.value.message
    assert error.value.hint


def test_a_context_comes_from_a_file_from_stdin_or_from_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "order.json"
    file.write_text('{\n\t"sku": "teapot"}')
    assert parse_context(f"@{file}") == {"sku": "teapot"}
    monkeypatch.setattr("sys.stdin", io.StringIO("sku: kettle"))
    assert parse_context("@-") == {"sku": "kettle"}
    assert parse_context('{"sku": "cup"}') == {"sku": "cup"}
    assert parse_context("{sku: cup}") == {"sku": "cup"}


@pytest.mark.parametrize("written", ["teapot", "[1]", "2", "null"])
def test_a_context_that_is_no_object_is_told(written: str) -> None:
    with pytest.raises(CliError, match="--context"):
        parse_context(written)


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("order.json", '{\n  "sku": teapot\n}', ":2:10: is not JSON"),
        ("order.yaml", "sku: [teapot\nnext: 1\n", ":2:5: is not YAML"),
        ("order.yaml", "sku: teapot\n\tquantity: 2\n", ":2:1: is not YAML"),
        ("order.yaml", "sku: !python/object:os.system x\n", ":1:6: is not YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_line_and_column(
    name: str, text: str, place: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(CliError) as error:
        parse_context(f"@{file}")
    assert f"{file}{place}" in error.value.message
    assert "\n" not in error.value.message


def test_documents_are_as_kubectl_reads_them() -> None:
    text = "---\na: 2026-11-21\n---\n# nothing\n---\n- 1\n"
    assert parse_documents(text, "a.yaml") == [{"a": "2026-11-21"}, [1]]


# What `kubectl annotate --local -o json` makes of each.
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("2026-11-21", "2026-11-21"),
        ("2026-99-99", "2026-99-99"),
        ("1e3", 1000),
        ("1.5e3", 1500),
        ("1E-2", 0.01),
        (".5", 0.5),
        ("1_000", 1000),
        ("0o17", 15),
        ("017", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1.10", 1.1),
        ("1.2.3", "1.2.3"),
        ("_1", "_1"),
        ("+", "+"),
        ("=", "="),
        ("yes", True),
        ("NO", False),
        ("nO", "nO"),
        ("Null", None),
        ("", None),
        ('"12"', "12"),
        ("!!str 12", "12"),
    ],
)
def test_a_word_is_what_it_is_to_kubectl(written: str, value: Any) -> None:
    (found,) = parse_documents(f"a: {written}\n", "a.yaml")
    assert found == {"a": value}
    assert isinstance(found["a"], bool) == isinstance(value, bool)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="there is no such file"):
        read_text(tmp_path / "no.yaml")
    with pytest.raises(CliError, match="cannot be read: is a directory"):
        read_text(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(CliError, match=r"is not text in UTF-8 \(byte 0\)"):
        read_text(tmp_path / "bytes")


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, '{"a": ' * 100_000])
def test_what_is_nested_too_deep_is_told(text: str) -> None:
    with pytest.raises(CliError):
        parse_documents(text, "deep.yaml")
