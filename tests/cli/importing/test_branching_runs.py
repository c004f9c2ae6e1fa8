"""Imported decision points behave as they do in Tasker: the engine runs what comes of one."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.cli.importing.convert import Rules, convert_files
from kubesaga_sdk import StepContext
from kubesaga_sdk.testing import run_template
from tests.cli.importing.test_corpus import CORPUS

ALWAYS = ["validate_request", "route", "analyze", "process_batch"]
CONDITIONAL = ["auto_approve", "manager_approval", "second_look", "finalize", "archive"]


def route(context: StepContext) -> dict[str, Any]:
    """What Tasker's decision handlers return."""
    chosen = context.get_input("choose")
    if chosen is None:
        return {"decision_point_outcome": {"type": "no_branches"}}
    return {"decision_point_outcome": {"type": "create_steps", "step_names": chosen}}


@pytest.mark.parametrize(
    ("chosen", "run"),
    [
        (["auto-approve"], ["auto_approve", "finalize", "archive"]),
        (["manager_approval"], ["manager_approval", "second_look", "finalize", "archive"]),
        (["auto-approve", "manager_approval"], CONDITIONAL),
        ([], []),
        (None, []),
    ],
)
def test_only_what_was_chosen_and_what_follows_from_it_runs(chosen: list[str] | None, run: list[str]) -> None:
    (imported,) = convert_files([str(CORPUS / "core_branching.yaml")], Rules())
    stubs: dict[str, Any] = {name: {} for name in (*ALWAYS, *CONDITIONAL)} | {"route": route}
    ended = run_template(imported.manifest, {"choose": chosen}, stubs=stubs)
    assert ended.outcome == "Succeeded"
    assert sorted(ended.order) == sorted(ALWAYS + run)
    assert {ended.step(name).outcome for name in CONDITIONAL if name not in run} <= {"Skipped"}
