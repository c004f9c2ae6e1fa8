"""``kubesaga import tasker`` as a user calls it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml

from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import main

TEMPLATE = """\
name: order
namespace_name: shop
version: 1.0.0
steps:
  - name: ship
    handler: {callable: shop.handlers.Ship}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A file with a template of Tasker core."""
    path = tmp_path / "order.yaml"
    path.write_text(TEMPLATE, "utf-8")
    return path


def test_objects_go_to_stdout_and_the_report_to_stderr(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "tasker", str(template), "--image", "shop:1"]) == ExitCode.DONE
    printed = capsys.readouterr()
    (found,) = yaml.safe_load_all(printed.out)
    assert found["spec"]["steps"][0]["handler"] == {"callable": "shop.handlers:Ship"}
    assert found["spec"]["defaults"] == {"image": "shop:1"}
    assert f"{template}: Tasker core template → TaskTemplate shop-order-1-0-0" in printed.err
    assert "failureStrategy" in printed.err


def test_a_file_for_each_object_and_a_report_for_programs(template: Path, tmp_path: Path) -> None:
    folder, report = tmp_path / "out", tmp_path / "report"
    line = ["import", "tasker", str(template), "-d", str(folder), "--report", str(report), "-o", "json"]
    assert main(line) == ExitCode.DONE
    (file,) = folder.iterdir()
    assert file.name == "shop-order-1-0-0.tasktemplate.json"
    assert json.loads(file.read_text("utf-8"))["kind"] == "TaskTemplate"
    (found,) = json.loads(report.read_text("utf-8"))["objects"]
    assert {"kind", "path", "message"} == set(found["notes"][0])
    assert found["findings"] == []


def test_ruby_is_told_what_to_become(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "handler.rb"
    file.write_text("class Order < Tasker::TaskHandler\nend\n", "utf-8")
    assert main(["import", "tasker", str(file)]) == ExitCode.USAGE
    error, hint = capsys.readouterr().err.splitlines()
    assert error == f"error: {file}: is Ruby, which is not read"
    assert "TaskHandler of kubesaga_sdk.workflow" in hint


def test_one_version_of_a_template_in_two_files_is_told(
    template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "copy.yaml"
    other.write_text(TEMPLATE.replace("ship", "pack"), "utf-8")
    assert main(["import", "tasker", str(template), str(other), "--image", "shop:1"]) == ExitCode.NO
    errors = [line.split() for line in capsys.readouterr().err.splitlines() if line.startswith("  error")]
    (said,) = (" ".join(words) for words in errors)
    assert f"spec.version: shop/order@1.0.0 is in {template} too, as shop-order-1-0-0" in said


def test_what_is_there_is_written_over_only_by_force(template: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    line = ["import", "tasker", str(template), "-d", str(folder)]
    assert main(line) == ExitCode.DONE
    assert main(line) == ExitCode.DONE
    (file,) = folder.iterdir()
    file.write_text("mine", "utf-8")
    assert main(line) == ExitCode.REFUSED
    assert file.read_text("utf-8") == "mine"
    assert main([*line, "--force"]) == ExitCode.DONE
    assert file.read_text("utf-8") != "mine"


def test_what_the_operator_would_refuse_is_said_and_ends_with_1(
    template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template.write_text(TEMPLATE + "    dependencies: [pack]\n", "utf-8")
    assert main(["import", "tasker", str(template)]) == ExitCode.NO
    printed = capsys.readouterr()
    assert "UnknownDependency" in printed.err
    assert "kind: TaskTemplate" in printed.out


def test_stdin_is_a_file_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(TEMPLATE))
    assert main(["import", "tasker", "-"]) == ExitCode.DONE
    assert "stdin: Tasker core template" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "name: [", "is not YAML"),
        ("a.json", '{"name" 1}', "a.json:1:9: is not JSON"),
        ("a.yaml", "", "is empty"),
        ("a.yaml", "- 1", "document 1 is not an object"),
        ("a.yaml", "production: {host: db}", "neither a template of Tasker's"),
        ("a.yaml", "name: x\nurl: <%= ENV['URL'] %>", "a.yaml:2: has ERB"),
        ("a.yaml", "name: !ruby/symbol x", "a.yaml:1:7: "),
        ("a.py", "def (", "a.py:1:5: is not Python"),
        ("a.py", "x = 1", "has no task_template"),
        ("a.py", "task_template = {'name': NAME()}", "a.py:1:26: NAME() is computed"),
        ("a.py", "task_template = {'name': f'{1}'}", "is computed"),
        ("a.py", "task_template = 'name: ['", "a.py, the text in line 1:"),
    ],
)
def test_a_file_that_is_none_of_taskers_is_told_with_its_place(
    name: str, text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    assert main(["import", "tasker", str(file)]) == ExitCode.USAGE
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.splitlines()[-1].startswith("hint: ")
    assert printed.out == ""


@pytest.mark.parametrize("option", [["--map", "Shop"], ["--map", "Shop=a b"], ["--package", "my-shop"]])
def test_a_wrong_rule_is_told(option: list[str], template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "tasker", str(template), *option]) == ExitCode.USAGE
    assert option[0] in capsys.readouterr().err
