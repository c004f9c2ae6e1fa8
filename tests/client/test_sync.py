"""The blocking client: the same methods as the asynchronous one, usable from any thread."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import kubesaga.client
from kubesaga.client import AsyncKubesaga, Kubesaga, Misconfigured, NotFound, TaskRequest
from kubesaga.client.threads import LoopThread
from tests.client.cluster import NAMESPACE, Cluster, serving
from tests.kube.server import kubeconfig

ALIASES = {
    "Tasks": "list[Task]",
    "Actions": "list[Action]",
    "Events": "list[Event]",
    "Templates": "list[Template]",
    "Objs": "list[Obj]",
}


def public(client: type) -> dict[str, Callable[..., object]]:
    """Its methods."""
    methods = inspect.getmembers(client, inspect.isfunction)
    return {name: method for name, method in methods if not name.startswith("_") and name != "close"}


def words(method: Callable[..., object]) -> tuple[str, list[tuple[str, str, object, str]]]:
    """Its signature, without what a generator is called."""
    signature = inspect.signature(method)
    returned = ALIASES.get(signature.return_annotation, signature.return_annotation)
    returned = re.sub(r"^(AsyncGenerator\[(\w+), None\]|Iterator\[(\w+)\])$", r"\2\3…", returned)
    parameters = signature.parameters.values()
    return returned, [(p.name, str(p.kind), p.default, str(p.annotation)) for p in parameters]


def test_the_two_clients_have_the_same_methods() -> None:
    waited, blocking = public(AsyncKubesaga), public(Kubesaga)
    assert set(waited) == set(blocking)
    assert {name: words(method) for name, method in waited.items()} == {
        name: words(method) for name, method in blocking.items()
    }
    connects = [inspect.signature(each.connect).parameters for each in (AsyncKubesaga, Kubesaga)]
    assert list(connects[0].values()) == list(connects[1].values())


def test_everything_is_exported_that_a_signature_names() -> None:
    named = {
        word
        for method in public(AsyncKubesaga).values()
        for annotation in (str(p.annotation) for p in inspect.signature(method).parameters.values())
        for word in re.findall(r"[A-Z]\w+", annotation)
    } - {"Any", "Iterable", "None", "Selector", "Unpack"}
    assert named <= set(kubesaga.client.__all__)


@contextmanager
def a_cluster(folder: Path) -> Iterator[tuple[str, Cluster, asyncio.AbstractEventLoop]]:
    """A cluster in a thread of its own, and its kubeconfig."""
    found: list[tuple[str, Cluster]] = []
    loop, begun, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def main() -> None:
        cluster = Cluster()
        async with serving(cluster) as url:
            found.append((kubeconfig(folder, url), cluster))
            begun.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    begun.wait()
    try:
        yield *found[0], loop
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def test_it_blocks_until_things_are_so(tmp_path: Path) -> None:
    with a_cluster(tmp_path) as (config, cluster, loop), Kubesaga.connect(config, namespace=NAMESPACE) as saga:
        assert (saga.namespace, saga.context) == (NAMESPACE, "x")
        assert saga.server.startswith("http://127.0.0.1:")
        task = saga.submit(TaskRequest("fulfil", name="a"))
        ended = {"state": "Complete", "outcome": "Succeeded"}
        loop.call_soon_threadsafe(lambda: loop.call_later(0.1, lambda: cluster.status("a", **ended)))
        assert saga.wait("a", timeout=30).uid == task.uid
        with ThreadPoolExecutor(4) as pool:
            assert {each.uid for each in pool.map(saga.get, ["a"] * 20)} == {task.uid}
        with pytest.raises(NotFound):
            saga.get("b")


def test_a_watch_may_be_left_early_and_the_client_closed_twice(tmp_path: Path) -> None:
    with a_cluster(tmp_path) as (config, _, _):
        saga = Kubesaga.connect(config, namespace=NAMESPACE)
        saga.submit(TaskRequest("fulfil", name="a"))
        for task in saga.watch():
            assert task.name == "a"
            break
        watching = saga.watch("a")
        assert next(watching).name == "a"
        saga.close()
        saga.close()
        with pytest.raises(RuntimeError, match="closed"):
            saga.get("a")


def test_a_program_that_forgets_to_close_it_ends_quietly(tmp_path: Path) -> None:
    with a_cluster(tmp_path) as (config, _, _):
        code = f"from kubesaga.client import Kubesaga; Kubesaga.connect({str(config)!r}).list()"
        paths = str(Path(__file__).parents[2] / "operator")
        ended = subprocess.run(
            [sys.executable, "-W", "always", "-c", code],  # not -X dev, under which asyncio tells of slow callbacks
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_it_works_where_a_loop_runs_already(tmp_path: Path) -> None:
    with a_cluster(tmp_path) as (config, _, _):

        async def main() -> str:
            with Kubesaga.connect(config, namespace=NAMESPACE) as saga:
                return saga.submit(TaskRequest("fulfil", name="a")).name

        assert asyncio.run(main()) == "a"


def test_ctrl_c_is_what_ends_an_iteration_however_long_its_source_takes_to_end() -> None:
    thread, waits, ended = LoopThread(), threading.Event(), threading.Event()

    async def source() -> AsyncGenerator[int, None]:
        try:
            yield 1
            waits.set()
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.05)
            ended.set()

    def interrupt() -> None:
        waits.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    seen: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        seen.extend(thread.iterate(source()))
    assert (seen, ended.is_set()) == ([1], True)
    thread.close()


def test_what_is_begun_while_the_client_closes_is_refused_and_does_not_wait_for_ever() -> None:
    thread = LoopThread()
    refused: list[str] = []

    async def work() -> None:
        raise AssertionError("it is not to be begun")

    def begin() -> None:
        with pytest.raises(RuntimeError) as error:
            thread.run(work())
        refused.append(str(error.value))

    thread.close(lambda: asyncio.to_thread(begin))
    assert refused == ["this client is closed: connect another one"]


def test_a_client_that_cannot_connect_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(Misconfigured):
        Kubesaga.connect(str(tmp_path / "nowhere"))
    assert set(threading.enumerate()) - before == set()  # threads of the tests before may end meanwhile
