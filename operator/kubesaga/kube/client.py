"""The API server in plain dicts: every call of the operator and of the Python client goes through ``Kube``.

The official client finds the server, authenticates and sends; its typed models, which cost several times the CPU, are
left out. Whatever goes wrong is one exception, KubeError, whose properties say what it means for the caller.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, Protocol, cast
from urllib.parse import urlencode

import aiohttp

from kubesaga.kube.connection import USER_AGENT, RestClient, load_configuration, session_options
from kubesaga.kube.errors import KubeError, error_of
from kubesaga.kube.paths import (
    actions_path,
    configmaps_path,
    events_path,
    jobs_path,
    leases_path,
    pods_path,
    resource_of,
    revisions_path,
    tasks_path,
    templates_path,
)

__all__ = [
    "Kube",
    "KubeError",
    "actions_path",
    "configmaps_path",
    "events_path",
    "jobs_path",
    "leases_path",
    "pods_path",
    "revisions_path",
    "tasks_path",
    "templates_path",
]

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
PAGE_SIZE = 500
_JSON = "application/json"

Obj = dict[str, Any]
# Written before Kube has a method of the name ``list``.
Objs = list[Obj]
Ops = list[dict[str, Any]]

Observe = Callable[[str, str, int, float], None]
"""Told of each call: its method, the resource, the HTTP code (0 without an answer) and the seconds that it took."""


class Response(Protocol):
    """An answer, as the official client has it."""

    status: int

    async def read(self) -> bytes:
        """The body."""

    def getheader(self, name: str, /) -> str | None:
        """A header, or None."""


class Streamed(Response, Protocol):
    """An answer that can be read as it comes."""

    response: aiohttp.ClientResponse


class Rest(Protocol):
    """What sends requests: ``RestClient``, or the simulation's transport."""

    async def request(
        self, method: str, url: str, headers: dict[str, str], body: Any, /, *, _request_timeout: aiohttp.ClientTimeout
    ) -> Response:
        """Send and wait. Raises aiohttp.ClientError, TimeoutError or OSError when there is no answer."""

    async def close(self) -> None:
        """Close the connections."""


def _unobserved(method: str, resource: str, status: int, seconds: float) -> None:
    """What Kube does by default: nobody counts its calls."""


