"""The client for asynchronous programs; its methods are in the parts that it is made of."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from kubesaga.client.actions import ActionCalls
from kubesaga.client.base import USER_AGENT
from kubesaga.client.installation import InstallationCalls
from kubesaga.client.logs import LogCalls


class AsyncKubesaga(ActionCalls, LogCalls, InstallationCalls):
    """A client for one cluster, for one event loop.

    ::

        async with AsyncKubesaga.connect() as saga:
            task = await saga.submit(TaskRequest("orders/fulfil@^1", {"order": 4711}))
            task = await saga.wait(task.name, timeout=600)
            print(await saga.result(task.name))

    Methods without ``namespace`` work in the client's. All raise KubesagaErrors, which say what can be done.
    """

    @classmethod
    def connect(
        cls,
        kubeconfig: str | None = None,
        context: str | None = None,
        namespace: str | None = None,
        *,
        request_timeout: float = 30.0,
        user_agent: str = USER_AGENT,
    ) -> Connecting:
        """A client by ``async with``, or by ``await`` (then close it); see ``open``."""
        return Connecting(kubeconfig, context, namespace, request_timeout, user_agent)


class Connecting:
    """A client to be: awaited, or entered by ``async with``."""

    def __init__(
        self, kubeconfig: str | None, context: str | None, namespace: str | None, timeout: float, user_agent: str
    ) -> None:
        self._opening = AsyncKubesaga.open(
            kubeconfig, context, namespace, request_timeout=timeout, user_agent=user_agent
        )
        self._client: AsyncKubesaga | None = None

    def __await__(self) -> Generator[Any, None, AsyncKubesaga]:
        return self._opening.__await__()

    async def __aenter__(self) -> AsyncKubesaga:
        self._client = await self._opening
        return self._client

    async def __aexit__(self, *exc: object) -> None:
        if self._client is not None:
            await self._client.close()
