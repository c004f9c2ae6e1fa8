"""One workflow run in this process, and as a template in the local engine: told in the same words, to be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from kubesaga.engine.trace import trace
from kubesaga.engine.vocabulary import Role
from kubesaga.local.start import Settings, start
from kubesaga.local.store import Store
from kubesaga.local.templates import Templates
from kubesaga_sdk.workflow import AsyncRunner, Definition, ExecutionContext, Outcome, SyncRunner
from tests.golden.form import Move
from tests.sdk.support import ROOT
from tests.sdk.workflow.clocks import Clock

Manifest = dict[str, Any]

FOLDERS = tuple(str(ROOT / part) for part in ("handlers_image", "handlers_image/examples", "."))
_WALK = re.compile(r"^\S+ → \S+ \((?:attempt \d+; )?([A-Za-z, ]+)\)")
_COMPENSATION = ".compensation"


def in_process(workflow: Definition[Any], context: ExecutionContext[Any]) -> Outcome[Any]:
    """Here, with time that jumps."""
    clock = Clock()
    return SyncRunner(clock=clock, sleep=clock.sleep).run(workflow, context)


async def in_event_loop(workflow: Definition[Any], context: ExecutionContext[Any]) -> Outcome[Any]:
    """Here, by the other runner."""
    clock = Clock()
    return await AsyncRunner(clock=clock, sleep=clock.asleep).run(workflow, context)


def in_local_engine(
    workflow: Definition[Any], context: Mapping[str, Any], metadata: Mapping[str, Any], folder: Path, *, inline: bool
) -> Manifest:
    """The Task that the template comes to in the local engine, its programs run as processes or inline."""
    templates = Templates()
    template = workflow.to_template(image="handlers:1")
    templates.add(template, "to_template()")
    reference = {"domain": workflow.domain, "name": workflow.name}
    spec = {"templateRef": reference, "context": dict(context), "metadata": dict(metadata)}
    settings = Settings(handlers=FOLDERS, inline=inline, fast=True)
    with closing(Store(folder / "runs.db")) as store:
        run = start({"metadata": {"name": "flow"}, "spec": spec}, templates, store, settings)
        run.go()
        return run.root.obj


def told(moves: list[Move]) -> dict[str, list[str]]:
    """What happened to each step and to each undoing, event by event, and to the Task at its end."""
    steps: dict[str, list[str]] = {}
    for move in moves:
        if move.step is not None:
            source = f"{move.step}{_COMPENSATION}" if move.role is Role.COMPENSATION else move.step
            steps.setdefault(source, []).append(str(move.event))
    return steps


def moves_of(entries: list[dict[str, Any]]) -> list[Move]:
    """The moves that a trace tells of."""
    found = []
    for entry in entries:
        walk = _WALK.match(entry["message"])
        if walk is None or entry["source"] == "Task":
            continue
        step = entry["source"].removesuffix(_COMPENSATION)
        role = Role.FORWARD if step == entry["source"] else Role.COMPENSATION
        found += [Move(event, step, role) for event in walk[1].split(", ")]
    return found


def comparable(task: Manifest) -> dict[str, Any]:
    """What a Task's status says of its end, of its steps, and in which order they were done and undone."""
    status = task["status"]
    moves = moves_of(trace(status["transitions"]))
    return {
        "state": status["state"],
        "outcome": status.get("outcome"),
        "result": status.get("result"),
        "results": {step["name"]: step.get("result") for step in status["steps"] if step["state"] == "Complete"},
        "attempts": {step["name"]: step.get("attempt", 0) for step in status["steps"]},
        "errors": {step["name"]: step["error"]["type"] for step in status["steps"] if step["state"] == "Error"},
        "told": told(moves),
        "order": _order(moves),
    }


def comparable_outcome(outcome: Outcome[Any]) -> dict[str, Any]:
    """The same of a run in this process."""
    moves = moves_of(outcome.trace)
    return {
        "state": outcome.state,
        "outcome": outcome.outcome,
        "result": outcome.result,
        "results": {name: result for name, result in outcome.results.items() if result is not None},
        "attempts": dict(outcome.attempts),
        "errors": {failure.step: failure.type for failure in outcome.errors if not failure.undoing},
        "told": told(moves),
        "order": _order(moves),
    }


def _order(moves: list[Move]) -> list[tuple[str, str]]:
    return [(str(move.role), move.step) for move in moves if move.event == "Accept" and move.step is not None]
