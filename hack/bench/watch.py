"""The one clock for both sides of a race: what a single pair of watches sees, and when.

The floor's pods and Kubesaga's are seen by the same watch of pods, at the moment at which an event's bytes arrive;
the end of a Task by a watch of Tasks. Times are time.perf_counter() in seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hack.bench.cluster import Cluster
from hack.bench.errors import BenchError
from hack.bench.workloads import LABEL_RUN, LABEL_STEP
from kubesaga.api import constants as c
from kubesaga.kube.client import pods_path, tasks_path

Obj = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """One step of one run: a run is a Task of Kubesaga's, or the floor's counterpart of one."""

    run: str
    step: str


class Sight:
    """When something was first seen of each key, and waiting for it."""

    def __init__(self, what: str) -> None:
        self.at: dict[Any, float] = {}
        self._what = what
        self._listeners: list[Callable[[Any], None]] = []
        self._waiting: list[tuple[set[Any], asyncio.Future[None]]] = []
        self._failure: BaseException | None = None

    def see(self, key: Any, at: float) -> None:
        """Take note of it, if it was not seen before."""
        if key in self.at:
            return
        self.at[key] = at
        for listener in self._listeners:
            listener(key)
        for missing, future in self._waiting:
            missing.discard(key)
            if not missing and not future.done():
                future.set_result(None)

    def listen(self, listener: Callable[[Any], None]) -> None:
        """Have `listener` called with each key, at once, until `forget`."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Any], None]) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    async def all(self, keys: Iterable[Any], seconds: float) -> None:
        """Wait until all of them were seen. Raises BenchError when that takes longer."""
        missing = set(keys) - self.at.keys()
        if self._failure is not None:
            raise self._failure
        if not missing:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (missing, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            some = ", ".join(sorted(map(str, missing))[:3])
            raise BenchError(
                f"not {self._what} within {seconds:.0f} s: {len(missing)}, such as {some}; is the operator well, and "
                "the image loaded? (kubectl get pods -A)"
            ) from None
        finally:
            self._waiting.remove(entry)

    def fail(self, error: BaseException) -> None:
        """Raise this in everyone who waits, now or later: there will be no more news."""
        self._failure = error
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(error)


class Watcher:
    """What was seen of the benchmark's pods and Tasks since it began."""

    def __init__(self, cluster: Cluster) -> None:
        self.created = Sight("created")
        """Pods, by Place."""
        self.ended = Sight("ended")
        """Containers that exited 0, by Place."""
        self.finished = Sight("finished")
        """Tasks with the condition Finished, by name."""
        self._cluster = cluster

    @classmethod
    @asynccontextmanager
    async def started(cls, cluster: Cluster) -> AsyncIterator[Watcher]:
        """Watch until the end of the block. What goes wrong is raised in whoever waits for something."""
        watcher = cls(cluster)
        loops = [
            asyncio.create_task(watcher._follow(pods_path(cluster.namespace), watcher._pod)),
            asyncio.create_task(watcher._follow(tasks_path(cluster.namespace), watcher._task)),
        ]
        try:
            yield watcher
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def _follow(self, path: str, take: Callable[[Obj, float], None]) -> None:
        try:
            _, version = await self._cluster.kube.list(path)
            while True:
                async for at, event in self._cluster.watch(path, version):
                    if event["type"] == "ERROR":
                        raise BenchError(f"watching {path}: {event['object'].get('message')}")
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] in ("ADDED", "MODIFIED"):
                        take(event["object"], at)
        except Exception as error:
            for sight in (self.created, self.ended, self.finished):
                sight.fail(error)

    def _pod(self, pod: Obj, at: float) -> None:
        place = place_of(pod)
        if place is None:
            return
        self.created.see(place, at)
        code = exit_code(pod)
        if code == 0:
            self.ended.see(place, at)
        elif code is not None:
            raise BenchError(f"the container of {place.step} in {place.run} exited with {code}: is it another's image?")

    def _task(self, task: Obj, at: float) -> None:
        status = task.get("status") or {}
        finished = any(one["type"] == c.FINISHED and one["status"] == "True" for one in status.get("conditions", ()))
        if finished:
            self.finished.see(task["metadata"]["name"], at)


def place_of(pod: Obj) -> Place | None:
    """Which step of which run a pod is: by Kubesaga's labels, or the benchmark's own; None for another's pod."""
    labels = pod["metadata"].get("labels") or {}
    for run, step in ((c.LABEL_TASK, c.LABEL_STEP), (LABEL_RUN, LABEL_STEP)):
        if run in labels and step in labels:
            return Place(labels[run], labels[step])
    return None


def exit_code(pod: Obj) -> int | None:
    """The step's container's exit code; None while it has none."""
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        terminated = (container.get("state") or {}).get("terminated")
        if container["name"] == c.MAIN_CONTAINER and terminated:
            return int(terminated["exitCode"])
    return None
