"""Watching a local run: a live tree on a terminal, lines elsewhere, and the question where it waits for a human."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType

from kubesaga.cli.following import Canvas, canvas
from kubesaga.cli.output import is_terminal, note
from kubesaga.cli.views.story import Story
from kubesaga.engine.decision import Attempt, Verdict
from kubesaga.engine.records import StepRecord
from kubesaga.engine.vocabulary import ActionPhase, ActionType, Role, StepState
from kubesaga.local.run import Answer, Run, Watcher
from kubesaga.local.tasks import LocalTask

_WORDS = {"a": ActionType.APPROVE, "approve": ActionType.APPROVE, "r": ActionType.REJECT, "reject": ActionType.REJECT}


class Display(Watcher):
    """A run as it goes; on stdout, or on stderr where stdout is for the Task itself."""

    def __init__(self, on_stdout: bool) -> None:
        self._stream = sys.stdout if on_stdout else sys.stderr
        self._stack = ExitStack()
        self._canvas: Canvas | None = None
        self._asking: tuple[str, ...] | None = None
        self._reader: threading.Thread | None = None
        self._gone = False

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the tree as it stands."""
        if self._canvas is None or is_terminal(self._stream):
            self._canvas = None  # lines remember what they told
        self._stack.close()

    def changed(self, run: Run) -> None:
        """Draw it."""
        if self._asking in run.approvals():
            return  # the question must not be drawn over
        self._asking = None
        if self._canvas is None:
            self._canvas = self._stack.enter_context(canvas(self._stream, run.clock.now))
        self._canvas.draw(story_of(run, run.root))

    def answered(self, answer: Answer, verdict: Verdict) -> None:
        """Tell about an answer that does not fit."""
        if verdict.phase is ActionPhase.REJECTED:
            said = " ".join(filter(None, (answer.type, "/".join(answer.path))))
            note(f"{said}: rejected: {verdict.message}")

    def asks(self, run: Run, approvals: list[tuple[str, ...]]) -> bool:
        """Ask at the terminal about the first open approval, if there is one of either."""
        if self._gone or not (approvals and sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        if self._asking not in approvals:
            self.close()
            self._ask(approvals[0])
            if self._reader is None:
                self._reader = threading.Thread(target=self._read, args=(run,), daemon=True)
                self._reader.start()
        return True

    def _ask(self, path: tuple[str, ...]) -> None:
        self._asking = path
        print(f"{'/'.join(path)} waits for you: approve or reject? [a/r] ", end="", file=sys.stderr, flush=True)

    def _read(self, run: Run) -> None:
        """Take what is typed for an answer to the question that stands; until Ctrl-D, or the terminal is closed."""
        while line := sys.stdin.readline():
            path, type_ = self._asking, _WORDS.get(line.strip().lower())
            if path is not None and type_ is not None:
                self._asking = None
                run.answer(Answer(type_, path))
            elif path is not None:
                self._ask(path)
        self._gone = True
        run.look_again()


def story_of(run: Run, task: LocalTask) -> Story:
    """The Task and all below it as the CLI's pages know them."""
    children = {other.path[-1]: story_of(run, other) for other in run.tasks.values() if _is_child(other, task)}
    story = Story.of(task.obj, children=children)
    steps = tuple(_seen(run, task, step) for step in story.status.steps)
    return replace(story, plan=task.template.plan, status=replace(story.status, steps=steps))


def _is_child(other: LocalTask, task: LocalTask) -> bool:
    link = other.session.link
    return link is not None and link.uid == task.uid


def _seen(run: Run, task: LocalTask, step: StepRecord) -> StepRecord:
    """A step that runs is shown so at once; its start is written down with the next decision."""
    if step.compensation is not None:
        undo = _started(run, task, step.name, Role.COMPENSATION, step.compensation)
        step = replace(step, compensation=undo)
    return _started(run, task, step.name, Role.FORWARD, step)


def _started(run: Run, task: LocalTask, name: str, role: Role, record: StepRecord) -> StepRecord:
    attempt = Attempt(name, role, record.attempt)
    if record.state is not StepState.ENQUEUED or (task.uid, attempt) not in run.running:
        return record
    seen = task.session.observed(attempt)
    return replace(record, state=StepState.IN_PROGRESS, started_at=seen.started_at if seen else None)
