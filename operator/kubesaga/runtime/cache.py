"""What the operator knows of the cluster: the last seen state of Tasks, templates, actions, Jobs and Pods.

The feed and the resync fill it, apply puts the responses of its own writes into it, gather reads it.
Everything happens in one event loop, so nothing here waits or locks. The dicts that it hands out are
shared: do not change them.

Order is kept by resourceVersion: what is not newer than what is known is ignored, whoever brings it, so
that a slow watch never turns back what a patch's response has already told. A UID that was seen to go does
not return.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from kubesaga.api.constants import LABEL_TASK_UID
from kubesaga.runtime.index import Index, Lane, lane
from kubesaga.runtime.pod_facts import job_uid
from kubesaga.runtime.projection import Kind, Obj, parent_uid, project

__all__ = ["Cache", "Kind", "Lane", "Obj", "project"]

Name = tuple[str, str]

_REMEMBERED_REMOVALS = 4096

News = Callable[[Kind, str | None, Obj], None]
"""``Router.seen``, for whoever reads or creates an object that is not its own: the watch's event for it will then tell
nothing new any more, so that whom it concerns has to be woken here."""


class Cache:
    """Objects by kind, namespace and name, and in the groups that the operator asks for."""

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[Name, Obj]] = {kind: {} for kind in Kind}
        self._of_task = {Kind.JOB: Index(_task_uid, _short_name), Kind.POD: Index(_task_uid, _short_name)}
        self._children = Index(parent_uid, _short_name)
        self._lanes = Index(lane, _uid)
        self._actions = Index(_acted_on, _short_name)
        self._indexes: dict[Kind, tuple[Index, ...]] = {
            Kind.TASK: (self._children, self._lanes),
            Kind.ACTION: (self._actions,),
            Kind.JOB: (self._of_task[Kind.JOB],),
            Kind.POD: (self._of_task[Kind.POD],),
        }
        self._tasks: dict[str, Obj] = {}
        self._removed: dict[str, None] = {}
        self._synced: set[Kind] = set()
        self._all_synced = asyncio.Event()

    def get(self, kind: Kind, namespace: str, name: str) -> Obj | None:
        """The object of that name, or None.

        A Pod that is gone has ``gone: True``, and ``unheard: True`` if only a list's lack of it has told so.
        """
        return self._objects[kind].get((namespace, name))

    def all(self, kind: Kind) -> Iterable[Obj]:
        """Every object of ``kind`` at this moment; the cache may change while the caller iterates."""
        return list(self._objects[kind].values())

    def count(self, kind: Kind) -> int:
        """How many objects of ``kind`` are known."""
        return len(self._objects[kind])

    def of_task(self, kind: Kind, uid: str) -> Mapping[str, Obj]:
        """The Jobs or Pods (gone ones too) labelled with the Task's UID, by name."""
        return self._of_task[kind].get(uid)

    def children(self, uid: str) -> Mapping[str, Obj]:
        """The Tasks that are sub-workflows of the Task of that UID, or say so, by name."""
        return self._children.get(uid)

    def actions_on(self, namespace: str, task: str) -> Mapping[str, Obj]:
        """The TaskActions that refer to the Task of that name, by name; answered ones hold little more than that."""
        return self._actions.get(f"{namespace}/{task}")

    def lane(self, which: Lane) -> Mapping[str, Obj]:
        """The Tasks that an operator-wide limit counts, or holds back, by UID."""
        return self._lanes.get(which)

    def task_by_uid(self, uid: str) -> Obj | None:
        """The Task of that UID, or None."""
        return self._tasks.get(uid)

    def upsert(self, kind: Kind, obj: Obj) -> bool:
        """Take in an object as it was read or written; False when it tells nothing new."""
        if not self._is_news(kind, obj):
            return False
        self._store(kind, project(kind, obj))
        return True

    def remove(self, kind: Kind, obj: Obj) -> None:
        """An object was deleted. A Pod whose Job lives stays, as its last words: ``gone: True``."""
        current = self._objects[kind].get(_name(obj))
        if current is not None and _uid(current) != _uid(obj):
            self._mark_removed(_uid(obj))  # a late farewell to the one that bore this name before
            return
        if kind is Kind.POD and not self._job_is_removed(obj):
            last = project(kind, obj)
            last["gone"] = True
            self._store(kind, last)
            return
        self._forget(kind, current if current is not None else obj)

    def replace(
        self, kind: Kind, objs: Iterable[Obj], resource_version: str, namespace: str | None = None
    ) -> list[Obj]:
        """Make the cache agree with a complete list of ``kind``, in ``namespace`` or (None) everywhere.

        ``objs`` as ``project`` makes them, so that a long list need not be held whole before.
        ``resource_version`` is the list's: what the list lacks was deleted, unless it is newer than the list.
        Returns the objects that changed or went, for their keys to be enqueued.
        """
        changed: list[Obj] = []
        listed: set[Name] = set()
        for obj in objs:
            listed.add(_name(obj))
            if self._is_news(kind, obj):
                self._store(kind, obj)
                changed.append(obj)
        changed += self._prune(kind, listed, int(resource_version), namespace)
        if kind is Kind.POD:
            self._drop_strangers_words()
        return changed

    def synced(self, kind: Kind) -> bool:
        """Whether ``kind`` has been listed completely since the operator's start."""
        return kind in self._synced

    def mark_synced(self, kind: Kind) -> None:
        """Say that ``kind`` has been listed completely."""
        self._synced.add(kind)
        if len(self._synced) == len(Kind):
            self._all_synced.set()

    async def wait_synced(self) -> None:
        """Return once every kind is synced."""
        await self._all_synced.wait()

    def _prune(self, kind: Kind, listed: set[Name], version: int, namespace: str | None) -> list[Obj]:
        missing = [
            obj
            for name, obj in self._objects[kind].items()
            if name not in listed
            and (namespace is None or name[0] == namespace)
            and _version(obj) <= version
            and not obj.get("gone")
        ]
        for obj in missing:
            self.remove(kind, {**obj, "unheard": True} if kind is Kind.POD else obj)
        return missing

    def _is_news(self, kind: Kind, obj: Obj) -> bool:
        if _uid(obj) in self._removed:
            return False
        current = self._objects[kind].get(_name(obj))
        if current is None:
            return True
        same = _uid(current) == _uid(obj)
        return _version(obj) > _version(current) and not (same and current.get("gone"))

    def _store(self, kind: Kind, obj: Obj) -> None:
        replaced = self._objects[kind].get(_name(obj))
        if replaced is not None and _uid(replaced) != _uid(obj):
            self._forget(kind, replaced)  # it went unseen, and another took its name
            replaced = None
        self._objects[kind][_name(obj)] = obj
        if kind is Kind.TASK:
            self._tasks[_uid(obj)] = obj
        for index in self._indexes.get(kind, ()):
            index.put(replaced, obj)

    def _forget(self, kind: Kind, obj: Obj) -> None:
        """Drop an object and what stands for nothing without it."""
        uid = _uid(obj)
        self._mark_removed(uid)
        if kind is Kind.JOB and (task := _task_uid(obj)):
            self._drop_gone_pods(task, job=uid)
        self._objects[kind].pop(_name(obj), None)
        for index in self._indexes.get(kind, ()):
            index.drop(obj)
        if kind is Kind.TASK:
            self._tasks.pop(uid, None)
            self._drop_gone_pods(uid, job=None)
            for of_task in self._of_task.values():
                of_task.drop_group(uid)

    def _mark_removed(self, uid: str) -> None:
        self._removed[uid] = None
        if len(self._removed) > _REMEMBERED_REMOVALS:
            del self._removed[next(iter(self._removed))]

    def _drop_gone_pods(self, task: str, job: str | None) -> None:
        """Last words go with their Job, or (None) with their Task."""
        for pod in list(self.of_task(Kind.POD, task).values()):
            if pod.get("gone") and (job is None or job_uid(pod) == job):
                self._forget(Kind.POD, pod)

    def _drop_strangers_words(self) -> None:
        """Last words that nobody will ask for: of pods that went after their Task and its Jobs were forgotten."""
        if not (self.synced(Kind.TASK) and self.synced(Kind.JOB)):
            return
        for pod in [each for each in self._objects[Kind.POD].values() if each.get("gone")]:
            task = _task_uid(pod) or ""
            if task not in self._tasks and not self.of_task(Kind.JOB, task):
                self._forget(Kind.POD, pod)

    def _job_is_removed(self, pod: Obj) -> bool:
        return job_uid(pod) in self._removed or _task_uid(pod) in self._removed


def _name(obj: Obj) -> Name:
    metadata = obj["metadata"]
    return metadata["namespace"], metadata["name"]


def _uid(obj: Obj) -> str:
    uid: str = obj["metadata"]["uid"]
    return uid


def _short_name(obj: Obj) -> str:
    name: str = obj["metadata"]["name"]
    return name


def _acted_on(action: Obj) -> str | None:
    """The namespace and name of the Task that a TaskAction refers to."""
    task = ((action.get("spec") or {}).get("taskRef") or {}).get("name")
    return f"{action['metadata']['namespace']}/{task}" if task else None


def _version(obj: Obj) -> int:
    # Opaque by contract until Kubernetes 1.35 declared it comparable, which it has always been on etcd.
    return int(obj["metadata"]["resourceVersion"])


def _task_uid(obj: Obj) -> str | None:
    return (obj["metadata"].get("labels") or {}).get(LABEL_TASK_UID)
