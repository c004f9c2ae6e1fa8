"""JSON Patches: small, guarded, and right for any two statuses."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.runtime.patches import status_patch


def applied(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    obj: dict[str, Any] = {"metadata": {"resourceVersion": "7"}}
    if before:
        obj["status"] = copy.deepcopy(before)
    ops = status_patch(before, after, "7")
    result: dict[str, dict[str, Any]] = jsonpatch.apply_patch(obj, ops)
    return result.get("status", {})


_entries = st.lists(st.integers(0, 3).map(lambda n: {"n": n}), max_size=5)
_statuses = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["A", "B"]),
        "steps": st.lists(st.fixed_dictionaries({"name": st.sampled_from("xyz"), "attempt": st.integers(0, 2)})),
        "transitions": _entries,
        "result": st.none() | st.integers(),
    },
)


@given(_statuses, _statuses)
def test_the_patch_turns_any_status_into_any_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert applied(before, after) == after


def test_equal_statuses_need_no_patch() -> None:
    assert status_patch({"state": "A"}, {"state": "A"}, "7") == []


def test_a_patch_replaces_only_the_steps_that_changed_and_appends_transitions() -> None:
    before = {"steps": [{"name": "a"}, {"name": "b"}], "transitions": [{"n": 1}, {"n": 2}]}
    after = {"steps": [{"name": "a"}, {"name": "b", "attempt": 1}], "transitions": [{"n": 2}, {"n": 3}]}
    assert status_patch(before, after, "7") == [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "replace", "path": "/status/steps/1", "value": {"name": "b", "attempt": 1}},
        {"op": "remove", "path": "/status/transitions/0"},
        {"op": "add", "path": "/status/transitions/-", "value": {"n": 3}},
    ]
