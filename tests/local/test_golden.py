"""Every example comes to its golden history in the local engine, too: real programs, real time, no cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubesaga.engine.vocabulary import ActionType
from kubesaga.local.run import Answer, Run
from kubesaga.local.start import Settings, start
from kubesaga.local.store import Store
from kubesaga.local.templates import Templates
from tests.golden.examples import EXAMPLES, NAMES, golden, manifests
from tests.golden.form import history, wire_moves
from tests.sdk.conftest import RunningWarehouse
from tests.sdk.support import PYTHON_PATH

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What Kubernetes would tell of a Service named warehouse, and where the examples' handlers are."""
    found = RunningWarehouse(tmp_path_factory.mktemp("warehouse") / "warehouse.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PYTHON_PATH)
        patch.setenv("WAREHOUSE_SERVICE_HOST", "127.0.0.1")
        patch.setenv("WAREHOUSE_SERVICE_PORT", found.port)
        yield
    found.stop()


def answers(example: str, task: str) -> list[Answer]:
    """What the example's TaskActions say to this Task."""
    specs = [action["spec"] for action in manifests(example, "TaskAction", "actions/*.yaml")]
    return [Answer(ActionType(s["type"]), (s["step"],)) for s in specs if s["taskRef"]["name"] == task]


def histories(run: Run) -> dict[str, object]:
    found: dict[str, object] = {}
    for task in run.tasks.values():
        status = task.obj["status"]
        outcomes = {step["name"]: step.get("outcome") for step in status["steps"]}
        told = history(status["state"], status["outcome"], outcomes, wire_moves(task.obj))
        found[".".join((run.name, *task.path))] = told
    return found


@pytest.mark.parametrize("inline", [False, True], ids=["processes", "inline"])
@pytest.mark.parametrize("name", NAMES)
def test_the_histories_are_the_golden_ones(name: str, inline: bool, tmp_path: Path) -> None:
    templates = Templates()
    for template in manifests(name, "TaskTemplate"):
        templates.add(template, name)
    settings = Settings(
        handlers=tuple(PYTHON_PATH.split(os.pathsep)),
        mounts={"/scripts": str(EXAMPLES / name)},
        inline=inline,
        fast=True,
    )
    found: dict[str, object] = {}
    for task in manifests(name, "Task"):
        store = Store(tmp_path / "runs.db")
        run = start(task, templates, store, settings, answers(name, task["metadata"]["name"]))
        assert run.go()
        found |= histories(run)
        store.close()
    assert found == golden(name)
