"""Services under the runners: an attempt's own, closed at its end with its error, as in a pod."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from kubesaga_sdk import NetworkError, StepContext, StepHandler, provider
from kubesaga_sdk.workflow import AsyncRunner, Definition, ExecutionContext, Outcome, SyncRunner, TaskHandler
from kubesaga_sdk.workflow.retry import RetryPolicy
from kubesaga_sdk.workflow.task_handler import StepTemplates

TOLD: list[str] = []


class Books:
    """What a handler writes to."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()


class Session:
    """The same, asynchronous, on the books."""


class Stubborn:
    """Cannot be closed."""


@provider(Books)
def books() -> Iterator[Books]:
    """A transaction."""
    made = Books()
    try:
        yield made
    except BaseException as error:
        TOLD.append(f"rolled back: {type(error).__name__}")
        raise
    assert made.thread == threading.get_ident()
    TOLD.append("committed")


@provider(Session)
async def session() -> AsyncIterator[Session]:
    """Asynchronous."""
    yield Session()
    TOLD.append("session ended")


@provider(Stubborn)
def stubborn() -> Iterator[Stubborn]:
    """Fails when it is closed."""
    yield Stubborn()
    raise ConnectionResetError("the last words were lost")


class Writes(StepHandler):
    def call(self, context: StepContext) -> str:
        context.service(Books)
        if context.get_config("stubborn"):
            context.service(Stubborn)
        if not context.is_retry():
            raise NetworkError("the network is down")
        return "written"


class WritesLater(StepHandler):
    async def call(self, context: StepContext) -> str:
        await context.aservice(Books)
        await context.aservice(Session)
        if not context.is_retry():
            raise NetworkError("the network is down")
        return "written"


def flow(handler: type[StepHandler], **config: Any) -> TaskHandler:
    class Flow(TaskHandler):
        name = "flow"

        def define_step_templates(self, templates: StepTemplates) -> None:
            templates.define(name="write", handler=handler, config=config, retry_policy=RetryPolicy(2, delay=0))

    return Flow()


def here(workflow: Definition[Any]) -> Outcome[Any]:
    return SyncRunner().run(workflow, ExecutionContext({}))


def in_a_loop(workflow: Definition[Any]) -> Outcome[Any]:
    return asyncio.run(AsyncRunner().run(workflow, ExecutionContext({})))


def in_threads(workflow: Definition[Any]) -> Outcome[Any]:
    return asyncio.run(AsyncRunner(threads=True).run(workflow, ExecutionContext({})))


@pytest.fixture(autouse=True)
def nothing_told() -> None:
    TOLD.clear()


@pytest.mark.parametrize("run", [here, in_a_loop, in_threads])
class TestAPlainHandler:
    def test_has_its_services_closed_with_what_it_came_to(self, run: Callable[[Definition[Any]], Outcome[Any]]) -> None:
        outcome = run(flow(Writes))
        assert (outcome.results["write"], outcome.attempts) == ("written", {"write": 2})
        assert TOLD == ["rolled back: NetworkError", "committed"]

    def test_fails_where_one_cannot_be_closed(self, run: Callable[[Definition[Any]], Outcome[Any]]) -> None:
        outcome = run(flow(Writes, stubborn=True))
        assert (outcome.outcome, outcome.attempts) == ("Aborted", {"write": 2})
        assert outcome.errors[0].message == "the last words were lost"


def test_a_coroutine_has_both_kinds_of_services_closed_with_what_it_came_to() -> None:
    outcome = in_a_loop(flow(WritesLater))
    assert (outcome.results["write"], outcome.attempts) == ("written", {"write": 2})
    assert TOLD == ["rolled back: NetworkError", "session ended", "committed"]
