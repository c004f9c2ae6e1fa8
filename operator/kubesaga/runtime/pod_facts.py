"""What the pods of one attempt tell: when their program ran, why it does not start, which of them were taken away.

Reading only, called by ``observe``, which says what it means for the attempt, by ``attempts``, and by the cache. Pods
are as the cache keeps them; one that was deleted has ``gone: True``, and ``unheard: True`` if nobody saw how it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubesaga.api.constants import MAIN_CONTAINER
from kubesaga.api.times import epoch
from kubesaga.engine.records import StepError

Obj = Mapping[str, Any]

# The kubelet's waiting reasons, under one name for each cause: it alternates between two for an image.
_PROBLEMS = {
    "ErrImagePull": ("ImagePullFailed", "cannot be pulled: does it exist, and may the cluster pull it?"),
    "ImagePullBackOff": ("ImagePullFailed", "cannot be pulled: does it exist, and may the cluster pull it?"),
    "ErrImageNeverPull": ("ImageNotPresent", "is not on the node, and its imagePullPolicy is Never"),
    "InvalidImageName": ("InvalidImageName", "is not a valid image name: correct the template"),
    "CreateContainerConfigError": ("ContainerConfigError", "cannot be configured"),
    "CreateContainerError": ("ContainerCreateError", "cannot be created"),
    "RunContainerError": ("ContainerCannotRun", "cannot be run"),
}
_PULLING = frozenset({"ImagePullFailed", "ImageNotPresent", "InvalidImageName"})
# Words of the container runtime that say no more than the exit code does.
_PLAIN_REASONS = frozenset({"Completed", "Error"})


def newest_first(pods: Iterable[Obj]) -> list[Obj]:
    """The pods, the one created last first."""
    return sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)


def main_state(pod: Obj) -> Obj:
    """The ``state`` of the container that runs the step's program; empty while there is none."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((s.get("state") or {} for s in statuses if s.get("name") == MAIN_CONTAINER), {})


def well_ended(pods: Iterable[Obj]) -> tuple[Obj, Obj] | None:
    """The first pod whose program exited with 0, and its ``state.terminated``."""
    for pod in pods:
        terminated = main_state(pod).get("terminated")
        if terminated and int(terminated.get("exitCode", 0)) == 0:
            return pod, terminated
    return None


def job_uid(pod: Obj) -> str | None:
    """The UID of the Job that made the pod."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def is_of(pod: Obj, job: Obj) -> bool:
    """Whether this very Job made the pod, and not one that bore its name before."""
    return bool(job_uid(pod) == job["metadata"]["uid"])


def have_ended(pods: Iterable[Obj]) -> bool:
    """Whether the newest pod has ended, and is not one that its Job replaces."""
    known = newest_first(pods)
    if not known or _has_condition(known[0], "DisruptionTarget"):
        return False
    return "terminated" in main_state(known[0]) or bool(known[0].get("gone"))


def may_run(pod: Obj) -> bool:
    """Whether something of the pod may still run."""
    phase = (pod.get("status") or {}).get("phase")
    return not pod.get("gone") and phase not in ("Succeeded", "Failed")


def may_have_run(pod: Obj) -> bool:
    """Whether the program of a pod whose Job is over ran, or its end was not heard of."""
    state = main_state(pod)
    if "terminated" in state:
        return state["terminated"].get("startedAt") is not None
    return "running" in state or may_run(pod) or bool(pod.get("unheard"))


def reason_of(pod: Obj) -> str | None:
    """Kubernetes' own word for how the pod or its container ended."""
    of_container = (main_state(pod).get("terminated") or {}).get("reason")
    reason = (pod.get("status") or {}).get("reason") or of_container
    return reason if reason not in _PLAIN_REASONS else None


def disrupted(pods: list[Obj]) -> tuple[str, ...]:
    """The pods that Kubernetes took away, the oldest first."""
    return tuple(pod["metadata"]["name"] for pod in reversed(pods) if _has_condition(pod, "DisruptionTarget"))


def ends(pods: list[Obj]) -> list[float]:
    """When the pods that are over were ended, as nearly as they tell."""
    texts: list[str | None] = []
    for pod in pods:
        conditions = (pod.get("status") or {}).get("conditions") or ()
        texts += [c.get("lastTransitionTime") for c in conditions if c["type"] == "DisruptionTarget"]
        texts.append((main_state(pod).get("terminated") or {}).get("finishedAt"))
    return [time for time in map(time_of, texts) if time is not None]


def location(pods: list[Obj]) -> str | None:
    """The newest pod and its node, for humans."""
    if not pods:
        return None
    node = (pods[0].get("spec") or {}).get("nodeName") or "no node"
    return f"pod {pods[0]['metadata']['name']} on {node}"


def gone_by(pods: list[Obj]) -> float | None:
    """When the newest pod should have ended, its grace included; None where it is over, or nobody deletes it."""
    return time_of(pods[0]["metadata"].get("deletionTimestamp")) if pods and may_run(pods[0]) else None


def why_not_started(pods: list[Obj]) -> StepError | None:
    """What keeps the newest pod from running, as far as its status tells."""
    if not pods:
        return None
    status = pods[0].get("status") or {}
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        known = _PROBLEMS.get(str(waiting.get("reason")))
        if known is None:
            continue
        type_, what = known
        image = container.get("image")
        # The kubelet's words on a pull change with every attempt; on anything else they say what is missing.
        detail = "" if type_ in _PULLING else f": {str(waiting.get('message', ''))[:500]}"
        return StepError(type_, f"image {image!r} {what}{detail}")
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return StepError("Unschedulable", str(condition.get("message", ""))[:500])
    return None


def time_of(text: str | None) -> float | None:
    """A time of the API in seconds since the epoch."""
    return epoch(text) if text else None


def _has_condition(pod: Obj, type_: str) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each["type"] == type_ and each.get("status") == "True" for each in conditions)
