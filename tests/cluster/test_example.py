"""The main job: the example by `kubectl apply` of its folder, ending as its page says.

The folder is applied once for all of these tests, and everything that they look at is read once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from kubesaga.api.constants import LABEL_TASK_UID
from tests.cluster import tasks
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.orders import FOLDER, MADE_AND_UNDONE, Books

SUCCEEDS, COMPENSATED, REFUSED = "order-succeeds", "order-compensated", "order-refused"


@dataclass(frozen=True)
class Story:
    """The example after it is over."""

    kubectl: Kubectl
    tasks: dict[str, Manifest]
    jobs: list[Manifest]
    books: Books
    table: list[list[str]]

    def jobs_of(self, name: str) -> list[Manifest]:
        """The Jobs of one of the Tasks."""
        uid = self.tasks[name]["metadata"]["uid"]
        return [job for job in self.jobs if job["metadata"]["labels"][LABEL_TASK_UID] == uid]


@pytest.fixture(scope="module")
def story(operator: Kubectl) -> Iterator[Story]:
    """The folder applied, and all of its Tasks at their ends."""
    with fresh_namespace(operator) as kubectl:
        kubectl.run("apply", "-f", str(FOLDER))
        kubectl.run("wait", "--for=condition=Finished", "ktask", "--all", f"--timeout={2 * PATIENCE:g}s")
        yield Story(
            kubectl=kubectl,
            tasks={tasks.name_of(found): found for found in kubectl.get_all(tasks.TASK)},
            jobs=kubectl.get_all("jobs"),
            books=Books.read(kubectl),
            table=[line.split() for line in kubectl.run("get", "ktask").splitlines()],
        )


def test_waiting_for_the_condition_finished_ends_for_every_task(story: Story) -> None:
    ends = {name: tasks.condition(found, "Finished")["status"] for name, found in story.tasks.items()}
    assert ends == {SUCCEEDS: "True", COMPENSATED: "True", REFUSED: "True"}


def test_the_conditions_tell_the_good_end_from_the_bad_ones(story: Story) -> None:
    good = {name: tasks.condition(found, "Succeeded")["status"] for name, found in story.tasks.items()}
    assert good == {SUCCEEDS: "True", COMPENSATED: "False", REFUSED: "False"}
    assert tasks.condition(story.tasks[SUCCEEDS], "Ready")["status"] == "True"
    assert tasks.condition(story.tasks[COMPENSATED], "Stalled")["reason"] == "Compensated"


def test_the_first_order_succeeds(story: Story) -> None:
    found = story.tasks[SUCCEEDS]
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert found["status"]["progress"] == "5/5"
    confirmation = found["status"]["result"]["send_confirmation"]["confirmation"]
    assert confirmation.endswith(":confirm")
    assert story.books.entries(SUCCEEDS)[-2:] == ["ship", "confirm"]
    assert set(story.books.entries(SUCCEEDS)) == {"reserve", "charge", "ship", "confirm"}


def test_the_busy_bank_costs_the_first_order_a_second_attempt(story: Story) -> None:
    charge = tasks.step(story.tasks[SUCCEEDS], "charge_payment")
    asked = story.books.requests_of(SUCCEEDS, "charge_payment")
    assert [each["status"] for each in asked] == [503, 201]
    # Where the warehouse was still starting, an attempt before these two never reached it.
    assert [each["attempt"] for each in asked] == [charge["attempt"] - 1, charge["attempt"]]
    assert charge["attempt"] >= 2


def test_every_attempt_of_a_step_sends_the_same_idempotency_key(story: Story) -> None:
    for name in (SUCCEEDS, COMPENSATED):
        for each in ("reserve_inventory", "charge_payment", "ship_order", "send_confirmation"):
            forward = [r for r in story.books.requests_of(name, each) if r["path"].count("/") == 1]
            assert len({r["idempotencyKey"] for r in forward}) <= 1
    first, second = story.books.requests_of(SUCCEEDS, "charge_payment")
    assert first["idempotencyKey"] == second["idempotencyKey"]


def test_the_second_order_fails_in_shipping_and_is_undone(story: Story) -> None:
    found = story.tasks[COMPENSATED]
    assert tasks.end_of(found) == ("Error", "Compensated")
    assert tasks.error_of(found, "ship_order")["code"] == "SHIPPER_REFUSED"
    assert "the shipper does not deliver to mallory" in found["status"]["message"]
    assert tasks.step(found, "ship_order")["attempt"] == 1
    assert tasks.states(found)["send_confirmation"] == "Pending"


def test_compensations_run_in_reverse_order(story: Story) -> None:
    found = story.tasks[COMPENSATED]
    steps = ("ship_order", "reserve_inventory", "charge_payment")
    undone = {name: tasks.step(found, name)["compensation"] for name in steps}
    assert {each["state"] for each in undone.values()} == {"Complete"}
    for earlier in ("reserve_inventory", "charge_payment"):
        assert undone["ship_order"]["finishedAt"] <= undone[earlier]["enqueuedAt"]
    entries = story.books.entries(COMPENSATED)
    assert set(entries[:2]) == {"reserve", "charge"}
    assert set(entries[2:]) == {"release", "refund"}
    undoing = [each["step"] for each in story.books.requests if each["task"] == COMPENSATED][-3:]
    assert undoing[0] == "ship_order"


def test_each_thing_that_was_made_and_is_due_is_undone_once(story: Story) -> None:
    story.books.assert_nothing_was_asked_twice(COMPENSATED)
    entries = story.books.entries(COMPENSATED)
    made = [kind for kind in entries if kind in MADE_AND_UNDONE]
    assert sorted(entries) == sorted([*made, *(MADE_AND_UNDONE[kind] for kind in made)])


def test_the_books_are_back_where_they_were_but_for_the_order_that_succeeded(story: Story) -> None:
    assert story.books.stock == {"kettle": 100, "teapot": 98}
    accounts = {"alice": 100_000, "bob": 100_000, "carol": 100_000 - 5980, "mallory": 100_000}
    assert story.books.accounts == accounts


def test_the_third_order_is_refused_with_every_violation_and_without_a_job(story: Story) -> None:
    found = story.tasks[REFUSED]
    assert tasks.end_of(found) == ("Error", "InvalidRequest")
    message = found["status"]["message"]
    assert "/quantity: " in message
    assert "coupon" in message
    assert "Create a new Task" in message
    assert story.jobs_of(REFUSED) == []
    assert set(tasks.states(found).values()) == {"Pending"}


def test_there_is_one_job_for_each_attempt_on_record(story: Story) -> None:
    for name in (SUCCEEDS, COMPENSATED):
        found = story.tasks[name]
        tasks.assert_nothing_ran_twice(story.kubectl, found)
        latest = {each["jobName"] for each in found["status"]["steps"] if "jobName" in each}
        assert latest <= {tasks.name_of(job) for job in story.jobs_of(name)}
    names = [tasks.name_of(job) for job in story.jobs]
    assert len(names) == len(set(names))


def test_kubectl_get_tells_state_outcome_and_progress(story: Story) -> None:
    header, *rows = story.table
    assert header == ["NAME", "STATE", "OUTCOME", "PROGRESS", "TEMPLATE", "AGE"]
    assert [row[:5] for row in sorted(rows)] == [
        [COMPENSATED, "Error", "Compensated", "3/5", "order-fulfillment"],
        [REFUSED, "Error", "InvalidRequest", "0/5", "order-fulfillment"],
        [SUCCEEDS, "Complete", "Succeeded", "5/5", "order-fulfillment"],
    ]


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        (SUCCEEDS, {"TaskStarted", "StepRetry", "TaskSucceeded"}),
        (COMPENSATED, {"TaskStarted", "StepFailed", "Compensating", "TaskFailed"}),
        (REFUSED, {"InvalidRequest"}),
    ],
)
def test_kubernetes_events_tell_what_a_human_should_notice(story: Story, name: str, reasons: set[str]) -> None:
    def about(events: list[Manifest]) -> set[str]:
        return {each["reason"] for each in events if each["involvedObject"]["name"] == name}

    # Events are written behind the Task's status.
    story.kubectl.until_listed("events", "", lambda events: reasons <= about(events), f"{reasons}")
