"""Patches as the simulated API server applies them, judged by another library and by the RFC."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.runtime.patches import status_patch
from tests.simulation.server.patching import json_patched, merged

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab/~", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.text("ab", min_size=1, max_size=2), _VALUES, max_size=4)


@given(before=_OBJECTS, after=_OBJECTS)
def test_operations_that_another_library_makes_of_two_objects_turn_one_into_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    kept = json.dumps(before)
    assert json_patched(before, jsonpatch.make_patch(before, after).patch) == after
    assert json.dumps(before) == kept


@given(before=_OBJECTS, after=_OBJECTS)
def test_operations_that_the_operator_makes_of_two_statuses_turn_one_into_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    obj = {"metadata": {"resourceVersion": "1"}, **({"status": before} if before else {})}
    found = json_patched(obj, status_patch(before, after, "1"))
    assert (found.get("status") or {}) == after


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_its_rfc_says(original: Any, patch: Any, result: Any) -> None:
    assert merged(original, patch) == result
