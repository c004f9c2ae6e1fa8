"""A node's kubelet: hears of its pods, runs them, and tells of them, as long as it reaches the API server.

A kubelet that is cut off goes on with what it has; when it is back it tells where its pods stand, and obeys what it has
missed. The pods' finalizers are not its business.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer, Change, Refusal
from tests.simulation.workloads import pod_status
from tests.simulation.workloads.containers import Container
from tests.simulation.workloads.handlers import Execution, Handlers, grace_of
from tests.simulation.workloads.pod_worker import PodWorker
from tests.simulation.workloads.work_queue import Key, Later, pause

USER = "kubelet"


class Kubelet:
    """The kubelet of node ``number``; ``tell_of`` hears of every program's start and end."""

    def __init__(
        self,
        number: int,
        server: ApiServer,
        handlers: Handlers,
        random: Random,
        later: Later,
        stamp: Callable[[], str],
        tell_of: Callable[[str, Execution], None],
    ) -> None:
        self.number = number
        self.name = f"node-{number}"
        self.handlers = handlers
        self.random = random
        self.later = later
        self.is_cut_off = False
        self._server = server
        self._stamp = stamp
        self._tell_of = tell_of
        self._workers: dict[Key, PodWorker] = {}
        self._unsaid: dict[tuple[PodWorker, str], Callable[[], None]] = {}

    # --- what it hears ---------------------------------------------------------------------------------------

    def see(self, change: Change) -> None:
        """A pod of this node has changed; the news takes a moment."""
        if not self.is_cut_off:
            meta = change.after["metadata"]
            key = (meta["namespace"], meta["name"])
            self.later(pause(self.random, 0.015), lambda: self._sync(key))

    def cut_off(self) -> None:
        """The API server is out of reach from now on."""
        self.is_cut_off = True

    def reconnect(self) -> None:
        """It is in reach again."""
        self.is_cut_off = False
        bound = [pod for pod in self._server.all("pods") if pod["spec"].get("nodeName") == self.name]
        keys = [*self._workers, *((pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in bound)]
        for key in dict.fromkeys(keys):
            self._sync(key)
        unsaid, self._unsaid = self._unsaid, {}
        for say in unsaid.values():
            say()

    def log(self, namespace: str, pod: str) -> bytes | None:
        """The log of a pod's container; None where none has started."""
        worker = self._workers.get((namespace, pod))
        return worker.log if worker is not None else None

    def _sync(self, key: Key) -> None:
        if self.is_cut_off:
            return
        pod, worker = self._server.peek("pods", *key), self._workers.get(key)
        if worker is not None and (pod is None or pod["metadata"]["uid"] != worker.uid):
            worker.forget()
            del self._workers[key]
            worker = None
        if pod is None:
            return
        if worker is None and not pod_status.is_terminal(pod):
            worker = self._workers[key] = PodWorker(self, pod)
        if worker is not None and pod["metadata"].get("deletionTimestamp"):
            worker.delete(pod["metadata"].get("deletionGracePeriodSeconds", grace_of(pod)))

    # --- what it tells (for its workers) ---------------------------------------------------------------------

    def tell(self, worker: PodWorker, phase: str, state: Obj, **more: object) -> None:
        """Write the pod's status, at once or when the API server can be reached again."""
        self._say((worker, "status"), lambda: self._write_status(worker, phase, state, more))

    def release(self, worker: PodWorker) -> None:
        """Delete the pod for good, its container being gone."""
        self._say((worker, "delete"), lambda: self._delete(worker))

    def read(self, resource: str, namespace: str, name: str) -> Obj | None:
        """Get an object from the API server; None while it is out of reach."""
        return None if self.is_cut_off else self._server.peek(resource, namespace, name)

    def now(self) -> str:
        """The time, as it is written."""
        return self._stamp()

    def began(self, container: Container) -> None:
        """A program has started."""
        self._tell_of("started", container.execution)

    def over(self, container: Container) -> None:
        """A program has ended."""
        self._tell_of("ended", container.execution)

    def _say(self, about: tuple[PodWorker, str], act: Callable[[], None]) -> None:
        if self.is_cut_off:
            self._unsaid[about] = act  # of what a status says the newest is all that matters
            return
        try:
            act()
        except Refusal as refusal:
            if refusal.status != 404:
                self.later(1.0, lambda: self._say(about, act))

    def _write_status(self, worker: PodWorker, phase: str, state: Obj, more: Obj) -> None:
        pod = self._current(worker)
        if pod is not None and not pod_status.is_terminal(pod):
            status = pod_status.status_of(pod, phase, state, self._stamp(), **more)
            self._server.replace({**pod, "status": status}, status=True, user=USER)

    def _delete(self, worker: PodWorker) -> None:
        if self._current(worker) is not None:
            meta = worker.pod["metadata"]
            self._server.delete("pods", meta["namespace"], meta["name"], uid=worker.uid, force=True, user=USER)

    def _current(self, worker: PodWorker) -> Obj | None:
        meta = worker.pod["metadata"]
        pod = self._server.peek("pods", meta["namespace"], meta["name"])
        return pod if pod is not None and pod["metadata"]["uid"] == worker.uid else None
