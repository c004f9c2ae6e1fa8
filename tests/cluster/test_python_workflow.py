"""A workflow written in Python comes to the same in this process, in the local engine and on a cluster.

The end, the results, the attempts, every step's events, and the order in which things were done and undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from enrolment import Enrolment, workflow
from kubesaga_sdk.workflow import ExecutionContext
from kubesaga_sdk.workflow.codec import codec_of
from tests.cluster import tasks
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.golden.examples import EXAMPLES, manifests
from tests.sdk.workflow.ways import comparable, comparable_outcome, in_local_engine, in_process

EXAMPLE = "python-workflow"
TASKS = {task["metadata"]["name"]: task["spec"] for task in manifests(EXAMPLE, "Task")}


@pytest.fixture(scope="module")
def on_cluster(operator: Kubectl) -> Iterator[Mapping[str, Manifest]]:
    """The example's Tasks at their ends, by name."""
    with fresh_namespace(operator) as kubectl:
        kubectl.run("apply", "-f", str(EXAMPLES / EXAMPLE))
        yield tasks.all_finished(kubectl)


@pytest.mark.parametrize("name", TASKS)
def test_it_comes_to_the_same_in_all_three_places(
    name: str, on_cluster: Mapping[str, Manifest], tmp_path: Path
) -> None:
    context, metadata = TASKS[name]["context"], TASKS[name].get("metadata", {})
    data: Any = codec_of(Enrolment).decode(context, "context")
    here = comparable_outcome(in_process(workflow, ExecutionContext(data, metadata=metadata)))
    local = comparable(in_local_engine(workflow, context, metadata, tmp_path, inline=True))
    there = comparable(on_cluster[name])
    assert here == local == there
