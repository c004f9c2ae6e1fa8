"""Sub-workflows seen from below: whose child a Task is, and what its parent's record of the step says to it.

``gather`` asks for it. Anybody who may create a Task may write labels, so a parent is believed only if its own record
names this Task; once the Task has started, its status says whose child it is, whatever becomes of the labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.status import read_status
from kubesaga.engine.kinship import link_below, seen_parent
from kubesaga.engine.policies import reopen
from kubesaga.engine.records import ParentLink, StepRecord, TaskStatus
from kubesaga.engine.snapshot import Parent, TemplateProblem
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import DesiredState, StepKind, TaskState
from kubesaga.kube.client import Kube, KubeError, tasks_path
from kubesaga.runtime.cache import Cache, Kind, News
from kubesaga.runtime.projection import parent_uid
from kubesaga.runtime.revisions import Revisions, RevisionUnreadable

Obj = Mapping[str, Any]


class Parents:
    """Finds parents and reads their commands."""

    def __init__(self, kube: Kube, cache: Cache, revisions: Revisions, seen: News) -> None:
        self._kube = kube
        self._cache = cache
        self._revisions = revisions
        self._seen = seen

    async def look(self, task: Obj, status: TaskStatus) -> Parent | TemplateProblem | None:
        """The Task's parent, None if it has none, or why a Task that claims to have one cannot start.

        Raises KubeError.
        """
        if status.parent is not None:
            return await self._known(task, status, status.parent)
        if status.state is not TaskState.PENDING or parent_uid(task) is None:
            return None  # a label that came after the start makes nobody a child
        return await self._first_seen(task)

    async def _known(self, task: Obj, status: TaskStatus, link: ParentLink) -> Parent:
        """A Task that has started as somebody's child."""
        namespace = task["metadata"]["namespace"]
        # Where the child may be taken up again, it is to be known whether its parent has gone on.
        find = self._live if reopen.possible(status) else self._find
        parent = await find(namespace, link.name, link.uid)
        record = _record_of(parent, task, link.step) if parent else None
        if parent is None or record is None:
            return Parent(link, attempt=link.attempt, ending=True, ended=True)
        return await self._read(parent, record, link)

    async def _first_seen(self, task: Obj) -> Parent | TemplateProblem:
        """A Task that has not started and is labelled as somebody's child: make its link, if that is true."""
        meta = task["metadata"]
        labels = meta.get("labels") or {}
        uid, step = labels[c.LABEL_PARENT_UID], labels.get(c.LABEL_PARENT_STEP, "")
        parent: Obj | None = self._cache.task_by_uid(uid)
        name = parent["metadata"]["name"] if parent else labels.get(c.LABEL_TASK, "")
        record = _record_of(parent, task, step) if parent else None
        if record is None and name:  # perhaps only not seen yet
            parent = await self._live(meta["namespace"], name, uid)
            record = _record_of(parent, task, step) if parent else None
        if parent is None or record is None:
            return TemplateProblem(
                "ParentNotFound",
                f"its labels say that it is the sub-workflow of step {step!r} of a Task with UID {uid}, and there is "
                f"no such Task in namespace {meta['namespace']} that names it; delete it, or create it anew without "
                f"the labels {c.LABEL_PARENT_UID} and {c.LABEL_PARENT_STEP}",
            )
        return await self._read(parent, record, _link(parent, record))

    async def _read(self, parent: Obj, record: StepRecord, link: ParentLink) -> Parent:
        status = read_status(parent.get("status"))
        undone_by = await self._undone_by(parent, status, record)
        return seen_parent(link, status, record, undone_by, suspended=is_suspended(self._cache, parent))

    async def _undone_by(self, parent: Obj, status: TaskStatus, record: StepRecord) -> StepKind | None:
        """The kind of the step's compensation; the revision is asked for only where one has begun."""
        if record.compensation is None or status.template is None:
            return None
        try:
            revision = await self._revisions.get(parent["metadata"]["namespace"], status.template.revision)
        except RevisionUnreadable:  # which the parent says itself
            return None
        if revision is None:
            return None
        planned = revision.plan.steps[revision.plan.graph.index[record.name]].compensation
        return planned.kind if planned else None

    async def _find(self, namespace: str, name: str, uid: str) -> Obj | None:
        """The parent; whole, which an ended one is only on the API server."""
        known = self._cache.task_by_uid(uid)
        if known is not None and (known.get("status") or {}).get("state") not in TERMINAL_TASK_STATES:
            return known
        return await self._live(namespace, name, uid)

    async def _live(self, namespace: str, name: str, uid: str) -> Obj | None:
        try:
            found = await self._kube.get(tasks_path(namespace, name))
        except KubeError as error:
            if error.not_found:
                return None
            raise
        if found["metadata"]["uid"] != uid:
            return None
        self._seen(Kind.TASK, None, found)
        return found


def lineage_problems(task: Obj, link: ParentLink) -> tuple[str, ...]:
    """Why a Task may not be the sub-workflow that it is to be: sentences."""
    called = _called(task)
    if called in link.templates:
        way = " -> ".join((*link.templates, called))
        return (f"its template is already above it ({way}): a workflow cannot run inside itself",)
    if len(link.path) >= c.MAX_DEPTH:
        return (f"it is more than {c.MAX_DEPTH} workflows deep ({' -> '.join(link.templates)}): flatten some of them",)
    return ()


def is_suspended(cache: Cache, task: Obj) -> bool:
    """Whether this Task or one above it is to launch nothing."""
    at: Obj | None = task
    for _ in range(c.MAX_DEPTH + 1):
        if at is None:
            return False
        if at["spec"].get("desiredState") == DesiredState.SUSPENDED:
            return True
        above = parent_uid(at)
        at = cache.task_by_uid(above) if above else None
    return False


def _record_of(parent: Obj, child: Obj, step: str) -> StepRecord | None:
    """The parent's record of the step, if it names this Task as its child."""
    records = read_status(parent.get("status")).steps
    record = next((record for record in records if record.name == step), None)
    return record if record is not None and record.child_name == child["metadata"]["name"] else None


def _link(parent: Obj, record: StepRecord) -> ParentLink:
    """The place of a step's child below its parent."""
    meta, key = parent["metadata"], parent["spec"].get("idempotencyKey")
    above = read_status(parent.get("status")).parent
    return link_below(meta["name"], meta["uid"], key, _called(parent), above, record)


def _called(task: Obj) -> str:
    """The domain and name of the template that a Task runs."""
    reference = task["spec"]["templateRef"]
    return f"{reference.get('domain', c.DEFAULT_DOMAIN)}/{reference['name']}"
