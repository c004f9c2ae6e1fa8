"""A whole operator in a world of its own: an API server in memory, a kubelet that plays steps, virtual time.

What a test says of a step is how its attempts go; everything else is the operator's real code, wired as in production.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.times import rfc3339
from kubesaga.kube.client import actions_path, jobs_path, pods_path, tasks_path, templates_path
from kubesaga.runtime.cache import Kind, Obj
from kubesaga.runtime.feed import Sink
from kubesaga.runtime.operator import Operator
from kubesaga.runtime.settings import OperatorSettings

from . import virtual
from .api_server import ApiServer
from .objects import NS, action

EPOCH = 1_800_000_000.0


@dataclass
class Run:
    """How an attempt goes: for ``seconds`` (None: until it is stopped), then ``document`` and exit code."""

    seconds: float | None = 1.0
    document: Any = None
    code: int = 0


def done(result: Any = None, seconds: float = 1.0) -> Run:
    """An attempt that succeeds."""
    return Run(seconds, {"result": result})


def fails(type_: str = "Declined", *, retryable: bool = False) -> Run:
    """An attempt that fails."""
    return Run(1.0, {"error": {"type": type_, "message": "no", "retryable": retryable}}, 1)


def endless() -> Run:
    """An attempt that never ends by itself."""
    return Run(None)


class World:
    """Templates, Tasks, and the operator that runs them.

    ``script`` tells by step how its attempts go; the last repeats.
    """

    def __init__(self, *flags: str) -> None:
        self.kube = ApiServer(self.now)
        self.kube.watchers.append(self._see)
        self.script: dict[str, list[Run]] = {}
        self.started: list[str] = []
        """``step`` or ``step~`` (its compensation) for each attempt whose pod ran."""
        self.feed_delay = 0.0
        """Seconds from a change to its news; a write's answer always comes before."""
        self._sink: Sink | None = None
        self._began = EPOCH
        self._runs: dict[str, Run] = {}
        self._stop = asyncio.Event()
        self._fed = asyncio.Event()
        arguments = ["--health-port", "0", "--lease-namespace", NS, "--identity", "test", *flags]
        self._settings = OperatorSettings.parse(arguments, {})

    def now(self) -> float:
        """Seconds since the epoch, in this world."""
        try:
            return self._began + asyncio.get_running_loop().time()
        except RuntimeError:
            return self._began

    # --- what a user does ------------------------------------------------------------------------------------

    def template(self, name: str, *steps: Obj, **spec: Any) -> None:
        """A template of handler steps (``{"name": …}`` suffices) and others."""
        whole = [
            step if {"task", "approval"} & step.keys() else {"handler": {"callable": "a:B"}, **step} for step in steps
        ]
        body = {
            "apiVersion": c.API_VERSION,
            "kind": c.TEMPLATE_KIND,
            "metadata": {"name": name},
            "spec": {"version": "1.0.0", "defaults": {"image": "img"}, "steps": whole, **spec},
        }
        self.kube.add(templates_path(NS), body)

    def task(self, name: str, template: str, **spec: Any) -> None:
        """A Task of the template's name."""
        body = {
            "apiVersion": c.API_VERSION,
            "kind": c.TASK_KIND,
            "metadata": {"name": name},
            "spec": {"templateRef": {"name": template}, **spec},
        }
        self.kube.add(tasks_path(NS), body)

    def act(self, name: str, on: str, type_: str, **spec: Any) -> None:
        """A TaskAction, created now."""
        body = action(name, on, type_, **spec)
        del body["metadata"]["creationTimestamp"]
        self.kube.add(actions_path(NS), body)

    def change(self, name: str, **spec: Any) -> None:
        """Change a Task's spec."""
        self.kube._patch(tasks_path(NS, name), {"spec": spec}, "merge")

    async def delete(self, name: str) -> None:
        """Delete a Task, in the background."""
        await self.kube.delete(tasks_path(NS, name))

    # --- what a user sees ------------------------------------------------------------------------------------

    def status(self, name: str) -> Obj:
        """A Task's status, empty before there is one."""
        found: Obj = self.kube.at(tasks_path(NS, name)).get("status") or {}
        return found

    def state(self, name: str) -> str | None:
        """A Task's state; None for one that does not exist."""
        if tasks_path(NS, name) not in self.kube.objects:
            return None
        return str(self.status(name).get("state"))

    def steps(self, name: str) -> dict[str, str]:
        """The state of each step."""
        return {step["name"]: step["state"] for step in self.status(name).get("steps") or ()}

    def verdict(self, name: str) -> tuple[str, str]:
        """Phase and message of a TaskAction."""
        status = self.kube.at(actions_path(NS, name)).get("status") or {}
        return status.get("phase", ""), status.get("message", "")

    def tasks(self) -> list[str]:
        """The names of all Tasks."""
        return sorted(obj["metadata"]["name"] for obj in self.kube.all("tasks"))

    def child(self, parent: str, step: str) -> str:
        """The name of a step's child Task."""
        return str(next(each for each in self.status(parent)["steps"] if each["name"] == step)["childName"])

    async def until(self, holds: Callable[[], bool], seconds: float = 3600.0) -> None:
        """Let the world go on until something holds; fails after that much time."""
        deadline = self.now() + seconds
        while not holds():
            assert self.now() < deadline, self._report()
            await asyncio.sleep(0.25)

    async def until_state(self, name: str, *states: str) -> None:
        """Let the world go on until the Task is in one of these states."""
        await self.until(lambda: self.state(name) in states)

    def play(self, act: Callable[[World], Awaitable[None]]) -> World:
        """Run an operator beside what ``act`` does, from its start to its end; the world is as it was left."""

        async def main() -> None:
            self._pods_go_on()
            operator = Operator(self._settings, self.kube, self, self.now)
            running = asyncio.create_task(operator.run(self._stop))
            acting = asyncio.create_task(self._act(act))
            await asyncio.wait({running, acting}, return_when=asyncio.FIRST_COMPLETED)
            self._stop.set()
            try:
                await asyncio.wait_for(running, 60)
            finally:
                acting.cancel()
            acting.result()
            self._began, self._sink = self.now(), None

        self._stop, self._fed = asyncio.Event(), asyncio.Event()
        virtual.run(main())
        return self

    async def _act(self, act: Callable[[World], Awaitable[None]]) -> None:
        await self._fed.wait()
        await act(self)

    def _report(self) -> str:
        return json.dumps({obj["metadata"]["name"]: obj.get("status") for obj in self.kube.all("tasks")}, indent=1)

    # --- the feed --------------------------------------------------------------------------------------------

    async def run(self, sink: Sink, stop: asyncio.Event) -> None:
        """Implements Feed."""
        self._sink = sink
        self._fed.set()
        for kind in Kind:
            sink.relisted(kind)
        await stop.wait()

    def _see(self, plural: str, type_: str, obj: Obj) -> None:
        if plural == "jobs" and type_ != "DELETED":
            self._kubelet(obj, is_new=type_ == "ADDED")
        if self._sink is not None and plural in list(Kind):
            asyncio.get_running_loop().call_later(self.feed_delay, self._sink.seen, Kind(plural), type_, obj)

    # --- the Job controller and the kubelet ------------------------------------------------------------------

    def _kubelet(self, job: Obj, *, is_new: bool) -> None:
        loop = asyncio.get_running_loop()
        name = job["metadata"]["name"]
        if job["spec"].get("parallelism") == 0:
            if not _is_over(job):
                loop.call_later(1.0, self._end_job, name, "Failed", "DeadlineExceeded")
        elif is_new:
            loop.call_later(0.5, self._start, name)

    def _pods_go_on(self) -> None:
        """What ran when an operator ended goes on while the next one comes up."""
        later = asyncio.get_running_loop().call_later
        for job in self.kube.all("jobs"):
            name = job["metadata"]["name"]
            pod = self.kube.objects.get(pods_path(NS, f"{name}-pod"))
            if pod is None or job["spec"].get("parallelism") == 0:
                self._kubelet(job, is_new=not _is_over(job))
            elif pod["status"]["phase"] == "Running":
                self._exit_later(name)
            elif not _is_over(job):
                later(0.5, self._end_job, name, "Complete" if pod["status"]["phase"] == "Succeeded" else "Failed", None)

    def _start(self, name: str) -> None:
        if jobs_path(NS, name) not in self.kube.objects:
            return
        job = self.kube.at(jobs_path(NS, name))
        labels = job["metadata"]["labels"]
        if job["spec"].get("parallelism") == 0:
            return
        step = labels[c.LABEL_STEP] + ("~" if labels[c.LABEL_ROLE] == "compensation" else "")
        self.started.append(step)
        runs = self.script.get(step) or [done()]
        run = runs.pop(0) if len(runs) > 1 else runs[0]
        self._runs[name] = run
        owner = {"kind": "Job", "name": name, "uid": job["metadata"]["uid"], "controller": True}
        pod = {
            "metadata": {
                "name": f"{name}-pod",
                "labels": {**labels, "batch.kubernetes.io/job-name": name},
                "ownerReferences": [owner],
            },
            "status": {"phase": "Running", "containerStatuses": [_container({"running": {"startedAt": self._time()}})]},
        }
        self.kube.add(pods_path(NS), pod)
        self._exit_later(name)

    def _exit_later(self, name: str) -> None:
        run = self._runs[name]
        if run.seconds is not None:
            asyncio.get_running_loop().call_later(run.seconds, self._exit, name, run)

    def _exit(self, name: str, run: Run) -> None:
        path = pods_path(NS, f"{name}-pod")
        if path not in self.kube.objects or self.kube.at(path)["status"]["phase"] != "Running":
            return
        self._terminate(name, run.code, json.dumps(run.document) if run.document is not None else "")
        condition = ("Complete", None) if run.code == 0 else ("Failed", "BackoffLimitExceeded")
        asyncio.get_running_loop().call_later(1.0, self._end_job, name, *condition)

    def _terminate(self, name: str, code: int, message: str) -> None:
        path = pods_path(NS, f"{name}-pod")
        pod = self.kube.at(path)
        started = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        ended = {"exitCode": code, "message": message, "startedAt": started, "finishedAt": self._time()}
        pod["status"] = {
            "phase": "Succeeded" if code == 0 else "Failed",
            "containerStatuses": [_container({"terminated": ended})],
        }
        self.kube.put(path, pod)

    def _end_job(self, name: str, condition: str, reason: str | None) -> None:
        path = jobs_path(NS, name)
        if path not in self.kube.objects or _is_over(self.kube.at(path)):
            return
        pod = self.kube.objects.get(pods_path(NS, f"{name}-pod"))
        if pod is not None and pod["status"]["phase"] == "Running":
            self._terminate(name, 143, "")
        job = self.kube.at(path)
        job["status"] = {"conditions": [{"type": condition, "status": "True", "reason": reason}]}
        self.kube.put(path, job)

    def _time(self) -> str:
        return rfc3339(int(self.now()))


def _container(state: Obj) -> Obj:
    return {"name": c.MAIN_CONTAINER, "image": "img", "state": state}


def _is_over(job: Obj) -> bool:
    return bool((job.get("status") or {}).get("conditions"))
