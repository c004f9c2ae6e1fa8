"""What the programs of a step wrote: the logs of its attempts' pods, one after the other, followed if wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubesaga.api import constants as c
from kubesaga.client.errors import NoResult, translated
from kubesaga.client.objects import LogLine
from kubesaga.client.readings import ReadingCalls, record_of
from kubesaga.client.views import Task
from kubesaga.client.watching import Selection, patiently
from kubesaga.engine.vocabulary import Role
from kubesaga.kube.client import Kube, Obj, pods_path, tasks_path
from kubesaga.kube.errors import KubeError

# How often a step that is followed is looked at, and how long its log may be silent before it is asked for anew.
LOOK_SECONDS = 1.0
SILENCE_SECONDS = 300.0
# How often in a row a log is asked for in vain, a look apart, before that is told: of a pod that is over, and of one
# that runs and is followed, whose node may be away for a while.
_TRIES = 5
_TRIES_RUNNING = 300
_OVER = frozenset({"Succeeded", "Failed"})
# Whatever keeps the kubelet from reading a log, it calls a bad request. Most of it passes: the container is about to
# start, its status is not known yet, its log is not opened yet or is being rotated.
_UNREADABLE = 400
_BEFORE_THE_START = ("waiting to start", "is not available", "is terminated")


class LogCalls(ReadingCalls):
    """The logs of steps."""

    async def logs(
        self,
        name: str,
        step: str,
        *,
        namespace: str | None = None,
        attempt: int | None = None,
        role: Role = Role.FORWARD,
        follow: bool = False,
        tail: int | None = None,
    ) -> AsyncGenerator[LogLine, None]:
        """What a step's attempts wrote, the first attempt first; or only that one ``attempt``.

        ``tail``: at most so many last lines of each pod. With ``follow`` it goes on, through later attempts, until the
        step has ended. Raises NotFound for a step that there is not, NoResult where there are no logs (any more): pods
        are deleted an hour after the Task's end.
        """
        task = await self.get(name, namespace=namespace)
        if task.steps or not follow:
            record_of(task, step, Role.FORWARD)
        selection = Selection(pods_path(task.namespace), _labels(task, step, role, attempt))
        read: set[str] = set()
        while True:
            over = not follow or _is_over(await self._again(task), step, role, attempt)
            pods = sorted(await self._pods(selection, f"pods of Task {name}", follow), key=_order)
            for pod in [each for each in pods if each["metadata"]["uid"] not in read]:
                read.add(pod["metadata"]["uid"])
                reader = _Reader(self.kube, selection.path, pod, step, role, tail, follow)
                with translated(f"reading the log of pod {pod['metadata']['name']}"):
                    async with aclosing(reader.lines()) as lines:
                        async for line in lines:
                            yield line
            if over:
                break
            await asyncio.sleep(LOOK_SECONDS)
        if not read:
            raise _nothing(task, step, role, attempt)

    async def _again(self, task: Task) -> Task:
        """The Task as it is now, as soon as the server is there to say so."""
        path = tasks_path(task.namespace, task.name)
        with translated(f"reading Task {task.name}"):
            return Task(await patiently(lambda: self.kube.get(path)))

    async def _pods(self, selection: Selection, what: str, follow: bool) -> list[Obj]:
        """The pods that there are; where they are followed, as soon as the server is there to say so."""
        if not follow:
            return await self._list(selection, what)
        with translated(f"listing {what}"):
            items, _ = await patiently(lambda: self.kube.list(selection.path, selection.labels))
            return items


@dataclass(slots=True)
class _Reader:
    """Reads one pod's log; where the connection is lost, goes on behind the last line."""

    kube: Kube
    path: str
    pod: Obj
    step: str
    role: Role
    tail: int | None
    follow: bool
    last: str = ""

    async def lines(self) -> AsyncGenerator[LogLine, None]:
        """Every line. Raises KubeError, and NoResult where the kubelet cannot read what is there."""
        failures, over, clock = 0, not self.follow, asyncio.get_running_loop().time
        while True:
            begun = clock()
            try:
                async with aclosing(self._once()) as lines:
                    async for line in lines:
                        failures = 0
                        yield line
                if over:
                    return
                failures = 0
            except KubeError as error:
                nothing = error.not_found or _never_begun(error)
                if nothing and over:
                    return
                # A program that says nothing for long is no fault.
                failures = 0 if nothing or clock() - begun >= SILENCE_SECONDS else failures + 1
                if failures:
                    self._refuse(error, failures, over)
            # Once it is over it is read again: it may have begun, and ended, since it was read.
            if not over and await self._is_over():
                failures, over = 0, True
            if failures or not over:
                await asyncio.sleep(LOOK_SECONDS)

    def _refuse(self, error: KubeError, failures: int, over: bool) -> None:
        """Raise the error, if asking again does not help."""
        unreadable = error.status == _UNREADABLE
        if not (unreadable or error.transient):
            raise error
        if failures >= (_TRIES if over else _TRIES_RUNNING):
            raise _unreadable(self.pod, error) if unreadable else error from error

    async def _once(self) -> AsyncGenerator[LogLine, None]:
        """What there is behind the last line that was read."""
        meta, behind = self.pod["metadata"], self.last
        query = {"container": c.MAIN_CONTAINER, "timestamps": "true"}
        if self.follow:
            query["follow"] = "true"
        if behind:
            query["sinceTime"] = behind  # of which the API server takes the seconds
        elif self.tail is not None:
            query["tailLines"] = str(self.tail)
        attempt = int(meta["labels"].get(c.LABEL_ATTEMPT, "0"))
        async with aclosing(self.kube.lines(f"{self.path}/{meta['name']}/log", query, SILENCE_SECONDS)) as lines:
            async for raw in lines:
                stamp, _, text = raw.decode("utf-8", "replace").partition(" ")
                if behind and stamp <= behind:
                    continue
                self.last = stamp
                yield LogLine(text, _moment(stamp), meta["name"], self.step, self.role, attempt)

    async def _is_over(self) -> bool:
        path = f"{self.path}/{self.pod['metadata']['name']}"
        try:
            self.pod = await patiently(lambda: self.kube.get(path))
        except KubeError as error:
            if error.not_found:
                return True
            raise
        return self.pod.get("status", {}).get("phase") in _OVER


