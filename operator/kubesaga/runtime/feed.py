"""Where news of the cluster comes from: kopf watches Tasks, templates, actions, Jobs and Pods, and tells the sink.

``KopfFeed`` embeds kopf in the operator's own event loop and takes nothing but its ``on.event`` handlers:
no annotations, finalizers, events or progress are ever written by it. The rest of the operator knows only
``Feed`` and ``Sink``, so that another source (the simulator's) can take its place.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import aiohttp
import kopf

from kubesaga.api.constants import GROUP, LABEL_TASK_UID, MAIN_CONTAINER, VERSION
from kubesaga.kube.client import (
    Kube,
    KubeError,
    actions_path,
    jobs_path,
    pods_path,
    tasks_path,
    templates_path,
)
from kubesaga.kube.connection import ConnectError
from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Kind, Obj
from kubesaga.runtime.clocks import monotonic
from kubesaga.runtime.connecting import Connect, connect_watches
from kubesaga.runtime.kopf_settings import kopf_settings
from kubesaga.runtime.kopf_watches import Watches, hang_up_on_silence

log = logging.getLogger(__name__)

RESOURCES = {
    Kind.TASK: (GROUP, VERSION, "tasks"),
    Kind.TEMPLATE: (GROUP, VERSION, "tasktemplates"),
    Kind.ACTION: (GROUP, VERSION, "taskactions"),
    Kind.JOB: ("batch", "v1", "jobs"),
    Kind.POD: ("", "v1", "pods"),
}
COLLECTIONS = {
    Kind.TASK: tasks_path,
    Kind.TEMPLATE: templates_path,
    Kind.ACTION: actions_path,
    Kind.JOB: jobs_path,
    Kind.POD: pods_path,
}
LABEL_SELECTORS = {Kind.JOB: LABEL_TASK_UID, Kind.POD: LABEL_TASK_UID}
"""What is asked of the server: a cluster's other Jobs and Pods are none of the operator's business."""
_SELECTORS = {RESOURCES[kind]: selector for kind, selector in LABEL_SELECTORS.items()}

PATIENCE = 60.0
LOGIN_LIMIT = 5


class Sink(Protocol):
    """Takes the news; called in the event loop, must not block."""

    def seen(self, kind: Kind, type_: str | None, obj: Obj, /) -> None:
        """An object is there or changed (None from a list, ADDED, MODIFIED), or went (DELETED)."""

    def relisted(self, kind: Kind, /) -> None:
        """``kind`` is watched from a new list on; what went before it is not told: compare with a list."""


class Feed(Protocol):
    """A source of news."""

    async def run(self, sink: Sink, stop: asyncio.Event) -> None:
        """Feed ``sink`` until ``stop``; raises FeedError when there will be no more news."""


class FeedError(Exception):
    """The watches ended for good; the operator must not go on blindly. The message says what to do."""


class KopfFeed:
    """News by kopf, from all namespaces or from those given."""

    def __init__(self, kube: Kube, namespaces: Sequence[str] = (), connect: Connect = connect_watches) -> None:
        self._kube = kube
        self._namespaces = tuple(namespaces)
        self._connect = connect
        self._logins: deque[float] = deque(maxlen=LOGIN_LIMIT)
        self._sessions: list[aiohttp.ClientSession] = []

    async def run(self, sink: Sink, stop: asyncio.Event) -> None:
        """See Feed. SIGTERM and SIGINT set ``stop`` from here on, since kopf takes them as it starts."""
        if not await self._wait_until_served(stop):
            return
        watches = Watches()
        tasks = await kopf.spawn_tasks(
            registry=self._registry(sink, watches),
            settings=kopf_settings(_SELECTORS),
            standalone=True,
            # Unused without peering; kopf's own guess fails in a container whose user has no name.
            identity="kubesaga",  # type: ignore[arg-type]  # a NewType of str that kopf does not export
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
        )
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
        stopping = asyncio.create_task(stop.wait())
        try:
            awaited: set[asyncio.Future[Any]] = {stopping, watches.ended, *tasks}
            done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            ended = [watches.ended.result()] if watches.ended in done else [task for task in tasks if task in done]
        finally:
            await self._end([stopping, *tasks], watches)
        if stopping not in done:
            raise FeedError(_why(ended))

    async def _end(self, tasks: Sequence[asyncio.Task[Any]], watches: Watches) -> None:
        for task in tasks:
            task.cancel()
        # Before the tasks come to close their watches themselves: they would take leave of the server politely,
        # and nobody would wait for its answer.
        for session in self._sessions:
            await session.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await watches.end()

    def _registry(self, sink: Sink, watches: Watches) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        middlewares = [_Relists(sink).notice, watches.notice, hang_up_on_silence]

        async def login(**_: Any) -> kopf.AiohttpSession | None:
            return await self._login(middlewares)

        kopf.on.login(registry=registry, id="login")(login)
        for kind, resource in RESOURCES.items():
            kopf.on.event(*resource, registry=registry, id=kind)(_handler(kind, sink))
        return registry

    async def _login(self, middlewares: Sequence[aiohttp.ClientMiddlewareType]) -> kopf.AiohttpSession | None:
        """A session as ``kube`` has it. kopf asks again after every 401; None makes it give up."""
        now = monotonic()
        if len(self._logins) == LOGIN_LIMIT and now - self._logins[0] < 60:
            return None
        self._logins.append(now)
        try:
            host, session = await self._connect(self._kube.kubeconfig, middlewares)
        except ConnectError as error:  # which kopf would repeat each minute, in silence
            log.error("%s", error)
            return None
        self._sessions = [kept for kept in self._sessions if not kept.closed] + [session]
        return kopf.AiohttpSession(server=host, aiohttp_session=session)

    async def _wait_until_served(self, stop: asyncio.Event) -> bool:
        """Wait until all is there to be listed; kopf would not serve what is missing, and say no more than that.

        False when stopped. Raises FeedError after a minute: CRDs and roles may come a little after the operator.
        """
        deadline = monotonic() + PATIENCE
        said = None
        while obstacle := await self._obstacle():
            if monotonic() >= deadline:
                raise FeedError(obstacle)
            if obstacle != said:
                log.warning("waiting: %s", obstacle)
            said = obstacle
            try:
                async with asyncio.timeout(2):
                    await stop.wait()
            except TimeoutError:
                continue
            return False
        return True

    async def _obstacle(self) -> str | None:
        for kind, path in COLLECTIONS.items():
            for namespace in self._namespaces or (None,):
                try:
                    await self._kube.probe(path(namespace))
                except KubeError as error:
                    return _explain(kind, error)
        return None


class _Relists:
    """Tells the sink when a watch starts from a new list, by looking at kopf's requests."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._listed: set[str] = set()
        self._kinds = {plural: kind for kind, (_, _, plural) in RESOURCES.items()}

    async def notice(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """An aiohttp middleware: a list marks its path, the watch that follows reports it."""
        response = await handler(request)
        path = request.url.path
        kind = self._kinds.get(path.rsplit("/", 1)[-1])
        if kind is not None and response.ok:
            if "watch" not in request.url.query:
                self._listed.add(path)
            elif path in self._listed:
                self._listed.discard(path)
                self._sink.relisted(kind)
        return response


def _handler(kind: Kind, sink: Sink) -> Any:
    async def handle(event: Any, **_: Any) -> None:
        try:
            tell(sink, kind, event["type"], event["object"])
        except Exception:  # of which kopf would say nothing that anybody reads
            log.exception("an event was lost: %s %s", kind, event["object"]["metadata"].get("name"))

    return handle


def tell(sink: Sink, kind: Kind, type_: str | None, obj: Obj) -> None:
    """Hand an event to the sink, whichever feed brought it, and count it."""
    metrics.feed_event(kind, type_)
    if kind is Kind.POD and _succeeded(obj):
        metadata = obj["metadata"]
        metrics.container_succeeded(metadata["labels"][LABEL_TASK_UID], metadata["uid"])
    sink.seen(kind, type_, obj)


def _succeeded(pod: Obj) -> bool:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        if container["name"] == MAIN_CONTAINER:
            terminated = (container.get("state") or {}).get("terminated")
            return terminated is not None and terminated.get("exitCode") == 0
    return False


def _explain(kind: Kind, error: KubeError) -> str:
    if error.not_found:
        return f"the cluster does not serve {kind}: install the chart with its CRDs"
    if error.forbidden:
        return f"{error.message}: grant the operator's service account what the chart's role holds"
    return f"cannot list {kind}: {error}"


def _why(done: Sequence[asyncio.Task[Any]]) -> str:
    for task in done:
        if task.cancelled() or (error := task.exception()) is None:
            continue
        if isinstance(error, kopf.LoginError):
            return "the API server no longer accepts this process's credentials"
        return f"watching failed: {type(error).__name__}: {error.args[0] if error.args else error}"
    return f"kopf ended by itself: {', '.join(task.get_name() for task in done)}"
