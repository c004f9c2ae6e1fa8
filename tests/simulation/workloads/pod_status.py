"""Pod statuses as the kubelet writes them, and conditions as everybody does. Pure construction."""

from __future__ import annotations

from typing import Any

from kubesaga.api import constants as c
from tests.simulation.plan import Obj
from tests.simulation.workloads.handlers import LastWords, image_of

CREATING: Obj = {"waiting": {"reason": "ContainerCreating"}}
NEVER_STARTED = LastWords(
    137, "The container could not be located when the pod was terminated", "ContainerStatusUnknown"
)
DISRUPTION = "DisruptionTarget"
TERMINAL_PHASES = ("Succeeded", "Failed")
_KUBELETS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def phase_of(pod: Obj) -> str:
    """The pod's phase."""
    return str((pod.get("status") or {}).get("phase", "Pending"))


def is_terminal(pod: Obj) -> bool:
    """Whether the pod has said that nothing of it runs or will run."""
    return phase_of(pod) in TERMINAL_PHASES


def condition(pod: Obj, type_: str) -> Obj | None:
    """The pod's condition of that type."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == type_), None)


def holds(pod: Obj, type_: str) -> bool:
    """Whether the pod's condition of that type is True."""
    found = condition(pod, type_)
    return found is not None and found["status"] == "True"


def with_condition(
    pod: Obj, type_: str, status: str, at: str, reason: str | None = None, message: str | None = None
) -> Obj:
    """The pod's status with this condition in it."""
    old = pod.get("status") or {}
    known = condition(pod, type_)
    new = _condition(known, type_, status, at, reason, message)
    others = [each for each in old.get("conditions") or () if each is not known]
    return {**old, "conditions": [*others, new]}


def running(at: str) -> Obj:
    """The state of a container that runs."""
    return {"running": {"startedAt": at}}


def terminated(words: LastWords, started: str | None, finished: str | None) -> Obj:
    """The state of a container that is over."""
    state: Obj = {"exitCode": words.code, "reason": words.reason, "startedAt": started, "finishedAt": finished}
    if words.message:
        state["message"] = words.message
    return {"terminated": state}


def status_of(pod: Obj, phase: str, state: Obj, at: str, **more: Any) -> Obj:
    """The whole status: what others have said in it is kept, and the times of what has not changed."""
    old = pod.get("status") or {}
    is_running = "running" in state and not more.get("unready")
    why = _why_not_ready(state) if "running" not in state else "PodFailed"
    wanted = {
        "PodReadyToStartContainers": ("False" if phase in TERMINAL_PHASES or state is CREATING else "True", None),
        "Initialized": ("True", "PodCompleted" if why == "PodCompleted" else None),
        "Ready": ("True", None) if is_running else ("False", why),
        "ContainersReady": ("True", None) if is_running else ("False", why),
        "PodScheduled": ("True", None),
    }
    known = {each["type"]: each for each in old.get("conditions") or ()}
    theirs = [each for type_, each in known.items() if type_ not in _KUBELETS]
    mine = [_condition(known.get(type_), type_, status, at, reason) for type_, (status, reason) in wanted.items()]
    status: Obj = {
        "phase": phase,
        "conditions": [*theirs, *mine],
        "containerStatuses": [_container(pod, state, is_ready=is_running)],
        "startTime": old.get("startTime", at),
        "qosClass": "BestEffort",
    }
    for field in ("reason", "message"):
        if more.get(field):
            status[field] = more[field]
    return status


def _container(pod: Obj, state: Obj, *, is_ready: bool) -> Obj:
    return {
        "name": c.MAIN_CONTAINER,
        "image": image_of(pod),
        "imageID": "",
        "lastState": {},
        "ready": is_ready,
        "started": "running" in state,
        "restartCount": 0,
        "state": state,
    }


def _why_not_ready(state: Obj) -> str:
    code = (state.get("terminated") or {}).get("exitCode")
    if code is None or state["terminated"]["reason"] == NEVER_STARTED.reason:
        return "ContainersNotReady"
    return "PodCompleted" if code == 0 else "PodFailed"


def _condition(
    known: Obj | None, type_: str, status: str, at: str, reason: str | None = None, message: str | None = None
) -> Obj:
    if known is not None and (known["status"], known.get("reason")) == (status, reason):
        return known
    since = known["lastTransitionTime"] if known is not None and known["status"] == status else at
    made: Obj = {"type": type_, "status": status, "lastProbeTime": None, "lastTransitionTime": since}
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made
