"""What there is to read about a Task beside itself: its history, results, Events, children, and its template."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from kubesaga.api.constants import (
    LABEL_DEAD_LETTER,
    LABEL_PARENT_UID,
    RESULT_KEY,
)
from kubesaga.api.history import HISTORY_KEY, history_name
from kubesaga.api.models import TemplateRef
from kubesaga.api.versions import pick_version
from kubesaga.client.errors import NoResult, NotFound, translated
from kubesaga.client.objects import Event, Template
from kubesaga.client.request import template_ref
from kubesaga.client.tasks import TaskCalls, Tasks
from kubesaga.client.views import Step, Task
from kubesaga.client.watching import Selection
from kubesaga.engine.records import ResultRef
from kubesaga.engine.vocabulary import Role, StepOutcome
from kubesaga.kube.client import Obj, configmaps_path, events_path, revisions_path, templates_path
from kubesaga.kube.errors import KubeError


class ReadingCalls(TaskCalls):
    """What is only read."""

    async def result(
        self, name: str, step: str | None = None, *, role: Role = Role.FORWARD, namespace: str | None = None
    ) -> Any:
        """What the Task yielded, or one of its steps, or that step's compensation; large ones are fetched.

        Raises TaskFailed for a Task that ended badly, and NoResult where there is none yet, or none any more.
        """
        task = await self.get(name, namespace=namespace)
        if step is None:
            task.raise_for_outcome()
            return await self._value(task, task.result, task.result_ref)
        record = record_of(task, step, role)
        if record.outcome is None:
            raise NoResult(f"step {step} of Task {name} has no result: it is {record.state}", "wait for its end")
        if record.outcome in (StepOutcome.FAILED, StepOutcome.CANCELLED):
            why = f": {record.error}" if record.error else ""
            raise NoResult(f"step {step} of Task {name} has no result: it is {record.outcome}{why}", "look at its logs")
        return await self._value(task, record.result, record.result_ref)

    async def history(self, name: str, *, namespace: str | None = None) -> list[Obj]:
        """Every transition of the Task and its steps, the oldest first, as ``status.transitions`` has them.

        A long history is read from the ConfigMaps that hold its older part. Raises NoResult if one of them is gone.
        """
        task = await self.get(name, namespace=namespace)
        blocks = [await self._block(task, number) for number in range(task.status.get("historyBlocks", 0))]
        return [entry for block in blocks for entry in block] + list(task.status.get("transitions") or ())

    async def events(self, name: str, *, namespace: str | None = None) -> list[Event]:
        """The Kubernetes Events of the Task that are still there (an hour, usually), the oldest first."""
        task = await self.get(name, namespace=namespace)
        selection = Selection(events_path(task.namespace), None, f"involvedObject.uid={task.uid}")
        found = [Event(each) for each in await self._list(selection, f"Events of Task {name}")]
        return sorted(found, key=lambda event: (event.last_at, event.first_at))

    async def children(self, name: str, *, namespace: str | None = None) -> Tasks:
        """The Tasks that are sub-workflows of this one, the oldest first."""
        task = await self.get(name, namespace=namespace)
        return await self.list(namespace=task.namespace, selector={LABEL_PARENT_UID: task.uid})

    async def dead_letters(self, *, namespace: str | None = None, all_namespaces: bool = False) -> Tasks:
        """The Tasks that wait for longer than their template's lifecycle allows."""
        return await self.list(namespace=namespace, all_namespaces=all_namespaces, selector=LABEL_DEAD_LETTER)

    async def templates(
        self, *, domain: str | None = None, namespace: str | None = None, all_namespaces: bool = False
    ) -> list[Template]:
        """The TaskTemplates of a namespace, or of all, by domain, name and object."""
        selection = Selection(templates_path(self._in(namespace, all_namespaces)))
        found = [Template(each) for each in await self._list(selection, "TaskTemplates")]
        ours = (each for each in found if domain in (None, each.domain))
        return sorted(ours, key=lambda each: (each.namespace, each.domain, each.logical_name, each.name))

    async def template(self, reference: str | TemplateRef, *, namespace: str | None = None) -> Template:
        """The template that a Task with this reference would get now: ``orders/fulfil@^1``. Raises NotFound."""
        wanted = template_ref(reference)
        there = await self.templates(domain=wanted.domain, namespace=namespace)
        versions: dict[str, Template] = {}
        for each in sorted(there, key=lambda template: (template.created_at, template.name)):
            if each.logical_name == wanted.name and not each.going:
                versions.setdefault(each.version, each)  # of two with one identity the older counts
        picked = pick_version(versions, wanted.version)
        if picked is None:
            raise _no_template(wanted, self._of(namespace), versions, there)
        return versions[picked]

    async def revision(self, task: Task) -> Obj | None:
        """The content of the template that the Task runs, as it was pinned; None before the Task has started."""
        pinned = task.template
        if pinned is None:
            return None
        revision = await self._get(revisions_path(task.namespace, pinned.revision), f"revision {pinned.revision}")
        data: Obj = revision["data"]
        return data

    async def _block(self, task: Task, number: int) -> list[Obj]:
        name = history_name(task.name, task.uid, number)
        entries: list[Obj] = json.loads(await self._held(task, name, HISTORY_KEY, "a part of its history"))
        return entries

    async def _value(self, task: Task, value: Any, reference: ResultRef | None) -> Any:
        if reference is None:
            return value
        text = await self._held(task, reference.name, RESULT_KEY, "a large result")
        if hashlib.sha256(text.encode()).hexdigest() != reference.sha256:
            raise _lost(task, reference.name, "a large result", "holds something else than was stored in it")
        return json.loads(text)

    async def _held(self, task: Task, name: str, key: str, what: str) -> str:
        """What one of the Task's ConfigMaps holds."""
        with translated(f"reading ConfigMap {name}"):
            try:
                found = await self.kube.get(configmaps_path(task.namespace, name))
            except KubeError as error:
                if error.not_found:
                    raise _lost(task, name, what, "is gone") from error
                raise
        text = (found.get("data") or {}).get(key)
        if not isinstance(text, str):
            raise _lost(task, name, what, f"has no {key}")
        return text


def record_of(task: Task, name: str, role: Role) -> Step:
    """The record of a step, or of its compensation. Raises NotFound, NoResult."""
    step = task.step(name)
    if step is None:
        known = ", ".join(each.name for each in task.steps)
        raise NotFound(
            f"Task {task.name} has no step {name}" + ("" if known else ", for it has not started"),
            f"name one of its steps: {known}" if known else "wait until it has started",
        )
    if role is Role.FORWARD:
        return step
    if step.compensation is None:
        raise NoResult(f"step {name} of Task {task.name} was not compensated", "look at its forward result")
    return step.compensation


def _lost(task: Task, name: str, what: str, why: str) -> NoResult:
    return NoResult(
        f"ConfigMap {name} in namespace {task.namespace}, which holds {what} of Task {task.name}, {why}",
        "restore it from a backup",
    )


def _no_template(wanted: TemplateRef, namespace: str, versions: Iterable[str], there: Iterable[Template]) -> NotFound:
    asked = f"{wanted.domain}/{wanted.name}" + (f"@{wanted.version}" if wanted.version else "")
    listed = ", ".join(sorted(versions))
    if listed:
        return NotFound(f"no version of template {asked} fits in namespace {namespace}", f"there are: {listed}")
    names = ", ".join(sorted({each.logical_name for each in there}))
    where = f"in domain {wanted.domain} there are: {names}" if names else f"domain {wanted.domain} has no templates"
    return NotFound(f"there is no template {asked} in namespace {namespace}", where)
