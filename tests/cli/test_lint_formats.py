"""The problems as other programs read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from kubesaga.api.findings import Code
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.lint.problem import DESCRIPTIONS, LintCode
from kubesaga.cli.main import main
from tests.cli.manifests import step, task, template, write

Capture = pytest.CaptureFixture[str]

# What SARIF 2.1.0 requires of the parts that are used, and GitHub of a rule.
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "additionalProperties": False,
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["physicalLocation"],
                "additionalProperties": False,
                "properties": {
                    "physicalLocation": {
                        "type": "object",
                        "required": ["artifactLocation", "region"],
                        "additionalProperties": False,
                        "properties": {
                            "artifactLocation": {
                                "type": "object",
                                "required": ["uri"],
                                "properties": {"uri": {"type": "string", "format": "uri-reference"}},
                            },
                            "region": {
                                "type": "object",
                                "required": ["startLine", "startColumn"],
                                "additionalProperties": False,
                                "properties": {
                                    "startLine": {"type": "integer", "minimum": 1},
                                    "startColumn": {"type": "integer", "minimum": 1},
                                },
                            },
                        },
                    },
                    "logicalLocations": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"fullyQualifiedName": {"type": "string"}}},
                    },
                },
            },
        },
    },
}
RULE = {
    "type": "object",
    "required": ["id", "name", "shortDescription", "fullDescription", "help"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
    },
}
SARIF = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "version", "rules"],
                                "properties": {"rules": {"type": "array", "uniqueItems": True, "items": RULE}},
                            }
                        },
                    },
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}


@pytest.fixture
def wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file with two errors and a warning; its name needs quoting everywhere."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my files").mkdir()
    odd = step("charge", "nobody", timeout="100%,\n::error::")
    file = Path("my files") / "a,b:c%.yaml"
    return write(file, template(steps=[odd]), template("other", defaults={"timeout": "1m"}), task(template_name="x"))


def run(file: str, format_: str, capsys: Capture) -> str:
    assert main(["lint", file, "--format", format_]) == ExitCode.NO
    printed = capsys.readouterr()
    assert "2 errors, 1 warning" in printed.err
    return printed.out


def test_text_has_a_line_for_each_problem_as_compilers_write_them(wrong: str, capsys: Capture) -> None:
    lines = run(wrong, "text", capsys).splitlines()
    assert len(lines) == 3
    for line in lines:
        assert re.fullmatch(r"my files/a,b:c%\.yaml:\d+:\d+: (error|warning): spec\.\S+: .+ \[\w+\]; .+", line)


def test_a_table_has_a_row_for_each_problem(wrong: str, capsys: Capture) -> None:
    head, *rows = run(wrong, "table", capsys).splitlines()
    assert head.split() == ["SEVERITY", "PLACE", "OBJECT", "CODE", "PROBLEM", "REMEDY"]
    assert [row.split()[0] for row in rows] == ["error", "error", "warning"]


@pytest.mark.parametrize(("format_", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_data_has_everything(format_: str, load: Any, wrong: str, capsys: Capture) -> None:
    data = load(run(wrong, format_, capsys))
    assert (data["objects"], data["files"], data["errors"], data["warnings"]) == (3, 1, 2, 1)
    for problem in data["problems"]:
        assert set(problem) == {
            "severity", "code", "file", "line", "column", "object", "path", "message", "remedy"
        }  # fmt: skip


def test_sarif_has_the_shape_of_its_version(wrong: str, capsys: Capture) -> None:
    log = json.loads(run(wrong, "sarif", capsys))
    validator = jsonschema_rs.Draft202012Validator(SARIF, validate_formats=True)
    assert [error.message for error in validator.iter_errors(log)] == []
    (one,) = log["runs"]
    rules = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in one["results"]] == [each["ruleId"] for each in one["results"]]
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in one["results"]]
    assert set(places) == {"my%20files/a%2Cb%3Ac%25.yaml"}


def test_sarif_has_an_absolute_place_as_a_uri_with_its_scheme(wrong: str, capsys: Capture) -> None:
    log = json.loads(run(str(Path(wrong).absolute()), "sarif", capsys))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == Path(wrong).absolute().as_uri()
    assert place.startswith("file:///")


def test_sarif_of_files_without_problems_has_no_results(tmp_path: Path, capsys: Capture) -> None:
    assert main(["lint", write(tmp_path / "a.yaml", template()), "-o", "sarif"]) == ExitCode.DONE
    log = json.loads(capsys.readouterr().out)
    assert jsonschema_rs.Draft202012Validator(SARIF).is_valid(log)
    assert log["runs"][0]["results"] == []


def test_github_gets_annotations_in_which_nothing_is_a_command_of_its_own(wrong: str, capsys: Capture) -> None:
    lines = run(wrong, "github", capsys).splitlines()
    assert len(lines) == 3
    for line in lines:
        match = re.fullmatch(r"::(error|warning) file=([^,:]+),line=\d+,col=\d+,title=\w+::(.+)", line)
        assert match, line
        assert match[2] == "my files/a%2Cb%3Ac%25.yaml"
    assert "'100%25," in lines[1]


def test_every_code_has_a_description() -> None:
    assert set(DESCRIPTIONS) == {*Code, *LintCode}
