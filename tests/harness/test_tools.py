"""The pinned Go programs: that the pins agree with each other, and that a changed pin is built anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hack.cluster import tools
from hack.cluster.errors import ClusterError
from hack.cluster.paths import Paths

GO_MOD = (tools.MODULE / "go.mod").read_text()


def test_every_staging_module_has_the_release_of_its_kubernetes() -> None:
    kubernetes = re.search(r"k8s\.io/kubernetes v1\.(\S+)", GO_MOD)
    assert kubernetes is not None
    replaced = re.findall(r"^\t(\S+) => (\S+) (v\S+)$", GO_MOD, re.MULTILINE)
    assert len(replaced) > 20
    for module, replacement, version in replaced:
        assert module == replacement
        assert version == f"v0.{kubernetes.group(1)}"


def test_every_program_is_a_tool_of_the_module_or_a_folder_in_it() -> None:
    tool = set(re.findall(r"^\t(\S+)$", GO_MOD, re.MULTILINE))
    for package in tools.PACKAGES.values():
        assert package in tool or (tools.MODULE / package / "main.go").is_file(), package


def test_every_list_of_programs_names_known_ones() -> None:
    assert {*tools.CLIENTS, *tools.CONTROL_PLANE, *tools.NODE, "kind"} == set(tools.PACKAGES)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module folder of the test's own, and builds that only write a file."""
    folder = tmp_path / "tools"
    (folder / "pause").mkdir(parents=True)
    (folder / "go.mod").write_text("go 1.24.0\nrequire k8s.io/kubernetes v1.34.4\n")
    (folder / "go.sum").write_text("one")
    (folder / "pause" / "main.go").write_text("package main")
    monkeypatch.setattr(tools, "MODULE", folder)
    monkeypatch.setattr(tools, "require_go", lambda: None)
    monkeypatch.setattr(tools, "build", lambda package, target: target.write_text(package))
    return folder


def test_programs_are_built_once_and_again_for_other_pins(module: Path, tmp_path: Path) -> None:
    paths = Paths(tmp_path / "cache")
    tools.ensure(paths, ["kubectl"])
    first = (paths.bin / "kubectl").resolve()
    built = first.stat().st_mtime_ns
    tools.ensure(paths, ["kubectl", "helm"])
    assert (paths.bin / "kubectl").resolve() == first
    assert first.stat().st_mtime_ns == built
    (module / "go.sum").write_text("another")
    tools.ensure(paths, ["kubectl"])
    assert (paths.bin / "kubectl").resolve() != first
    assert not (paths.bin / "helm").exists()


@pytest.mark.parametrize("changed", ["go.sum", "go.mod", "pause/main.go"])
def test_whatever_a_program_is_made_of_is_part_of_its_key(module: Path, changed: str) -> None:
    before = tools.pins()
    (module / changed).write_text((module / changed).read_text().replace("1.34.4", "1.34.5") + "\n// changed\n")
    assert tools.pins() != before


def test_kubernetes_and_helm_are_told_the_version_of_kubernetes(module: Path) -> None:
    flags = tools.linker_flags()
    assert "-X k8s.io/client-go/pkg/version.gitVersion=v1.34.4" in flags
    assert "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34" in flags


def test_a_machine_without_go_is_told_which_one_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ClusterError, match=r"install Go 1\.24\.0 or newer and put it on the PATH"):
        tools.require_go()
