"""Input documents: what is refused, and in which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubesaga_sdk.errors import InvalidInput
from kubesaga_sdk.step_input import complete, from_environment, from_file
from tests.sdk.support import step_input


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "KUBESAGA_INPUT is not JSON"),
        ("[]", "must be a JSON object, not an array"),
        ("5", "must be a JSON object, not an integer"),
        ("{}", "None of None"),
        (json.dumps({**step_input("m:C"), "apiVersion": "kubesaga.dev/v9"}), "an SDK that fits the operator"),
        (json.dumps({**step_input("m:C"), "kind": "Other"}), "'Other' of 'kubesaga.dev/v1alpha1'"),
    ],
)
def test_what_is_no_input_document_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        from_environment({"KUBESAGA_INPUT": text})


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidInput, match="cannot be read from /no/such/file"):
        from_environment({"KUBESAGA_INPUT_FILE": "/no/such/file"})


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(InvalidInput) as raised:
        complete({"context": [], "attempt": "1", "retryCount": True, "step": {"callable": 5}}, "input.json")
    assert str(raised.value) == (
        "input.json is not a step's input: attempt must be an integer, not a string; "
        "retryCount must be an integer, not a boolean; context must be an object, not an array; "
        "step.callable must be a string, not an integer"
    )


def test_absent_fields_and_nulls_take_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    path.write_text('{"context": null, "attempt": 3}')
    document = from_file(str(path))
    assert (document["context"], document["attempt"], document["deadline"]) == ({}, 3, None)
    assert document["step"] == {
        "name": "", "role": "forward", "callable": "", "method": "call", "maxAttempts": 3,
    }  # fmt: skip
