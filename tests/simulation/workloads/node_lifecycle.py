"""What the cluster does about nodes: it notices one that is silent and evicts its pods, and drains one on demand.

A lost node's pods are marked unready after some forty seconds, and deleted when their toleration, five minutes, is
over. Nobody is left to confirm that: they hang in Terminating, and their phase stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer, Refusal
from tests.simulation.workloads import pod_status
from tests.simulation.workloads.scheduler import Scheduler
from tests.simulation.workloads.work_queue import Key, Later, WorkQueue

USER = "node-lifecycle"
EVICTION = "eviction"
_NOTICED_AFTER = (40.0, 50.0)
_TOLERATION = 300.0
_FOR_EVER = 1e9
_UNREACHABLE = "node.kubernetes.io/unreachable"
_LOST, _DRAINED = "lost node", "drained node"


class NodeLifecycle:
    """Looks after nodes, by their names."""

    def __init__(
        self, server: ApiServer, scheduler: Scheduler, random: Random, later: Later, stamp: Callable[[], str]
    ) -> None:
        self._server = server
        self._scheduler = scheduler
        self._random = random
        self._stamp = stamp
        self._drained: set[str] = set()
        self._condemned: dict[str, list[Key]] = {}
        self.queue = WorkQueue(self._sync, later)

    def lose(self, node: str) -> None:
        """The node has fallen silent."""
        self.queue.wake((_LOST, node), self._random.uniform(*_NOTICED_AFTER))

    def find(self, node: str) -> None:
        """It is back."""
        for key in ((_LOST, node), *self._condemned.pop(node, ())):
            self.queue.drop(key)
        if node not in self._drained:
            self._scheduler.open(node)

    def drain(self, node: str) -> None:
        """No new pods there, and its pods are evicted."""
        self._drained.add(node)
        self._scheduler.close(node)
        self.queue.wake((_DRAINED, node), 0.0)

    def evict(self, namespace: str, name: str) -> None:
        """What the eviction API does to a pod."""
        pod = self._server.peek("pods", namespace, name)
        if pod is not None:
            self._take_away(pod, "EvictionByEvictionAPI", "Eviction API: evicting", EVICTION)

    def _sync(self, namespace: str, name: str) -> None:
        if namespace == _LOST:
            self._notice(name)
        elif namespace == _DRAINED:
            for pod in self._pods(name):
                self.evict(pod["metadata"]["namespace"], pod["metadata"]["name"])
        else:
            condemned = self._server.peek("pods", namespace, name)
            if condemned is not None:
                message = "Taint manager: deleting due to NoExecute taint"
                self._take_away(condemned, "DeletionByTaintManager", message, USER)

    def _notice(self, node: str) -> None:
        self._scheduler.close(node)
        for pod in self._pods(node):
            self._mark_unready(pod)
            key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
            self._condemned.setdefault(node, []).append(key)
            self.queue.wake(key, _toleration(pod))

    def _mark_unready(self, pod: Obj) -> None:
        if pod_status.holds(pod, "Ready"):
            status = pod_status.with_condition(pod, "Ready", "False", self._stamp())
            self._server.replace({**pod, "status": status}, status=True, user=USER)

    def _take_away(self, pod: Obj, reason: str, message: str, user: str) -> None:
        meta = pod["metadata"]
        if meta.get("deletionTimestamp"):
            return
        try:
            if not pod_status.is_terminal(pod):
                status = pod_status.with_condition(pod, pod_status.DISRUPTION, "True", self._stamp(), reason, message)
                self._server.replace({**pod, "status": status}, status=True, user=user)
            self._server.delete("pods", meta["namespace"], meta["name"], uid=meta["uid"], user=user)
        except Refusal as refusal:
            if refusal.status != 404:
                raise

    def _pods(self, node: str) -> list[Obj]:
        return [pod for pod in self._server.all("pods") if pod["spec"].get("nodeName") == node]


def _toleration(pod: Obj) -> float:
    for toleration in pod["spec"].get("tolerations") or ():
        if toleration.get("key") == _UNREACHABLE:
            return float(toleration.get("tolerationSeconds", _FOR_EVER))
    return _TOLERATION
