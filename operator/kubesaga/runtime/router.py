"""From what the feed sees to what must be looked at: every object goes into the cache, and the keys it concerns
into the queues.

The feed's sink. A Task concerns itself and its relatives; an action, a Job or a pod its Task; a template itself, and
once it is checked the Tasks of its namespace that have not started. What tells nothing new (the echo of an own write)
concerns nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubesaga.api.constants import LABEL_TASK_UID
from kubesaga.engine.vocabulary import TaskState
from kubesaga.runtime.admission import Admission
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.family import Family
from kubesaga.runtime.queue import WorkQueue

Obj = dict[str, Any]


class Router:
    """Implements ``feed.Sink``.

    ``tasks`` and ``templates`` are the queues of the two reconcilers; ``relist`` has a kind listed live, because its
    watch may have missed something.
    """

    def __init__(
        self,
        cache: Cache,
        tasks: WorkQueue,
        templates: WorkQueue,
        family: Family,
        admission: Admission,
        relist: Callable[[Kind], None],
    ) -> None:
        self._cache = cache
        self._tasks = tasks
        self._templates = templates
        self._family = family
        self._admission = admission
        self._relist = relist

    def relisted(self, kind: Kind) -> None:
        """The feed started anew from a list: compare with a live one."""
        self._relist(kind)

    def seen(self, kind: Kind, type: str | None, obj: Obj) -> None:  # noqa: A002 - the API's word for it
        """Take in an object from a list (``type`` None) or a watch (ADDED, MODIFIED, DELETED)."""
        if type == "DELETED":
            self._cache.remove(kind, obj)
        elif not self._cache.upsert(kind, obj):
            return
        self.changed(kind, obj)

    def changed(self, kind: Kind, obj: Obj) -> None:
        """Have what the object concerns looked at. The resync calls this for what its list brought to light."""
        meta = obj["metadata"]
        namespace, name = meta["namespace"], meta["name"]
        if kind is Kind.TASK:
            self._tasks.add((namespace, name))
            self._task_changed(obj)
        elif kind is Kind.TEMPLATE:
            self._templates.add((namespace, name))
        elif kind is Kind.ACTION:
            self._tasks.add((namespace, obj["spec"]["taskRef"]["name"]))
        else:
            task = self._cache.task_by_uid((meta.get("labels") or {}).get(LABEL_TASK_UID, ""))
            if task is not None:
                self._tasks.add((task["metadata"]["namespace"], task["metadata"]["name"]))

    def _task_changed(self, task: Obj) -> None:
        known = self._cache.task_by_uid(task["metadata"]["uid"])
        if known is not None:
            self._family.changed(known)
            self._admission.look()
            return
        self._family.gone(task)
        self._admission.wake()  # it may have been one of those that run

    def wake_waiting(self, namespace: str) -> None:
        """Have the Tasks looked at that have not started: a template of their namespace was checked."""
        for task in self._cache.all(Kind.TASK):
            meta = task["metadata"]
            state = (task.get("status") or {}).get("state", TaskState.PENDING)
            if meta["namespace"] == namespace and state == TaskState.PENDING:
                self._tasks.add((namespace, meta["name"]))
