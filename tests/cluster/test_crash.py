"""The operator killed with SIGKILL at five moments of the example and between actions, then at no moment in particular.

Each test kills it at its moment, lets the world go on without it, starts it again, and asks the Jobs and the
warehouse's books whether anything was forgotten or done twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from kubesaga.api.constants import LABEL_TASK_UID
from tests.cluster import tasks
from tests.cluster.actions import ACTION, action, answer
from tests.cluster.installation import suspended
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.operator_process import OperatorProcess
from tests.cluster.orders import STEPS, Books, open_warehouse, order
from tests.cluster.quotas import leave_no_room, leave_room_again

pytestmark = pytest.mark.alone

BANKS_PAUSE = 1.0
"""Seconds that the busy bank asks to wait."""


@dataclass(frozen=True)
class Yard:
    """A namespace with an open warehouse, and an operator that a test may kill."""

    kubectl: Kubectl
    operator: OperatorProcess

    def send(self, name: str, customer: str) -> None:
        """Have an order begun."""
        self.kubectl.apply(order(name, customer))

    def when(self, name: str, met: Callable[[Manifest], object], what: str) -> Manifest:
        """Wait for a moment in an order's life."""
        return self.kubectl.until(tasks.TASK, name, met, what)

    def let_jobs_end(self, name: str) -> None:
        """Wait until every Job that the order has now is over, while nobody looks after it."""
        uid = self.kubectl.get(tasks.TASK, name)["metadata"]["uid"]
        self.kubectl.until_listed("jobs", f"{LABEL_TASK_UID}={uid}", _all_over, "over")

    def assert_succeeds(self, name: str) -> Manifest:
        """See the order through, and prove that nothing was forgotten or done twice."""
        found = self.when(name, tasks.ended, "finished")
        assert tasks.end_of(found) == ("Complete", "Succeeded")
        assert set(tasks.states(found)) == set(STEPS)
        tasks.assert_nothing_ran_twice(self.kubectl, found)
        books = Books.read(self.kubectl)
        books.assert_nothing_was_asked_twice(name)
        assert sorted(books.entries(name)) == ["charge", "confirm", "reserve", "ship"]
        return found


