"""How a step's own settings go over its template's defaults.

Scalars replace, maps are merged by key, lists of named things by their name, other lists are joined. Used by
``compile`` and ``programs``; the same rules are documented at the fields of the models.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubesaga.api.durations import parse_duration
from kubesaga.api.models import PodSettings, Resources, RetrySettings
from kubesaga.api.models.base import Model
from kubesaga.engine.plan import RetryPolicy

Doc = dict[str, Any]

_MAPS = ("labels", "annotations", "nodeSelector")
_NAMED_LISTS = ("volumes", "imagePullSecrets")
_JOINED_LISTS = ("tolerations",)


def merged_by(key: str, under: Iterable[Doc], over: Iterable[Doc]) -> list[Doc]:
    """Entries of both lists; of two with the same ``key`` the one of ``over``, in the place of the other."""
    return list({entry[key]: entry for entry in (*under, *over)}.values())


def merged_list(key: str, under: Iterable[Model] | None, over: Iterable[Model] | None) -> tuple[Doc, ...]:
    """``merged_by`` for models, as plain JSON values."""
    return tuple(merged_by(key, (m.write() for m in under or ()), (m.write() for m in over or ())))


def merged_resources(under: Resources | None, over: Resources | None) -> Doc:
    """Requests and limits, each merged by resource; empty where neither says anything."""
    first, second = (settings.write() if settings else {} for settings in (under, over))
    return {kind: {**first.get(kind, {}), **second.get(kind, {})} for kind in {**first, **second}}


def merged_pod(under: PodSettings | None, over: PodSettings | None) -> Doc:
    """The pod settings as plain JSON values; empty where neither says anything."""
    first, second = (settings.write() if settings else {} for settings in (under, over))
    pod = {**first, **second}
    for field in first.keys() & second.keys():
        if field in _MAPS:
            pod[field] = {**first[field], **second[field]}
        elif field in _NAMED_LISTS:
            pod[field] = merged_by("name", first[field], second[field])
        elif field in _JOINED_LISTS:
            pod[field] = [*first[field], *second[field]]
    return pod


def merged_retry(under: RetrySettings | None, over: RetrySettings | None) -> RetryPolicy:
    """The retry policy: ``over``, else ``under``, else the engine's own defaults, field by field."""
    chosen: Doc = {}
    for settings in (under, over):
        if settings is not None:
            chosen |= settings.model_dump(exclude_none=True)
    for interval in ("initial_interval", "max_interval"):
        if interval in chosen:
            chosen[interval] = parse_duration(chosen[interval])
    return RetryPolicy(**chosen)
