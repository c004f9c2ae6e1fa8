"""Every example comes to its golden history in the local engine: real programs, no cluster.

``pytest tests/golden --update-golden`` writes the files anew. tests/cluster holds a cluster against the same files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubesaga.engine.vocabulary import ActionType
from kubesaga.local.run import Answer, Run
from kubesaga.local.start import Settings, start
from kubesaga.local.store import Store
from kubesaga.local.templates import Templates
from tests.golden.examples import EXAMPLES, NAMES, golden, manifests, replace
from tests.golden.examples import templates as sources
from tests.golden.form import assert_order, history, wire_moves, written
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


def played(example: str, folder: Path, *, inline: bool) -> list[Run]:
    """All Tasks of an example, at their ends."""
    templates = Templates()
    for template in sources(example).values():
        templates.add(template, example)
    handlers = tuple(PYTHON_PATH.split(os.pathsep))
    settings = Settings(handlers=handlers, mounts={"/scripts": str(EXAMPLES / example)}, inline=inline, fast=True)
    runs = []
    for task in manifests(example, "Task"):
        store = Store(folder / "runs.db")
        runs.append(start(task, templates, store, settings, answers(example, task["metadata"]["name"])))
        assert runs[-1].go()
        store.close()
    return runs


def histories(runs: list[Run]) -> dict[str, Any]:
    """What became of each Task, the children named after their parents."""
    found = {}
    for run in runs:
        for task in run.tasks.values():
            status = task.obj["status"]
            outcomes = {step["name"]: step.get("outcome") for step in status["steps"]}
            told = history(status["state"], status["outcome"], outcomes, wire_moves(task.obj))
            found[".".join((run.name, *task.path))] = told
    return found


@pytest.mark.parametrize("inline", [False, True], ids=["processes", "inline"])
@pytest.mark.parametrize("name", NAMES)
def test_the_histories_are_the_golden_ones(
    name: str, inline: bool, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    runs = played(name, tmp_path, inline=inline)
    found = histories(runs)
    if not inline and pytestconfig.getoption("--update-golden", default=False):
        replace(name, {task: written(told) for task, told in found.items()})
    assert found == golden(name)
    for run in runs:
        for task in run.tasks.values():
            assert_order(wire_moves(task.obj), {"spec": task.template.content})
