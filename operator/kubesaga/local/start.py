"""Making a Run: out of manifests, or of what the state file kept of one that was killed."""

from __future__ import annotations

import queue
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from kubesaga.api.constants import DEFAULT_DOMAIN
from kubesaga.engine.family import Birth, Family, Unknown
from kubesaga.engine.records import ParentLink
from kubesaga.engine.session import Session
from kubesaga.engine.vocabulary import DesiredState
from kubesaga.local.clock import Clock
from kubesaga.local.commands import Machine
from kubesaga.local.errors import LocalError
from kubesaga.local.faults import Faults
from kubesaga.local.inline import Inline
from kubesaga.local.launches import Dispatcher
from kubesaga.local.leftovers import end_leftover
from kubesaga.local.named_steps import wrong_steps
from kubesaga.local.processes import Processes
from kubesaga.local.run import Answer, Run
from kubesaga.local.store import Store
from kubesaga.local.tasks import LocalTask, local_task, new_child, new_task
from kubesaga.local.templates import Templates

Obj = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """How programs run: kept with a run, so that it goes on as it began.

    ``handlers`` are the folders that handlers are imported from, ``mounts`` what stands for a container's paths.
    """

    python: str = sys.executable
    handlers: tuple[str, ...] = ()
    mounts: Mapping[str, str] = field(default_factory=dict)
    inline: bool = False
    fast: bool = False
    seed: int | None = None
    fail: tuple[str, ...] = ()


def start(
    task: Mapping[str, Any], templates: Templates, store: Store, settings: Settings, answers: Sequence[Answer] = ()
) -> Run:
    """A new run of a Task manifest, written down. Raises LocalError for what cannot run here.

    ``answers`` are what a human says to it, each when its turn comes.
    """
    clock, uid = Clock(), str(uuid4())
    obj = new_task(task, uid, clock.now())
    reference = obj["spec"]["templateRef"]
    wanted = (reference.get("domain") or DEFAULT_DOMAIN, reference["name"], reference.get("version"))
    used = templates.find_with_children(*wanted)
    faults = Faults.of_words(settings.fail, settings.seed)
    problems = [*_machine(settings).problems(used), *wrong_steps(faults, answers, used[0], templates)]
    if problems:
        raise LocalError("; ".join(problems))
    name = obj["metadata"]["name"]
    run = _run(name, local_task(obj, used[0]), [], templates, store, settings, clock)
    run.faults, run.answers = faults, list(answers)
    store.begin(uid, name, clock.now(), [template.content for template in used], _kept(settings))
    return run


def resume(store: Store, name: str | None = None, answers: Sequence[Answer] = (), **changed: Any) -> Run:
    """A run that goes on: the one of this name, or (None) the latest that has not ended.

    What was under way when it was killed is ended and counts as lost; one that was suspended is no longer. ``changed``
    are Settings that are to be others now, ``answers`` as for ``start``. Raises LocalError.
    """
    kept = store.load(name)
    if kept.tasks and kept.tasks[0].obj["spec"].get("desiredState") == DesiredState.SUSPENDED:
        kept.tasks[0].obj["spec"]["desiredState"] = str(DesiredState.RUNNING)
    settings = Settings(**{**_read(kept.settings), **changed})
    templates = Templates.of_contents(kept.templates)
    tasks = []
    for each in kept.tasks:
        reference = each.obj["spec"]["templateRef"]
        template = templates.find(reference["domain"], reference["name"], reference.get("version"))
        link = None if each.link is None else ParentLink(**{**each.link, **_tuples(each.link)})
        tasks.append(local_task(each.obj, template, link=link, values=each.values))
    if not tasks:
        raise LocalError(f"{store.path}: run {kept.name} was killed before it began", "start it anew")
    faults = Faults.of_words(settings.fail, settings.seed)
    problems = wrong_steps(faults, answers, tasks[0].template, templates)
    if problems:
        raise LocalError("; ".join(problems))
    run = _run(kept.name, tasks[0], tasks[1:], templates, store, settings, Clock(kept.ahead))
    run.faults, run.answers = faults, list(answers)
    for task in tasks:
        _lose(run, task)
    return run


def _lose(run: Run, task: LocalTask) -> None:
    """Say of what was under way that nobody saw what became of it, once nothing of it runs any more."""
    for attempt in task.session.unseen():
        pid = run.store.process(task.uid, attempt)
        if not end_leftover(run.log(task, attempt), pid):
            raise LocalError(
                f"attempt {attempt.number} of step {attempt.step} still runs, as process {pid or 'unknown'}",
                "end it, then go on with --resume",
            )
        task.session.lost(attempt, run.clock.now())


def _run(
    name: str,
    root: LocalTask,
    below: Sequence[LocalTask],
    templates: Templates,
    store: Store,
    settings: Settings,
    clock: Clock,
) -> Run:
    tasks = {task.uid: task for task in (root, *below)}
    inbox: queue.Queue[object] = queue.Queue()
    machine = _machine(settings)
    processes = Processes(machine, inbox, clock.now)
    handlers = Inline(machine.handlers, inbox, clock.now) if settings.inline else processes
    return Run(
        name=name,
        uid=root.uid,
        family=family_of(root, below, tasks, templates),
        tasks=tasks,
        store=store,
        programs=Dispatcher(handlers, processes),
        inbox=inbox,
        clock=clock,
        fast=settings.fast,
    )


def family_of(root: LocalTask, below: Sequence[LocalTask], tasks: dict[str, LocalTask], templates: Templates) -> Family:
    """A Task with its sub-workflows, those that are there and those to come; ``tasks`` gets each by its UID."""

    def make(birth: Birth, now: float) -> Session:
        wanted = birth.template
        try:
            template = templates.find(wanted.domain, wanted.name, wanted.version)
        except LocalError as error:
            raise Unknown(error.message) from error
        obj = new_child(birth, tasks[birth.parent.uid].obj, str(uuid4()), now)
        task = tasks[obj["metadata"]["uid"]] = local_task(obj, template, link=birth.link)
        return task.session

    key = root.obj["spec"].get("idempotencyKey")
    return Family(root.session, make, key=key, below=[task.session for task in below])


def _machine(settings: Settings) -> Machine:
    folders = tuple(Path(folder).resolve() for folder in settings.handlers)
    return Machine(settings.python, folders, settings.mounts)


def _kept(settings: Settings) -> Obj:
    return {**asdict(settings), "handlers": [str(Path(folder).resolve()) for folder in settings.handlers]}


def _read(kept: Obj) -> Obj:
    return {**kept, **_tuples(kept)}


def _tuples(values: Mapping[str, Any]) -> Obj:
    """JSON has lists only."""
    return {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