def _never_begun(error: KubeError) -> bool:
    """Whether the container has not started: there is no log yet or, where the pod is over, none at all."""
    return error.status == _UNREADABLE and any(words in error.message for words in _BEFORE_THE_START)


def _unreadable(pod: Mapping[str, Any], error: KubeError) -> NoResult:
    return NoResult(
        f"the log of pod {pod['metadata']['name']} cannot be read: {error.message}",
        "try again in a moment; a log that its node has lost or removed does not come back",
    )


def _labels(task: Task, step: str, role: Role, attempt: int | None) -> str:
    labels = {c.LABEL_TASK_UID: task.uid, c.LABEL_STEP: step, c.LABEL_ROLE: str(role)}
    if attempt is not None:
        labels[c.LABEL_ATTEMPT] = str(attempt)
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _order(pod: Mapping[str, Any]) -> tuple[int, str, str]:
    meta = pod["metadata"]
    return int(meta["labels"].get(c.LABEL_ATTEMPT, "0")), meta["creationTimestamp"], meta["name"]


def _is_over(task: Task, step: str, role: Role, attempt: int | None) -> bool:
    """Whether no more pods are to come."""
    found = task.step(step)
    record = found if role is Role.FORWARD or found is None else found.compensation
    if record is None:
        return task.finished
    if attempt is not None and record.attempt > attempt:
        return True
    return record.outcome is not None or task.finished


def _moment(stamp: str) -> datetime | None:
    """A log's time, which has more digits than a datetime takes; None for what is none."""
    try:
        return datetime.fromisoformat(stamp)
    except ValueError:
        return None


def _nothing(task: Task, step: str, role: Role, attempt: int | None) -> NoResult:
    of = f"attempt {attempt} of step {step}" if attempt is not None else f"step {step}"
    undoing = " (compensation)" if role is Role.COMPENSATION else ""
    record = task.step(step)
    if record is None or not record.attempt:
        return NoResult(f"there is no log of {of}{undoing} of Task {task.name}: it has not run", "wait until it runs")
    return NoResult(
        f"there is no log of {of}{undoing} of Task {task.name}: no pod of it is there",
        "a pod is deleted with its Job, an hour after the Task's end; approvals and sub-workflows have none",
    )
