"""Results that are too large for a status: immutable ConfigMaps, written before the status that refers to them.

``apply`` stores them, ``reconcile`` loads what a decision asks for, and launches load what a step's input needs. Texts
are remembered, the latest used ones, as far as they fit into a budget of bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.engine.decision import Blob
from kubesaga.engine.records import ResultRef, TaskStatus
from kubesaga.engine.vocabulary import DeletionPolicy
from kubesaga.kube.client import Kube, KubeError, configmaps_path
from kubesaga.runtime.configmaps import build_config_map, put_config_map

BUDGET_BYTES = 32 * 1024 * 1024
_AT_ONCE = 8


class ResultMissing(Exception):
    """What a status refers to is gone or was changed: the message says what a human can do.

    ``name`` is that of the ConfigMap.
    """

    def __init__(self, namespace: str, name: str, why: str) -> None:
        super().__init__(
            f"ConfigMap {name} in namespace {namespace}, which holds a large result of this Task, {why}; restore it "
            "from a backup, or cancel the Task"
        )
        self.name = name


class Results:
    """Stores and loads large results. ``budget`` in bytes of JSON."""

    def __init__(self, kube: Kube, budget: int = BUDGET_BYTES) -> None:
        self._kube = kube
        self._budget = budget
        self._texts: OrderedDict[tuple[str, ResultRef], str] = OrderedDict()
        self._size = 0
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def store(self, task: Mapping[str, Any], policy: DeletionPolicy, blobs: Iterable[Blob]) -> None:
        """Make sure that every blob is stored. Raises KubeError."""
        await _all(self._store(task, policy, blob) for blob in blobs)

    async def values(self, namespace: str, status: TaskStatus, names: Iterable[str]) -> dict[str, Any]:
        """The values of those of the status' references, by name. Raises KubeError, ResultMissing."""
        refs = refs_of(status)
        return await self.load(namespace, (refs[name] for name in names))

    async def load(self, namespace: str, refs: Iterable[ResultRef]) -> dict[str, Any]:
        """The values that these references stand for, by name. Raises KubeError, ResultMissing."""
        wanted = list(refs)
        texts = await _all(self._text(namespace, ref) for ref in wanted)
        return {ref.name: json.loads(text) for ref, text in zip(wanted, texts, strict=True)}

    async def _store(self, task: Mapping[str, Any], policy: DeletionPolicy, blob: Blob) -> None:
        obj = build_config_map(
            task,
            policy,
            blob.ref.name,
            c.CONTENT_RESULT,
            {c.RESULT_KEY: blob.text},
            {c.ANNOTATION_SHA256: blob.ref.sha256},
        )
        async with self._turn:
            await put_config_map(self._kube, obj)
        self._remember((obj["metadata"]["namespace"], blob.ref), blob.text)

    async def _text(self, namespace: str, ref: ResultRef) -> str:
        known = self._texts.get((namespace, ref))
        if known is not None:
            self._texts.move_to_end((namespace, ref))
            return known
        try:
            async with self._turn:
                found = await self._kube.get(configmaps_path(namespace, ref.name))
        except KubeError as error:
            if error.not_found:
                raise ResultMissing(namespace, ref.name, "is gone") from error
            raise
        text: str = (found.get("data") or {}).get(c.RESULT_KEY, "")
        if hashlib.sha256(text.encode()).hexdigest() != ref.sha256:
            raise ResultMissing(namespace, ref.name, "holds something else than was stored in it")
        self._remember((namespace, ref), text)
        return text

    def _remember(self, key: tuple[str, ResultRef], text: str) -> None:
        self._size += len(text) - len(self._texts.get(key, ""))
        self._texts[key] = text
        self._texts.move_to_end(key)
        while self._size > self._budget:
            _, dropped = self._texts.popitem(last=False)
            self._size -= len(dropped)


def refs_of(status: TaskStatus) -> dict[str, ResultRef]:
    """Every large result that the status refers to, by the name of its ConfigMap."""
    records = [record for step in status.steps for record in (step, step.compensation) if record]
    values = [status.result, *(record.result for record in records)]
    return {value.name: value for value in values if isinstance(value, ResultRef)}


async def _all(calls: Iterable[Any]) -> list[Any]:
    """The results of calls made side by side; the first error once all of them are over."""
    done = await asyncio.gather(*calls, return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result
    return done
