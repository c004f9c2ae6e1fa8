"""The log of a pod's container, or as much of it as is asked for."""

from __future__ import annotations

from tests.simulation.server import refusals
from tests.simulation.server.wire import Answer, Request, Route


def answer(log: bytes | None, route: Route, request: Request) -> Answer:
    """Answer with a log: its last ``tailLines``, and of these the first ``limitBytes``. Raises Refusal."""
    if log is None:
        container = request.query.get("container", "")
        told = f'container "{container}" in pod "{route.name}" is waiting to start: ContainerCreating'
        raise refusals.bad_request(told)
    if "tailLines" in request.query:
        lines = log.splitlines(keepends=True)
        log = b"".join(lines[max(0, len(lines) - int(request.query["tailLines"])) :])
    if "limitBytes" in request.query:
        log = log[: int(request.query["limitBytes"])]
    return Answer(200, log)
