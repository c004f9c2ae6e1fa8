"""What happens in a namespace, as it happens: the events of some kinds' watches in one stream.

``Kubectl.watch`` follows one object; here every object of a kind is followed, and no event is missed.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from tests.cluster.kubectl import Kubectl, Manifest

Event = tuple[str, Manifest]
"""ADDED, MODIFIED or DELETED, and the object."""


class Watches:
    """Reads the output of watches: a line of JSON for each event."""

    def __init__(self, streams: Sequence[IO[bytes]]) -> None:
        self._selector = selectors.DefaultSelector()
        self._rests = dict.fromkeys((stream.fileno() for stream in streams), b"")
        for stream in streams:
            self._selector.register(stream, selectors.EVENT_READ)

    def read(self, seconds: float) -> Iterator[Event]:
        """The events that are there, or else those that come first within this time."""
        for key, _ in self._selector.select(seconds):
            read = os.read(key.fd, 1 << 20)
            assert read, "a watch has ended"
            *lines, self._rests[key.fd] = (self._rests[key.fd] + read).split(b"\n")
            for event in map(json.loads, lines):
                yield event["type"], event["object"]


@contextmanager
def watches(kubectl: Kubectl, *paths: str) -> Iterator[Watches]:
    """Watches of these collections, ``{}`` standing for the namespace, from now on; they end with the block."""
    processes = [_watch(kubectl, path.format(kubectl.namespace)) for path in paths]
    try:
        yield Watches([process.stdout for process in processes if process.stdout])
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _watch(kubectl: Kubectl, path: str) -> subprocess.Popen[bytes]:
    now = json.loads(kubectl.raw(path))["metadata"]["resourceVersion"]
    command = kubectl.command("get", "--raw", f"{path}?watch=true&resourceVersion={now}")
    return subprocess.Popen(command, stdout=subprocess.PIPE)
