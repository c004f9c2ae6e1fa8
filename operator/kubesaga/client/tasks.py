"""Tasks: submitted, read, waited for, watched, cancelled, suspended, deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from kubesaga.api.models import TemplateRef
from kubesaga.api.request import request_hash
from kubesaga.client.base import Base, Selector, checked, selector
from kubesaga.client.errors import AlreadyExists, NotFound, WaitTimeout, translated
from kubesaga.client.request import TaskRequest, same_template, template_ref
from kubesaga.client.views import Task
from kubesaga.client.watching import Selection
from kubesaga.engine.vocabulary import DesiredState, RunningSteps, TaskOutcome, TaskState
from kubesaga.kube.client import Obj, tasks_path
from kubesaga.kube.errors import KubeError

Tasks = list[Task]


class TaskCalls(Base):
    """What is done to whole Tasks."""

    async def submit(self, request: TaskRequest, *, namespace: str | None = None, dry_run: bool = False) -> Task:
        """Create a Task. The answer is the Task as it is stored; it has not started.

        Submitting the same request under the same name again answers with the Task that is there, so a request with
        a name may be submitted again and again. Raises AlreadyExists when another request has the name, Invalid.
        With ``dry_run`` the API server checks everything and stores nothing.
        """
        manifest = request.manifest(self._of(namespace))
        name = manifest["metadata"]["name"]
        path = tasks_path(self._of(namespace))
        with translated(f"submitting Task {name}"):
            try:
                return Task(await self.kube.create(path, manifest, dry_run=dry_run))
            except KubeError as error:
                if not error.already_exists:
                    raise
                return _the_same(await self.kube.get(f"{path}/{name}"), manifest)

    async def get(self, name: str, *, namespace: str | None = None) -> Task:
        """A Task. Raises NotFound."""
        return Task(await self._get(self._path(name, namespace), f"Task {name}"))

    async def list(
        self,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        state: TaskState | None = None,
        outcome: TaskOutcome | None = None,
        template: str | TemplateRef | None = None,
        selector: Selector | None = None,
    ) -> Tasks:
        """The Tasks of a namespace, or of all, the oldest first.

        ``template`` is what they ask for (``orders/fulfil``), with a version only those that ask for just this one.
        """
        wanted = None if template is None else template_ref(template)
        found = await self._list(self._selection(self._in(namespace, all_namespaces), selector), "Tasks")
        tasks = (Task(each) for each in sorted(found, key=_age))
        return [
            task
            for task in tasks
            if state in (None, task.state)
            and outcome in (None, task.outcome)
            and (wanted is None or same_template(task.spec["templateRef"], wanted))
        ]

    async def watch(
        self,
        name: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        selector: Selector | None = None,
    ) -> AsyncGenerator[Task, None]:
        """Tasks as they are, then each of them whenever it changes; for ever, or until the named one is deleted.

        Connections that drop are made again; nothing that lasts is missed, but a state that passed meanwhile may be.
        Raises NotFound where a Task is named and there is none, Unreachable when the API server was away for five
        minutes.
        """
        if name is not None:
            async with aclosing(self._watch_one(name, namespace)) as versions:
                async for task in versions:
                    yield task
            return
        selection = self._selection(self._in(namespace, all_namespaces), selector)
        async with aclosing(self._changes(selection, "Tasks")) as told:
            async for type_, obj in told:
                yield Task(obj, deleted=type_ == "DELETED")

    async def wait(
        self, name: str, *, namespace: str | None = None, timeout: float | None = None, attention: bool = False
    ) -> Task:
        """The Task once it has ended, however it ended; see ``Task.raise_for_outcome``.

        ``timeout`` in seconds; None waits for ever. With ``attention`` it is enough that the Task
        needs attention: it goes no further before a human decides. Approvals are waited for.
        Raises WaitTimeout, and NotFound if there is no such Task, or no more.
        """
        seen: list[Task] = []
        try:
            async with asyncio.timeout(timeout), aclosing(self._watch_one(name, namespace)) as versions:
                async for task in versions:
                    seen[:] = [task]
                    if task.deleted:
                        raise NotFound(f"Task {name} was deleted while it was waited for", "submit it again")
                    if task.finished or (attention and task.needs_attention):
                        return task
        except TimeoutError as error:
            raise _not_in_time(name, seen, timeout) from error
        raise AssertionError("a watch of one Task ends by its deletion")

    async def cancel(
        self,
        name: str,
        *,
        namespace: str | None = None,
        mode: RunningSteps | None = None,
        compensate: bool | None = None,
    ) -> Task:
        """Have the Task end. The answer is the Task as it is asked to; wait for its end.

        ``mode``: whether steps that run finish first (Drain, the default) or are stopped (Terminate). ``compensate``:
        whether what was done is undone. A second cancel may turn Drain into Terminate, and nothing else. It has no
        effect on a Task that has ended.
        """
        given: dict[str, Any] = {"mode": None if mode is None else str(mode), "compensate": compensate}
        cancellation = {field: value for field, value in given.items() if value is not None}
        spec = {"desiredState": str(DesiredState.CANCELLED), **({"cancellation": cancellation} if cancellation else {})}
        return await self._patch(name, namespace, spec, "cancelling")

    async def suspend(self, name: str, *, namespace: str | None = None) -> Task:
        """Have nothing new started, in the Task and its sub-workflows; steps that run finish."""
        return await self._patch(name, namespace, {"desiredState": str(DesiredState.SUSPENDED)}, "suspending")

    async def resume(self, name: str, *, namespace: str | None = None) -> Task:
        """Take a suspension back. Raises Invalid for a Task that is cancelled."""
        return await self._patch(name, namespace, {"desiredState": str(DesiredState.RUNNING)}, "resuming")

    async def delete(self, name: str, *, namespace: str | None = None) -> None:
        """Delete the Task. One whose deletionPolicy is Compensate is cancelled and undone before it goes.

        Raises NotFound.
        """
        task = await self.get(name, namespace=namespace)
        with translated(f"deleting Task {name}"):
            try:
                await self.kube.delete(tasks_path(task.namespace, name), uid=task.uid)
            except KubeError as error:
                if not (error.not_found or error.conflict):  # it was there, and is there no more
                    raise

    async def _watch_one(self, name: str, namespace: str | None) -> AsyncGenerator[Task, None]:
        task = await self.get(name, namespace=namespace)
        yield task
        selection = self._selection(task.namespace, None, name)
        async with aclosing(self._changes(selection, f"Task {name}", [task.raw])) as told:
            async for type_, obj in told:
                if obj["metadata"]["uid"] == task.uid:
                    yield Task(obj, deleted=type_ == "DELETED")
                if type_ == "DELETED":
                    return

    async def _patch(self, name: str, namespace: str | None, spec: Mapping[str, Any], doing: str) -> Task:
        with translated(f"{doing} Task {name}"):
            return Task(await self.kube.merge_patch(self._path(name, namespace), {"spec": dict(spec)}))

    def _path(self, name: str, namespace: str | None) -> str:
        return tasks_path(self._of(namespace), checked(name, "a Task"))

    def _selection(self, namespace: str | None, labels: Selector | None = None, name: str | None = None) -> Selection:
        fields = None if name is None else f"metadata.name={name}"
        return Selection(tasks_path(namespace), selector(labels), fields)


def _age(obj: Obj) -> tuple[str, str]:
    meta = obj["metadata"]
    return meta["creationTimestamp"], meta["name"]


def _the_same(there: Obj, wanted: Mapping[str, Any]) -> Task:
    if request_hash(there["spec"]) != request_hash(wanted["spec"]):
        raise AlreadyExists(
            f"there is a Task {there['metadata']['name']} in namespace {there['metadata']['namespace']} that asks for "
            "something else",
            "choose another name, or leave it out and get one made",
        )
    return Task(there)


def _not_in_time(name: str, seen: list[Task], timeout: float | None) -> WaitTimeout:
    task = seen[0] if seen else None
    how = f"it is {task.state}" + (f": {task.message}" if task.message else "") if task else "nothing was seen of it"
    remedy = "wait longer; kubectl describe tells what it waits for"
    if task is not None and task.needs_attention:
        remedy = task.needs_attention.message
    elif task is not None and not task.status:
        remedy = "nobody has looked at it yet: check that the operator runs and serves this namespace"
    return WaitTimeout(f"Task {name} has not ended within {timeout:g} s: {how}", remedy, task)
