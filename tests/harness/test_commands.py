"""The command line of the test cluster, and what it says when something is missing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from hack.cluster import __main__ as command_line
from hack.cluster import machine, network, providers
from hack.cluster.api import wait_until
from hack.cluster.commands import run, succeeds
from hack.cluster.current import Current
from hack.cluster.errors import ClusterError
from hack.cluster.kind import Kind
from hack.cluster.local import Local
from hack.cluster.paths import CHECKOUT, Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "cache")


@pytest.fixture(autouse=True)
def no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hack.cluster.engines.Docker.answers", staticmethod(lambda: False))


def test_a_failed_command_is_shown_with_its_words_its_last_lines_and_the_remedy() -> None:
    script = "for line in $(seq 40); do echo line $line; done; echo sorry >&2; exit 3"
    with pytest.raises(ClusterError) as failed:
        run(["sh", "-c", script], remedy="try something else")
    lines = str(failed.value).splitlines()
    assert lines[0].startswith("command failed with status 3: sh -c ")
    assert lines[-2:] == ["  sorry", "try something else"]
    assert "  line 1" not in lines


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ClusterError, match=r"no-such-program is not installed\. Install it"):
        run(["no-such-program"], remedy="Install it.")
    assert not succeeds(["no-such-program"])


def test_a_command_reads_from_a_file_and_gets_variables_added(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("words")
    assert run(["sh", "-c", 'echo "$(cat) $ADDED"'], stdin=tmp_path / "in", environment={"ADDED": "1"}) == "words 1\n"


def test_a_cache_may_be_chosen_by_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBESAGA_CACHE", raising=False)
    assert Paths.from_environment().cache == CHECKOUT / ".cache"
    monkeypatch.setenv("KUBESAGA_CACHE", str(tmp_path))
    assert Paths.from_environment().kubeconfig == tmp_path / "cluster" / "kubeconfig"


def test_only_missing_packages_are_asked_for(tmp_path: Path) -> None:
    present = tmp_path / "present"
    present.touch(mode=0o755)
    needed = {"sh": "dash", "no-such-program": "absent", str(present): "here", str(tmp_path / "absent"): "absent"}
    assert machine.missing_packages(needed) == ["absent"]


def test_nothing_is_installed_when_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    machine.install_packages([])


def test_a_machine_without_apt_is_told_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ClusterError, match="install with its own package manager what provides: buildah, runc"):
        machine.install_packages(["buildah", "runc"])


@pytest.mark.parametrize("command", ["up", "down"])
def test_the_local_provider_says_that_it_takes_root(
    command: str, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="takes root; run it as root, or install a Docker engine"):
        getattr(Local(paths), command)()


def test_the_provider_is_kind_with_docker_and_local_without(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    assert providers.choose(None, paths).name == "local"
    monkeypatch.setattr("hack.cluster.engines.Docker.answers", staticmethod(lambda: True))
    assert providers.choose(None, paths).name == "kind"
    assert providers.choose("local", paths).name == "local"


def test_a_running_cluster_need_not_be_named(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    (paths.state / "kind").touch()
    assert isinstance(providers.choose(None, paths), Kind)
    assert isinstance(providers.choose("current", paths), Current)


def test_another_provider_than_the_running_clusters_is_refused(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    with pytest.raises(ClusterError, match="a cluster of the provider local is up; take it down first"):
        providers.choose("kind", paths)


def test_ones_own_cluster_is_used_as_it_is(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    current = Current(paths)
    monkeypatch.setenv("KUBECONFIG", str(paths.cache / "none"))
    with pytest.raises(ClusterError, match="set KUBECONFIG to the file of the cluster that you mean"):
        current.kubeconfig()
    for change in (current.restart, current.kill):
        with pytest.raises(ClusterError, match=r"uses your cluster as it is, and does not (restart|kill) its etcd"):
            change("etcd")
    with pytest.raises(ClusterError, match="uses your cluster as it is, and does not kill its container 0a1b"):
        current.kill_container("0a1b")
    with pytest.raises(ClusterError, match="uses your cluster as it is, and does not run iptables on its node"):
        current.on_node("iptables", "--flush")
    with pytest.raises(ClusterError, match="push them to a registry that your cluster reads"):
        current.load(["x"])
    current.down()
    assert "leaves your cluster as it is" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["kubeconfig"],
        ["audit-log"],
        ["load"],
        ["kill", "etcd"],
        ["restart", "etcd"],
        ["kill-container", "0a1b"],
        ["on-node", "ls"],
    ],
)
def test_a_command_that_needs_a_cluster_says_how_to_get_one(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBESAGA_CACHE", str(tmp_path))
    assert command_line.main(words) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "error: the local cluster is not up; start it with `make cluster-up`\n"


def test_an_api_server_is_not_restarted_without_its_store(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would be waited for in vain, and whoever brings the store back would wait as well."""
    local = Local(paths)
    monkeypatch.setattr(local.machine, "require_holder", lambda: None)
    monkeypatch.setattr(network, "network_of", lambda _: network.Network(0))
    with pytest.raises(ClusterError, match="cannot serve without etcd, which does not run; `up` starts both"):
        local.restart("kube-apiserver")


def test_what_a_process_has_to_see_to_is_not_waited_for_once_the_process_has_ended() -> None:
    lives = iter([True, True, False])
    with pytest.raises(ClusterError, match=r"API server ready: not so, its process has ended; see api\.log"):
        wait_until("API server ready", lambda: False, 60, Path("api.log"), lambda: next(lives))


def test_what_takes_too_long_is_named_with_the_log_to_look_at() -> None:
    with pytest.raises(ClusterError, match=r"node ready: not within 0 s; see kubelet\.log"):
        wait_until("node ready", lambda: False, 0, Path("kubelet.log"), lambda: True)


def test_status_says_that_a_cluster_is_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBESAGA_CACHE", str(tmp_path))
    assert command_line.main(["status"]) == 0
    assert capsys.readouterr().out == "local cluster: down\n"


def test_an_image_key_is_printed_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["image-key", "kubesaga-handlers:dev"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert len(line) == 12
    assert int(line, 16) >= 0


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_make_by_itself_lists_the_verbs() -> None:
    listed = make().stdout
    verbs = ["demo", "demo-local", "test", "check", "bench", "cluster-up", "cluster-down", "install", "kubeconfig"]
    assert [verb for verb in verbs if f"  make {verb} " not in listed] == []


def test_make_kubeconfig_prints_a_path_or_an_error_and_nothing_else(tmp_path: Path) -> None:
    done = make("-s", "kubeconfig", f"KUBESAGA_CACHE={tmp_path}")
    assert done.stdout == ""
    assert "make cluster-up" in done.stderr
