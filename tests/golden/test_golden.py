"""The examples, played without a cluster, come to what their golden histories say.

``pytest tests/golden --update-golden`` writes the files anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.examples import NAMES, golden, replace
from tests.golden.form import assert_order, written
from tests.golden.play import Play, play
from tests.sdk.conftest import RunningWarehouse
from tests.sdk.support import PYTHON_PATH

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of every program: where the handlers are, and what Kubernetes tells of a Service named warehouse."""
    folder: Path = tmp_path_factory.mktemp("warehouse")
    warehouse = RunningWarehouse(folder / "warehouse.db")
    yield {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": PYTHON_PATH,
        "WAREHOUSE_SERVICE_HOST": "127.0.0.1",
        "WAREHOUSE_SERVICE_PORT": warehouse.port,
    }
    warehouse.stop()


@pytest.fixture(scope="module")
def plays(environment: dict[str, str]) -> dict[str, list[Play]]:
    """Every example at its end."""
    return {name: play(name, environment) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_histories_are_the_golden_ones(
    name: str, plays: dict[str, list[Play]], pytestconfig: pytest.Config
) -> None:
    found = {task: told for each in plays[name] for task, told in each.histories().items()}
    if pytestconfig.getoption("--update-golden", default=False):
        replace(name, {task: written(told) for task, told in found.items()})
    assert found == golden(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_keep_the_order_of_their_graph(name: str, plays: dict[str, list[Play]]) -> None:
    for each in plays[name]:
        for template, moves in each.moves().values():
            assert_order(moves, template)
