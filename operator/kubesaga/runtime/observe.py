"""From a Job and its pods to what the engine wants to know of an attempt.

Pure translation, called by ``attempts``. Success is read from the main container, which is seen a second before the
pod's phase and two before the Job's condition; failure is read from the Job alone, because a pod that failed may be
replaced by its Job (semantics 6.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from kubesaga.api.constants import LABEL_FENCE
from kubesaga.api.documents import Framed, Output, read_output
from kubesaga.engine.records import StepError
from kubesaga.engine.snapshot import Observation, Phase
from kubesaga.runtime import pod_facts

Obj = Mapping[str, Any]

_OVER = frozenset({"Failed", "Complete"})
_POD_LOST = StepError(
    "PodLost",
    "its Job failed and its pod is gone, so that what it did is not known",
    outcome_unknown=True,
)
_WORDS_LOST = StepError(
    "PodLost",
    "its Job is complete and its pod is gone, so that what it left is not known",
    outcome_unknown=True,
)
_HELD_AND_STOPPED = StepError(
    "Stopped",
    "its Job was stopped while a quota system held it back",
    outcome_unknown=True,
)


def framed_document(pods: Iterable[Obj]) -> tuple[str, Framed] | None:
    """The pod (its name) that ended well and left its result document in its log, if there is one."""
    well_ended = pod_facts.well_ended(pod_facts.newest_first(pods))
    if well_ended is None:
        return None
    pod, terminated = well_ended
    framed = read_output(terminated, expects_document=False).framed
    return (pod["metadata"]["name"], framed) if framed else None


def is_over(job: Obj) -> bool:
    """Whether no pod of the Job runs or will run."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c["type"] in _OVER and c.get("status") == "True" for c in conditions)


def has_failed(job: Obj) -> bool:
    """Whether the Job says that its attempt failed.

    One that was told to stop says so once no pod of it runs any more. So does one that has a deadline which is not
    ours (an admission policy's): it says what it is heading for while its pod still has its grace.
    """
    conditions = (job.get("status") or {}).get("conditions") or ()
    said = {c["type"]: c.get("reason") for c in conditions if c.get("status") == "True"}
    heading = said.get("FailureTarget", "DeadlineExceeded") != "DeadlineExceeded"
    return "Failed" in said or (heading and not _is_stopping(job))


def may_end_by_its_job(job: Obj, pods: Iterable[Obj]) -> bool:
    """Whether ``observe`` takes the attempt for over by its Job, as none of these pods tells otherwise."""
    if pod_facts.well_ended(pods):
        return False
    if _is_fence(job):
        return not any(map(pod_facts.may_run, pods))
    ends = is_over(job) or has_failed(job) or (_is_stopping(job) and _is_held(job))
    return ends and not pod_facts.have_ended(pod for pod in pods if pod_facts.is_of(pod, job))


def left_behind(pods: Iterable[Obj]) -> Observation | None:
    """What still runs, or may, under the name of a Job that is not there, or a fence by now; None if nothing does.

    Somebody has deleted the Job, and its pods take their time to go; or the news of it is late.
    """
    alive = pod_facts.newest_first(filter(pod_facts.may_run, pods))
    if not alive:
        return None
    starts = [running.get("startedAt") for pod in alive if (running := pod_facts.main_state(pod).get("running"))]
    return Observation(
        Phase.RUNNING if starts else Phase.WAITING,
        stopping=True,
        started_at=pod_facts.time_of(starts[0]) if starts else None,
        location=pod_facts.location(alive),
        gone_by=pod_facts.gone_by(alive),
    )


def observe(job: Obj, pods: Iterable[Obj], *, expects_document: bool, framed: Output | None = None) -> Observation:
    """What is seen of the attempt whose Job this is. ``pods`` are those of this Job, gone ones included.

    ``framed`` is the document that ``framed_document`` tells of; as long as it has not been read, the program counts as
    running.
    """
    newest_first = pod_facts.newest_first(pods)
    if _is_fence(job):
        return left_behind(newest_first) or _orphaned(newest_first, framed, expects_document=expects_document)
    status = job.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or () if c.get("status") == "True"}
    stopping = _is_stopping(job)
    terminal = not _OVER.isdisjoint(conditions)
    base = Observation(
        Phase.WAITING,
        terminal=terminal,
        stopping=stopping,
        waiting_since=_waiting_since(job, conditions, newest_first),
        location=pod_facts.location(newest_first),
        gone_by=pod_facts.gone_by(newest_first),
        disrupted=pod_facts.disrupted(newest_first),
    )
    if well_ended := pod_facts.well_ended(newest_first):
        return _exited_well(base, well_ended[1], framed, expects_document=expects_document)
    if has_failed(job):
        return _failed(base, job, newest_first, conditions)
    if "Complete" in conditions:
        return replace(base, phase=Phase.FAILED, error=_WORDS_LOST, may_have_run=True)
    if stopping and _is_held(job) and not any(map(pod_facts.may_run, newest_first)):
        # A deadline does not pass while a Job is suspended: it would never end by itself (semantics 6.4).
        return _stopped(replace(base, phase=Phase.FAILED, terminal=True, error=_HELD_AND_STOPPED), job, newest_first)
    for pod in newest_first:
        state = pod_facts.main_state(pod)
        if "running" in state and not pod.get("gone"):
            return replace(base, phase=Phase.RUNNING, started_at=pod_facts.time_of(state["running"].get("startedAt")))
    return replace(base, problem=pod_facts.why_not_started(newest_first))


