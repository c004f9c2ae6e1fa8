"""What tests of the simulated API server have in common: one in a time of its own, and short ways to ask it."""

from __future__ import annotations

import json
from typing import Any

from kubesaga.kube.paths import tasks_path
from tests.simulation.contract.simulated import Timers
from tests.simulation.server.api_server import ApiServer, Request, Watch

NS = "default"
TASKS = tasks_path(NS)


def new_server() -> tuple[ApiServer, Timers]:
    """An API server, and its time."""
    timers = Timers()
    return ApiServer(timers.clock, timers.later), timers


def ask(server: ApiServer, method: str, path: str, body: Any = None, type_: str = "", **query: str) -> tuple[int, Any]:
    """Status and parsed body of a call."""
    answer = server.serve(Request(method, path, query, body, type_ or "application/json"))
    return answer.status, json.loads(answer.body)


def watched(server: ApiServer, **query: str) -> Watch:
    """A watch of Tasks from now on."""
    watch = server.watch(Request("GET", TASKS, {"resourceVersion": str(server.version), **query}))
    assert isinstance(watch, Watch)
    return watch


def told(watch: Watch) -> list[tuple[str, str]]:
    """What a watch has to tell: types and names."""
    events = [json.loads(line) for line in watch.take()]
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


def names(server: ApiServer, resource: str) -> list[str]:
    """The names of all objects of a kind."""
    return [obj["metadata"]["name"] for obj in server.all(resource)]
