"""Services: built once, closed in reverse order whatever happens, and told whether the handler failed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Timer
from typing import Any

import pytest

from kubesaga_sdk import ConfigurationError, Services, provider
from kubesaga_sdk.attempt import run_attempt
from kubesaga_sdk.step_input import complete
from tests.sdk.samples import service_handlers as samples
from tests.sdk.support import Ended, run, start, step_input


def ran(folder: Path, name: str, **context: Any) -> Ended:
    return run(folder, step_input(f"service_handlers:{name}", context=context))


def test_a_service_is_built_once_and_closed_after_the_handler(tmp_path: Path) -> None:
    ended = ran(tmp_path, "Uses")
    assert (ended.exit_code, ended.document) == (0, {"result": True})
    assert ended.stdout.splitlines() == ["settings made", "connected", "committed", "disconnected"]


def test_asynchronous_services_end_before_what_they_stand_on(tmp_path: Path) -> None:
    ended = ran(tmp_path, "UsesLater")
    assert ended.document == {"result": True}
    assert ended.stdout.splitlines() == [
        "settings made", "connected", "session begun", "session ended", "committed", "disconnected",
    ]  # fmt: skip


def test_the_handlers_error_is_raised_in_its_services(tmp_path: Path) -> None:
    ended = ran(tmp_path, "Uses", fail=True)
    assert (ended.exit_code, ended.error["message"]) == (65, "declined")
    assert ended.stdout.splitlines()[2:] == ["rolled back: PermanentError", "disconnected"]


def test_a_result_that_is_none_is_an_error_to_the_services_too(tmp_path: Path) -> None:
    ended = ran(tmp_path, "ReturnsNoJson")
    assert ended.error["type"] == "InvalidResult"
    assert ended.stdout.splitlines()[2:] == ["rolled back: InvalidResult", "disconnected"]


@pytest.mark.parametrize("name", ["Uses", "UsesLater"])
def test_sigterm_closes_services(tmp_path: Path, name: str) -> None:
    step = start(tmp_path, step_input(f"service_handlers:{name}", context={"wait": True}))
    assert step.process.stdout is not None
    assert "ready\n" in step.process.stdout  # Reads up to there.
    step.interrupt()
    ended = step.end()
    assert (ended.exit_code, ended.error["type"]) == (143, "Terminated")
    assert ended.stdout.splitlines() == ["rolled back: StepTerminated", "disconnected"]


def test_a_service_that_cannot_be_closed_fails_the_attempt(tmp_path: Path) -> None:
    ended = ran(tmp_path, "UsesAStubbornOne")
    assert (ended.exit_code, ended.error["type"], ended.error["retryable"]) == (1, "ConnectionResetError", True)
    assert "disconnected" in ended.stdout


def test_the_handlers_own_error_is_not_hidden_by_one_of_closing(tmp_path: Path) -> None:
    ended = ran(tmp_path, "UsesAStubbornOne", fail=True)
    assert ended.error["message"] == "declined"
    assert "rolled back: PermanentError" in ended.stdout


def test_a_type_without_a_provider_says_what_to_do(tmp_path: Path) -> None:
    ended = ran(tmp_path, "UsesWhatNobodyMakes")
    assert (ended.exit_code, ended.error["code"], ended.error["retryable"]) == (78, "NoProvider", False)
    assert "nothing provides service_handlers.Connexion (did you mean Connection?)" in ended.error["message"]
    assert "@provider(Connexion)" in ended.error["message"]


def test_an_asynchronous_provider_needs_an_asynchronous_handler(tmp_path: Path) -> None:
    ended = ran(tmp_path, "AsksTooEarly")
    assert (ended.exit_code, ended.error["code"]) == (78, "ProviderIsAsynchronous")


def test_a_tests_stand_in_takes_the_services_place(capsys: pytest.CaptureFixture[str]) -> None:
    document = complete(step_input("tests.sdk.samples.service_handlers:Uses"), "the test's input")
    fake = samples.Connection("fake")
    services = Services({samples.Connection: fake})
    assert run_attempt(document, services).exit_code == 0
    assert services.get(samples.Connection) is fake
    services.close()
    assert capsys.readouterr().out == ""


def test_attempts_in_one_process_can_share_services(capsys: pytest.CaptureFixture[str]) -> None:
    document = complete(step_input("tests.sdk.samples.service_handlers:Uses"), "the test's input")
    services = Services()
    assert [run_attempt(document, services).exit_code for _ in range(3)] == [0, 0, 0]
    assert capsys.readouterr().out.splitlines() == ["settings made", "connected"]
    services.close()
    assert capsys.readouterr().out.splitlines() == ["committed", "disconnected"]


def test_threads_that_ask_at_once_get_the_same() -> None:
    class Slow: ...

    made: list[Slow] = []

    @provider(Slow)
    def make() -> Slow:
        made.append(Slow())
        return made[-1]

    services, barrier = Services(), Barrier(8)

    def ask(_number: int) -> Slow:
        barrier.wait()
        return services.get(Slow)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == set(made)
    assert len(made) == 1


def test_a_thread_and_an_event_loop_that_ask_at_once_get_the_same() -> None:
    class Slow: ...

    made: list[Slow] = []
    begun, go_on = Event(), Event()

    @provider(Slow)
    def make() -> Iterator[Slow]:
        begun.set()
        assert go_on.wait(60)
        made.append(Slow())
        yield made[-1]

    async def ask() -> list[Slow]:
        services = Services()
        in_thread = asyncio.ensure_future(asyncio.to_thread(services.get, Slow))
        await asyncio.to_thread(begun.wait, 60)
        Timer(0.05, go_on.set).start()
        found = [await services.aget(Slow), await in_thread]
        services.close()
        return found

    assert set(asyncio.run(ask())) == set(made)
    assert len(made) == 1


def test_tasks_that_ask_at_once_get_the_same() -> None:
    class Slow: ...

    made: list[Slow] = []

    @provider(Slow)
    async def make() -> Slow:
        await asyncio.sleep(0)
        made.append(Slow())
        return made[-1]

    async def ask() -> list[Slow]:
        services = Services()
        return list(await asyncio.gather(*(services.aget(Slow) for _ in range(8))))

    assert len(set(asyncio.run(ask()))) == len(made) == 1


def test_one_that_could_not_be_built_is_built_anew_for_the_next() -> None:
    class Flaky: ...

    failures = [ConnectionRefusedError("down")]

    @provider(Flaky)
    async def make() -> Flaky:
        await asyncio.sleep(0)
        if failures:
            raise failures.pop()
        return Flaky()

    async def ask() -> list[Any]:
        services = Services()
        return list(await asyncio.gather(*(services.aget(Flaky) for _ in range(2)), return_exceptions=True))

    first, second = asyncio.run(ask())
    assert (type(first), type(second)) == (ConnectionRefusedError, Flaky)


def test_services_in_a_circle_are_named() -> None:
    class Hen: ...

    class Egg: ...

    @provider(Hen)
    def hatch(services: Services) -> Hen:
        services.get(Egg)
        return Hen()

    @provider(Egg)
    def lay(services: Services) -> Egg:
        services.get(Hen)
        return Egg()

    with pytest.raises(ConfigurationError, match=r"Hen → .*Egg → .*Hen"):
        Services().get(Hen)


def test_two_providers_of_one_type_are_refused() -> None:
    class Shared: ...

    @provider(Shared)
    def one() -> Shared:
        return Shared()

    with pytest.raises(ValueError, match=r"is provided by .*one already, not by .*two as well"):

        @provider(Shared)
        def two() -> Shared:
            return Shared()


def test_an_asynchronous_service_outlives_no_event_loop() -> None:
    services = Services()
    asyncio.run(_left_open(services))
    with pytest.raises(RuntimeError, match="call aclose"):
        services.close()


async def _left_open(services: Services) -> None:
    await services.aget(samples.Session)


@pytest.fixture(autouse=True)
def _quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    capsys.readouterr()
