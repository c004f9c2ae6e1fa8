"""Two versions of a template as the command shows them; which change concerns whom is for test_compatibility."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import main
from tests.cli.manifests import step, template, write

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]

OLD = template(inputSchema={"type": "object"}, steps=[step("charge"), step("ship", "charge")])


def new(version: str, **changes: Any) -> dict[str, Any]:
    made = template(version=version)
    made["spec"] = {**OLD["spec"], "version": version, **changes}
    return made


BREAKING = {"inputSchema": {"type": "object", "required": ["sku"]}, "description": "Stricter."}


@pytest.fixture
def old(tmp_path: Path) -> str:
    return write(tmp_path / "old.yaml", OLD)


def test_a_number_that_admits_the_changes_is_fine(old: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["diff", old, write(tmp_path / "new.yaml", new("2.0.0", **BREAKING))]) == ExitCode.DONE
    assert capsys.readouterr().out == (
        "default/order@1.0.0 -> default/order@2.0.0\n"
        "\n"
        "Breaks callers:\n"
        "  + inputSchema/required: sku ('sku' is required now)\n"
        "\n"
        "Internal:\n"
        "  + description: Stricter.\n"
        "\n"
        "The version number admits it: the changes need a major version, and 2.0.0 is a major one\n"
    )


def test_one_that_does_not_is_told_with_one_that_would(old: str, tmp_path: Path, capsys: Capture) -> None:
    assert main(["diff", old, write(tmp_path / "new.yaml", new("1.1.0", **BREAKING))]) == ExitCode.NO
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == (
        "The version number does not admit it: the changes need a major version, and 1.1.0 is a minor one; "
        "the least that would: 2.0.0"
    )


def test_json_has_everything(old: str, tmp_path: Path, capsys: Capture) -> None:
    file = write(tmp_path / "new.yaml", new("1.0.1", **BREAKING))
    assert main(["diff", old, file, "-o", "json"]) == ExitCode.NO
    data = json.loads(capsys.readouterr().out)
    assert {key: data[key] for key in ("old", "new", "needed", "given", "admitted", "suggestion")} == {
        "old": "default/order@1.0.0",
        "new": "default/order@1.0.1",
        "needed": "major",
        "given": "patch",
        "admitted": False,
        "suggestion": "2.0.0",
    }
    assert data["changes"][0] == {
        "impact": "breaking",
        "kind": "added",
        "path": "inputSchema/required",
        "before": None,
        "after": "sku",
        "reason": "'sku' is required now",
    }


def test_what_is_the_same_needs_nothing(old: str, capsys: Capture) -> None:
    assert main(["diff", old, old]) == ExitCode.DONE
    assert capsys.readouterr().out.endswith("\nNothing is changed.\n")


def test_of_a_long_text_the_part_that_differs_is_shown(tmp_path: Path, capsys: Capture) -> None:
    text = "word " * 40
    one = write(tmp_path / "a.yaml", new("1.0.0", description=f"{text}old{text}"))
    other = write(tmp_path / "b.yaml", new("1.0.1", description=f"{text}new{text}\n\x1b[31m"))
    assert main(["diff", one, other]) == ExitCode.DONE
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "description" in line]
    assert "…word word oldword" in line
    assert "…word word newword" in line
    assert len(line) < 180


@pytest.mark.parametrize(
    ("first", "second"),
    [("quote-1.0.0", "quote-1.1.0"), ("quote-1.1.0", "quote-2.0.0"), ("quote-1.0.0", "quote-2.0.0")],
)
def test_the_versions_of_the_example_admit_their_changes(first: str, second: str) -> None:
    folder = ROOT / "examples" / "versions"
    assert main(["diff", str(folder / f"{first}.yaml"), str(folder / f"{second}.yaml")]) == ExitCode.DONE


def test_one_of_several_templates_can_be_chosen(tmp_path: Path, capsys: Capture) -> None:
    one = write(tmp_path / "a.yaml", OLD, template("trip"))
    other = write(tmp_path / "b.yaml", new("1.0.1"), template("trip", "1.0.1", description="x"))
    assert main(["diff", one, other]) == ExitCode.USAGE
    assert main(["diff", one, other, "--template", "trip"]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("default/trip@1.0.0 -> default/trip@1.0.1")


def test_a_template_with_findings_is_not_compared(old: str, tmp_path: Path, capsys: Capture) -> None:
    wrong = write(tmp_path / "new.yaml", new("v2"))
    assert main(["diff", old, wrong]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "InvalidVersion" in said
    assert f"hint: see: kubesaga lint {wrong}" in said


def test_a_template_for_which_the_operator_has_the_image_is_compared(tmp_path: Path) -> None:
    one = write(tmp_path / "a.yaml", template(defaults={}))
    assert main(["diff", one, write(tmp_path / "b.yaml", template(version="1.0.1", defaults={}))]) == ExitCode.DONE


def test_stdin_cannot_be_both(capsys: Capture) -> None:
    assert main(["diff", "-", "-"]) == ExitCode.USAGE
    assert "stdin cannot be both" in capsys.readouterr().err
