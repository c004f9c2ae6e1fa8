"""How what is said more closely goes over what is said in general: a step's settings over its template's defaults, an
environment's over the step's, a Task's context over the template's.

Scalars replace, maps are merged by key, lists of named things by their name, other lists of pod settings are joined.
Used by ``compile``, ``environments`` and ``programs``; the same rules are documented at the fields of the models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubesaga.api.durations import parse_duration
from kubesaga.api.models import PodSettings, Resources, RetryRule, RetrySettings
from kubesaga.api.models.base import Model
from kubesaga.engine import plan
from kubesaga.engine.plan import RetryPolicy

Doc = dict[str, Any]

_MAPS = ("labels", "annotations", "nodeSelector")
_NAMED_LISTS = ("volumes", "imagePullSecrets")
_JOINED_LISTS = ("tolerations",)


def deep_merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> Doc:
    """Both, object by object; of anything else (a list, null) that both have, that of ``over``."""
    merged = {**under, **over}
    for key in under.keys() & over.keys():
        first, second = under[key], over[key]
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            merged[key] = deep_merged(first, second)
    return merged


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


def merged_settings(under: RetrySettings | None, over: RetrySettings | None) -> RetrySettings:
    """Field by field that of ``over``, else that of ``under``; a list of rules is one field."""
    if under is None or over is None:
        return under or over or RetrySettings()
    return under.model_copy(update={name: value for name, value in over if value is not None})


def merged_retry(under: RetrySettings | None, over: RetrySettings | None) -> RetryPolicy:
    """The retry policy: ``over``, else ``under``, else the engine's own defaults, field by field."""
    chosen: Doc = {name: value for name, value in merged_settings(under, over) if value is not None}
    for interval in ("initial_interval", "max_interval", "max_duration"):
        if interval in chosen:
            chosen[interval] = parse_duration(chosen[interval])
    if "rules" in chosen:
        chosen["rules"] = tuple(map(_rule, chosen["rules"]))
    return RetryPolicy(**chosen)


def _rule(rule: RetryRule) -> plan.RetryRule:
    return plan.RetryRule(
        action=rule.action,
        exit_codes=rule.on_exit_codes or (),
        types=rule.on_error_types or (),
        codes=rule.on_error_codes or (),
        pod_reasons=rule.on_pod_reasons or (),
    )
