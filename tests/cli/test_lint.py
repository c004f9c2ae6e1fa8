"""What lint finds in one object, and where: the corpus, the examples, and what only files can have."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.lint.check import check_files
from kubesaga.cli.lint.problem import Problem, Severity
from kubesaga.cli.main import main
from tests.cli.manifests import step, template, write
from tests.corpus.entries import ENTRIES, Entry

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


def problems(*paths: object, environment: str | None = None) -> tuple[Problem, ...]:
    return check_files(map(str, paths), environment).problems


def codes(found: Iterable[Problem]) -> list[str]:
    return sorted(str(problem.code) for problem in found)


def of_text(tmp_path: Path, text: str, name: str = "a.yaml") -> tuple[Problem, ...]:
    file = tmp_path / name
    file.write_text(text)
    return problems(file)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_wrong_manifest_gets_the_codes_that_it_should_at_places_in_its_file(entry: Entry) -> None:
    found = problems(entry.file)
    assert codes(found) == ([] if entry.harmless else list(entry.codes))
    lines = entry.file.read_text().splitlines()
    for problem in found:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1])
        assert problem.remedy
        assert problem.object.startswith(f"{entry.kind}/")


def test_the_examples_have_no_errors(capsys: Capture) -> None:
    assert main(["lint", "--strict", str(ROOT / "examples")]) == ExitCode.DONE
    assert capsys.readouterr().out == ""


def test_a_problem_stands_where_its_field_is_written(tmp_path: Path) -> None:
    found = of_text(
        tmp_path,
        "# a comment\n"
        "kind: ConfigMap\n"
        "apiVersion: v1\n"
        "---\n"
        "apiVersion: kubesaga.dev/v1alpha1\n"
        "kind: TaskTemplate\n"
        "metadata: {name: order}\n"
        "spec:\n"
        "  version: 1.0.0\n"
        "  defaults: {image: shop:1}\n"
        "  inputSchema:\n"
        "    properties:\n"
        "      sku: {type: strin}\n"
        "  steps:\n"
        "    - name: charge\n"
        "      dependsOn: [nobody]\n"
        "      timeout: soon\n"
        "      handler: {callable: 'shop:Charge', env: [{name: KUBESAGA_TASK}]}\n",
    )
    assert [(problem.code, problem.line, problem.column) for problem in found] == [
        ("InvalidInputSchema", 13, 13),
        ("UnknownDependency", 16, 19),
        ("InvalidDuration", 17, 7),
        ("ReservedEnvironment", 18, 49),
    ]


def test_what_is_missing_is_told_at_what_should_hold_it(tmp_path: Path) -> None:
    found = of_text(
        tmp_path, "apiVersion: kubesaga.dev/v1alpha1\nkind: Task\nmetadata: {name: a}\nspec:\n  context: {}\n"
    )
    assert [(problem.path, problem.line, problem.column) for problem in found] == [("spec.templateRef", 4, 1)]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"apiVersion": "kubesaga.dev/v2"}, "apiVersion"),
        ({"kind": "TaskTemplat"}, "kind"),
        ({"metadata": {}}, "metadata.name"),
        ({"metadata": None}, "metadata.name"),
        ({"metadata": {"name": "Order"}}, "metadata.name"),
        ({"metadata": {"name": 7}}, "metadata.name"),
        ({"metadata": {"name": "x" * 64}, "kind": "Task", "spec": {"templateRef": {"name": "a"}}}, "metadata.name"),
        ({"metadata": {"name": "1.0"}, "spec": {"version": "1.0.0", "steps": [step("a")]}}, "metadata.name"),
        ({"spec": None}, "spec"),
        ({"spec": [1]}, "spec"),
        ({"spce": {}}, "spce"),
    ],
)
def test_what_the_api_server_says_of_any_object_is_said(change: dict[str, Any], path: str, tmp_path: Path) -> None:
    found = problems(write(tmp_path / "a.yaml", {**template(), **change}))
    assert [each.path for each in found if each.code == "InvalidField"] == [path]


def test_a_generated_name_is_a_name(tmp_path: Path) -> None:
    assert problems(write(tmp_path / "a.yaml", {**template(), "metadata": {"generateName": "order-"}})) == ()


def test_a_key_that_is_there_twice_is_told_at_the_second(tmp_path: Path) -> None:
    text = f"{json.dumps(template())[:-1]},\n  'spec': {json.dumps(template()['spec'])}}}"
    found = of_text(tmp_path, text)
    assert [(each.code, each.line, each.column) for each in found] == [("DuplicateKey", 2, 3)]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.yaml", "apiVersion: kubesaga.dev/v1alpha1\nspec: [\n", (2, 8)),
        ("a.json", '{"apiVersion": "kubesaga.dev/v1alpha1",\n  "spec": oops}', (2, 11)),
        ("a.yaml", "apiVersion: kubesaga.dev/v1alpha1\nspec: " + "[" * 300, (2, 206)),
        ("a.json", '{"apiVersion": "kubesaga.dev/v1alpha1", "spec": ' + "[" * 100_000, (1, 248)),
        ("a.yaml", "apiVersion: kubesaga.dev/v1alpha1\nspec: !!python/name:os.system\n", (2, 7)),
        ("a.yaml", "apiVersion: kubesaga.dev/v1alpha1\nspec: !!timestamp 2026-99-99\n", (1, 1)),
        ("a.yaml", "apiVersion: kubesaga.dev/v1alpha1\n? [a]\n: b\n", (2, 3)),
    ],
)
def test_a_file_that_is_no_yaml_or_json_is_a_problem_with_its_place(
    name: str, text: str, place: tuple[int, int], tmp_path: Path
) -> None:
    (found,) = of_text(tmp_path, text, name)
    assert (found.code, (found.line, found.column)) == ("InvalidYaml", place)
    assert "\n" not in found.message


def test_documents_before_the_one_that_cannot_be_read_are_checked(tmp_path: Path) -> None:
    found = of_text(tmp_path, f"{json.dumps(template(version='v1'))}\n---\nspec: [\n")
    assert codes(found) == ["InvalidVersion", "InvalidYaml"]


def test_documents_after_one_with_a_value_that_is_none_are_checked(tmp_path: Path) -> None:
    odd = "apiVersion: kubesaga.dev/v1alpha1\nspec: !!timestamp 2026-99-99\n"
    found = of_text(tmp_path, f"{odd}---\n{json.dumps(template(version='v1'))}\n---\n{odd}")
    assert [(each.code, each.line) for each in found] == [("InvalidYaml", 1), ("InvalidVersion", 4), ("InvalidYaml", 6)]


def test_an_anchor_that_contains_itself_is_no_disaster(tmp_path: Path) -> None:
    found = of_text(
        tmp_path, "apiVersion: kubesaga.dev/v1alpha1\nkind: Task\nmetadata: {name: a}\nspec: &a {context: *a}\n"
    )
    assert "InvalidField" in codes(found)


def test_aliases_that_stand_for_millions_of_values_are_no_disaster(tmp_path: Path) -> None:
    levels = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    head = "apiVersion: kubesaga.dev/v1alpha1\nkind: TaskTemplate\nmetadata: {name: a}\nspec:\n  version: 1.0.0\n"
    (found,) = of_text(tmp_path, f"{head}  l0: &l0 [x]\n{levels}")
    assert (found.code, found.path) == ("InvalidField", "spec")


def test_merge_keys_are_followed(tmp_path: Path) -> None:
    found = of_text(
        tmp_path,
        "apiVersion: kubesaga.dev/v1alpha1\nkind: TaskTemplate\nmetadata: {name: order}\n"
        "spec:\n  version: 1.0.0\n  defaults: {image: a}\n  steps:\n"
        "    - &first {name: a, timeout: soon, handler: {callable: 'shop:A'}}\n"
        "    - {<<: *first, name: b}\n",
    )
    assert [(each.code, each.path, each.line) for each in found] == [
        ("InvalidDuration", "spec.steps[0].timeout", 8),
        ("InvalidDuration", "spec.steps[1].timeout", 8),
    ]


def test_the_items_of_a_list_are_objects_too(tmp_path: Path) -> None:
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [template(version="v1"), {"apiVersion": "v1", "kind": "Pod"}],
    }
    report = check_files([write(tmp_path / "a.yaml", listed)])
    assert codes(report.problems) == ["InvalidVersion"]
    assert (report.objects, report.ignored) == (1, 1)


def test_folders_are_read_with_all_below_them_but_nothing_hidden(tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    write(tmp_path / "deep" / "deeper" / "a.yml", template("a", "v1"))
    write(tmp_path / "deep" / "b.json", template("b", "v1"))
    write(tmp_path / ".git" / "c.yaml", template("c", "v1"))
    (tmp_path / "deep" / "notes.txt").write_text("no: [manifest")
    report = check_files([str(tmp_path)])
    assert [Path(each.file).name for each in report.problems] == ["b.json", "a.yml"]


def test_a_file_that_is_named_and_in_a_named_folder_is_read_once(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", template())
    for paths in ([tmp_path, file], [file, tmp_path], [file, file]):
        report = check_files(map(str, paths))
        assert (report.problems, report.objects) == ((), 1)


def test_a_file_that_is_named_has_to_be_yaml_although_its_folder_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{{ a chart }}: [")
    assert codes(problems(tmp_path, tmp_path / "a.yaml")) == ["InvalidYaml"]


def test_in_a_folder_a_file_without_an_object_of_ours_need_not_be_yaml(tmp_path: Path) -> None:
    chart = tmp_path / "deployment.yaml"
    chart.write_text("{{ if .Values.x }}\nkind: Role\nrules: [{apiGroups: [kubesaga.dev]}]\n{{ end }}\n")
    report = check_files([str(tmp_path)])
    assert (report.problems, report.ignored) == ((), 1)
    assert codes(problems(chart)) == ["InvalidYaml"]


def test_a_path_that_is_not_there_is_wrong_usage(capsys: Capture) -> None:
    assert main(["lint", "no/such.yaml"]) == ExitCode.USAGE
    assert "no/such.yaml: there is no such file" in capsys.readouterr().err
    with pytest.raises(CliError):
        check_files(["no/such.yaml"])


def test_stdin_is_a_file_too(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(template(version="v1"))))
    assert main(["lint", "-"]) == ExitCode.NO
    assert capsys.readouterr().out.startswith("stdin:1:")


def test_a_warning_fails_only_if_asked_to(tmp_path: Path, capsys: Capture) -> None:
    file = write(tmp_path / "a.yaml", template(defaults={"timeout": "1m"}))
    (found,) = problems(file)
    assert (found.code, found.severity) == ("MissingImage", Severity.WARNING)
    assert main(["lint", file]) == ExitCode.DONE
    assert main(["lint", "--strict", file]) == ExitCode.NO
    assert "1 object in 1 file: 0 errors, 1 warning" in capsys.readouterr().err


def test_a_template_is_checked_as_it_is_in_an_environment(tmp_path: Path) -> None:
    retry = {"initialInterval": "1m", "maxInterval": "2m"}
    override = {"name": "charge", "retry": {"maxInterval": "30s"}}
    written = template(steps=[step("charge", retry=retry)], environments={"prod": {"steps": [override]}})
    file = write(tmp_path / "a.yaml", written)
    assert problems(file) == problems(file, environment="test") == ()
    (found,) = problems(file, environment="prod")
    assert found.code == "InvalidRetry"
    assert "in environment prod" in found.message


@pytest.mark.parametrize(
    "comment", ["# kubesaga-lint: ignore InvalidVersion", "#kubesaga-lint:ignore NoSteps, InvalidVersion"]
)
def test_a_comment_keeps_codes_out_of_its_own_document(comment: str, tmp_path: Path) -> None:
    wrong = json.dumps(template(version="v1"))
    other = json.dumps(template("other", version="v1"))
    found = of_text(tmp_path, f"{other}\n---\n{comment}\n{wrong}\n---\n{other.replace('other', 'third')}\n")
    assert [each.line for each in found] == [1, 6]
