"""``kubesaga init``: a project whose tests pass, in which lint finds nothing, and which runs; all with real tools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import main
from tests.cli.scaffolding.checking import mypy_findings, ruff_findings, run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project."""
    folder = tmp_path / "shop-orders"
    assert main(["init", str(folder), "--domain", "shop", "--image", "example.com/shop-orders:1"]) == ExitCode.DONE
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_has_what_a_project_needs(project: Path) -> None:
    assert set(files(project)) == {
        ".dockerignore", ".github/workflows/ci.yml", ".gitignore", "Dockerfile", "README.md", "context.json",
        "pyproject.toml", "shop_orders/__init__.py", "shop_orders/handlers.py", "shop_orders/py.typed", "task.yaml",
        "template.yaml", "tests/test_handlers.py", "tests/test_template.py",
    }  # fmt: skip


def test_no_placeholder_is_left(project: Path) -> None:
    words = ("__NAME__", "__OBJECT__", "__TASK__", "__DOMAIN__", "__PACKAGE__", "__IMAGE__")
    found = files(project)
    assert [path for path, text in found.items() if any(word.encode() in text for word in words)] == []
    assert b"image: example.com/shop-orders:1" in found["template.yaml"]
    assert b"domain: shop" in found["template.yaml"]


@pytest.mark.slow
def test_its_own_tests_pass(project: Path) -> None:
    ran = run(project, "pytest", "-q", "-p", "no:cacheprovider")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "9 passed" in ran.stdout


def test_its_code_is_sound(project: Path) -> None:
    assert ruff_findings(project) == ""
    assert mypy_findings(project, "shop_orders", "tests") == ""


def test_lint_finds_nothing(project: Path) -> None:
    assert main(["lint", "--strict", str(project / "template.yaml"), str(project / "task.yaml")]) == ExitCode.DONE


@pytest.mark.slow
def test_it_runs_here_as_its_readme_says(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    ran = run(project, "kubesaga.cli", "run", "template.yaml", "--context", "@context.json", "--fast", "-o", "json")
    assert ran.returncode == ExitCode.DONE, ran.stderr
    assert json.loads(ran.stdout)["status"]["outcome"] == "Succeeded"
    ran = run(project, "kubesaga.cli", "run", "task.yaml", "template.yaml", "--fast", "--fail", "charge_card")
    assert ran.returncode == ExitCode.COMPENSATED, ran.stderr
    capsys.readouterr()


def test_its_ci_asks_for_what_there_is(project: Path) -> None:
    workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text("utf-8"))
    commands = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "run" in step]
    (lint,) = (each.split()[1:] for each in commands if each.startswith("kubesaga "))
    paths = [str(project / word) if word.endswith(".yaml") else word for word in lint]
    assert main(paths) == ExitCode.DONE


def test_its_ci_builds_the_image_where_it_is_told_what_to_start_from(project: Path) -> None:
    workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text("utf-8"))
    builds, says_so = workflow["jobs"]["check"]["steps"][-2:]
    assert builds["run"] == "docker build --build-arg HANDLERS_IMAGE --tag example.com/shop-orders:1 ."
    assert builds["env"] == {"HANDLERS_IMAGE": "${{ vars.HANDLERS_IMAGE }}"}
    assert (builds["if"], says_so["if"]) == ("vars.HANDLERS_IMAGE != ''", "vars.HANDLERS_IMAGE == ''")
    for file in ("README.md", "Dockerfile"):
        assert "HANDLERS_IMAGE" in (project / file).read_text("utf-8")


def test_its_ci_looks_for_the_packages_where_its_readme_builds_them(project: Path) -> None:
    workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text("utf-8"))
    folder = workflow["jobs"]["check"]["env"]["PIP_FIND_LINKS"]
    readme = (project / "README.md").read_text("utf-8")
    assert f"--wheel-dir {folder} " in readme
    assert f"export PIP_FIND_LINKS={folder}\n" in readme


def test_once_more_changes_nothing(project: Path) -> None:
    before = files(project)
    assert main(["init", str(project), "--domain", "shop", "--image", "example.com/shop-orders:1"]) == ExitCode.DONE
    assert files(project) == before


def test_what_is_there_is_written_over_only_by_force(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = project / "shop_orders" / "handlers.py"
    own.write_text("mine", "utf-8")
    (project / "Dockerfile").unlink()
    line = ["init", str(project), "--domain", "shop", "--image", "example.com/shop-orders:1"]
    assert main(line) == ExitCode.REFUSED
    assert str(own) in capsys.readouterr().err
    assert not (project / "Dockerfile").exists()
    assert own.read_text("utf-8") == "mine"
    assert main([*line, "--force"]) == ExitCode.DONE
    assert own.read_text("utf-8") != "mine"


def test_a_folder_whose_name_is_no_name_gives_one(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "My Orders 2")]) == ExitCode.DONE
    assert (tmp_path / "My Orders 2" / "my_orders_2" / "handlers.py").exists()
    assert "name: my-orders-2" in (tmp_path / "My Orders 2" / "template.yaml").read_text("utf-8")


def test_a_folder_with_a_long_name_gives_names_that_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / ("orders-" * 12)
    assert main(["init", str(folder)]) == ExitCode.DONE
    assert main(["lint", "--strict", str(folder)]) == ExitCode.DONE
    (name,) = (
        line.split()[-1] for line in (folder / "task.yaml").read_text("utf-8").splitlines() if "  name: " in line
    )
    assert f"kubectl saga tree {name} --watch" in (folder / "README.md").read_text("utf-8")


def test_its_package_hides_no_other(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "email")]) == ExitCode.DONE
    assert (tmp_path / "email" / "email_workflow" / "handlers.py").exists()


def test_a_file_in_the_way_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main(["init", str(tmp_path / "file")]) == ExitCode.USAGE
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_wrong_names_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "a"), "--name", "My Orders"]) == ExitCode.USAGE
    assert "hint: write my-orders" in capsys.readouterr().err
    for command in (["init", str(tmp_path / "a")], ["generate", "template", "a", "--folder", str(tmp_path / "a")]):
        assert main([*command, "--image", 'shop: "1"']) == ExitCode.USAGE
        assert """error: --image shop: "1": is no image's name""" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()
