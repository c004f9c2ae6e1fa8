"""From a Job and its pods to what the engine wants to know of an attempt.

Pure translation, called by ``gather``. Success is read from the main container, which is seen a second before the
pod's phase and two before the Job's condition; failure is read from the Job alone, because a pod that failed may be
replaced by its Job (semantics 6.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from kubesaga.api.constants import LABEL_FENCE, MAIN_CONTAINER
from kubesaga.api.status import epoch
from kubesaga.engine.records import StepError
from kubesaga.engine.snapshot import Observation, Phase
from kubesaga.runtime.documents import Output, read_output

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
_POD_LOST = StepError(
    "PodLost",
    "its Job failed and its pod is gone, so that what it did is not known",
    outcome_unknown=True,
)


def observe(job: Obj, pods: Iterable[Obj], *, expects_document: bool) -> Observation:
    """What is seen of the attempt whose Job this is. ``pods`` are those of this Job, gone ones included."""
    if LABEL_FENCE in (job["metadata"].get("labels") or {}):
        return Observation(Phase.FENCED, terminal=True)
    newest_first = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")), reverse=True)
    status = job.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or () if c.get("status") == "True"}
    stopping = (job.get("spec") or {}).get("parallelism") == 0
    terminal = "Failed" in conditions or "Complete" in conditions
    base = Observation(
        Phase.WAITING,
        terminal=terminal,
        stopping=stopping,
        waiting_since=_waiting_since(job, conditions, newest_first),
        location=_location(newest_first),
    )
    for pod in newest_first:
        terminated = _main_state(pod).get("terminated")
        if terminated and int(terminated.get("exitCode", 0)) == 0:
            return _exited_well(base, terminated, expects_document=expects_document)
    if "Failed" in conditions or ("FailureTarget" in conditions and not stopping):
        return _failed(base, newest_first, conditions)
    if "Complete" in conditions:
        return replace(base, phase=Phase.FAILED, error=_POD_LOST)
    for pod in newest_first:
        state = _main_state(pod)
        if "running" in state and not pod.get("gone"):
            return replace(base, phase=Phase.RUNNING, started_at=_time(state["running"].get("startedAt")))
    return replace(base, problem=_why_not_started(newest_first))


def _exited_well(base: Observation, terminated: Obj, *, expects_document: bool) -> Observation:
    output = read_output(terminated, expects_document=expects_document)
    seen = _with_times(base, terminated)
    if output.error is None:
        return replace(seen, phase=Phase.SUCCEEDED, result=output.result, metadata=output.metadata)
    if not base.terminal:
        # Its Job still counts the pod as running: the next attempt must not run beside it.
        return replace(seen, phase=Phase.RUNNING)
    return replace(seen, phase=Phase.FAILED, error=output.error)


def _failed(base: Observation, pods: list[Obj], conditions: Mapping[str, Obj]) -> Observation:
    seen = replace(base, phase=Phase.FAILED)
    if not pods:
        return replace(seen, error=_POD_LOST)
    pod = pods[0]
    terminated = _main_state(pod).get("terminated")
    output = read_output(terminated, expects_document=True) if terminated else Output()
    if terminated:
        seen = _with_times(seen, terminated)
    return replace(seen, error=_classify(pod, output.error, conditions))


def _classify(pod: Obj, reported: StepError | None, conditions: Mapping[str, Obj]) -> StepError:
    """By the pod's own reason first: an exceeded deadline shows as exit code 143, as a deletion does."""
    reason = (pod.get("status") or {}).get("reason")
    name = pod["metadata"]["name"]
    spoke = reported is not None and not reported.outcome_unknown
    if reason == "DeadlineExceeded":
        return StepError(
            "Timeout",
            f"the attempt was stopped at its timeout (pod {name}); raise the step's timeout if the work takes longer",
            exit_code=reported.exit_code if reported else None,
            outcome_unknown=True,
        )
    if spoke and reported is not None:
        return reported
    if reason:
        message = (pod.get("status") or {}).get("message") or ""
        return StepError(reason, f"pod {name}: {message}", outcome_unknown=True)
    if pod["metadata"].get("deletionTimestamp") and "DeadlineExceeded" not in _reasons(conditions):
        return StepError(
            "PodDeleted",
            f"pod {name} was deleted while it ran; whether the work was done is not known",
            outcome_unknown=True,
        )
    return reported or _POD_LOST


def _reasons(conditions: Mapping[str, Obj]) -> set[str]:
    return {str(condition.get("reason")) for condition in conditions.values()}


def _with_times(seen: Observation, terminated: Obj) -> Observation:
    return replace(
        seen,
        started_at=_time(terminated.get("startedAt")),
        finished_at=_time(terminated.get("finishedAt")),
    )


def _main_state(pod: Obj) -> Obj:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((s.get("state") or {} for s in statuses if s.get("name") == MAIN_CONTAINER), {})


def _waiting_since(job: Obj, conditions: Mapping[str, Obj], pods: list[Obj]) -> float | None:
    """When the Job became free to start a pod: it started, was resumed, or lost a pod that it replaces."""
    if "Suspended" in conditions or (job.get("spec") or {}).get("suspend"):
        return None
    started = (job.get("status") or {}).get("startTime") or job["metadata"].get("creationTimestamp")
    created = [_time(pod["metadata"].get("creationTimestamp")) or 0.0 for pod in pods]
    return max([_time(started) or 0.0, *created, *_ends(pods)])


def _ends(pods: list[Obj]) -> list[float]:
    """When the pods that are over were ended, as nearly as they tell."""
    texts: list[str | None] = []
    for pod in pods:
        conditions = (pod.get("status") or {}).get("conditions") or ()
        texts += [c.get("lastTransitionTime") for c in conditions if c["type"] == "DisruptionTarget"]
        texts.append((_main_state(pod).get("terminated") or {}).get("finishedAt"))
    return [time for time in map(_time, texts) if time is not None]


def _location(pods: list[Obj]) -> str | None:
    if not pods:
        return None
    node = (pods[0].get("spec") or {}).get("nodeName") or "no node"
    return f"pod {pods[0]['metadata']['name']} on {node}"


def _why_not_started(pods: list[Obj]) -> StepError | None:
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


def _time(text: str | None) -> float | None:
    return epoch(text) if text else None
