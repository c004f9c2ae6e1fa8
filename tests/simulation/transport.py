"""An operator's way to the simulated API server: how long its calls take, and what goes wrong with them.

One ``Transport`` for each operator process. ``Kube`` sends its own calls through it, as through the official client's
REST object; the feeds list through ``call``. A request that is on its way arrives, whatever becomes of who sent it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from tests.simulation.loop import Process
from tests.simulation.plan import CallFault, Crash, Mishap, NoAnswer, Refuse
from tests.simulation.server.api_server import Answer, ApiServer, Request
from tests.simulation.world import later

TIMEOUT = 30.0
CONNECT_TIMEOUT = 5.0
_REASONS = {
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}
_UNCOUNTED = ("/leases", "/events")


class Network:
    """What all operators' connections share: the faults of the plan that befall the nth call of any of them.

    ``away``: nobody reaches the API server. ``calls`` and ``happened`` count the calls and the faults that they met.
    """

    def __init__(self, mishaps: Iterable[Mishap]) -> None:
        self.away = False
        self.calls = 0
        self.happened: Counter[str] = Counter()
        self._due = {each.nth: each for each in mishaps if isinstance(each, CallFault)}

    def fault(self, request: Request) -> CallFault | None:
        """What befalls this call."""
        if any(part in request.path for part in _UNCOUNTED):
            return None
        self.calls += 1
        fault = self._due.pop(self.calls, None)
        if fault is not None:
            self.happened[_told(fault)] += 1
        return fault


class Transport:
    """One process's connections. ``is_cut``: nothing of it reaches the API server.

    ``on_crash`` is called when a fault has killed the process.
    """

    def __init__(
        self,
        process: Process,
        server: ApiServer,
        network: Network,
        random: Random,
        on_crash: Callable[[Crash], None],
    ) -> None:
        self.process = process
        self.server = server
        self.network = network
        self.is_cut = False
        self._on_crash = on_crash
        self._random = random
        self._in_flight: dict[asyncio.Future[Answer], bool] = {}
        """The answers that are waited for; True: for too long already."""

    def latency(self) -> float:
        """Seconds that one way takes: some milliseconds, now and then up to a second."""
        if self._random.random() < 0.03:
            return self._random.uniform(0.05, 1.0)
        return self._random.uniform(0.001, 0.015)

    def break_all(self) -> None:
        """Every connection ends: what waits for an answer gets none."""
        broken, self._in_flight = self._in_flight, {}
        for waiting in broken:
            if not waiting.done():
                waiting.set_exception(aiohttp.ServerDisconnectedError())

    # --- as the official client's REST object ------------------------------------------------------------------

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: Any, /, *, _request_timeout: Any
    ) -> Reply:
        """See ``kubesaga.kube.client.Rest``."""
        parts = urlsplit(url)
        content_type = headers["Content-Type"]
        # Through JSON and back: what the caller holds must not change with what the server stores.
        sent = json.loads(json.dumps(body)) if body is not None else None
        request = Request(method, parts.path, dict(parse_qsl(parts.query)), sent, content_type, self.process.name)
        return Reply(await self.call(request))

    async def close(self) -> None:
        """Nothing to close."""

    # --- one call ----------------------------------------------------------------------------------------------

    async def call(self, request: Request) -> Answer:
        """Send, and wait for the answer. Raises aiohttp.ClientError, TimeoutError."""
        if self.process.is_dead:
            raise aiohttp.ClientConnectionError("this process is dead")
        fault = self.network.fault(request)
        if isinstance(fault, Crash) and fault.when == "before":
            self._die(fault)
            raise aiohttp.ClientConnectionError("this process is dead")
        if self.network.away:
            await asyncio.sleep(self.latency())
            raise aiohttp.ClientConnectionError("connection refused")
        if self.is_cut:
            await asyncio.sleep(CONNECT_TIMEOUT)
            raise aiohttp.ConnectionTimeoutError("no route")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._in_flight[answer] = False
        self._send(request, fault, answer)
        timer = loop.call_later(TIMEOUT, self._give_up, answer)
        try:
            found = await answer
            if self._in_flight.get(answer):
                raise TimeoutError
            return found
        finally:
            timer.cancel()
            self._in_flight.pop(answer, None)

    def _give_up(self, answer: asyncio.Future[Answer]) -> None:
        """As ``asyncio.timeout`` does, at a fraction of its cost: what has come, but was not seen, is too late."""
        self._in_flight[answer] = True
        if not answer.done():
            answer.set_exception(TimeoutError())

    def _send(self, request: Request, fault: CallFault | None, answer: asyncio.Future[Answer]) -> None:
        there = self.latency()
        if isinstance(fault, NoAnswer) and fault.effect == "none":
            self._lose(fault, there, answer)
        elif isinstance(fault, NoAnswer) and fault.effect == "late":
            self._lose(fault, there, answer)
            later(fault.seconds, self._arrive, request, None, None)
        else:
            later(there, self._arrive, request, fault, answer)

    def _arrive(self, request: Request, fault: CallFault | None, answer: asyncio.Future[Answer] | None) -> None:
        if self.network.away or (self.is_cut and answer is not None):
            return
        found = _refusal(fault) if isinstance(fault, Refuse) else self.server.serve(request)
        if isinstance(fault, Crash):
            self._die(fault)
        elif isinstance(fault, NoAnswer):
            self._lose(fault, 0.0, answer)
        elif answer is not None:
            later(self.latency(), self._answer, answer, found)

    def _answer(self, answer: asyncio.Future[Answer], found: Answer) -> None:
        if not answer.done() and not self.is_cut:
            answer.set_result(found)

    def _lose(self, fault: NoAnswer, seconds: float, answer: asyncio.Future[Answer] | None) -> None:
        if fault.at_once and answer is not None:
            later(seconds, self._break, answer)

    def _break(self, answer: asyncio.Future[Answer]) -> None:
        if not answer.done():
            answer.set_exception(aiohttp.ServerDisconnectedError())

    def _die(self, crash: Crash) -> None:
        self.process.kill()
        later(0.0, self._on_crash, crash)


def _told(fault: CallFault) -> str:
    """The fault and which way of it, as it is counted."""
    match fault:
        case Refuse():
            return f"Refuse {fault.status}" + (" with Retry-After" if fault.retry_after is not None else "")
        case NoAnswer():
            return f"NoAnswer, effect {fault.effect}"
        case Crash():
            return f"Crash {fault.when} the effect"


class Reply:
    """An answer, as the official client has it."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self._answer = answer

    async def read(self) -> bytes:
        """The body."""
        return self._answer.body

    def getheader(self, name: str, /) -> str | None:
        """A header, or None."""
        return self._answer.headers.get(name)


def _refusal(fault: Refuse) -> Answer:
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": "refused by the plan",
        "reason": _REASONS[fault.status],
        "code": fault.status,
    }
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return Answer(fault.status, json.dumps(status).encode(), headers)
