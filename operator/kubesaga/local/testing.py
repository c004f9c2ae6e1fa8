"""Whole workflows under virtual time: what ``kubesaga_sdk.testing.run_template`` runs on.

The SDK, which knows nothing of templates, finds ``run_template`` by its entry point (``kubesaga_sdk.template_runner``).
Everything happens in one thread and in a fixed order: an attempt is over before the next one begins, however long it is
said to take, so that the same test always sees the same run.
"""

from __future__ import annotations

import heapq
import json
import queue
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from kubesaga.api import constants as c
from kubesaga.api.programs import ProgramKind
from kubesaga.api.yaml_loader import load_all
from kubesaga.engine.session import TIMED_OUT
from kubesaga.engine.vocabulary import ActionType, Role, StepKind
from kubesaga.local.clock import Clock
from kubesaga.local.errors import LocalError
from kubesaga.local.launches import Ended, Key, Launch
from kubesaga.local.outputs import judged_whole
from kubesaga.local.run import Answer, Run
from kubesaga.local.start import family_of
from kubesaga.local.store import Store
from kubesaga.local.tasks import LocalTask, local_task, new_task
from kubesaga.local.templates import Template, Templates, logical_name

Obj = dict[str, Any]
Perform = Callable[[str, Obj], tuple[float, bytes, int]]
"""Performs an attempt of the step of this name, with its input document: the seconds that it takes, its result
document, its exit code. A name has the steps from the root down, ``book_hotel/hold``, and ``.compensation`` for its
undoing."""

_DECISIONS = (ActionType.APPROVE, ActionType.REJECT)

BEGINNING = 1767225600.0
"""When every run begins: 2026-01-01, midnight UTC."""


class VirtualClock(Clock):
    """A clock that stands still until somebody skips."""

    def __init__(self) -> None:
        super().__init__()
        self._at = BEGINNING

    def now(self) -> float:
        """The time of the run."""
        return self._at

    def skip_to(self, at: float) -> None:
        """Have it be this late now; it never goes back."""
        self._at = max(self._at, at)


@dataclass(eq=False)
class Performance:
    """Programs that are performed as they are launched; what came of it is told when its time has come."""

    perform: Perform
    clock: Clock
    tasks: Mapping[str, LocalTask]
    began: list[tuple[str, float, Obj]] = field(default_factory=list)
    """What was launched, in order: its name, when, and its input document."""
    _ends: list[tuple[float, int, Ended]] = field(default_factory=list)

    def launch(self, launch: Launch) -> None:
        """As Programs does."""
        (uid, attempt), now = launch.key, self.clock.now()
        name = name_of((*self.tasks[uid].path, attempt.step), attempt.role)
        document = json.loads(launch.input)
        self.began.append((name, now, document))
        seconds, result, code = self.perform(name, document)
        limit = launch.program.timeout_seconds
        if limit is not None and seconds > limit:
            end = Ended(launch.key, now + limit, error=replace(TIMED_OUT, message=f"took longer than {limit:g} s"))
        else:
            output = judged_whole(code, result)
            end = Ended(launch.key, now + seconds, output.result, output.metadata, output.error)
        heapq.heappush(self._ends, (end.at, len(self.began), end))

    def stop(self, key: Key) -> None:
        """As Programs does: what has not ended by now ends now, without a word."""
        now = self.clock.now()
        self._ends = [
            (now, n, Ended(key, now, stopped=True)) if end.key == key and at > now else (at, n, end)
            for at, n, end in self._ends
        ]
        heapq.heapify(self._ends)

    def close(self) -> None:
        """As Programs does; nothing runs."""

    @property
    def next_end(self) -> float | None:
        """When the next attempt ends."""
        return self._ends[0][0] if self._ends else None

    def due(self) -> Iterator[Ended]:
        """What has ended by now, in order."""
        while self._ends and self._ends[0][0] <= self.clock.now():
            yield heapq.heappop(self._ends)[2]


@dataclass(eq=False)
class VirtualRun(Run):
    """A run whose waits take no time: it goes on with whatever comes next, and ends where only a human could help."""

    def _wait(self) -> bool:
        assert isinstance(self.programs, Performance)
        moments = [at for at in (self.programs.next_end, self.family.wake_at) if at is not None]
        if not moments:
            return False
        self.clock.skip_to(min(moments))
        for end in self.programs.due():
            self._take(end)
        return True


def run_template(
    template: Path | Mapping[str, Any],
    task: Mapping[str, Any],
    *,
    name: str | None,
    others: Sequence[Path | Mapping[str, Any]],
    perform: Perform,
    stubbed: Collection[str],
    answers: Sequence[tuple[str, str]],
    environment: str | None,
) -> Obj:
    """Run a Task of a template to its end, or until only a human could help.

    Arguments:
        template: a file with one or more TaskTemplates, or one as a dict.
        task: what the Task's ``spec`` says beside ``templateRef``.
        name: the template to run; None for the first.
        others: more files or dicts with templates, for sub-workflows.
        stubbed: the names that ``perform`` does not need a handler for.
        answers: TaskActions as (step, type), each given once its turn comes.

    Returns ``tasks`` (the path of each Task below the root, joined by ``/``, → its ``object`` and its ``moves``, the
    (event, step, role) of its whole history), ``began`` (see Performance),
    ``beginning`` and ``seconds`` (of virtual time).

    Raises ValueError, which says what is wrong with what was given.
    """
    try:
        templates, first = _templates([template, *others], environment, name)
        chosen = templates.find_with_children(*first)[0]
        _check_names(chosen, templates, stubbed, answers)
        with tempfile.TemporaryDirectory(prefix="kubesaga-test-") as folder:
            return _run(chosen, templates, task, perform, [_answer(*each) for each in answers], Path(folder))
    except LocalError as error:
        raise ValueError(error.message if error.hint is None else f"{error.message} ({error.hint})") from error


