"""The rules of ``metadata``, alike for all kinds: what the server sets, what no client may change, how names look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tests.simulation.server import refusals
from tests.simulation.server.refusals import Cause

Obj = dict[str, Any]

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_SYSTEM = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")
_KEPT = (*_SYSTEM, "deletionGracePeriodSeconds", "name", "namespace")
_LEFT_OUT_WHEN_EMPTY = ("labels", "annotations", "finalizers", "ownerReferences")
_LEFT_OUT = frozenset({*_SYSTEM, "deletionGracePeriodSeconds", "managedFields", "selfLink"})


def born(given: Mapping[str, Any], namespace: str, uid: str, created: str, *, has_generation: bool) -> Obj:
    """The metadata of a new object, whose name is given or has been generated."""
    metadata = {key: value for key, value in given.items() if key not in _LEFT_OUT}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= {"uid": uid, "creationTimestamp": created}
    if has_generation:
        metadata["generation"] = 1
    return _without_empties(metadata)


def updated(before: Mapping[str, Any], given: Mapping[str, Any]) -> Obj:
    """The metadata after an update: what the server keeps is as before."""
    metadata = {key: value for key, value in given.items() if key not in _LEFT_OUT}
    metadata |= {key: before[key] for key in _KEPT if key in before}
    return _without_empties(metadata)


@lru_cache(maxsize=1024)
def timestamp(seconds: int) -> str:
    """A time as metadata has it, in whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def generated_name(prefix: str, number: int) -> str:
    """A name from ``generateName``."""
    suffix = ""
    for _ in range(5):
        number, place = divmod(number, len(_SUFFIX))
        suffix = _SUFFIX[place] + suffix
    return prefix[:58] + suffix


def name_causes(name: str) -> list[Cause]:
    """What is wrong with an object's name."""
    if len(name) <= 253 and _NAME.fullmatch(name):
        return []
    rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
    return [Cause("metadata.name", f'Invalid value: "{name}": {rule}')]


def label_causes(labels: Mapping[str, str] | None) -> list[Cause]:
    """What is wrong with an object's labels."""
    return [
        Cause("metadata.labels", f"Invalid value: {value!r}: {problem}")
        for key, value in (labels or {}).items()
        if (problem := _label_problem(key, value))
    ]


def change_causes(before: Mapping[str, Any], given: Mapping[str, Any]) -> list[Cause]:
    """What an update may not do."""
    causes = []
    if given.get("uid") not in (None, "", before["uid"]):
        causes.append(Cause("metadata.uid", f'Invalid value: "{given["uid"]}": {refusals.IMMUTABLE}'))
    if before.get("deletionTimestamp"):
        known = before.get("finalizers") or ()
        added = [each for each in given.get("finalizers") or () if each not in known]
        if added:
            told = ", ".join(f'"{each}"' for each in added)
            message = (
                "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
                f"[]string{{{told}}}"
            )
            causes.append(Cause("metadata.finalizers", message, "FieldValueForbidden"))
    if given.get("labels") != before.get("labels"):
        causes += label_causes(given.get("labels"))
    return causes


@lru_cache(maxsize=65536)
def _label_problem(key: str, value: str) -> str | None:
    prefix, _, name = key.rpartition("/")
    if len(name) > 63 or not _LABEL_PART.fullmatch(name) or (prefix and not _NAME.fullmatch(prefix)):
        return "name part must consist of alphanumeric characters, '-', '_' or '.'"
    if len(value) > 63:
        return "must be no more than 63 bytes"
    if value and not _LABEL_PART.fullmatch(value):
        return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
    return None


def _without_empties(metadata: Obj) -> Obj:
    for key in _LEFT_OUT_WHEN_EMPTY:
        if key in metadata and not metadata[key]:
            del metadata[key]
    return metadata
