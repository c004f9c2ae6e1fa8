"""What a kubelet does about one pod: starts its container, tells of it, stops it, and lets the pod go.

The delays between truth and news are those that the real kubelet showed (see ``job_cases``): its status has a
container's end up to a second late, the pod's last phase a second after that, and a deleted pod goes within another.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from tests.simulation.plan import Obj, Outcome
from tests.simulation.workloads import pod_status
from tests.simulation.workloads.containers import Container
from tests.simulation.workloads.handlers import Handlers, InputMissing, LastWords, grace_of, image_of, input_of
from tests.simulation.workloads.work_queue import Later, pause

_TOO_LONG = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
_PULL_BACKOFF = (10.0, 300.0)
_NO_INPUT = 2.0
_COALESCED = 0.04
"""The share of pods whose last phase comes with the news of the container's end: of kubelets that are busy."""


class Node(Protocol):
    """The kubelet that a worker works for."""

    number: int
    random: Random
    later: Later
    handlers: Handlers

    def tell(self, worker: PodWorker, phase: str, state: Obj, **more: object) -> None:
        """Write the pod's status, at once or when the API server can be reached again."""

    def release(self, worker: PodWorker) -> None:
        """Delete the pod for good, its container being gone."""

    def read(self, resource: str, namespace: str, name: str) -> Obj | None:
        """Get an object from the API server; None while it is out of reach."""

    def now(self) -> str:
        """The time, as it is written."""

    def began(self, container: Container) -> None:
        """A program has started."""

    def over(self, container: Container) -> None:
        """A program has ended."""


class PodWorker:
    """One pod on one node."""

    def __init__(self, node: Node, pod: Obj) -> None:
        self.pod = pod
        self.uid: str = pod["metadata"]["uid"]
        self.container: Container | None = None
        self.is_done = False
        """Nothing of it runs or will run, and its status says so, or will."""
        self._node = node
        self._phase = "Pending"
        self._state = pod_status.CREATING
        self._reason: tuple[str, str] | None = None
        self._started: str | None = None
        self._finished: str | None = None
        self._is_stopping = False
        self._is_deleted = False
        self._is_silent = False
        self._pulls = 0
        self._after(0.02, self._admit)

    @property
    def log(self) -> bytes | None:
        """What its program has printed; None before it has started."""
        return self.container.log if self.container is not None else None

    def delete(self, grace: float) -> None:
        """The pod is to go: its program gets that time to stop."""
        if not self._is_deleted:
            self._is_deleted = True
            if self.is_done:
                self._node.later(self._node.random.random(), self._let_go)
        self._stop(grace)

    def forget(self) -> None:
        """The pod is gone from the API server: its program is stopped, and nobody has to hear of it."""
        self._is_silent = True
        if not self.is_done:
            self._stop(grace_of(self.pod))

    def _after(self, usual: float, act: Callable[[], None]) -> None:
        self._node.later(pause(self._node.random, usual), act)

    def _admit(self) -> None:
        self._tell()
        limit = self.pod["spec"].get("activeDeadlineSeconds")
        if limit is not None:
            self._node.later(limit + self._node.random.random(), self._exceed)
        self._after(0.6, self._start)

    def _start(self) -> None:
        if self._is_stopping:
            return
        try:
            document = input_of(self.pod, self._node.read)
        except InputMissing:
            self._node.later(_NO_INPUT, self._start)
            return
        outcome = self._node.handlers.next(self.pod)
        if not outcome.starts:
            self._fail_to_pull()
            return
        self._run(outcome, document)

    def _run(self, outcome: Outcome, document: Obj) -> None:
        node = self._node
        self._started = node.now()
        execution = node.handlers.execution(self.pod, document, node.number)
        self.container = Container(execution, outcome, node.later, self._ended)
        node.began(self.container)
        self._after(0.2, self._see_start)

    def _see_start(self) -> None:
        if self._state is pod_status.CREATING and not self.is_done:
            assert self._started is not None
            self._phase, self._state = "Running", pod_status.running(self._started)
            self._tell()

    def _fail_to_pull(self) -> None:
        if self._is_stopping:
            return
        image = image_of(self.pod)
        self._state = {"waiting": {"reason": "ErrImagePull", "message": f"failed to pull {image}"}}
        self._tell()
        self._after(2.0, self._back_off)

    def _back_off(self) -> None:
        if self._is_stopping:
            return
        image = image_of(self.pod)
        self._state = {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}}
        self._tell()
        first, longest = _PULL_BACKOFF
        self._node.later(min(first * 2**self._pulls, longest), self._fail_to_pull)
        self._pulls += 1

    def _exceed(self) -> None:
        """Its ``activeDeadlineSeconds`` are over."""
        if self.is_done:
            return
        self._reason = _TOO_LONG
        if self.container is not None and self.container.last_words is None:
            self._tell(unready=True)
        self._stop(grace_of(self.pod))

    def _stop(self, grace: float) -> None:
        was_stopping, self._is_stopping = self._is_stopping, True
        if self.container is not None:
            self.container.stop(grace)
        elif not was_stopping:
            self._after(1.0, self._finish)

    def _ended(self, container: Container) -> None:
        self._finished = self._node.now()
        self._node.over(container)
        if self._is_stopping:
            self._node.later(0.4 + 0.7 * self._node.random.random(), self._finish)
        elif self._node.random.random() < _COALESCED:
            self._after(2.0, self._finish)
        else:
            self._node.later(0.02 + self._node.random.random(), self._see_end)

    def _see_end(self) -> None:
        if self.is_done:
            return
        self._state = self._terminated()
        self._tell()
        self._node.later(1.0 + 0.1 * self._node.random.random(), self._finish)

    def _finish(self) -> None:
        """The pod's last phase."""
        if self.is_done:
            return
        self.is_done = True
        words = self._words()
        self._phase = "Succeeded" if words.code == 0 and self._reason is None else "Failed"
        self._state = self._terminated()
        self._tell()
        if self._is_deleted:
            self._node.later(self._node.random.random(), self._let_go)

    def _let_go(self) -> None:
        if not self._is_silent:
            self._node.release(self)

    def _words(self) -> LastWords:
        if self.container is None:
            return pod_status.NEVER_STARTED
        assert self.container.last_words is not None
        return self.container.last_words

    def _terminated(self) -> Obj:
        return pod_status.terminated(self._words(), self._started, self._finished)

    def _tell(self, *, unready: bool = False) -> None:
        if self._is_silent:
            return
        more: Obj = {"unready": unready}
        if self._reason is not None and self.is_done:
            more["reason"], more["message"] = self._reason
        self._node.tell(self, self._phase, self._state, **more)