@pytest.fixture(scope="module")
def empty_yard(operator: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """The warehouse, open, with no operator on the cluster, nor anywhere yet."""
    with suspended(operator), fresh_namespace(operator) as kubectl:
        open_warehouse(kubectl)
        yield Yard(kubectl, OperatorProcess(kubectl, tmp_path_factory.mktemp("operator") / "log"))


@pytest.fixture
def yard(empty_yard: Yard) -> Iterator[Yard]:
    """The yard without an operator, and without one after the test."""
    yield empty_yard
    empty_yard.operator.close()


@pytest.fixture
def running(yard: Yard) -> Yard:
    """The yard with a running operator."""
    yard.operator.start()
    return yard


def test_killed_at_its_start_while_steps_run_and_while_a_retry_is_due_a_task_is_done_once(running: Yard) -> None:
    running.send("struck", "carol")
    running.when("struck", lambda t: t.get("status", {}).get("transitions"), "started")
    running.operator.kill()
    running.operator.start()
    running.when("struck", lambda t: tasks.step(t, "charge_payment").get("attempt"), "charging")
    running.operator.kill()
    running.let_jobs_end("struck")  # they are found afterwards
    running.operator.start()
    running.when(
        "struck", lambda t: tasks.step(t, "charge_payment").get("state") == "WaitingForRetry", "waiting for a retry"
    )
    running.operator.kill()
    time.sleep(BANKS_PAUSE)  # the retry falls due while nobody is there
    running.operator.start()
    found = running.assert_succeeds("struck")
    events = [event for each in found["status"]["transitions"] if "step" not in each for event in each["events"]]
    assert events.count("Start") == 1
    assert tasks.step(found, "reserve_inventory")["attempt"] == 1
    assert tasks.step(found, "charge_payment")["attempt"] == 2


def test_killed_between_a_recorded_intent_and_its_job_the_job_is_created(running: Yard) -> None:
    # With no room for Jobs the operator gets just so far: the attempt is on record, its Job is not there.
    leave_no_room(running.kubectl, "count/jobs.batch")
    running.send("between", "carol")
    recorded = running.when("between", lambda t: tasks.step(t, "validate_order").get("jobName"), "on record")
    running.operator.kill()
    assert tasks.jobs_of(running.kubectl, recorded) == []
    leave_room_again(running.kubectl)
    running.operator.start()
    found = running.assert_succeeds("between")
    first = tasks.step(found, "validate_order")
    assert (first["attempt"], first["jobName"]) == (1, tasks.step(recorded, "validate_order")["jobName"])


def test_killed_while_compensating_everything_is_undone_once(running: Yard) -> None:
    before = Books.read(running.kubectl)
    running.send("undoing", "mallory")
    frozen = running.when("undoing", lambda t: t.get("status", {}).get("state") == "Compensating", "compensating")
    running.operator.kill()
    running.let_jobs_end("undoing")
    running.operator.start()
    found = running.when("undoing", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Error", "Compensated")
    assert found["status"]["compensation"] == frozen["status"]["compensation"]
    tasks.assert_nothing_ran_twice(running.kubectl, found)
    after = Books.read(running.kubectl)
    after.assert_nothing_was_asked_twice("undoing")
    assert sorted(after.entries("undoing")) == ["charge", "refund", "release", "reserve"]
    assert (after.stock, after.accounts) == (before.stock, before.accounts)


def test_killed_between_actions_each_of_them_applies_once(yard: Yard) -> None:
    names = [f"blocked-{number}" for number in range(4)]
    fails = tasks.template("fails", tasks.sh("work", "exit 65"), blockedTimeout="1h")
    yard.operator.start()
    yard.kubectl.apply(fails, *(tasks.task(name, of="fails") for name in names))
    for name in names:
        yard.when(name, lambda t: t.get("status", {}).get("state") == "BlockedByFailures", "blocked")
    yard.operator.kill()
    retries = [action(yard.kubectl, name, "Retry", "work") for name in names]
    yard.kubectl.create(*retries)
    # Each of the first lives ends once it has recorded an action: its answer, and the others, are left to the next.
    for name in names[:2]:
        yard.operator.start()
        yard.when(name, lambda t: t["status"].get("actions"), "acted upon")
        yard.operator.kill()
    yard.operator.start()
    for name, retry in zip(names, retries, strict=True):
        assert answer(yard.kubectl, retry)[0] == "Applied"
        found = yard.when(name, _blocked_after_a_retry, "blocked again")
        assert [each["uid"] for each in found["status"]["actions"]] == [_uid(yard.kubectl, retry)]
        tasks.assert_nothing_ran_twice(yard.kubectl, found)


def test_killed_again_and_again_every_order_is_done_or_undone_once(yard: Yard) -> None:
    before = Books.read(yard.kubectl)
    yard.send("battered", "carol")
    yard.send("shattered", "mallory")
    # An operator needs a second and more to start, so that each of these lives does a little, and some do nothing.
    for life in (1.5, 2.3, 1.8, 2.1, 1.6, 2.5):
        yard.operator.start()
        time.sleep(life)
        yard.operator.kill()
    yard.operator.start()
    yard.assert_succeeds("battered")
    found = yard.when("shattered", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Error", "Compensated")
    tasks.assert_nothing_ran_twice(yard.kubectl, found)
    after = Books.read(yard.kubectl)
    after.assert_nothing_was_asked_twice("shattered")
    assert sorted(after.entries("shattered")) == ["charge", "refund", "release", "reserve"]
    assert (after.stock["kettle"], after.accounts["mallory"]) == (before.stock["kettle"], before.accounts["mallory"])


def _blocked_after_a_retry(task: Manifest) -> bool:
    return bool(task["status"]["state"] == "BlockedByFailures" and tasks.step(task, "work")["attempt"] == 2)


def _uid(kubectl: Kubectl, manifest: Manifest) -> str:
    return str(kubectl.get(ACTION, tasks.name_of(manifest))["metadata"]["uid"])


def _all_over(jobs: list[Manifest]) -> bool:
    ends = {"Complete", "Failed"}
    return all(any(each["type"] in ends for each in job["status"].get("conditions", ())) for job in jobs)
