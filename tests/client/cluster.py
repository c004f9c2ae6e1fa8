"""The simulated API server behind real HTTP, for the client to talk to, and what a test does to it.

The test is the operator and the kubelet: it writes statuses and logs. ``refuse`` and ``drop`` are what may happen to
requests and to watches.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kubesaga.api.constants import ACTION_PLURAL, TASK_PLURAL
from kubesaga.client import AsyncKubesaga, logs, patient, watching
from tests.client.pod_logs import PodLogs
from tests.kube.server import kubeconfig
from tests.simulation.server.api_server import Answer, ApiServer, Request
from tests.simulation.server.watches import Watch

Obj = dict[str, Any]
NAMESPACE = "shop"
EPOCH = 1_800_000_000.0


class Cluster:
    """``server`` is the API server, ``requests`` what came: method and path. ``mays`` are the permissions granted."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.server = ApiServer(lambda: EPOCH + loop.time(), loop.call_later)
        self.server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.logs = PodLogs()
        self.requests: list[tuple[str, str]] = []
        self.tokens: list[str] = []
        self.mays: set[tuple[str, str]] = set()
        self.fixed: dict[str, Any] = {"/version": {"gitVersion": "v1.34.1"}}
        self.lost = 0
        """So many answers to writes are lost on their way, although what was asked was done."""
        self._refusals: list[web.Response] = []
        self._write_refusals: list[web.Response] = []
        self._watch_refusals: list[web.Response] = []
        self._watching: list[asyncio.Event] = []

    def refuse(self, status: int, reason: str, message: str = "", times: int = 1, retry_after: str = "") -> None:
        """Answer the next requests so."""
        for _ in range(times):
            self.refuse_with(status, {"reason": reason, "message": message}, retry_after)

    def refuse_write(self, status: int, reason: str, message: str) -> None:
        """Answer the next write so."""
        self.refuse(status, reason, message)
        self._write_refusals.append(self._refusals.pop())

    def refuse_watch(self, status: int, reason: str) -> None:
        """Answer the next watch so."""
        self.refuse(status, reason)
        self._watch_refusals.append(self._refusals.pop())

    def refuse_with(self, status: int, words: Obj, retry_after: str = "") -> None:
        """Answer the next request with this Status."""
        body = {"kind": "Status", "status": "Failure", "code": status, **words}
        headers = {"Retry-After": retry_after} if retry_after else {}
        self._refusals.append(web.json_response(body, status=status, headers=headers))

    def drop(self) -> None:
        """End all watches."""
        for dropped in self._watching:
            dropped.set()

    def watches(self) -> int:
        """How many watches have been begun."""
        return sum(method == "WATCH" for method, _ in self.requests)

    def status(self, task: str, **status: Any) -> Obj:
        """As the operator: write into a Task's status."""
        return self.server.merge(TASK_PLURAL, NAMESPACE, task, {"status": status}, status=True, user="operator")

    def pod(self, manifest: Obj, phase: str = "Running") -> None:
        """As the Job controller and the kubelet: a pod, and how far it has come."""
        name = manifest["metadata"]["name"]
        if self.server.peek("pods", NAMESPACE, name) is None:
            self.server.create(manifest)
        self.server.merge("pods", NAMESPACE, name, {"status": {"phase": phase}}, status=True)

    def answer(self, action: str, phase: str, message: str = "") -> None:
        """As the operator: answer a TaskAction."""
        status = {"phase": phase, "message": message, "observedGeneration": 1}
        self.server.merge(ACTION_PLURAL, NAMESPACE, action, {"status": status}, status=True, user="operator")

    async def handle(self, http: web.Request) -> web.StreamResponse:
        """Any request."""
        body = await http.json() if http.can_read_body else None
        watches = http.query.get("watch") == "true"
        self.requests.append(("WATCH" if watches else http.method, http.path))
        self.tokens.append(http.headers.get("Authorization", ""))
        if self._refusals:
            return self._refusals.pop(0)
        if self._watch_refusals and watches:
            return self._watch_refusals.pop(0)
        if self._write_refusals and http.method != "GET":
            return self._write_refusals.pop(0)
        request = Request(http.method, http.path, dict(http.query), body, http.content_type, "tester")
        if watches:
            return await self._watch(http, request)
        if http.path.endswith("/log"):
            return await self.logs.handle(http)
        answer = self._answer(request)
        if self.lost and http.method != "GET":
            self.lost -= 1
            assert http.transport is not None
            http.transport.close()
        return answer

    def _answer(self, request: Request) -> web.Response:
        if request.path in self.fixed:
            return web.json_response(self.fixed[request.path])
        if request.path.endswith("/selfsubjectreviews"):
            return web.json_response({"status": {"userInfo": {"username": "alice"}}})
        if request.path.endswith("/selfsubjectaccessreviews"):
            asked = request.body["spec"]["resourceAttributes"]
            return web.json_response({"status": {"allowed": (asked["verb"], asked["resource"]) in self.mays}})
        return _response(self.server.serve(request))

    async def _watch(self, http: web.Request, request: Request) -> web.StreamResponse:
        watch = self.server.watch(request)
        if not isinstance(watch, Watch):
            return _response(watch)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(http)
        woken, dropped = asyncio.Event(), asyncio.Event()
        watch.wake = woken.set
        self._watching.append(dropped)
        try:
            while not dropped.is_set():
                for line in watch.take():
                    await response.write(line)
                if watch.is_closed:
                    break
                await _first(woken, dropped)
                woken.clear()
        finally:
            watch.close()
        return response


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


def _response(answer: Answer) -> web.Response:
    return web.Response(
        body=answer.body, status=answer.status, headers=dict(answer.headers), content_type="application/json"
    )


@asynccontextmanager
async def serving(cluster: Cluster) -> AsyncIterator[str]:
    """The cluster's address, for as long as the block runs."""
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", cluster.handle)
    async with TestServer(application) as server:
        try:
            yield str(server.make_url("/"))
        finally:
            cluster.drop()


async def until(met: Callable[[], object]) -> None:
    """Wait until something is so."""
    while not met():  # noqa: ASYNC110  it is in the server's store or its log of requests, which tell nobody
        await asyncio.sleep(0.005)


def pass_time(seconds: float) -> None:
    """Have it be so much later for the running loop: what is due by then happens now, on however busy a machine."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]


def play(folder: Path, act: Callable[[AsyncKubesaga, Cluster], Awaitable[None]]) -> None:
    """Let a client and a cluster meet; pauses are short."""

    async def main() -> None:
        cluster = Cluster()
        async with (
            serving(cluster) as url,
            AsyncKubesaga.connect(kubeconfig(folder, url), namespace=NAMESPACE, request_timeout=20.0) as saga,
            asyncio.timeout(60),
        ):
            await act(saga, cluster)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patient, "FIRST_PAUSE", 0.001)
        patch.setattr(watching, "FIRST_PAUSE", 0.001)
        patch.setattr(logs, "LOOK_SECONDS", 0.01)
        asyncio.run(main())


def template(name: str = "fulfil", version: str = "1.0.0", **spec: Any) -> Obj:
    """A TaskTemplate."""
    return {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "TaskTemplate",
        "metadata": {"name": f"{name}-{version}", "namespace": NAMESPACE},
        "spec": {
            "name": name,
            "version": version,
            "steps": [{"name": "pay", "container": {"image": "i", "command": ["true"]}}],
            **spec,
        },
    }


def config_map(name: str, data: dict[str, Any]) -> Obj:
    """A ConfigMap with JSON in it."""
    held = {key: value if isinstance(value, str) else json.dumps(value) for key, value in data.items()}
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": held}
