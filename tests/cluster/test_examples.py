"""Every example does on a real cluster what its golden histories say.

Each example's folder is applied in a namespace of its own, all at once. ``examples/<name>/history/`` has a file for
each Task; tests/golden plays the same examples without a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from kubesaga.api.constants import LABEL_PARENT_STEP, LABEL_PARENT_UID
from tests.cluster import orders, tasks
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.golden.examples import EXAMPLES, NAMES, golden, manifests, templates
from tests.golden.form import assert_order, history, wire_moves

Story = dict[str, Manifest]
"""The Tasks of an example after their ends; a child Task, whose name has a hash, is ``<parent>.<step>``."""


def _create_scripts(kubectl: Kubectl) -> None:
    kubectl.run("create", "configmap", "word-report-scripts", f"--from-file={EXAMPLES / 'container-only'}")


def _answer_approvals(kubectl: Kubectl) -> None:
    who = json.loads(kubectl.run("auth", "whoami", "-o", "json"))["status"]["userInfo"]["username"]
    for action in manifests("approval", "TaskAction", "actions/*.yaml"):
        kubectl.until(tasks.TASK, action["spec"]["taskRef"]["name"], _waits_for_approval, "waiting for its approval")
        action["spec"]["requestedBy"] = who
        kubectl.apply(action)


def _waits_for_approval(task: Manifest) -> bool:
    is_open = tasks.step(task, "manager_approval").get("state") == "InProgress"
    return is_open and task["status"]["state"] == "WaitingForDependencies"


# What an example's page says to do before and after its folder is applied.
BEFORE: Mapping[str, Callable[[Kubectl], None]] = {
    "order-fulfillment": orders.open_warehouse,
    "container-only": _create_scripts,
}
AFTER: Mapping[str, Callable[[Kubectl], None]] = {"approval": _answer_approvals}


class Stories:
    """Every example on its way, in a namespace of its own; each is waited for by whoever asks for it first."""

    def __init__(self, at: Mapping[str, Kubectl]) -> None:
        self._at = at
        self._told: dict[str, Story] = {}

    def of(self, name: str) -> Story:
        """An example after all of its Tasks have ended."""
        if name not in self._told:
            if name in AFTER:
                AFTER[name](self._at[name])
            self._told[name] = _by_stable_name(tasks.all_finished(self._at[name]).values())
        return self._told[name]


@pytest.fixture(scope="module")
def stories(operator: Kubectl) -> Iterator[Stories]:
    """All examples, begun at once."""
    with ExitStack() as stack:
        at = {name: stack.enter_context(fresh_namespace(operator)) for name in NAMES}
        for name, kubectl in at.items():
            if name in BEFORE:
                BEFORE[name](kubectl)
            kubectl.run("apply", "-f", str(EXAMPLES / name))
        yield Stories(at)


def _by_stable_name(found: Iterable[Manifest]) -> Story:
    listed = list(found)
    by_uid = {task["metadata"]["uid"]: task for task in listed}

    def name(task: Manifest) -> str:
        labels = task["metadata"].get("labels", {})
        if LABEL_PARENT_UID not in labels:
            return tasks.name_of(task)
        return f"{name(by_uid[labels[LABEL_PARENT_UID]])}.{labels[LABEL_PARENT_STEP]}"

    return {name(task): task for task in listed}


@pytest.mark.parametrize("name", NAMES)
def test_the_histories_are_the_golden_ones(name: str, stories: Stories) -> None:
    found = {}
    for task, manifest in stories.of(name).items():
        status = manifest["status"]
        outcomes = {record["name"]: record.get("outcome") for record in status["steps"]}
        found[task] = history(status["state"], status["outcome"], outcomes, wire_moves(manifest))
    assert found == golden(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_keep_the_order_of_their_graph(name: str, stories: Stories) -> None:
    by_version = templates(name)
    for task in stories.of(name).values():
        pinned = task["status"]["template"]
        assert_order(wire_moves(task), by_version[pinned["name"], pinned["version"]])
