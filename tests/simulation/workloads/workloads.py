"""Everything that makes Jobs run in a simulation: Job controller, scheduler, nodes with their kubelets, programs.

Wired here, and used by ``simulation``, ``people`` and the guards. What is said on the API server may be late or
missing; ``executions`` is what truly ran.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from random import Random

from tests.simulation.plan import Outcome
from tests.simulation.server.api_server import ApiServer, Change
from tests.simulation.workloads.handlers import Execution, Handlers
from tests.simulation.workloads.job_controller import JobController
from tests.simulation.workloads.kubelet import Kubelet
from tests.simulation.workloads.node_lifecycle import NodeLifecycle
from tests.simulation.workloads.scheduler import Scheduler
from tests.simulation.workloads.work_queue import Later, WorkQueue

Observer = Callable[[str, Execution], None]
"""Hears ``started`` and ``ended``."""


class Workloads:
    """The workloads of one cluster; every part has dice of its own."""

    def __init__(
        self,
        server: ApiServer,
        random: Random,
        script: Mapping[str, tuple[Outcome, ...]],
        later: Later,
        clock: Callable[[], float],
        nodes: int = 2,
    ) -> None:
        self.executions: list[Execution] = []
        """Every container that ever ran, in order."""
        self.observers: list[Observer] = []
        self._server = server
        self._clock = clock
        self._is_away = False
        self._lost: dict[int, None] = {}
        handlers = Handlers(script, clock)
        dice = [Random(random.getrandbits(64)) for _ in range(nodes + 3)]
        self._nodes = [
            Kubelet(number, server, handlers, dice[number], later, self._stamp, self._tell) for number in range(nodes)
        ]
        self._jobs = JobController(server, dice[-1], later, clock, self._stamp)
        self._scheduler = Scheduler(server, self._nodes, dice[-2], later, self._stamp)
        self._lifecycle = NodeLifecycle(server, self._scheduler, dice[-3], later, self._stamp)
        self._by_name = {node.name: node for node in self._nodes}
        server.observers.append(self._see)
        server.log_source = self.log

    def lose(self, node: int) -> None:
        """The node's kubelet falls silent, its containers run on."""
        if node not in self._lost:
            self._lost[node] = None
            self._nodes[node].cut_off()
            self._lifecycle.lose(self._nodes[node].name)

    def find(self, node: int) -> None:
        """The node's kubelet is back, tells of its pods, and does what it has missed."""
        if node in self._lost:
            del self._lost[node]
            self._lifecycle.find(self._nodes[node].name)
            if not self._is_away:
                self._nodes[node].reconnect()

    def drain(self, node: int) -> None:
        """The node takes no pods any more, and those that it has are evicted."""
        self._lifecycle.drain(self._nodes[node].name)

    def evict(self, namespace: str, pod: str) -> None:
        """Somebody asks the eviction API to take a pod away."""
        self._lifecycle.evict(namespace, pod)

    def log(self, namespace: str, pod: str) -> bytes | None:
        """The log of the pod's container; None where no container of it has started, or its node is out of reach."""
        found = self._server.peek("pods", namespace, pod)
        node = self._by_name.get(found["spec"].get("nodeName", "")) if found is not None else None
        return node.log(namespace, pod) if node is not None and not node.is_cut_off else None

    @property
    def away(self) -> bool:
        """Whether the API server is away: controllers and kubelets wait, containers do not."""
        return self._is_away

    @away.setter
    def away(self, is_away: bool) -> None:
        if is_away == self._is_away:
            return
        self._is_away = is_away
        for queue in self._queues():
            queue.pause() if is_away else queue.resume()
        for node in self._nodes:
            if is_away:
                node.cut_off()
            elif node.number not in self._lost:
                node.reconnect()

    def _queues(self) -> list[WorkQueue]:
        return [*self._jobs.queues, self._scheduler.queue, self._lifecycle.queue]

    def _see(self, change: Change) -> None:
        if change.resource == "jobs":
            self._jobs.see(change)
        elif change.resource == "pods":
            self._jobs.see(change)
            self._scheduler.see(change)
            node = self._by_name.get(change.after["spec"].get("nodeName", ""))
            if node is not None and _matters_to_kubelet(change):
                node.see(change)

    def _tell(self, what: str, execution: Execution) -> None:
        if what == "started":
            self.executions.append(execution)
        else:
            execution.ended = self._clock()
        for observer in self.observers:
            observer(what, execution)

    def _stamp(self) -> str:
        """The time as Kubernetes writes it, in whole seconds."""
        return _written(int(self._clock()))


@lru_cache(maxsize=16)
def _written(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _matters_to_kubelet(change: Change) -> bool:
    """Whether the pod is new to its node, is to go, or is gone."""
    is_new = change.before is None or not change.before["spec"].get("nodeName")
    return is_new or change.type == "DELETED" or bool(change.after["metadata"].get("deletionTimestamp"))
