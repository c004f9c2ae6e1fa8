"""What is seen of a Task's attempts: their Jobs and pods, those that are missing, and those that were refused.

Part of gathering. Reads the cache, and the API server for a Job that should be there and is not. Decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.programs import ProgramKind
from kubesaga.api.status import read_status
from kubesaga.engine.decision import Attempt
from kubesaga.engine.policies import reopen
from kubesaga.engine.records import Ending, StepRecord, TaskStatus
from kubesaga.engine.snapshot import Child, Observation, Phase
from kubesaga.engine.start_limit import is_too_late
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import EndingPhase, Role, StepKind, StepState
from kubesaga.kube.client import Kube, KubeError, jobs_path, pods_path, tasks_path
from kubesaga.runtime import children, pod_facts
from kubesaga.runtime.cache import Cache, Kind, News
from kubesaga.runtime.clocks import Clock, wall
from kubesaga.runtime.frames import LOOK_AGAIN, Frames, LogUnread
from kubesaga.runtime.observe import is_over, left_behind, may_end_by_its_job, observe
from kubesaga.runtime.refusals import Refusals
from kubesaga.runtime.results import Results
from kubesaga.runtime.revisions import Revision

Obj = dict[str, Any]

_JOB_NAME = "batch.kubernetes.io/job-name"  # the Job controller's label on its pods
_REMEMBERED = 4096


@dataclass(slots=True)
class Seen:
    """Observations by the step's index in the plan.

    ``look_again``: seconds until what could not be read now is to be tried again.
    """

    forward: dict[int, Observation] = field(default_factory=dict)
    compensation: dict[int, Observation] = field(default_factory=dict)
    children: dict[int, Child] = field(default_factory=dict)
    look_again: float | None = None


class Attempts:
    """Looks at attempts."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        refusals: Refusals,
        frames: Frames,
        results: Results,
        seen: News,
        clock: Clock = wall,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._refusals = refusals
        self._frames = frames
        self._results = results
        self._seen = seen
        self._clock = clock
        self._asked_for: set[tuple[str, float]] = set()

    async def look(self, task: Obj, status: TaskStatus, revision: Revision) -> Seen:
        """What is seen of every attempt that may still matter. Raises KubeError."""
        seen = Seen()
        failure: KubeError | None = None
        pods = self._pods(task)
        for i, step in enumerate(status.steps):
            if revision.plan.steps[i].kind is StepKind.TASK:
                await self._look_at_child(task, i, step, seen, status.ending)
            for role, record in ((Role.FORWARD, step), (Role.COMPENSATION, step.compensation)):
                if record is None or record.job_name is None or revision.plan.kind(i, role) is not StepKind.PROGRAM:
                    continue
                observation: Observation | None = None
                if record.state in LIVE_STEP_STATES:
                    try:
                        observation = await self._live(task, i, role, record, revision, pods[record.job_name])
                    except LogUnread as error:  # which must not keep the Task from being cancelled, or going on
                        observation, seen.look_again = error.seen, LOOK_AGAIN
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
        self, task: Obj, i: int, role: Role, record: StepRecord, revision: Revision, pods: list[Obj]
    ) -> Observation:
        """What is seen of an attempt under way; one that does not seem to start is looked for before it is given up."""
        assert record.job_name is not None
        now, timeout = self._clock(), revision.plan.start_timeout(i, role)
        seen = await self._known(task, role, record, revision, pods)
        if is_too_late(record, seen, timeout, now):
            if seen.phase is Phase.ABSENT:
                await self._look_for(task, record.job_name)
            pods = await self._asked(task, record.job_name)
            seen = await self._known(task, role, record, revision, pods)
        return replace(seen, seen_at=now)

    async def _known(
        self, task: Obj, role: Role, record: StepRecord, revision: Revision, pods: list[Obj]
    ) -> Observation:
        assert record.job_name is not None
        step = record.name
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
        if self._refusals.get(task["metadata"]["uid"], attempt) is None:
            pods = await self._asked(task, record.job_name)  # somebody may have deleted its Job, or we were interrupted
        if pod_facts.well_ended(pods):
            return self._gone(task, attempt)
        return left_behind(pods) or self._absent(task, attempt)

    async def _last_words(self, task: Obj, job: Obj, pods: list[Obj]) -> list[Obj]:
        """A Job's pods; asked for where their watch lags behind the Job's, so that what came of it is not missed."""
        return await self._asked(task, job["metadata"]["name"]) if may_end_by_its_job(job, pods) else pods

    async def _asked(self, task: Obj, job_name: str) -> list[Obj]:
        """A Job's pods, with what the API server says of them now."""
        for pod in await self._live_pods(task, job_name):
            self._cache.upsert(Kind.POD, pod)
        return self._pods(task)[job_name]

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
            return self._gone(task, attempt)
        where, gone_by = pod_facts.location(alive), pod_facts.gone_by(alive)
        return Observation(Phase.RUNNING, stopping=True, location=where, gone_by=gone_by)

    def _gone(self, task: Obj, attempt: Attempt) -> Observation:
        refusal = self._refusals.get(task["metadata"]["uid"], attempt)  # of its fence
        return Observation(Phase.LOST, problem=refusal.error if refusal else None)

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

    async def _look_at_child(self, task: Obj, i: int, step: StepRecord, seen: Seen, ending: Ending | None) -> None:
        """A step's child Task, as long as it runs, or its parent waits for it, ends, or has it undone."""
        undoing = step.compensation is not None and step.compensation.state in LIVE_STEP_STATES
        live = step.state in LIVE_STEP_STATES
        if step.child_name is None or not (live or undoing or ending or self._runs(task, step.child_name)):
            return
        child = await self._child(task, step, step.child_name, _left_since(step, ending), undoing=undoing)
        if child is not None:
            seen.children[i] = child
        elif live:
            seen.forward[i] = self._absent(task, Attempt(step.name, Role.FORWARD, step.attempt))

    def _runs(self, task: Obj, child: str) -> bool:
        """Whether a child that nobody waits for is under way: a human may have reopened it."""
        found = self._cache.get(Kind.TASK, task["metadata"]["namespace"], child)
        return found is not None and (found.get("status") or {}).get("state") not in TERMINAL_TASK_STATES

    async def _child(
        self, task: Obj, step: StepRecord, name: str, left_since: float | None, *, undoing: bool
    ) -> Child | None:
        namespace = task["metadata"]["namespace"]
        found = self._cache.get(Kind.TASK, namespace, name)
        # An attempt that may have done something leaves the child behind. One that surely has not leaves a fence at
        # most, which the next removes: where its child is not created at once, there is nothing, and it is tried again.
        must_exist = step.state is StepState.IN_PROGRESS or step.outcome_unknown or undoing
        if found is None and not must_exist:
            return None
        if found is None or self._may_run_again(found, left_since):
            known, found = found, await self._look_for_child(namespace, name)
            self._note_asked(known, left_since)
            if found is None:
                return children.GONE
        refusal = self._refusals.get(task["metadata"]["uid"], Attempt(step.name, Role.FORWARD, step.attempt))
        if not children.belongs_to(found, task, step.name) or (refusal and refusal.name_taken):
            return children.FOREIGN
        fenced = children.fenced_attempt(found)
        if fenced is not None and fenced < step.attempt:
            return None  # apply puts the real child in its place
        return await children.read_child(found, self._results)

    def _may_run_again(self, child: Obj, left_since: float | None) -> bool:
        """Whether a child is to be asked for that seems to have ended: its watch may be late, and it may run again.

        Once for each time that its parent leaves it is enough: from then on it reads that its parent does.
        """
        if left_since is None or (child["metadata"]["uid"], left_since) in self._asked_for:
            return False
        return reopen.possible(read_status(child.get("status")))

    def _note_asked(self, child: Obj | None, left_since: float | None) -> None:
        if child is None or left_since is None:
            return
        if len(self._asked_for) >= _REMEMBERED:
            self._asked_for.clear()
        self._asked_for.add((child["metadata"]["uid"], left_since))

    async def _look_for_child(self, namespace: str, name: str) -> Obj | None:
        try:
            child = await self._kube.get(tasks_path(namespace, name))
        except KubeError as error:
            if error.not_found:
                return None
            raise
        self._seen(Kind.TASK, None, child)
        return child


def _left_since(step: StepRecord, ending: Ending | None) -> float | None:
    """Since when a parent is about to go on, or to end, without its child; None if it is not."""
    if step.state in LIVE_STEP_STATES:
        return step.stop.at if step.stop else None
    return ending.at if ending is not None and ending.phase is EndingPhase.QUIESCING else None


def _job_of(pod: Obj) -> str:
    return str((pod["metadata"].get("labels") or {}).get(_JOB_NAME))
