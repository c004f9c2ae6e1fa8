"""One Task on a page."""

from __future__ import annotations

from dataclasses import replace

from kubesaga.cli.views.page import page
from kubesaga.cli.views.story import Story
from kubesaga.engine.records import ResultRef
from kubesaga.engine.vocabulary import ActionType
from tests.cli import stories
from tests.cli.recorded import BEGUN, task


def sections(lines: list[str]) -> dict[str, list[str]]:
    """The lines under each heading."""
    found: dict[str, list[str]] = {"": []}
    heading = ""
    for line in lines:
        if line and not line.startswith(" ") and line.endswith(":"):
            heading = line[:-1]
            found[heading] = []
        elif line:
            found[heading].append(line.strip())
    return found


def test_a_compensated_task_shows_steps_errors_and_what_was_undone() -> None:
    found = sections(page(stories.told(stories.compensated(), initiator="ada", context={"order": 1}), BEGUN + 600))
    assert "State:       Error, outcome Compensated" in found[""]
    assert 'Context:     {"order": 1}' in found[""]
    assert found["Steps"][0].split() == ["STEP", "STATE", "ATTEMPTS", "TIME"]
    assert len(found["Steps"]) == 9
    assert found["Errors"] == ["mail, attempt 1: NoServer: it broke", "ship, attempt 1: NoTruck: it broke"]
    assert found["Compensation"] == ["due because: Failed", "charge: Complete", "reserve: Complete, after charge"]
    assert "Waits for" not in found


def test_a_task_that_waits_says_for_what_and_what_comes() -> None:
    found = sections(page(stories.told(stories.unanswered()), BEGUN + 60))
    assert found["Waits for"] == ["a human's answer to the approval signature (56s ago)"]
    assert found["Next"][0] == "2026-01-02 04:04:09 UTC  without an answer to signature it fails"


def test_who_intervened_is_told_with_their_reason() -> None:
    played = stories.unanswered()
    played.applied(ActionType.APPROVE, "signature", requested_by="ada", reason="looks right")
    played.run()
    found = sections(page(stories.told(played), BEGUN + 60))
    (line,) = found["Actions"]
    assert line.endswith("Approve signature by ada (looks right): signature is approved")
    assert found["Result"] == [
        '{"mail": {"mail": 1}, "signature": {"approved": true, "by": "ada", "reason": "looks right"}}'
    ]


def test_the_error_of_the_attempt_before_has_its_number() -> None:
    found = sections(page(stories.told(stories.tried_again()), BEGUN + 60))
    assert "ship, attempt 1: NoTruck: it broke" in found["Errors"]


def test_what_was_abandoned_is_named() -> None:
    played = stories.stuck()
    played.applied(ActionType.ABANDON, requested_by="ada")
    played.run()
    found = sections(page(stories.told(played), BEGUN))
    assert found["Compensation"] == [
        "due because: Failed",
        "charge: Error, left as it is",
        "reserve: Cancelled, left as it is, after charge",
    ]


def test_a_task_that_nobody_has_looked_at_has_a_page_too() -> None:
    found = sections(page(Story.of(task()), BEGUN))
    assert found["Waits for"] == ["an operator that takes it up: none has looked at it yet (just now)"]
    assert "Steps" not in found


def test_a_large_result_is_named_by_its_place() -> None:
    story = stories.told(stories.compensated())
    large = replace(story, status=replace(story.status, result=ResultRef("order-1-result", "00", 5000)))
    assert sections(page(large, BEGUN))["Result"] == ["5000 bytes in ConfigMap order-1-result"]
