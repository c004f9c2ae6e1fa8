"""What ``submit`` makes of its options, and what it refuses, without a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kubesaga.cli.errors import CliError
from kubesaga.cli.inputs import merge, nested
from kubesaga.cli.main import main

TASK = """
apiVersion: kubesaga.dev/v1alpha1
kind: Task
metadata: {name: order-1}
spec:
  templateRef: {name: fulfil}
"""


def test_a_dotted_path_is_a_field_inside_an_object() -> None:
    assert nested({"a.b.c": 1, "a.b.d": 2, "e": 3}) == {"a": {"b": {"c": 1, "d": 2}}, "e": 3}


@pytest.mark.parametrize("values", [{"a": 1, "a.b": 2}, {"a.b": 2, "a": 1}, {"a.": 1}, {".a": 1}, {"a..b": 1}])
def test_a_path_through_a_value_or_without_a_name_is_refused(values: dict[str, int]) -> None:
    with pytest.raises(CliError) as caught:
        nested(values)
    assert caught.value.hint


def test_values_go_over_the_context_object_by_object() -> None:
    context = {"order": {"id": 1, "items": [1, 2]}, "kept": True}
    merge(context, {"order": {"id": 2}, "new": None})
    assert context == {"order": {"id": 2, "items": [1, 2]}, "kept": True, "new": None}


def test_a_dry_run_here_needs_no_cluster(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    words = ["submit", "shop/fulfil@^1", "--name", "order-1", "-p", "order=7", "-n", "shop", "--dry-run", "client"]
    assert main(words) == 0
    made = yaml.safe_load(capsys.readouterr().out)
    assert made["metadata"] == {"name": "order-1", "namespace": "shop"}
    assert made["spec"] == {
        "templateRef": {"domain": "shop", "name": "fulfil", "version": "^1"},
        "context": {"order": 7},
    }


def test_a_file_of_tasks_is_checked_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(TASK, "utf-8")
    assert main(["submit", "-f", str(file), "--dry-run", "client", "-o", "name"]) == 0
    assert capsys.readouterr().out == "task.kubesaga.dev/order-1\n"


def test_a_file_may_say_in_which_namespace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "task.yaml"
    file.write_text(TASK.replace("{name: order-1}", "{name: order-1, namespace: shop}"), "utf-8")
    words = ["submit", "-f", str(file), "--dry-run", "client"]
    for more in ([], ["-n", "shop"]):
        assert main([*words, *more]) == 0
        assert yaml.safe_load(capsys.readouterr().out)["metadata"]["namespace"] == "shop"
    assert main([*words, "-n", "bank"]) == 2
    assert "more than one namespace: bank, shop" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "has no Task"),
        ("kind: TaskTemplate", "has a TaskTemplate"),
        ("- 1", "a document is no object"),
        (TASK.replace("templateRef", "templateReff"), "templateReff"),
        (TASK.replace("kind: Task", "kind: Job"), "is no Task"),
        ("a: [", ":1:5: is not YAML"),
        ("{\n  a: 1\n  b: 2}", ":3:"),
    ],
)
def test_a_file_that_is_wrong_is_told_by_its_name_and_place(
    content: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(content, "utf-8")
    assert main(["submit", "-f", str(file)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {file}")
    assert said in error
    assert "\nhint: " in error


@pytest.mark.parametrize(
    "words", [["shop/fulfil"], ["-p", "a=1"], ["-c", "{}"], ["--name", "x"], ["--priority", "0"], ["--tag", "a"]]
)
def test_what_a_file_says_cannot_be_given_beside_it(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", "-f", "-", *words]) == 2
    what = words[0] if words[0].startswith("-") else "TEMPLATE"
    what = {"-c": "--context"}.get(what, what)
    assert capsys.readouterr().err.startswith(f"error: {what} cannot be given beside -f\n")


@pytest.mark.parametrize("template", ["a/b/c", "@1", "Fulfil", "shop/fulfil@newest"])
def test_what_names_no_template_is_bad_input(template: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submit", template]) == 2
    assert "hint: " in capsys.readouterr().err
