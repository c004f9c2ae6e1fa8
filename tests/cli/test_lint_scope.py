"""What lint takes for its own among the documents that it is given, and what it says where that is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubesaga.cli.exits import ExitCode
from kubesaga.cli.lint.check import check_files
from kubesaga.cli.main import main
from tests.cli.manifests import task, template, write

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (None, "is required"),
        ("kubesaga.io/v1alpha1", "kubesaga.io/v1alpha1 is not served"),
        ("kubesaga/v1alpha1", "kubesaga/v1alpha1 is not served"),
        ("kubesaga.dev/v1", "kubesaga.dev/v1 is not served"),
    ],
)
@pytest.mark.parametrize("manifest", [template(), task()], ids=["template", "task"])
def test_an_object_with_nearly_the_right_api_version_is_not_passed_over(
    manifest: dict[str, object], version: str | None, said: str, tmp_path: Path
) -> None:
    rest = {key: value for key, value in manifest.items() if key != "apiVersion"}
    file = write(tmp_path / "a.yaml", rest if version is None else {"apiVersion": version, **rest})
    (found,) = check_files([file]).problems
    assert (found.path, found.message, found.remedy) == ("apiVersion", said, "write kubesaga.dev/v1alpha1")


def test_an_object_without_an_api_version_is_found_in_a_folder_too(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", {key: value for key, value in template().items() if key != "apiVersion"})
    assert [each.path for each in check_files([str(tmp_path)]).problems] == ["apiVersion"]


def test_what_another_project_calls_a_task_is_passed_over(tmp_path: Path) -> None:
    other = {"apiVersion": "tekton.dev/v1", "kind": "Task", "metadata": {"name": "a"}, "spec": {"steps": []}}
    unnamed = {"kind": "Task", "metadata": {"name": "a"}, "spec": {"steps": []}}
    report = check_files([write(tmp_path / "a.yaml", other, unnamed)])
    assert (report.problems, report.objects, report.ignored) == ((), 0, 2)


def test_nothing_between_two_lines_of_dashes_is_no_document(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("---\n---\n# only words\n---\nnull\n")
    assert check_files([str(tmp_path / "a.yaml")]).ignored == 1


def test_a_neighbour_that_is_no_text_does_not_stop_a_folder(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: Übung\n".encode("latin-1"))
    write(tmp_path / "ours.yaml", template())
    report = check_files([str(tmp_path)])
    assert (report.problems, report.objects, report.ignored) == ((), 1, 1)


def test_an_object_of_ours_has_to_be_text(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.yaml").write_bytes(b"apiVersion: kubesaga.dev/v1alpha1\nkind: Task\nname: \xdc\n")
    assert main(["lint", str(tmp_path)]) == ExitCode.USAGE
    assert "a.yaml: is not text in UTF-8" in capsys.readouterr().err


def test_that_there_is_nothing_to_check_is_said_and_fails_if_asked_to(tmp_path: Path, capsys: Capture) -> None:
    assert main(["lint", str(tmp_path)]) == ExitCode.DONE
    assert capsys.readouterr().err == "nothing to check: no YAML or JSON files\n"
    other = write(tmp_path / "a.yaml", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
    for path in (other, str(tmp_path)):
        assert main(["lint", path]) == ExitCode.DONE
        said = "nothing to check: no document in 1 file has apiVersion kubesaga.dev/v1alpha1\n"
        assert capsys.readouterr().err == said
        assert main(["lint", "--strict", path]) == ExitCode.NO
        capsys.readouterr()


def test_a_file_that_is_no_yaml_is_not_nothing(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.yaml").write_text("a: [\n")
    assert main(["lint", str(tmp_path / "a.yaml")]) == ExitCode.NO
    assert "0 objects in 1 file: 1 error" in capsys.readouterr().err
