"""What is seen of a Task's attempts: their Jobs and pods, those that are missing, and those that were refused.

Part of gathering. Reads the cache, and the API server for a Job that should be there and is not. Decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.programs import ProgramKind
from kubesaga.engine.decision import Attempt
from kubesaga.engine.records import StepRecord, TaskStatus
from kubesaga.engine.snapshot import Child, Observation, Phase
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import Role, StepKind, StepState
from kubesaga.kube.client import Kube, KubeError, jobs_path, pods_path, tasks_path
from kubesaga.runtime import children, pod_facts
from kubesaga.runtime.cache import Cache, Kind, News
from kubesaga.runtime.frames import Frames
from kubesaga.runtime.observe import is_over, left_behind, may_end_by_its_job, observe
from kubesaga.runtime.refusals import Refusals
from kubesaga.runtime.results import Results
from kubesaga.runtime.revisions import Revision

Obj = dict[str, Any]

_JOB_NAME = "batch.kubernetes.io/job-name"  # the Job controller's label on its pods


@dataclass(slots=True)
class Seen:
    """Observations by the step's index in the plan."""

    forward: dict[int, Observation] = field(default_factory=dict)
    compensation: dict[int, Observation] = field(default_factory=dict)
    children: dict[int, Child] = field(default_factory=dict)


