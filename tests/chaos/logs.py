"""What the operator's processes said, those that chaos ended too: read before each of them is struck, and at the end.

For whoever looks for the cause of a deviation. Called by `faults` and `run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from kubesaga.kube.client import KubeError, pods_path
from tests.chaos.cluster import OPERATOR_NAMESPACE, OPERATOR_SELECTOR, Cluster

Obj = dict[str, Any]
PATIENCE = 10.0


class OperatorLogs:
    """`texts`: by pod and number of the container in it (0 is the first), as much as could be read of each."""

    def __init__(self, cluster: Cluster) -> None:
        self.texts: dict[str, bytes] = {}
        self._cluster = cluster

    async def read(self) -> None:
        """Take in what there is to be read now. Never fails: a cluster under chaos may have no answer."""
        try:
            pods, _ = await self._cluster.kube.list(pods_path(OPERATOR_NAMESPACE), OPERATOR_SELECTOR)
        except KubeError:
            return
        for pod in pods:
            for number, query in _containers(pod):
                name = f"{pod['metadata']['name']}-{number}"
                text = await self._text(pod["metadata"]["name"], query)
                if len(text) > len(self.texts.get(name, b"")):
                    self.texts[name] = text

    async def _text(self, pod: str, query: dict[str, str]) -> bytes:
        text = bytearray()
        with suppress(KubeError):  # what was read before is better than nothing
            async for line in self._cluster.kube.lines(pods_path(OPERATOR_NAMESPACE, pod, "log"), query, PATIENCE):
                text += line + b"\n"
        return bytes(text)


def _containers(pod: Obj) -> Iterator[tuple[int, dict[str, str]]]:
    """The pod's last two containers that there may be a log of: number, and how to ask for it."""
    for container in pod.get("status", {}).get("containerStatuses") or ():
        number, named = container["restartCount"], {"container": container["name"]}
        yield number, named
        if number:
            yield number - 1, {**named, "previous": "true"}
