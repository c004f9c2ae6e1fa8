"""Moments in the life of a step: a test that needs one waits for it, or makes it, and never presumes it from time.

A held step's container waits for a file, and `let_go` puts it there by `kubectl exec`: whatever has to happen while the
step runs happens before that, however long pods take to start.
"""

from __future__ import annotations

from kubesaga.api.constants import LABEL_ROLE, LABEL_STEP, LABEL_TASK_UID
from kubesaga.engine.vocabulary import Role
from tests.cluster import tasks
from tests.cluster.kubectl import Kubectl, KubectlError, Manifest
from tests.cluster.tasks import TASK

_GO = "/tmp/go"


def held(then: str = "true") -> str:
    """The shell command that waits to be let go and then runs another; told to stop before that, it ends at once."""
    return f"trap 'exit 143' TERM; until [ -e {_GO} ]; do sleep 0.1; done; {then}"


def let_go(kubectl: Kubectl, task: str, step: str, role: Role = Role.FORWARD) -> None:
    """Let a held step go, or the held compensation of one, as soon as it runs."""
    pod = running_pod(kubectl, task, step, role)

    def has_heard(pods: list[Manifest]) -> bool:
        try:
            kubectl.run("exec", pod, "--", "touch", _GO)
        except KubectlError:  # which is what it says where the container is quick and ends under it, but not only there
            return pod not in map(tasks.name_of, _running(pods))
        return True

    kubectl.until_listed("pods", LABEL_TASK_UID, has_heard, f"let go: {step} of {task}")


def running_pod(kubectl: Kubectl, task: str, step: str, role: Role = Role.FORWARD) -> str:
    """The name of the one pod of a step that runs and that nobody deletes, as soon as there is one."""
    uid = kubectl.get(TASK, task)["metadata"]["uid"]
    selector = f"{LABEL_TASK_UID}={uid},{LABEL_STEP}={step},{LABEL_ROLE}={role}"
    pods = kubectl.until_listed("pods", selector, _running, f"running {step} of {task}")
    (pod,) = _running(pods)
    return tasks.name_of(pod)


def until_step(kubectl: Kubectl, task: str, step: str, state: str) -> Manifest:
    """The Task as soon as one of its steps is recorded in this state, which must be one that lasts."""
    return kubectl.until(TASK, task, lambda t: tasks.step(t, step).get("state") == state, f"with {step} {state}")


def until_seen(kubectl: Kubectl, kind: str, name: str) -> Manifest:
    """The object as soon as the operator has written what it makes of its spec as that is now."""

    def seen(found: Manifest) -> bool:
        return bool(found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"])

    return kubectl.until(kind, name, seen, "seen by the operator as it is now")


def _running(pods: list[Manifest]) -> list[Manifest]:
    return [p for p in pods if p["status"]["phase"] == "Running" and "deletionTimestamp" not in p["metadata"]]
