"""Results that a program wrote into its log, because they are too large for a termination message.

What they look like in the log is the business of ``kubesaga.api.frames``. ``attempts`` observes live ones through
``Frames``; everything else about them is ``observe``'s.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.documents import Framed, Output, read_framed
from kubesaga.api.frames import CHUNK, joined
from kubesaga.engine.records import StepError
from kubesaga.engine.snapshot import Observation
from kubesaga.kube.client import Kube, KubeError
from kubesaga.runtime.observe import framed_document, observe

Obj = Mapping[str, Any]

# Seconds from the first try, after which a log counts as unreadable: one that cannot be had, and one that lacks frames
# (the last lines may take a moment to reach the file).
PATIENCE = 60.0
PATIENCE_WITH_GAPS = 10.0
_LINE_BYTES = CHUNK + 64
# Lines that others may have written among and after the frames; of a longer tail no more than this many bytes is read.
_OTHER_LINES = (500, 10_000)
_TAIL_BYTES = 8 * 1024 * 1024
_KEPT = 64

LOOK_AGAIN = 2.0
"""Seconds until a log that could not be read is tried again."""

PodKey = tuple[str, str, Framed]
Read = bytes | StepError


class LogUnread(KubeError):
    """A log cannot be read now, and perhaps later; until then ``seen`` is what is known of its attempt."""

    def __init__(self, cause: KubeError, seen: Observation) -> None:
        super().__init__(cause.status, cause.reason, cause.message)
        self.seen = seen


class Frames:
    """Observes attempts, and reads their logs where their results are in there."""

    def __init__(self, kube: Kube, clock: Callable[[], float] = time.time) -> None:
        self._kube = kube
        self._clock = clock
        self._read: OrderedDict[PodKey, Read] = OrderedDict()
        self._since: OrderedDict[PodKey, float] = OrderedDict()

    async def observe(self, job: Obj, pods: Iterable[Obj], *, expects_document: bool) -> Observation:
        """What is seen of the attempt whose Job this is, as ``observe.observe`` tells it, with a framed result read.

        Raises LogUnread as long as trying again may bring the result.
        """
        known = list(pods)
        found = framed_document(known)
        try:
            output = await self._output((job["metadata"]["namespace"], *found)) if found else None
        except KubeError as error:
            raise LogUnread(error, observe(job, known, expects_document=expects_document)) from error
        return observe(job, known, expects_document=expects_document, framed=output)

    async def _output(self, key: PodKey) -> Output:
        read = self._read.get(key)
        if read is None:
            read = await self._try(key)
            self._since.pop(key, None)
            _keep(self._read, key, read)
        return Output(error=read) if isinstance(read, StepError) else read_framed(read)

    async def _try(self, key: PodKey) -> Read:
        """Read the log once more. Raises KubeError until patience is over."""
        namespace, pod, framed = key
        since = self._since.get(key)
        if since is None:
            since = self._clock()
            _keep(self._since, key, since)
        waited = self._clock() - since
        try:
            document = await self._document(namespace, pod, framed)
        except KubeError as error:
            pod_is_gone = error.not_found and not error.unserved  # a kubelet that has just restarted knows no pods
            if pod_is_gone or waited >= PATIENCE:
                return _unreadable(pod, framed, error.message)
            raise
        if document is not None:
            return document
        gaps = "frames are missing in it, or do not fit their checksum"
        if waited >= PATIENCE_WITH_GAPS:
            return _unreadable(pod, framed, gaps)
        raise KubeError(0, "ResultIncomplete", f"the log of pod {pod} in {namespace} is to be read again: {gaps}")

    async def _document(self, namespace: str, pod: str, framed: Framed) -> bytes | None:
        """The document, out of a short tail of the log or else a long one; None if it is in neither."""
        frames = framed.size * 4 // (3 * CHUNK) + 2
        for others in _OTHER_LINES:
            lines = 2 * frames + others  # twice, since every frame may be set off by an empty line
            limit = min(_TAIL_BYTES, lines * _LINE_BYTES)
            log = await self._kube.pod_log(namespace, pod, c.MAIN_CONTAINER, lines, limit)
            document = joined(log, framed)
            if document is not None:
                return document
            if log.count(b"\n") < lines and len(log) < limit:
                break  # that was all of it
        return None


def _unreadable(pod: str, framed: Framed, why: str) -> StepError:
    return StepError(
        "ResultUnreadable",
        f"the program ended well, but its result of {framed.size} bytes in the log of pod {pod} cannot be read: {why}. "
        "Logs get lost with their pod or node, and when the kubelet rotates them (containerLogMaxSize); a result of up "
        f"to {c.RESULT_LIMIT_BYTES} bytes, such as a reference to the data, needs no log",
        outcome_unknown=True,
    )


def _keep(memory: OrderedDict[PodKey, Any], key: PodKey, value: Any) -> None:
    """Remember it, and forget the oldest of what is a lot."""
    memory[key] = value
    if len(memory) > _KEPT:
        memory.popitem(last=False)
