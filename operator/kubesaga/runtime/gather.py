"""Collecting the facts for one decision: the Task, its template's revision, what is seen of its attempts and
relatives, and what is asked of it.

Reads the cache, and the API server where the cache cannot know. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kubesaga.api.about import about
from kubesaga.api.compile import effective_context, effective_options
from kubesaga.api.findings import check_task
from kubesaga.api.request import request_hash
from kubesaga.api.status import read_status
from kubesaga.api.times import epoch
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import PinnedTemplate, TaskStatus
from kubesaga.engine.snapshot import Action, Parent, Snapshot, TemplateProblem
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import DeletionPolicy, DesiredState, RunningSteps, TaskState
from kubesaga.kube.client import Kube
from kubesaga.runtime import actions
from kubesaga.runtime.admission import Admission
from kubesaga.runtime.attempts import Attempts
from kubesaga.runtime.cache import Cache
from kubesaga.runtime.claims import LOOK_AGAIN_AFTER, Claims, NoClaim, StillWorks, claim_name
from kubesaga.runtime.namespaces import Terminating
from kubesaga.runtime.ownership import deletion_policy
from kubesaga.runtime.parents import Parents, lineage_problems
from kubesaga.runtime.release import is_held
from kubesaga.runtime.revisions import Revision, Revisions, RevisionUnreadable
from kubesaga.runtime.templates import Templates

Obj = dict[str, Any]

_REMEMBERED_HASHES = 4096


@dataclass(frozen=True, slots=True)
class Gathered:
    """A Task's object, its revision (None while it has none), and the snapshot made of them.

    ``options`` have the template's defaults merged in, as the snapshot's context has. ``look_again``: seconds until
    what could not be read now is to be tried again.
    """

    task: Obj
    revision: Revision | None
    snapshot: Snapshot
    options: Mapping[str, Any]
    look_again: float | None = None

    @property
    def plan(self) -> Plan | None:
        """The plan of the revision."""
        return self.revision.plan if self.revision else None

    def without_plan(self, problem: TemplateProblem) -> Gathered:
        """The same, of a Task that cannot go on for want of something its plan needs."""
        return replace(self, revision=None, snapshot=replace(self.snapshot, template_problem=problem))

    def with_values(self, values: Mapping[str, Any]) -> Gathered:
        """The same, with what these ResultRefs stand for."""
        known = {**self.snapshot.values, **values}
        return replace(self, snapshot=replace(self.snapshot, values=known))

    def with_actions(self, waiting: tuple[Action, ...]) -> Gathered:
        """The same, with the actions that were found to wait for an answer."""
        return replace(self, snapshot=replace(self.snapshot, actions=waiting))


class Gatherer:
    """Builds snapshots."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        templates: Templates,
        revisions: Revisions,
        attempts: Attempts,
        parents: Parents,
        claims: Claims,
        admission: Admission,
        terminating: Terminating,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._templates = templates
        self._revisions = revisions
        self._attempts = attempts
        self._parents = parents
        self._claims = claims
        self._admission = admission
        self._terminating = terminating
        self._hashes: dict[str, tuple[int, str]] = {}

    async def gather(self, task: Obj) -> Gathered:
        """The facts about one Task, which must be whole. Raises KubeError."""
        namespace = task["metadata"]["namespace"]
        status = read_status(task.get("status"))
        parent = await self._parents.look(task, status)
        if isinstance(parent, TemplateProblem):
            return self._bare(task, status, None, parent)
        pinned, problem = await self._template(task, status)
        found = await self._revision(namespace, pinned) if pinned else None
        revision, problem = (None, found) if isinstance(found, TemplateProblem) else (found, problem)
        going = is_held(task) and task["metadata"].get("deletionTimestamp")
        if going and (problem is not None or not self._terminating.admits(namespace)):
            # The namespace's deletion takes the revision before the Task, and without it nothing is ever created.
            # And what was noted may be of an earlier namespace of that name: nothing would be undone in this one.
            await self._terminating.ask(self._kube, namespace)
        bare = self._bare(task, status, parent, problem)
        if pinned is None or revision is None:
            return bare
        try:
            return await self._with_plan(bare, pinned, revision)
        except NoClaim as error:
            return bare.without_plan(TemplateProblem("ClaimNameTaken", str(error)))
        except StillWorks as error:
            return bare.without_plan(TemplateProblem("SameRequestStillWorks", str(error), LOOK_AGAIN_AFTER))

    async def _revision(self, namespace: str, pinned: PinnedTemplate) -> Revision | TemplateProblem:
        """What the Task runs, or why that is not to be had."""
        try:
            revision = await self._revisions.get(namespace, pinned.revision)
        except RevisionUnreadable as error:
            return TemplateProblem("RevisionUnreadable", str(error))
        if revision is not None:
            return revision
        return TemplateProblem(
            "RevisionMissing",
            f"the ControllerRevision {pinned.revision} that this Task runs is gone; restore it from a backup, or "
            "re-apply the TaskTemplate with the same content and version",
        )

    async def _template(self, task: Obj, status: TaskStatus) -> tuple[PinnedTemplate | None, TemplateProblem | None]:
        if status.template:
            return status.template, None
        if status.state in TERMINAL_TASK_STATES:  # cancelled before it had one: it needs none any more
            return None, TemplateProblem("NeverStarted", "the Task ended before it had a template")
        found = await self._templates.find(task)
        return (None, found) if isinstance(found, TemplateProblem) else (found, None)

    def _bare(self, task: Obj, status: TaskStatus, parent: Parent | None, problem: TemplateProblem | None) -> Gathered:
        """What is known of a Task whatever its template says."""
        meta, spec = task["metadata"], task["spec"]
        cancellation = spec.get("cancellation") or {}
        options = spec.get("options") or {}
        snapshot = Snapshot(
            task_name=meta["name"],
            task_uid=meta["uid"],
            context=spec.get("context") or {},
            status=status,
            template_problem=problem,
            request_problems=_request_problems(task, status, parent),
            request_hash=self._request_hash(task),
            about=about(task, options),
            created_at=epoch(meta["creationTimestamp"]),
            desired=DesiredState(spec.get("desiredState", DesiredState.RUNNING)),
            cancel_mode=RunningSteps(cancellation.get("mode", RunningSteps.DRAIN)),
            cancel_compensates=bool(cancellation.get("compensate")),
            bypass=frozenset(spec.get("bypassSteps") or ()),
            actions=actions.pending(self._cache, meta["namespace"], meta["name"]),
            parent=parent,
            deleting=bool(meta.get("deletionTimestamp")),
            deletion_policy=DeletionPolicy(spec.get("deletionPolicy") or DeletionPolicy.DELETE),
            finalizer=is_held(task),
            admits_jobs=self._terminating.admits(meta["namespace"]),
        )
        return Gathered(task, None, snapshot, options)

    def _request_hash(self, task: Obj) -> str:
        """The hash of the request; a large one is not read again in every pass."""
        uid, generation = task["metadata"]["uid"], task["metadata"]["generation"]
        known = self._hashes.get(uid)
        if known is None or known[0] != generation:
            if len(self._hashes) >= _REMEMBERED_HASHES:
                self._hashes.clear()
            known = self._hashes[uid] = (generation, request_hash(task["spec"]))
        return known[1]

    async def _with_plan(self, bare: Gathered, pinned: PinnedTemplate, revision: Revision) -> Gathered:
        """All the rest, which depends on what the template says. Raises NoClaim, StillWorks, KubeError."""
        task, status = bare.task, bare.snapshot.status
        spec = task["spec"]
        context = effective_context(revision.spec, spec)
        options = effective_options(revision.spec, spec)
        name = claim_name(task, revision.plan, pinned, context)
        unclaimed = name is not None and status.state is TaskState.PENDING
        seen = await self._attempts.look(task, status, revision)
        snapshot = replace(
            bare.snapshot,
            template=pinned,
            context=context,
            about=about(task, options),
            forward=seen.forward,
            compensation=seen.compensation,
            children=seen.children,
            claim_name=name,
            claim=await self._claims.look(task, name) if name is not None and unclaimed else None,
            deletion_policy=deletion_policy(task, revision.plan),
        )
        # Last, and without waiting for anything afterwards: a slot is reserved from here to the end of the pass.
        return Gathered(task, revision, replace(snapshot, slot=self._admission.slot(task)), options, seen.look_again)


def _request_problems(task: Obj, status: TaskStatus, parent: Parent | None) -> tuple[str, ...]:
    """What neither the API server nor the template's inputSchema can refuse: asked once, at the start."""
    if status.state is not TaskState.PENDING:
        return ()
    lineage = lineage_problems(task, parent.link) if parent else ()
    return (*map(str, check_task(task["spec"])), *lineage)
