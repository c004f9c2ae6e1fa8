"""The loop of a local run: decide, write down, carry out, wait for what happens next.

In the order that survives a kill at any point: what is decided stands in the store before a program is started or
stopped, so that a run that goes on knows of every attempt that may have done something.
"""

from __future__ import annotations

import queue
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubesaga.api.input_text import InputTooLarge, input_text
from kubesaga.engine.decision import Attempt, Decision, Verdict
from kubesaga.engine.family import Family
from kubesaga.engine.records import StepError
from kubesaga.engine.session import Session
from kubesaga.engine.vocabulary import ActionType, TaskState
from kubesaga.local.clock import Clock
from kubesaga.local.errors import LocalError
from kubesaga.local.faults import Faults
from kubesaga.local.launches import Ended, Key, Launch, Programs, Refused
from kubesaga.local.store import Store
from kubesaga.local.tasks import LocalTask

# Nobody is asked to wait longer (seconds) for what only time settles, such as an approval that times out.
PATIENCE = 60.0
OF_TASKS = frozenset({ActionType.GIVE_UP, ActionType.ABANDON})
"""The actions that are never on a step."""
# How often (seconds) whoever watches is told although nothing happened: durations grow.
_TICK = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a human says: an action on a step, named by the steps from the root down, or (empty) on the Task.

    Of the types in ``OF_TASKS``, which fit no step, the path is that of a sub-workflow.
    """

    type: ActionType
    path: tuple[str, ...] = ()
    reason: str | None = None


class Watcher:
    """Who is told what happens; by itself it does nothing."""

    def changed(self, run: Run) -> None:
        """Something may look different now."""

    def answered(self, answer: Answer, verdict: Verdict) -> None:
        """An answer was applied or rejected."""

    def asks(self, run: Run, approvals: list[tuple[str, ...]]) -> bool:
        """Nothing goes on before a human speaks; True if one is being asked, who answers by ``Run.answer``."""
        del run, approvals
        return False


@dataclass(eq=False)
class Run:
    """A run. ``inbox`` is where programs tell their ends and humans their answers, from any thread."""

    name: str
    uid: str
    family: Family
    tasks: dict[str, LocalTask]
    store: Store
    programs: Programs
    inbox: queue.Queue[object]
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    watcher: Watcher = field(default_factory=Watcher)
    answers: list[Answer] = field(default_factory=list)
    requested_by: str | None = None
    fast: bool = False
    running: set[Key] = field(default_factory=set)
    _asked: dict[str, Answer] = field(default_factory=dict)

    @property
    def root(self) -> LocalTask:
        """The Task that the run was started for."""
        return self.tasks[self.family.root.uid]

    def answer(self, answer: Answer) -> None:
        """A human speaks; may be called from any thread."""
        self.inbox.put(answer)

    def look_again(self) -> None:
        """Whoever was asked may be gone; may be called from any thread."""
        self.inbox.put(None)

    def go(self) -> bool:
        """To the end; False if it waits for a human. Raises LocalError, and KeyboardInterrupt with all stopped."""
        try:
            return self._go()
        finally:
            self.programs.close()

    def _go(self) -> bool:
        while True:
            self._decide()
            if self._speak():
                continue
            if self.family.ended:
                return True
            if not self._wait():
                return False

    # --- deciding and carrying out ---------------------------------------------------------------------------

    def _decide(self) -> None:
        """Decide for all, write it down, and only then start and stop what follows from it."""
        while True:
            now = self.clock.now()
            found = self.family.decide(now)
            if not found:
                break
            self._write(found, now)
            self._tell(found)
            for session, decision in found:
                for attempt in decision.launches:
                    self._launch(self.tasks[session.uid], attempt)
                for attempt in decision.stops:
                    self.programs.stop((session.uid, attempt))
        self.watcher.changed(self)

    def _write(self, found: list[tuple[Session, Decision]], now: float) -> None:
        written = [(self.tasks[s.uid], self.tasks[s.uid].write(decision, now)) for s, decision in found]
        self.store.write(self.uid, written, ahead=self.clock.ahead, ended=self.family.ended)

    def _tell(self, found: list[tuple[Session, Decision]]) -> None:
        for _, decision in found:
            for verdict in decision.verdicts:
                self.watcher.answered(self._asked.pop(verdict.uid), verdict)

    def _launch(self, task: LocalTask, attempt: Attempt) -> None:
        error = self.faults.of(task.path, attempt)
        if error is not None:
            task.session.started(attempt, self.clock.now())
            task.session.failed(attempt, self.clock.now(), error)
            return
        key = (task.uid, attempt)
        try:
            text = input_text(task.input(attempt))
            program, variables = task.template.program(attempt), task.variables(attempt)
            pid = self.programs.launch(Launch(key, program, text, variables, self.log(task, attempt)))
        except InputTooLarge as too_large:
            task.session.refused(attempt, StepError("InputTooLarge", str(too_large), retryable=False))
            return
        except Refused as refused:
            task.session.refused(attempt, refused.error)
            return
        self.running.add(key)
        task.session.started(attempt, self.clock.now())
        if pid is not None:
            self.store.write_process(task.uid, attempt, pid)

    def log(self, task: LocalTask, attempt: Attempt) -> Path:
        """Where the attempt's log is."""
        return self.store.logs(self.name) / f"{task.attempt_name(attempt)}.log"

    # --- waiting -----------------------------------------------------------------------------------------------

    def _wait(self) -> bool:
        """Wait for news or for the time to go on; False if only a human could help, and none is there."""
        wake = self.family.wake_at
        if self.family.waits_for_human and not (self.fast and self._is_blocked()):
            asked = self.watcher.asks(self, self.approvals())
            soon = wake is not None and wake - self.clock.now() <= PATIENCE
            if not (asked or soon):
                return False
        elif self.fast and wake is not None and not self.running:
            self.clock.skip_to(wake)
            return True
        self._hear(wake)
        return True

    def _is_blocked(self) -> bool:
        """Whether it waits for a human only because something failed: a rehearsal goes on as if nobody came."""
        states = {task.session.status.state for task in self.tasks.values()}
        return TaskState.BLOCKED_BY_FAILURES in states and not self.approvals()

    def _hear(self, wake: float | None) -> None:
        """Take in what comes, at most until ``wake``."""
        while True:
            left = None if wake is None else wake - self.clock.now()
            if left is not None and left <= 0:
                return
            try:
                news = self.inbox.get(timeout=_TICK if left is None else min(left, _TICK))
            except queue.Empty:
                self.watcher.changed(self)
                continue
            self._take(news)
            while not self.inbox.empty():
                self._take(self.inbox.get_nowait())
            return

    def _take(self, news: object) -> None:
        if isinstance(news, Answer):
            self.answers.append(news)
        elif isinstance(news, Ended):
            uid, attempt = news.key
            self.running.discard(news.key)
            session = self.tasks[uid].session
            if news.stopped:
                session.stopped(attempt, news.at)
            elif news.error is not None:
                session.failed(attempt, news.at, news.error)
            else:
                session.succeeded(attempt, news.at, news.result, news.metadata)

    # --- humans --------------------------------------------------------------------------------------------------

    def approvals(self) -> list[tuple[str, ...]]:
        """The approvals that are open, each as the steps from the root down to it."""
        return [(*task.path, step) for task in self.tasks.values() for step in task.session.open_approvals()]

    def _speak(self) -> bool:
        """Hand on the answers whose turn it is: an approval's once it is open, any other once nothing goes on."""
        opened = set(self.approvals())
        idle = self.family.ended or self.family.waits_for_human
        turn = [a for a in self.answers if a.path in opened or (idle and a.type not in _OF_APPROVALS)]
        for answer in turn:
            self.answers.remove(answer)
            of_task = answer.type in OF_TASKS or not answer.path
            session = self._session_of(answer.path if of_task else answer.path[:-1])
            step = None if of_task else answer.path[-1]
            spec: Mapping[str, Any] = {"reason": answer.reason, "requested_by": self.requested_by}
            uid = session.act(answer.type, step, at=self.clock.now(), **spec)
            self._asked[uid] = answer
        return bool(turn)

    def _session_of(self, path: tuple[str, ...]) -> Session:
        try:
            return self.family.child(*path)
        except KeyError:
            raise LocalError(f"there is no sub-workflow {'/'.join(path)}, or not yet") from None


_OF_APPROVALS = frozenset({ActionType.APPROVE, ActionType.REJECT})
