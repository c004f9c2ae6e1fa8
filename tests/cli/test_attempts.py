"""The attempts that the history tells of."""

from __future__ import annotations

from kubesaga.cli.views.attempts import attempts, from_moves
from kubesaga.cli.views.story import Move
from kubesaga.engine.vocabulary import Role, StepOutcome
from tests.cli import stories
from tests.cli.recorded import BEGUN


def test_every_attempt_is_there_in_the_order_of_launch() -> None:
    found = attempts(stories.told(stories.compensated()))
    assert [(each.step, str(each.role), each.number) for each in found] == [
        ("reserve", "forward", 1),
        ("charge", "forward", 1),
        ("mail", "forward", 1),
        ("charge", "forward", 2),
        ("ship", "forward", 1),
        ("charge", "compensation", 1),
        ("charge", "compensation", 2),
        ("reserve", "compensation", 1),
        ("bye", "forward", 1),
    ]


def test_a_failed_attempt_keeps_its_error_after_the_next_one_succeeded() -> None:
    found = attempts(stories.told(stories.compensated()))
    first, second = (each for each in found if (each.step, each.role) == ("charge", Role.FORWARD))
    assert (first.outcome, first.message) == (StepOutcome.FAILED, "Declined: it broke")
    assert (second.outcome, second.message) == (StepOutcome.SUCCEEDED, "")


def test_the_latest_attempt_has_the_moments_of_its_container() -> None:
    reserve = attempts(stories.told(stories.waiting_for_retry()))[0]
    assert (reserve.enqueued_at, reserve.started_at, reserve.ended_at) == (BEGUN, BEGUN + 0.5, BEGUN + 1.5)
    assert reserve.seconds == 1.0


def test_an_attempt_that_was_seen_started_and_ended_at_once_counts_from_its_launch() -> None:
    moves = [
        Move(10.0, ("Enqueue",), "Pending", "Enqueued", "a", attempt=1),
        Move(14.0, ("Start", "Failed", "ScheduleRetry"), "Enqueued", "WaitingForRetry", "a", attempt=1, message="no"),
    ]
    (only,) = from_moves(moves)
    assert (only.seconds, only.message) == (4.0, "no")


def test_two_attempts_in_one_decision_are_two() -> None:
    moves = [
        Move(1.0, ("Enqueue",), "Pending", "Enqueued", "a", attempt=1),
        Move(2.0, ("Start", "Failed", "ScheduleRetry", "RetryDue", "Enqueue"), "Enqueued", "Enqueued", "a", attempt=2),
        Move(3.0, ("Start", "Succeeded", "Accept"), "Enqueued", "Complete", "a", attempt=2),
    ]
    assert [(each.number, each.outcome) for each in from_moves(moves)] == [
        (1, StepOutcome.FAILED),
        (2, StepOutcome.SUCCEEDED),
    ]


def test_a_history_whose_beginning_is_gone_still_tells_the_rest() -> None:
    (only,) = from_moves([Move(5.0, ("Succeeded", "Accept"), "InProgress", "Complete", "a", attempt=7)])
    assert (only.number, only.outcome, only.enqueued_at, only.seconds) == (7, StepOutcome.SUCCEEDED, None, None)


def test_a_refused_result_is_a_failed_attempt() -> None:
    moves = [
        Move(1.0, ("Enqueue",), "Pending", "Enqueued", "a", attempt=1),
        Move(2.0, ("Start", "Succeeded", "Refuse", "Fail"), "Enqueued", "Error", "a", attempt=1, message="bad shape"),
    ]
    (only,) = from_moves(moves)
    assert (only.outcome, only.message) == (StepOutcome.FAILED, "bad shape")


def test_what_a_human_settles_later_does_not_change_how_the_attempt_ended() -> None:
    moves = [
        Move(1.0, ("Enqueue",), "Pending", "Enqueued", "a", attempt=1),
        Move(2.0, ("Start", "Failed", "Fail"), "Enqueued", "Error", "a", attempt=1, message="no"),
        Move(9.0, ("CompleteManually",), "Error", "Complete", "a", attempt=1),
    ]
    (only,) = from_moves(moves)
    assert (only.outcome, only.ended_at) == (StepOutcome.FAILED, 2.0)


def test_a_skipped_step_has_no_attempt() -> None:
    assert from_moves([Move(1.0, ("Skip",), "Pending", "Complete", "a")]) == []
