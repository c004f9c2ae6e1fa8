"""Collecting the facts for one decision: the Task, its template's revision, and what is seen of its attempts.

Reads the cache, and the API server where the cache cannot know: a template not seen yet, a Job that is missing.
Decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.findings import check_task
from kubesaga.api.programs import ProgramKind
from kubesaga.api.status import read_status
from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import PinnedTemplate, TaskStatus
from kubesaga.engine.snapshot import Observation, Phase, Snapshot, TemplateProblem
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import Role, StepState, TaskState
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.kube import Kube, KubeError, jobs_path, pods_path
from kubesaga.runtime.observe import observe
from kubesaga.runtime.refusals import Refusals
from kubesaga.runtime.revisions import Revision, Revisions
from kubesaga.runtime.templates import Templates

Obj = dict[str, Any]

_JOB_NAME = "batch.kubernetes.io/job-name"  # the Job controller's label on its pods


@dataclass(frozen=True, slots=True)
class Gathered:
    """A Task's object, its revision (None while it has none), and the snapshot made of them."""

    task: Obj
    revision: Revision | None
    snapshot: Snapshot

    @property
    def plan(self) -> Plan | None:
        """The plan of the revision."""
        return self.revision.plan if self.revision else None


class Gatherer:
    """Builds snapshots."""

    def __init__(
        self, kube: Kube, cache: Cache, templates: Templates, revisions: Revisions, refusals: Refusals
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._templates = templates
        self._revisions = revisions
        self._refusals = refusals

    async def gather(self, namespace: str, name: str) -> Gathered | None:
        """The facts about one Task; None if there is no such Task. Raises KubeError."""
        task = self._cache.get(Kind.TASK, namespace, name)
        if task is None:
            return None
        status = read_status(task.get("status"))
        if status.state in TERMINAL_TASK_STATES or task["metadata"].get("deletionTimestamp"):
            return Gathered(task, None, self._snapshot(task, status))
        pinned, problem = await self._template(task, status)
        revision = await self._revisions.get(namespace, pinned.revision) if pinned else None
        if pinned and revision is None:
            problem = TemplateProblem(
                "RevisionMissing",
                f"the ControllerRevision {pinned.revision} that this Task runs is gone; restore it from a backup, or "
                "re-apply the TaskTemplate with the same content and version",
            )
        if revision is None:
            return Gathered(task, None, self._snapshot(task, status, problem=problem))
        forward, compensation = await self._observations(task, status, revision)
        return Gathered(
            task,
            revision,
            self._snapshot(task, status, pinned=pinned, forward=forward, compensation=compensation),
        )

    async def _template(self, task: Obj, status: TaskStatus) -> tuple[PinnedTemplate | None, TemplateProblem | None]:
        if status.template:
            return status.template, None
        found = await self._templates.find(task)
        return (None, found) if isinstance(found, TemplateProblem) else (found, None)

    def _snapshot(
        self,
        task: Obj,
        status: TaskStatus,
        *,
        pinned: PinnedTemplate | None = None,
        problem: TemplateProblem | None = None,
        forward: Mapping[int, Observation] | None = None,
        compensation: Mapping[int, Observation] | None = None,
    ) -> Snapshot:
        meta = task["metadata"]
        return Snapshot(
            task_name=meta["name"],
            task_uid=meta["uid"],
            context=task["spec"].get("context") or {},
            status=status,
            template=pinned,
            template_problem=problem,
            request_problems=self._request_problems(task, status),
            forward=forward or {},
            compensation=compensation or {},
            deleting=bool(meta.get("deletionTimestamp")),
        )

    def _request_problems(self, task: Obj, status: TaskStatus) -> tuple[str, ...]:
        """What neither the API server nor the template's inputSchema can refuse: asked once, at the start."""
        if status.state is not TaskState.PENDING:
            return ()
        return tuple(map(str, check_task(task["spec"])))

    async def _observations(
        self, task: Obj, status: TaskStatus, revision: Revision
    ) -> tuple[dict[int, Observation], dict[int, Observation]]:
        uid = task["metadata"]["uid"]
        jobs = self._cache.of_task(Kind.JOB, uid)
        pods: dict[str, list[Obj]] = defaultdict(list)
        for pod in self._cache.of_task(Kind.POD, uid).values():
            pods[_job_of(pod)].append(pod)
        ending = status.ending is not None
        seen: dict[Role, dict[int, Observation]] = {Role.FORWARD: {}, Role.COMPENSATION: {}}
        for i, step in enumerate(status.steps):
            for role, record in ((Role.FORWARD, step), (Role.COMPENSATION, step.compensation)):
                if record is None or record.job_name is None:
                    continue
                live = record.state in LIVE_STEP_STATES
                if not live and not (ending and role is Role.FORWARD):
                    continue
                job = jobs.get(record.job_name)
                if job is None and record.state is StepState.IN_PROGRESS:
                    job = await self._look_for(task, record.job_name)
                if job is not None:
                    program = revision.program(step.name, role)
                    expects_document = program.kind is ProgramKind.HANDLER
                    seen[role][i] = observe(job, pods[record.job_name], expects_document=expects_document)
                elif record.state is StepState.IN_PROGRESS:
                    seen[role][i] = await self._lost(task, record.job_name)
                elif live:
                    seen[role][i] = self._absent(task, Attempt(step.name, role, record.attempt))
        return seen[Role.FORWARD], seen[Role.COMPENSATION]

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

    async def _lost(self, task: Obj, job_name: str) -> Observation:
        """A Job that had started and is gone: lost once no pod of it can still run (semantics 6.5)."""
        selector = f"{c.LABEL_TASK_UID}={task['metadata']['uid']},{_JOB_NAME}={job_name}"
        pods, _ = await self._kube.list(pods_path(task["metadata"]["namespace"]), label_selector=selector)
        alive = [p for p in pods if (p.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]
        if not alive:
            return Observation(Phase.LOST)
        meta, node = alive[0]["metadata"], (alive[0].get("spec") or {}).get("nodeName")
        return Observation(Phase.RUNNING, stopping=True, location=f"pod {meta['name']} on {node}")

    def _absent(self, task: Obj, attempt: Attempt) -> Observation:
        """An intent without a Job: not created yet, or refused."""
        refusal = self._refusals.get(task["metadata"]["uid"], attempt)
        if refusal and refusal.name_taken:
            return Observation(Phase.FENCED, terminal=True, error=refusal.error)
        return Observation(
            Phase.ABSENT,
            waiting_since=0.0,
            problem=refusal.error if refusal else None,
            hopeless=bool(refusal and refusal.hopeless),
        )


def _job_of(pod: Obj) -> str:
    return str((pod["metadata"].get("labels") or {}).get(_JOB_NAME))
