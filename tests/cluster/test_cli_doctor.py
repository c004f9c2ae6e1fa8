"""``kubesaga doctor`` on a real cluster: well where all is well, and naming what is not."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cluster import tasks
from tests.cluster.cli import Cli, as_service_account
from tests.cluster.kubectl import Kubectl
from tests.cluster.tasks import TASK, sh

NAMES = {
    "Kubernetes",
    "CRD tasks.kubesaga.dev",
    "CRD tasktemplates.kubesaga.dev",
    "CRD taskactions.kubesaga.dev",
    "Operator",
    "Namespace",
    "Leader",
    "Your rights",
    "Operator's rights",
    "Images",
}


def test_a_cluster_on_which_all_is_well_passes_every_check(namespace: Kubectl) -> None:
    checks = Cli.of(namespace).data("doctor")
    assert {check["name"] for check in checks} == NAMES
    assert {check["level"] for check in checks} == {"ok"}, [c for c in checks if c["level"] != "ok"]
    printed = Cli.of(namespace).ok("doctor")
    assert len([line for line in printed.splitlines() if line.startswith("ok")]) == len(checks)


def test_a_namespace_that_is_not_there_is_a_fault(namespace: Kubectl) -> None:
    ended = Cli(namespace.kubeconfig, "not-there").call("doctor")
    assert ended.code == 1
    (line,) = (line for line in ended.out.splitlines() if line.startswith("fail"))
    assert "there is no namespace not-there" in line


def test_an_image_that_cannot_be_had_is_found(namespace: Kubectl) -> None:
    lost = {"image": "kubesaga.invalid/nothing:1", "imagePullPolicy": "Never"}
    namespace.apply(*tasks.workflow("lost", sh("work", "true"), defaults=lost))
    namespace.until_listed("pods", "kubesaga.dev/task=lost", _waits_for_its_image, "waiting for its image")
    ended = Cli.of(namespace).call("doctor")
    assert ended.code == 1
    (line,) = (line for line in ended.out.splitlines() if line.startswith("fail"))
    assert "Task lost, step work" in line
    assert "kubesaga.invalid/nothing:1" in line
    namespace.delete(TASK, "lost")


def _waits_for_its_image(pods: list[dict[str, object]]) -> bool:
    return any("ErrImageNeverPull" in str(pod.get("status")) for pod in pods)


def test_who_may_read_little_is_told_what_is_not_known(namespace: Kubectl, tmp_path: Path) -> None:
    cli = Cli.of(namespace).by(as_service_account(namespace, "powerless", tmp_path))
    ended = cli.call("doctor", "-o", "json")
    assert ended.code == 0, ended.err
    checks = {check["name"]: check for check in json.loads(ended.out)}
    assert checks["Kubernetes"]["level"] == "ok"
    for name in ("CRD tasks.kubesaga.dev", "Operator", "Images", "Your rights"):
        assert checks[name]["level"] == "warn"
        assert checks[name]["remedy"]
