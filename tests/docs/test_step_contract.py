"""docs/step-contract.md says what is implemented: its examples are read by the operator's and the SDK's own readers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from kubesaga.api import constants as c
from kubesaga.api.contract import step_input
from kubesaga.api.documents import Framed, read_framed, read_output
from kubesaga.api.frames import joined
from kubesaga.api.programs import Program, ProgramKind
from kubesaga.engine import acceptance, reported
from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Compensation, Plan, Step
from kubesaga.engine.records import Ending, StepRecord, TaskStatus
from kubesaga.engine.vocabulary import EndingPhase, EndingTrigger, Role, TaskOutcome
from kubesaga_sdk import contract as sdk
from kubesaga_sdk.step_input import from_operator
from tests.contract.cases import CASES
from tests.docs.pages import page

PAGE = page("step-contract")
JSON = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)]
SHOWN, RESULT, ERROR, NOTE = JSON


def rows(heading: str) -> list[str]:
    """The words in the first cells of the tables in a section."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.+?) \|", section, flags=re.MULTILINE)
    return [word for cell in cells for word in re.findall(r"`(\w+)`", cell)]


def implemented(role: Role = Role.FORWARD, *, final: bool = False) -> dict[str, Any]:
    """The input document that the operator makes."""
    plan = Plan(steps=(Step("do_it", final=final, compensation=Compensation()),))
    meta = {"name": "order-1", "namespace": "shop", "uid": "u-1"}
    return step_input(
        {"metadata": meta, "spec": {}},
        plan,
        TaskStatus(
            steps=(StepRecord("do_it", attempt=1),),
            ending=Ending(EndingTrigger.FAILED, 0.0, EndingPhase.FINALLY, TaskOutcome.FAILED),
        ),
        [{"at": "2026-01-02T03:04:05Z", "step": "do_it", "events": ["Enqueue"], "from": "Pending", "to": "Enqueued"}],
        Attempt("do_it", role, 1),
        Program(ProgramKind.HANDLER, "image"),
        context={},
        options={},
        values={},
    )


def test_the_input_that_is_shown_has_the_fields_of_a_real_one() -> None:
    real = implemented()
    assert list(SHOWN) == list(real)
    for name in ("task", "step"):
        assert list(SHOWN[name]) == list(real[name])
    assert set(SHOWN["metadata"]) - {"dashboard"} == set(real["metadata"])
    assert list(SHOWN["trace"][0]) == list(real["trace"][0])


def test_every_field_of_the_input_has_its_row() -> None:
    assert set(rows("Input")) >= set(implemented()) - {"apiVersion", "kind", "parentCorrelationId"}
    more = set(implemented(Role.COMPENSATION)) - set(implemented())
    assert more == {"compensationKey", "forward"}
    assert set(implemented(final=True)["task"]) - set(implemented()["task"]) == {"outcome"}
    for name in (*more, "outcome"):
        assert f"`{name}`" in PAGE


def test_the_sdk_reads_the_input_that_is_shown() -> None:
    assert from_operator(json.dumps(SHOWN), "the page")["retryCount"] == SHOWN["attempt"] - 1


def test_the_operator_reads_the_documents_that_are_shown() -> None:
    output = read_output({"exitCode": 0, "message": json.dumps(RESULT)}, expects_document=True)
    assert (output.result, output.metadata, output.error) == (RESULT["result"], RESULT["metadata"], None)
    error = read_output({"exitCode": 1, "message": json.dumps(ERROR)}, expects_document=True).error
    assert error is not None
    told = (error.type, list(error.types), error.code, error.message, error.retryable, error.retry_after)
    assert told == tuple(ERROR["error"][key] for key in rows("Result")[: len(told)])


def test_the_frames_that_are_shown_are_a_document() -> None:
    note = read_output({"exitCode": 0, "message": json.dumps(NOTE)}, expects_document=True).framed
    assert note == Framed(NOTE["resultFrame"]["bytes"], NOTE["resultFrame"]["sha256"])
    document = joined(PAGE.encode(), note)
    assert document is not None
    assert read_framed(document).result == "hello"


@pytest.mark.parametrize(
    "name",
    [c.ENV_INPUT, c.ENV_INPUT_FILE, c.ENV_TASK, c.ENV_STEP, c.ENV_ATTEMPT, c.ENV_IDEMPOTENCY_KEY, c.ENV_RESULT_FILE],
)
def test_every_variable_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_the_limits_are_those_of_the_operator_and_of_the_sdk() -> None:
    assert f"Up to {c.INLINE_INPUT_BYTES // 1024} KiB" in PAGE
    assert f"{c.INPUT_LIMIT_BYTES:,} bytes" in PAGE
    assert f"{c.RESULT_LIMIT_BYTES} bytes" in PAGE
    assert f"{c.FRAMED_LIMIT_BYTES:,} bytes" in PAGE
    assert (sdk.RESULT_LIMIT, sdk.FRAMED_LIMIT) == (c.RESULT_LIMIT_BYTES, c.FRAMED_LIMIT_BYTES)
    assert sdk.METADATA_LIMIT == acceptance.METADATA_LIMIT
    codes = reported.PERMANENT_EXIT_CODES
    assert codes == sdk.PERMANENT_EXIT_CODES
    assert f"| {codes.start} to {codes.stop - 1} |" in PAGE


def test_every_command_of_the_conformance_test_has_its_row() -> None:
    asked = {case.fields["context"]["do"] for case in CASES}
    assert set(rows("Test your program")) - {"do"} == asked
    assert f"{len(CASES)} of {len(CASES)} cases" in PAGE
