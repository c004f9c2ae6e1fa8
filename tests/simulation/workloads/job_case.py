"""One case of the contract that the simulated workloads keep with Kubernetes: a Job, and what befalls it.

``job_cases`` has them all. Jobs are made by the operator's own ``jobs``; ``script`` is what the container runs on a
cluster, ``outcome`` is the same in the simulation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kubesaga.api.programs import Program, ProgramKind
from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Plan, Step
from kubesaga.engine.records import StepRecord, TaskStatus
from kubesaga.engine.vocabulary import DeletionPolicy, Role, StepState
from kubesaga.runtime.jobs import build_fence, build_job
from tests.simulation.plan import Outcome
from tests.simulation.workloads.job_sightings import Line, Sightings, differs, has

Obj = dict[str, Any]
What = Literal["stop", "resume", "delete pod", "force pod", "evict", "Background", "Foreground", "Orphan"]
"""What somebody does: patches or deletes the Job (in this way), deletes or evicts its pod."""
When = Literal["bound", "suspended", "unscheduled", "not pulled", "running", "ended", "over"]

IMAGE = "kubesaga-handlers:dev"
STEP = "work"
WORKS = Outcome(6.0, {"result": 1})
_ATTEMPT = Attempt(STEP, Role.FORWARD, 1)
_STATUS = TaskStatus(started_at=1_800_000_000.0, steps=(StepRecord(STEP, StepState.ENQUEUED, attempt=1),))


@dataclass(frozen=True)
class Act:
    """Somebody does something so many seconds after this was seen for the first time."""

    when: When
    what: What
    after: float = 0.0


@dataclass(frozen=True)
class JobCase:
    """One Job and its fate. ``job`` and ``pods`` are what is to be seen of it, pod by pod.

    ``job_if_late`` is what may be seen of the Job instead where somebody acts later than usual: one of these.
    ``timeout`` is the attempt's, ``grace`` the pod's, ``pod`` more settings of the template's. ``ends``: whether the
    Job comes to an end.
    """

    name: str
    job: tuple[Line, ...]
    pods: tuple[tuple[Line, ...], ...]
    script: str = ""
    outcome: Outcome = WORKS
    acts: tuple[Act, ...] = ()
    timeout: float | None = None
    grace: int | None = None
    image: str = IMAGE
    pod: Mapping[str, Any] = field(default_factory=dict)
    is_fence: bool = False
    is_suspended: bool = False
    ends: bool = True
    job_if_late: tuple[tuple[Line, ...], ...] = ()

    def broken_by(self, seen: Sightings) -> str | None:
        """How what was seen is not what is to be seen; None where it is."""
        found = differs(self.job, seen.job)
        if any(differs(other, seen.job) is None for other in self.job_if_late):
            found = None
        if found is None and (len(seen.pods) != len(self.pods) or seen.leftovers):
            return f"{len(self.pods)} pods expected, none of them still tracked: {seen.pods}, {seen.leftovers}"
        of_pods = (differs(*each) for each in zip(self.pods, seen.pods.values(), strict=False))
        return found or next(filter(None, of_pods), None)

    def body(self, namespace: str) -> Obj:
        """The Job, as the operator creates it, of a Task that does not exist."""
        meta = {"name": self.name, "namespace": namespace, "uid": f"no-task-{self.name}", "creationTimestamp": None}
        task: Obj = {"metadata": meta, "spec": {"templateRef": {"name": "none"}}}
        if self.is_fence:
            return build_fence(task, _ATTEMPT, DeletionPolicy.COMPENSATE)
        program = Program(
            ProgramKind.CONTAINER,
            self.image,
            command=("sh", "-c", self.script),
            image_pull_policy="IfNotPresent",
            timeout_seconds=self.timeout,
            pod=self.pod,
        )
        policy = DeletionPolicy.COMPENSATE
        plan = Plan(steps=(Step(STEP),))
        job = build_job(task, plan, _STATUS, _ATTEMPT, program, policy=policy, context={}, options={}, values={}).job
        if self.is_suspended:
            job["spec"]["suspend"] = True
        if self.grace is not None:
            job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = self.grace
        return job


def is_due(when: When, seen: Sightings) -> bool:
    """Whether the moment for an act has come."""
    pod, job = seen.newest_pod or {}, seen.job_now or {}
    status = pod.get("status") or {}
    states = [each["state"] for each in status.get("containerStatuses") or ()]
    match when:
        case "bound":
            return bool(pod) and "nodeName" in pod["spec"]
        case "suspended":
            return has(job, "Suspended")
        case "unscheduled":
            return any(each.get("reason") == "Unschedulable" for each in status.get("conditions") or ())
        case "not pulled":
            return any("ErrImagePull" in (state.get("waiting") or {}).get("reason", "") for state in states)
        case "running":
            return any("running" in state for state in states)
        case "ended":
            return any("terminated" in state for state in states)
        case "over":
            return has(job, "Complete") or has(job, "Failed")
