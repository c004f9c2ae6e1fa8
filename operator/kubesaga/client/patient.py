"""Calls that are made again when they fail for a passing reason.

Every call of the client may be repeated: reads always, and its writes because a second one changes nothing. Names are
chosen here and not by the API server, patches say what shall be, a delete is of one UID.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

import aiohttp
from kubernetes.aio.client.configuration import Configuration

from kubesaga.kube.client import Kube, Obj, Ops, Rest
from kubesaga.kube.errors import KubeError

TRIES = 4
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0


class Credentials:
    """Those of a configuration, and how it gets others: ``load`` asks an exec plugin, or reads the files again."""

    def __init__(self, configuration: Configuration, load: Callable[[], Awaitable[Configuration]]) -> None:
        self._configuration = configuration
        self._load = load

    @property
    def current(self) -> Mapping[str, str]:
        """What requests are sent with."""
        return dict(self._configuration.api_key)

    async def renew(self, refused: Mapping[str, str]) -> bool:
        """Whether there are others by now than those that were refused."""
        if self.current == refused:
            self._configuration.api_key = (await self._load()).api_key
        return self.current != refused


class PatientKube(Kube):
    """As Kube. ``timeout`` seconds for each request, and none is begun that much later than the first.

    ``credentials`` are renewed where they are refused.
    """

    def __init__(self, rest: Rest, host: str, timeout: float = 30.0, credentials: Credentials | None = None) -> None:
        super().__init__(rest, host, timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=min(5.0, timeout)))
        self._budget = timeout
        self._credentials = credentials

    async def lines(self, path: str, query: Mapping[str, str], patience: float) -> AsyncGenerator[bytes, None]:
        """As Kube's. What breaks off is the caller's to begin again."""
        used = self._credentials.current if self._credentials else {}
        for is_last in (False, True):
            try:
                async with aclosing(super().lines(path, query, patience)) as lines:
                    async for line in lines:
                        yield line
                return
            except KubeError as error:
                if is_last or not await self._renewed(error, used):
                    raise

    async def _send(
        self,
        method: str,
        path: str,
        body: Obj | Ops | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> bytes:
        begun = asyncio.get_running_loop().time()
        used = self._credentials.current if self._credentials else {}
        for number in range(1, TRIES + 1):
            try:
                return await super()._send(method, path, body, query=query, content_type=content_type)
            except KubeError as error:
                renewed = number == 1 and await self._renewed(error, used)
                pause = 0.0 if renewed else _pause(error, number)
                late = asyncio.get_running_loop().time() + (pause or 0.0) - begun > self._budget
                if pause is None or late or number == TRIES:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")

    async def _renewed(self, error: KubeError, used: Mapping[str, str]) -> bool:
        return error.unauthorized and self._credentials is not None and await self._credentials.renew(used)


def _pause(error: KubeError, number: int) -> float | None:
    """Seconds to wait before the next try; None if it would not help."""
    if not error.transient or error.status in _FOR_GOOD:
        return None
    if error.retry_after is not None:
        return min(error.retry_after, LONGEST_PAUSE)
    return float(FIRST_PAUSE * 2 ** (number - 1))


# What a server answers that will not do it at any time.
_FOR_GOOD = frozenset({501, 505})
