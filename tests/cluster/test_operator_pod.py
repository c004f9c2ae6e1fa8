"""The operator killed in its own pod, as the kernel would when memory runs out, and restarted by the kubelet."""

from __future__ import annotations

import json

import pytest

from tests.cluster import tasks
from tests.cluster.installation import PODS, wait_ready
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.cluster.moments import held, let_go, until_step
from tests.cluster.namespaces import fresh_namespace

pytestmark = pytest.mark.alone

# The same user may signal the operator's process once it can be seen. From inside its own pod it cannot be killed:
# the kernel protects a container's first process from its own.
KILL = """
import os, pathlib, signal
killed = 0
for place in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        words = (place / "cmdline").read_bytes().split(b"\\0")
    except OSError:
        continue
    if words[1:3] == [b"-m", b"kubesaga.runtime"]:
        os.kill(int(place.name), signal.SIGKILL)
        killed += 1
print(killed)
"""


def killer() -> Manifest:
    """A pod that sees the node's processes and kills the operator's."""
    container = {
        "name": "killer",
        "image": tasks.IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", KILL],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "killer"},
        "spec": {
            "hostPID": True,
            "restartPolicy": "Never",
            "securityContext": {"runAsUser": 65532},
            "containers": [container],
        },
    }


def restarts(pods: list[Manifest]) -> int:
    """How often the container of the operator's pod, the only one, was started again."""
    (pod,) = pods
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def test_an_operator_killed_in_its_pod_sees_its_tasks_through(operator: Kubectl, namespace: Kubectl) -> None:
    before = restarts(operator.get_all("pods", PODS))
    first = tasks.sh("first", held(tasks.report({"result": "done"})))
    second = tasks.sh("second", tasks.report({"result": "seen through"}), dependsOn=["first"])
    namespace.apply(*tasks.workflow("survivor", first, second))
    until_step(namespace, "survivor", "first", "InProgress")

    with fresh_namespace(operator, {"pod-security.kubernetes.io/enforce": "privileged"}) as privileged:
        privileged.apply(killer())
        privileged.run("wait", "pod/killer", "--for=jsonpath={.status.phase}=Succeeded", f"--timeout={PATIENCE:g}s")
        assert json.loads(privileged.run("logs", "killer")) == 1

    let_go(namespace, "survivor", "first")
    found = namespace.until(tasks.TASK, "survivor", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert found["status"]["result"] == {"second": "seen through"}
    tasks.assert_nothing_ran_twice(namespace, found)
    # The kubelet tells of the restart in its own time.
    restarted = operator.until_listed("pods", PODS, lambda pods: restarts(pods) > before, "restarted")
    assert restarts(restarted) == before + 1
    wait_ready(operator)
