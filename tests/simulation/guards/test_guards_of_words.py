"""The guards of actions and of the history, each with a story that holds and the same with one thing forged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubesaga.api import constants as c
from kubesaga.api.history import HISTORY_KEY, history_name
from tests.guarantees.identifiers import Guarantee
from tests.simulation.guards.forging import NAMESPACE, OPERATOR, Forge
from tests.simulation.guards.moves import enqueue, move
from tests.simulation.guards.stories import breaks, step
from tests.simulation.plan import Obj

# --- actions ----------------------------------------------------------------------------------------------------------


def failed_with_action() -> tuple[Forge, Obj]:
    """A step has failed, and a human asks for a retry."""
    forge = Forge(step("a"))
    forge.start()
    forge.fail("a")
    forge.write(state="BlockedByFailures", by=("StepFinished", "PermanentFailure"))
    return forge, forge.act("again", "Retry", step="a")


def apply(forge: Forge, action: Obj, **fields: Any) -> None:
    """The action's effect, and what is on record of it."""
    moves = (move("a", "Reset", "Enqueue", to="Enqueued", attempt=2, retryBase=1),)
    by = ("Woken", "StepsReady", "StepsEnqueued")
    forge.write(*moves, state="StepsInProcess", by=by, **{"actions": [forge.record(action)], **fields})


def test_an_action_is_applied_once_and_answered_as_it_was() -> None:
    forge, action = failed_with_action()
    apply(forge, action)
    forge.answer(action, "Applied")
    unsaid, action = failed_with_action()
    apply(unsaid, action, actions=None)
    with breaks(Guarantee.ACTIONS_APPLIED_ONCE):
        unsaid.answer(action, "Applied")
    denied, action = failed_with_action()
    apply(denied, action)
    with breaks(Guarantee.ACTIONS_APPLIED_ONCE):
        denied.answer(action, "Rejected")


def test_an_action_is_not_applied_again_after_it_was_forgotten() -> None:
    forge, action = failed_with_action()
    apply(forge, action)
    known = forge.task()["status"]["actions"]
    forge.write(actions=None)  # others have pushed it out
    with breaks(Guarantee.ACTIONS_APPLIED_ONCE):
        forge.write(actions=known)


def test_an_action_is_recorded_once_and_its_record_stays_as_it_is() -> None:
    forge, action = failed_with_action()
    apply(forge, action)
    known = forge.task()["status"]["actions"]
    with breaks(Guarantee.ACTIONS_APPLIED_ONCE):
        forge.write(actions=[*known, *known])
    forge, action = failed_with_action()
    apply(forge, action)
    with breaks(Guarantee.ACTIONS_APPLIED_ONCE):
        forge.write(actions=[{**known[0], "message": "another"}])


def test_what_was_rejected_is_not_applied_and_an_answer_stays() -> None:
    forge, action = failed_with_action()
    forge.answer(action, "Rejected")
    with breaks(Guarantee.ACTIONS_APPLIED_ONCE):
        apply(forge, action)
    forge, action = failed_with_action()
    apply(forge, action)
    forge.answer(action, "Applied")
    with breaks(Guarantee.ACTIONS_APPLIED_ONCE):
        forge.answer(action, "Rejected")


# --- history ----------------------------------------------------------------------------------------------------------


def test_every_move_is_on_record() -> None:
    forge = Forge(step("a"))
    forge.start()
    forge.do("a")
    for forged in (
        move("a", "Enqueue", to="Enqueued", attempt=1, silent=True),  # unsaid
        move("a", "Start", to="InProgress"),  # not from Pending
    ):
        forge = Forge(step("a"))
        forge.start()
        with breaks(Guarantee.HISTORY_IS_WHOLE):
            forge.write(forged)


@pytest.mark.parametrize("by", [(), ("GiveUp",)])
def test_a_task_moves_by_the_tables(by: tuple[str, ...]) -> None:
    forge = Forge(step("a"))
    forge.start(enqueue("a"))
    with breaks(Guarantee.HISTORY_IS_WHOLE):
        forge.write(state="Error", by=by)


def test_nothing_of_the_history_is_lost_or_changed() -> None:
    for forge_entries in (lambda kept: kept[1:], lambda kept: [{**kept[0], "to": "Compensating"}, *kept[1:]]):
        forge = Forge(step("a"))
        forge.start()
        forge.do("a")
        kept = forge.task()["status"]["transitions"]
        with breaks(Guarantee.HISTORY_IS_WHOLE):
            forge.write(message="forged", transitions=forge_entries(kept))


@pytest.mark.parametrize("stored", ["whole", "in part", "not at all"])
def test_what_leaves_the_status_stands_in_a_block(stored: str) -> None:
    forge = Forge(step("a"))
    forge.start()
    forge.do("a")
    task = forge.task()
    kept = task["status"]["transitions"]
    block = kept[:2] if stored == "whole" else kept[:1]
    if stored != "not at all":
        labels = {c.LABEL_TASK_UID: task["metadata"]["uid"], c.LABEL_CONTENT: c.CONTENT_HISTORY}
        meta = {"name": history_name("t", task["metadata"]["uid"], 0), "labels": labels}
        data = {HISTORY_KEY: json.dumps(block)}
        forge.server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}, user=OPERATOR)
    if stored == "whole":
        forge.write(message="moved", transitions=kept[2:], historyBlocks=1)
        forge.succeed()
        forge.guards.at_rest()
        return
    with breaks(Guarantee.HISTORY_IS_WHOLE):
        forge.write(message="moved", transitions=kept[2:], historyBlocks=1)


@pytest.mark.parametrize("content", [c.CONTENT_RESULT, c.CONTENT_HISTORY, c.CONTENT_INPUT])
def test_what_a_status_refers_to_is_not_deleted_while_the_task_is_there(content: str) -> None:
    forge = Forge(step("a"))
    forge.start()
    labels = {c.LABEL_TASK_UID: forge.task()["metadata"]["uid"], c.LABEL_CONTENT: content}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large", "labels": labels}}
    forge.server.create(body, user=OPERATOR)
    if content == c.CONTENT_INPUT:
        forge.server.delete("configmaps", NAMESPACE, "large", user=OPERATOR)
    elif content == c.CONTENT_RESULT:
        with breaks(Guarantee.DONE_WORK_IS_KEPT):
            forge.server.delete("configmaps", NAMESPACE, "large", user=OPERATOR)
    else:
        with breaks(Guarantee.HISTORY_IS_WHOLE):
            forge.server.delete("configmaps", NAMESPACE, "large", user=OPERATOR)
