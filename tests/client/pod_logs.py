"""The logs of pods, as the kubelet serves them: with times, from a time on, followed, and cut off in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from kubesaga.api import constants as c

Obj = dict[str, Any]


class PodLogs:
    """``write`` adds lines to a pod's log; ``end`` ends it. ``cuts``: so many followers are cut off after a line."""

    def __init__(self) -> None:
        self.cuts = 0
        self.starting: set[str] = set()
        """Pods whose container has not started."""
        self.unknown: set[str] = set()
        """Pods of which the kubelet has not heard yet."""
        self.unreadable: dict[str, int] = {}
        """Pods whose log cannot be read, so many times."""
        self.when_refused: Callable[[str], None] = lambda _pod: None
        """What happens right after a log was refused."""
        self._lines: dict[str, list[str]] = {}
        self._over: set[str] = set()
        self._news = asyncio.Event()

    def write(self, pod: str, *texts: str) -> None:
        """Each line one second after the one before."""
        lines = self._lines.setdefault(pod, [])
        for text in texts:
            lines.append(f"2026-01-01T00:00:{len(lines):02d}.000000001Z {text}")
        self._wake()

    def end(self, pod: str) -> None:
        """Nothing more is written."""
        self._over.add(pod)
        self._wake()

    async def handle(self, http: web.Request) -> web.StreamResponse:
        """``GET …/pods/NAME/log``."""
        pod = http.path.split("/")[-2]
        refusal = self._refusal(pod)
        if refusal is not None:
            self.when_refused(pod)
            return refusal
        assert http.query["container"] == c.MAIN_CONTAINER
        response = web.StreamResponse()
        await response.prepare(http)
        at = self._begin(pod, http.query.get("sinceTime"), http.query.get("tailLines"))
        while True:
            lines = self._lines.get(pod, [])
            for line in lines[at:]:
                await response.write(f"{line}\n".encode())
                at += 1
                if self.cuts:
                    self.cuts -= 1
                    assert http.transport is not None
                    http.transport.close()
                    return response
            if pod in self._over or "follow" not in http.query:
                return response
            await self._news.wait()

    def _refusal(self, pod: str) -> web.Response | None:
        """In the kubelet's words."""
        if pod in self.unknown:
            message = f"the server could not find the requested resource ( pods/log {pod})"
            return web.json_response({"reason": "NotFound", "message": message}, status=404)
        if pod in self.starting:
            message = f'container "step" in pod "{pod}" is waiting to start: ContainerCreating'
        elif self.unreadable.get(pod):
            self.unreadable[pod] -= 1
            message = 'failed to try resolving symlinks in path "/var/log/pods/x/step/0.log": no such file'
        else:
            return None
        return web.json_response({"reason": "BadRequest", "message": message}, status=400)

    def _begin(self, pod: str, since: str | None, tail: str | None) -> int:
        lines = self._lines.get(pod, [])
        if since is not None:  # in whole seconds
            return next((at for at, line in enumerate(lines) if line[:19] >= since[:19]), len(lines))
        return 0 if tail is None else max(0, len(lines) - int(tail))

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def pod(name: str, task: Obj, step: str, attempt: int, role: str = "forward") -> Obj:
    """A pod of an attempt."""
    labels = {
        c.LABEL_TASK_UID: task["metadata"]["uid"],
        c.LABEL_STEP: step,
        c.LABEL_ATTEMPT: str(attempt),
        c.LABEL_ROLE: role,
    }
    meta = {"name": name, "namespace": task["metadata"]["namespace"], "labels": labels}
    spec = {"containers": [{"name": "step", "image": "i"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
