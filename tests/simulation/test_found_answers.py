"""Plans in which a human's answer lost against what the operator had not heard, each kept as it was found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.plan import Act, DelayWatch, DeleteTask, Kill, Mishap, NoAnswer, Obj, Outcome, Usurp
from tests.simulation.scenes import DECLINED, WORK, played

AWAY = Kill(5.0, 0, 15.0)
DEAF = DelayWatch(1.2, "taskactions", 60.0, 5.0)


def asking(on_timeout: str) -> list[Obj]:
    ask = {"name": "ok", "approval": {"timeout": "10s", "onTimeout": on_timeout}}
    return [ask, {"name": "pay", **WORK, "dependsOn": ["ok"]}]


@pytest.mark.parametrize("mishap", [AWAY, DEAF])
@pytest.mark.parametrize("on_timeout", ["Approve", "Skip"])
def test_a_no_that_was_given_in_time_is_heard_before_the_timeout_says_yes(on_timeout: str, mishap: Mishap) -> None:
    no = Act(9.0, "t", "Reject", {"step": "ok"})
    report = played(asking(on_timeout), {}, mishap, no, template={"failureStrategy": "Abort"})
    assert report.violation is None
    assert report.ends == {"t": ("Error", "Aborted")}
    assert report.executions == []


@pytest.mark.parametrize("mishap", [AWAY, DEAF])
def test_a_yes_that_was_given_in_time_is_heard_before_the_timeout_says_no(mishap: Mishap) -> None:
    report = played(asking("Fail"), {}, mishap, Act(9.0, "t", "Approve", {"step": "ok"}))
    assert report.violation is None
    assert report.ends == {"t": ("Complete", "Succeeded")}
    assert len(report.executions) == 1


def too_early(*mishaps: Mishap, **plan: Any) -> None:
    """A step that fails is retried by an action that was refused while it ran: it never is."""
    steps = [{"name": "a", **WORK, "retry": {"maxAttempts": 1}}]
    outcomes = (Outcome(1.5, DECLINED.document, 1), Outcome(1.0, {"result": 1}))
    blocked = {"failureStrategy": "Abort", "blockedTimeout": "60s"}
    report = played(steps, {"a": outcomes}, *mishaps, template=blocked, **plan)
    assert report.violation is None
    assert report.ends == {"t": ("Error", "Aborted")}
    assert len(report.executions) == 1


@pytest.mark.parametrize("nth", range(20, 27))
def test_an_action_whose_refusal_got_no_answer_is_not_applied_later(nth: int) -> None:
    deaf = DelayWatch(2.601, "taskactions", 60.0, 5.0)
    too_early(deaf, Act(2.6, "t", "Retry", {"step": "a"}), NoAnswer(nth, "done", at_once=True))


@pytest.mark.parametrize("at", [3.3, 4.0, 5.0])
def test_an_action_that_another_leader_has_refused_is_not_applied_later(at: float) -> None:
    deaf = DelayWatch(1.2, "taskactions", 60.0, 2.0)
    too_early(deaf, Act(3.0, "t", "Retry", {"step": "a"}), Usurp(at), operators=2)


@pytest.mark.parametrize("nth", range(28, 31))
@pytest.mark.parametrize("at", [20.5, 22.0])
def test_a_task_that_is_being_deleted_is_not_taken_up_again(nth: int, at: float) -> None:
    steps = [
        {"name": "z", **WORK, "compensation": {}},
        {"name": "a", **WORK, "dependsOn": ["z"], "retry": {"maxAttempts": 1}},
    ]
    script = {"a": (DECLINED, Outcome(60.0, {"result": 1})), "z~": (Outcome(60.0),)}
    late, again = NoAnswer(nth, "late", 45.0), Act(at, "t", "Retry", {"step": "a"})
    report = played(
        steps,
        script,
        DeleteTask(20.0, "t"),
        late,
        again,
        template={"failureStrategy": "Abort"},
        deletionPolicy="Compensate",
    )
    assert report.violation is None
    assert report.ends == {}
    assert len(report.executions) == 2