class Attempts:
    """Looks at attempts."""

    def __init__(
        self, kube: Kube, cache: Cache, refusals: Refusals, frames: Frames, results: Results, seen: News
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._refusals = refusals
        self._frames = frames
        self._results = results
        self._seen = seen

    async def look(self, task: Obj, status: TaskStatus, revision: Revision) -> Seen:
        """What is seen of every attempt that may still matter. Raises KubeError."""
        seen = Seen()
        failure: KubeError | None = None
        pods = self._pods(task)
        for i, step in enumerate(status.steps):
            if revision.plan.steps[i].kind is StepKind.TASK:
                await self._look_at_child(task, i, step, seen, ending=status.ending is not None)
            for role, record in ((Role.FORWARD, step), (Role.COMPENSATION, step.compensation)):
                if record is None or record.job_name is None or revision.plan.kind(i, role) is not StepKind.PROGRAM:
                    continue
                observation: Observation | None = None
                if record.state in LIVE_STEP_STATES:
                    try:
                        observation = await self._live(task, step.name, role, record, revision, pods[record.job_name])
                    except KubeError as error:
                        failure = failure or error  # the others are tried all the same: patience with each begins now
                else:
                    observation = self._over(task, record, pods[record.job_name])
                if observation is not None:
                    (seen.forward if role is Role.FORWARD else seen.compensation)[i] = observation
        if failure is not None:
            raise failure
        return seen

    def _pods(self, task: Obj) -> dict[str, list[Obj]]:
        found: dict[str, list[Obj]] = defaultdict(list)
        for pod in self._cache.of_task(Kind.POD, task["metadata"]["uid"]).values():
            found[_job_of(pod)].append(pod)
        return found

    async def _live(
        self, task: Obj, step: str, role: Role, record: StepRecord, revision: Revision, pods: list[Obj]
    ) -> Observation:
        assert record.job_name is not None
        job = self._cache.of_task(Kind.JOB, task["metadata"]["uid"]).get(record.job_name)
        started = record.state is StepState.IN_PROGRESS
        if job is None and started:
            job = await self._look_for(task, record.job_name)
        if job is not None:
            pods = await self._last_words(task, job, pods)
            expects_document = revision.program(step, role).kind is ProgramKind.HANDLER
            return await self._frames.observe(job, pods, expects_document=expects_document)
        attempt = Attempt(step, role, record.attempt)
        if started:
            return await self._lost(task, record.job_name, attempt)
        return left_behind(pods) or self._absent(task, attempt)

    async def _last_words(self, task: Obj, job: Obj, pods: list[Obj]) -> list[Obj]:
        """A Job's pods; asked for where their watch lags behind the Job's, so that what came of it is not missed."""
        mine = [pod for pod in pods if pod_facts.is_of(pod, job)]
        if not may_end_by_its_job(job) or pod_facts.well_ended(pods) or pod_facts.have_ended(mine):
            return pods
        name = job["metadata"]["name"]
        for pod in await self._live_pods(task, name):
            self._cache.upsert(Kind.POD, pod)
        return self._pods(task)[name]

    def _over(self, task: Obj, record: StepRecord, pods: Iterable[Obj]) -> Observation | None:
        """An attempt that is recorded as over while its Job is not, which an end that may be decided now waits for."""
        assert record.job_name is not None
        job = self._cache.of_task(Kind.JOB, task["metadata"]["uid"]).get(record.job_name)
        return observe(job, pods, expects_document=False) if job is not None and not is_over(job) else None

    async def _look_for(self, task: Obj, job_name: str) -> Obj | None:
        """Ask the API server for a Job that should be there: one that has started must not be missed."""
        try:
            job = await self._kube.get(jobs_path(task["metadata"]["namespace"], job_name))
        except KubeError as error:
            if error.not_found:
                return None
            raise
        self._cache.upsert(Kind.JOB, job)
        return job

    async def _lost(self, task: Obj, job_name: str, attempt: Attempt) -> Observation:
        """A Job that had started and is gone: lost once no pod of it can still run (semantics 6.5)."""
        alive = pod_facts.newest_first(filter(pod_facts.may_run, await self._live_pods(task, job_name)))
        if not alive:
            refusal = self._refusals.get(task["metadata"]["uid"], attempt)  # of its fence
            return Observation(Phase.LOST, problem=refusal.error if refusal else None)
        where, gone_by = pod_facts.location(alive), pod_facts.gone_by(alive)
        return Observation(Phase.RUNNING, stopping=True, location=where, gone_by=gone_by)

    async def _live_pods(self, task: Obj, job_name: str) -> list[Obj]:
        """A Job's pods, asked of the API server."""
        selector = f"{c.LABEL_TASK_UID}={task['metadata']['uid']},{_JOB_NAME}={job_name}"
        pods, _ = await self._kube.list(pods_path(task["metadata"]["namespace"]), label_selector=selector)
        return pods

    def _absent(self, task: Obj, attempt: Attempt) -> Observation:
        """An intent without a Job or child: not created yet, or refused."""
        refusal = self._refusals.get(task["metadata"]["uid"], attempt)
        if refusal and refusal.name_taken:
            return Observation(Phase.FENCED, terminal=True, error=refusal.error)
        return Observation(
            Phase.ABSENT,
            waiting_since=0.0,
            problem=refusal.error if refusal else None,
            hopeless=bool(refusal and refusal.hopeless),
        )

    async def _look_at_child(self, task: Obj, i: int, step: StepRecord, seen: Seen, *, ending: bool) -> None:
        """A step's child Task, as long as it runs, or its parent waits for it, ends, or has it undone."""
        undoing = step.compensation is not None and step.compensation.state in LIVE_STEP_STATES
        live = step.state in LIVE_STEP_STATES
        if step.child_name is None or not (live or undoing or ending or self._runs(task, step.child_name)):
            return
        child = await self._child(task, step, step.child_name, undoing=undoing)
        if child is not None:
            seen.children[i] = child
        elif live:
            seen.forward[i] = self._absent(task, Attempt(step.name, Role.FORWARD, step.attempt))

    def _runs(self, task: Obj, child: str) -> bool:
        """Whether a child that nobody waits for is under way: a human may have reopened it."""
        found = self._cache.get(Kind.TASK, task["metadata"]["namespace"], child)
        return found is not None and (found.get("status") or {}).get("state") not in TERMINAL_TASK_STATES

    async def _child(self, task: Obj, step: StepRecord, name: str, *, undoing: bool) -> Child | None:
        namespace = task["metadata"]["namespace"]
        found = self._cache.get(Kind.TASK, namespace, name)
        # An attempt that may have done something leaves the child behind. One that surely has not leaves a fence at
        # most, which the next removes: where its child is not created at once, there is nothing, and it is tried again.
        must_exist = step.state is StepState.IN_PROGRESS or step.outcome_unknown or undoing
        if found is None and must_exist:
            found = await self._look_for_child(namespace, name)
            if found is None:
                return children.GONE
        if found is None:
            return None
        refusal = self._refusals.get(task["metadata"]["uid"], Attempt(step.name, Role.FORWARD, step.attempt))
        if not children.belongs_to(found, task, step.name) or (refusal and refusal.name_taken):
            return children.FOREIGN
        fenced = children.fenced_attempt(found)
        if fenced is not None and fenced < step.attempt:
            return None  # apply puts the real child in its place
        return await children.read_child(found, self._results)

    async def _look_for_child(self, namespace: str, name: str) -> Obj | None:
        try:
            child = await self._kube.get(tasks_path(namespace, name))
        except KubeError as error:
            if error.not_found:
                return None
            raise
        self._seen(Kind.TASK, None, child)
        return child


def _job_of(pod: Obj) -> str:
    return str((pod["metadata"].get("labels") or {}).get(_JOB_NAME))