def _run(
    template: Template,
    templates: Templates,
    task: Mapping[str, Any],
    perform: Perform,
    answers: list[Answer],
    folder: Path,
) -> Obj:
    spec, clock, store = template.spec, VirtualClock(), Store(folder / "runs.db")
    reference = {"domain": spec.domain, "name": spec.name, "version": spec.version}
    manifest = {"metadata": {"name": "test"}, "spec": {**task, "templateRef": reference}}
    root = local_task(new_task(manifest, str(uuid4()), clock.now()), template)
    tasks = {root.uid: root}
    performance = Performance(perform, clock, tasks)
    run = VirtualRun(
        name="test",
        uid=root.uid,
        family=family_of(root, (), tasks, templates),
        tasks=tasks,
        store=store,
        programs=performance,
        inbox=queue.Queue(),
        clock=clock,
        answers=answers,
        requested_by="test",
    )
    try:
        store.begin(root.uid, run.name, clock.now(), [], {})
        run.go()
    finally:
        store.close()
    return {
        "tasks": {"/".join(each.path): _told(each) for each in tasks.values()},
        "began": performance.began,
        "beginning": BEGINNING,
        "seconds": clock.now() - BEGINNING,
    }


def _told(task: LocalTask) -> Obj:
    moves = [(str(move.event), move.step, str(move.role)) for move in task.session.history]
    return {"object": task.obj, "moves": moves}


def _templates(
    sources: Sequence[Path | Mapping[str, Any]], environment: str | None, name: str | None
) -> tuple[Templates, tuple[str, str, str | None]]:
    """All of them, and which one is to run: the first of this name, if one is given."""
    templates, first = Templates(environment), None
    for source in sources:
        for manifest in _manifests(source):
            templates.add(manifest, _place(source))
            spec = manifest["spec"]
            if first is None and name in (None, logical_name(manifest)):
                first = (spec.get("domain") or c.DEFAULT_DOMAIN, logical_name(manifest), spec.get("version"))
    if first is None:
        there = ", ".join(templates.names()) or "none"
        raise LocalError(f"{_place(sources[0])}: has no TaskTemplate{f' {name}' if name else ''}; there are: {there}")
    return templates, first


def _place(source: Path | Mapping[str, Any]) -> str:
    return str(source) if isinstance(source, Path) else "the template"


def _manifests(source: Path | Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Any]
    if isinstance(source, Mapping):
        found = [source]
    else:
        try:
            found = list(load_all(source.read_text("utf-8")))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise LocalError(f"{source}: cannot be read: {error}") from error
    templates = [each for each in found if isinstance(each, Mapping) and each.get("kind") == c.TEMPLATE_KIND]
    if not all(isinstance(each.get(part), Mapping) for each in templates for part in ("metadata", "spec")):
        raise LocalError(f"{_place(source)}: a TaskTemplate has a metadata and a spec, which are objects")
    return templates


def _check_names(
    template: Template, templates: Templates, stubbed: Collection[str], answers: Sequence[tuple[str, str]]
) -> None:
    """Every name that was given is what it is given for, and what no handler does is stubbed. Raises LocalError."""
    tree = list(_tree(template, templates))
    programs = {name_of((*path, step), role): p.kind for path, each in tree for step, role, p in each.programs()}
    steps = {"/".join((*path, step.name)): step.kind for path, each in tree for step in each.plan.steps}
    approvals = {name for name, kind in steps.items() if kind is StepKind.APPROVAL}
    decided = [step for step, type_ in answers if type_ in _DECISIONS]
    acted = [step for step, _ in answers if step]
    for names, there, what in (
        (stubbed, programs, "program"),
        (acted, steps, "step"),
        (decided, approvals, "approval"),
    ):
        for name in names:
            if name not in there:
                listed = ", ".join(sorted(there)) or "none"
                raise LocalError(f"template {template.called} has no {what} {name!r}; it has: {listed}")
    for name, kind in programs.items():
        if kind is not ProgramKind.HANDLER and name not in stubbed:
            raise LocalError(f"{name} runs a container, which a test does not: give a stub for it")


def _tree(
    template: Template, templates: Templates, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Template]]:
    """A template and those of its sub-workflows, each with the steps that lead to it."""
    yield path, template
    for step in template.plan.steps:
        if step.child is not None:
            child = templates.find(step.child.domain, step.child.name, step.child.version)
            yield from _tree(child, templates, (*path, step.name))


def _answer(step: str, type_: str) -> Answer:
    try:
        return Answer(ActionType(type_), tuple(filter(None, step.split("/"))))
    except ValueError:
        raise LocalError(f"{type_!r} is no action; there are: {', '.join(ActionType)}") from None


def name_of(path: Sequence[str], role: Role) -> str:
    """What a program is called, see Perform."""
    return "/".join(path) + (".compensation" if role is Role.COMPENSATION else "")