class Kube:
    """An API server, as one user of it. All methods raise KubeError; bodies and answers are plain dicts."""

    def __init__(
        self,
        rest: Rest,
        host: str,
        kubeconfig: str | None = None,
        observe: Observe = _unobserved,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> None:
        self.kubeconfig = kubeconfig
        self.last_contact: float | None = None
        """By the event loop's clock: the last answer that was no server error."""
        self._host = host.rstrip("/")
        self._rest = rest
        self._observe = observe
        self._timeout = timeout or REQUEST_TIMEOUT

    @classmethod
    async def connect(
        cls, kubeconfig: str | None, user_agent: str = USER_AGENT, observe: Observe = _unobserved
    ) -> Kube:
        """Connect by ``kubeconfig`` if given, else as the pod's service account, else as the user.

        Sends nothing yet. Raises ConnectError.
        """
        configuration = await load_configuration(kubeconfig)
        configuration.client_session_kwargs = session_options(configuration, user_agent)
        return cls(RestClient(configuration), configuration.host, kubeconfig, observe)

    async def close(self) -> None:
        """Close the connections."""
        await self._rest.close()

    async def get(self, path: str) -> Obj:
        """The object at ``path``."""
        return await self._call("GET", path)

    async def probe(self, path: str) -> None:
        """Find out whether the collection ``path`` is served and may be listed; raises KubeError if not."""
        await self._call("GET", path, query={"limit": "1"})

    async def list(
        self,
        path: str,
        label_selector: str | None = None,
        resource_version: str | None = None,
        field_selector: str | None = None,
    ) -> tuple[Objs, str]:
        """All objects at ``path`` and the list's resourceVersion. With ``resource_version`` "0" maybe stale."""
        items: Objs = []
        version = ""
        async for page, version in self.pages(path, label_selector, resource_version, field_selector):  # noqa: B007
            items += page
        return items, version

    async def pages(
        self,
        path: str,
        label_selector: str | None = None,
        resource_version: str | None = None,
        field_selector: str | None = None,
    ) -> AsyncIterator[tuple[Objs, str]]:
        """As ``list``, in pages of one snapshot, for lists too long to be held at once.

        Raises KubeError with ``gone`` when reading takes so long that the server drops the snapshot.
        """
        query = {"limit": str(PAGE_SIZE)}
        if label_selector is not None:
            query["labelSelector"] = label_selector
        if field_selector is not None:
            query["fieldSelector"] = field_selector
        if resource_version is not None:
            query["resourceVersion"] = resource_version
        while True:
            answer = await self._call("GET", path, query=query)
            kind = answer["kind"].removesuffix("List")
            for item in answer["items"]:  # which a list leaves out
                item.setdefault("kind", kind)
                item.setdefault("apiVersion", answer["apiVersion"])
            yield answer["items"], answer["metadata"]["resourceVersion"]
            token = answer["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token
            query.pop("resourceVersion", None)

    async def create(self, path: str, body: Obj, *, dry_run: bool = False) -> Obj:
        """Create ``body`` in the collection ``path``; the answer is the object as stored, or as it would be."""
        return await self._call("POST", path, body, query={"dryRun": "All"} if dry_run else None)

    async def update(self, path: str, body: Obj) -> Obj:
        """Replace the object at ``path``, if ``body`` bears its current version (else ``conflict``)."""
        return await self._call("PUT", path, body)

    async def json_patch(self, path: str, ops: Ops) -> Obj:
        """Apply JSON Patch operations; the answer is the object after them.

        Operations that do not fit the object as it is now are a ``conflict``.
        """
        try:
            return await self._call("PATCH", path, ops, content_type="application/json-patch+json")
        except KubeError as error:
            # The API server applies the operations before it compares resourceVersions. Written for an older
            # object they may not even apply, which it calls Invalid, with this message and no field.
            if error.status == 422 and error.message.startswith("the server rejected our request"):
                raise KubeError(409, "Conflict", "the patch does not fit the object as it is now") from error
            raise

    async def merge_patch(self, path: str, body: Obj) -> Obj:
        """Apply a JSON merge patch; with metadata.resourceVersion in it, only to that version."""
        return await self._call("PATCH", path, body, content_type="application/merge-patch+json")

    async def delete(
        self,
        path: str,
        propagation: str = "Background",
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Obj:
        """Delete the object at ``path``; with ``uid`` or ``resource_version`` only if it still is."""
        required = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {field: value for field, value in required.items() if value is not None}
        return await self._call("DELETE", path, _delete_options(propagation, preconditions))

    async def delete_collection(self, path: str, label_selector: str, propagation: str = "Background") -> Obj:
        """Delete what matches ``label_selector`` in the collection ``path``."""
        query = {"labelSelector": label_selector}
        return await self._call("DELETE", path, _delete_options(propagation, {}), query=query)

    async def pod_log(self, namespace: str, pod: str, container: str, tail_lines: int, limit_bytes: int) -> bytes:
        """The last lines of a container's log; where they have more than ``limit_bytes``, the first of these."""
        query = {"container": container, "tailLines": str(tail_lines), "limitBytes": str(limit_bytes)}
        return await self._send("GET", pods_path(namespace, pod, "log"), query=query)

    async def lines(self, path: str, query: Mapping[str, str], patience: float) -> AsyncGenerator[bytes, None]:
        """Each line of a long answer (a watch, a log that is followed) as it comes, until the server ends it.

        ``patience``: so many seconds without a byte count as a lost connection. Raises KubeError, also in the middle.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=patience)
        try:
            answer = await self._rest.request(
                "GET", f"{self._host}{path}?{urlencode(query)}", {"Content-Type": _JSON}, None, _request_timeout=timeout
            )
            response = cast("Streamed", answer).response
            try:
                if answer.status >= 300:
                    raise error_of(answer.status, answer.getheader("Retry-After"), await answer.read())
                async for line in _lines(response.content):
                    yield line
            finally:
                response.close()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeError(0, "NoAnswer", f"GET {path}: {error or type(error).__name__}") from error

    async def _call(
        self,
        method: str,
        path: str,
        body: Obj | Ops | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
    ) -> Obj:
        content = await self._send(method, path, body, query=query, content_type=content_type)
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            started = content[:60].decode("utf-8", "replace")
            raise KubeError(
                0, "NoAnswer", f"{method} {path}: what answers at {self._host} is no API server: it says {started!r}"
            )
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        body: Obj | Ops | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
    ) -> bytes:
        url = f"{self._host}{path}?{urlencode(query)}" if query else f"{self._host}{path}"
        started = time.perf_counter()
        status = 0
        try:
            headers = {"Content-Type": content_type}
            response = await self._rest.request(method, url, headers, body, _request_timeout=self._timeout)
            status = response.status
            content: bytes = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeError(0, "NoAnswer", f"{method} {path}: {error or type(error).__name__}") from error
        finally:
            seconds = time.perf_counter() - started
            self._observe(method, resource_of(path), status, seconds)
        if status < 500:
            self.last_contact = asyncio.get_running_loop().time()
        if status >= 300:
            raise error_of(status, response.getheader("Retry-After"), content)
        return content


async def _lines(content: aiohttp.StreamReader) -> AsyncGenerator[bytes, None]:
    """Without their ends. Of any length, which the reader's own ``readline`` does not take."""
    begun: list[bytes] = []
    async for chunk in content.iter_any():
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            yield b"".join([*begun, line])
            begun.clear()
        if rest:
            begun.append(rest)
    if begun:
        yield b"".join(begun)


def _delete_options(propagation: str, preconditions: Mapping[str, str]) -> Obj:
    options: Obj = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
    if preconditions:
        options["preconditions"] = preconditions
    return options
