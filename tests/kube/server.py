"""An HTTP server that records what it is asked and answers as told, and a Kube that talks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from kubesaga.kube.client import Kube

Answer = Callable[[web.Request], web.Response]
Connect = Callable[[str], Awaitable[Kube]]


class Api:
    """A server: ``answers`` are given in turn, the last one for ever; ``requests`` keep what came."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[web.Request] = []
        self.bodies: list[Any] = []

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(request)
        self.bodies.append(json.loads(body) if body else None)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request)


def kubeconfig(folder: Path, server: str, token: str = "t0") -> str:
    """A kubeconfig file for that server."""
    path = folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": {"token": token}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return str(path)


def serve(folder: Path, api: Api, use: Callable[[Kube], Awaitable[None]], connect: Connect = Kube.connect) -> None:
    """Let ``use`` talk to the server."""

    async def main() -> None:
        application = web.Application()
        application.router.add_route("*", "/{rest:.*}", api.handle)
        async with TestServer(application) as server:
            kube = await connect(kubeconfig(folder, str(server.make_url("/"))))
            try:
                await use(kube)
            finally:
                await kube.close()

    asyncio.run(main())


def ok(body: Any) -> Answer:
    """A good answer."""
    return lambda _: web.json_response(body)


def failure(status: int, reason: str, message: str = "", **more: Any) -> Answer:
    """A refusal, as the API server words it."""
    headers = more.pop("headers", None)
    return lambda _: web.json_response(
        {"kind": "Status", "reason": reason, "message": message, **more}, status=status, headers=headers
    )