def _orphaned(pods: list[Obj], framed: Output | None, *, expects_document: bool) -> Observation:
    """What is seen of an attempt whose Job was deleted, perhaps without its pods, once a fence bears its name."""
    fenced = Observation(Phase.FENCED, terminal=True, may_have_run=any(map(pod_facts.may_have_run, pods)))
    if well_ended := pod_facts.well_ended(pods):
        return _exited_well(fenced, well_ended[1], framed, expects_document=expects_document)
    terminated = pod_facts.main_state(pods[0]).get("terminated") if pods else None
    said = read_output(terminated, expects_document=expects_document).error if terminated else None
    return replace(fenced, error=said) if said and not said.outcome_unknown else fenced


def _exited_well(base: Observation, terminated: Obj, framed: Output | None, *, expects_document: bool) -> Observation:
    seen = _with_times(base, terminated)
    output = read_output(terminated, expects_document=expects_document)
    if output.framed and framed:
        output = framed
    if output.framed:
        return replace(seen, phase=Phase.RUNNING)
    if output.error is None:
        return replace(seen, phase=Phase.SUCCEEDED, result=output.result, metadata=output.metadata)
    if not base.terminal:
        # Its Job still counts the pod as running: the next attempt must not run beside it.
        return replace(seen, phase=Phase.RUNNING)
    return replace(seen, phase=Phase.FAILED, error=output.error)


def _failed(base: Observation, job: Obj, pods: list[Obj], conditions: Mapping[str, Obj]) -> Observation:
    seen = replace(base, phase=Phase.FAILED, may_have_run=_may_have_run(job, pods))
    if not pods:
        return replace(seen, error=_POD_LOST)
    pod = pods[0]
    terminated = pod_facts.main_state(pod).get("terminated")
    output = read_output(terminated, expects_document=True) if terminated else Output()
    if terminated:
        seen = _with_times(seen, terminated)
    error = _classify(pod, output.error, conditions)
    return replace(seen, error=replace(error, pod_reason=pod_facts.reason_of(pod)))


def _stopped(seen: Observation, job: Obj, pods: list[Obj]) -> Observation:
    """With the times of the last program that ran, if one ever did."""
    seen = replace(seen, may_have_run=_may_have_run(job, pods))
    ends = [terminated for pod in pods if (terminated := pod_facts.main_state(pod).get("terminated"))]
    return _with_times(seen, ends[0]) if ends else seen


def _may_have_run(job: Obj, pods: list[Obj]) -> bool:
    """Whether a program of a Job that is over ran, or its controller has counted a pod that nobody has seen.

    A pod that it does not count was taken away (``podFailurePolicy``).
    """
    status = job.get("status") or {}
    uncounted = status.get("uncountedTerminatedPods") or {}
    counted = sum(int(status.get(how) or 0) + len(uncounted.get(how) or ()) for how in ("failed", "succeeded"))
    mine = [pod for pod in pods if pod_facts.is_of(pod, job)]
    return any(map(pod_facts.may_have_run, pods)) or counted > len(mine) - len(pod_facts.disrupted(mine))


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
        started_at=pod_facts.time_of(terminated.get("startedAt")),
        finished_at=pod_facts.time_of(terminated.get("finishedAt")),
    )


def _is_fence(job: Obj) -> bool:
    return LABEL_FENCE in (job["metadata"].get("labels") or {})


def _is_stopping(job: Obj) -> bool:
    """Whether the Job was told to stop. One that somebody only scaled to 0 would wait for ever."""
    spec = job.get("spec") or {}
    return spec.get("parallelism") == 0 and spec.get("activeDeadlineSeconds") is not None


def _is_held(job: Obj) -> bool:
    """Whether the Job is suspended, and its controller counts no pod of it."""
    status = job.get("status") or {}
    suspended = (job.get("spec") or {}).get("suspend")
    return bool(suspended) and not status.get("active") and not status.get("terminating")


def _waiting_since(job: Obj, conditions: Mapping[str, Obj], pods: list[Obj]) -> float | None:
    """When the Job became free to start a pod: it started, was resumed, or lost a pod that it replaces."""
    if "Suspended" in conditions or (job.get("spec") or {}).get("suspend"):
        return None
    started = (job.get("status") or {}).get("startTime") or job["metadata"].get("creationTimestamp")
    created = [pod_facts.time_of(pod["metadata"].get("creationTimestamp")) or 0.0 for pod in pods]
    return max([pod_facts.time_of(started) or 0.0, *created, *pod_facts.ends(pods)])
