"""What was asked and answered in a scenario, without what two API servers cannot agree on.

UIDs become numbers in the order of their appearance, times a word, versions their rank among all versions seen; the
wording of what is wrong with an object is left out, the fields at fault are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.simulation.contract.server import Obj, Reply

Entry = dict[str, Any]

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_VERSION_IN_WORDS = re.compile(r"(?<=ersion: )\d+( \(\d+\))?|(?<=\()\d+(?=\))")
_GENERATED = re.compile(r"(?<=-generated-)[bcdf-hj-np-tv-z2-9]{5}")
_NOT_OURS = ("kube-root-ca.crt",)
_RANKED = "resourceVersion"
# What admission adds to every pod, which no part of the simulation reads.
_ADMITTED = frozenset(
    {"enableServiceLinks", "preemptionPolicy", "priority", "serviceAccount", "serviceAccountName", "tolerations"}
)
_ABOUT_SELECTORS = ("found ", "unable to parse requirement: found ")


class Transcript:
    """Entries of one scenario; ``names`` are what this server calls things (namespaces) in the order of their use."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self._entries: list[Entry] = []

    def note(self, what: str, said: Obj) -> None:
        """Something that was found out."""
        self._entries.append({"what": what, **said})

    def note_reply(self, what: str, reply: Reply) -> None:
        """An answer."""
        self.note(what, {"status": reply.status, "body": reply.body})

    def note_events(self, what: str, events: Sequence[Obj]) -> None:
        """What a watch told; how many bookmarks come one after the other is the server's affair."""
        pairs = zip([None, *events], events, strict=False)
        told = [event for before, event in pairs if not (_is_mark(event) and before is not None and _is_mark(before))]
        self.note(what, {"events": told})

    def entries(self) -> list[Entry]:
        """Everything, comparable."""
        entries = [_without_the_rest(entry) for entry in self._entries]
        ranks = {version: rank for rank, version in enumerate(sorted(set(_versions(entries))), 1)}
        uids: dict[str, str] = {}
        return [self._comparable(entry, ranks, uids) for entry in entries]

    def _comparable(self, value: Any, ranks: dict[int, int], uids: dict[str, str], key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._comparable(item, ranks, uids, name) for name, item in sorted(value.items())}
        if isinstance(value, list):
            return [self._comparable(item, ranks, uids) for item in value]
        if not isinstance(value, str):
            return value
        if key == _RANKED:
            return ranks[int(value)] if value.isdecimal() else value
        return self._text(value, uids)

    def _text(self, text: str, uids: dict[str, str]) -> str:
        text = _UID.sub(lambda found: uids.setdefault(found[0], f"uid-{len(uids) + 1}"), text)
        text = _GENERATED.sub("xxxxx", _VERSION_IN_WORDS.sub("N", _TIME.sub("TIME", text)))
        for number, name in enumerate(self.names, 1):
            text = text.replace(name, f"namespace-{number}")
        return text


def _is_mark(event: Obj) -> bool:
    return event.get("type") == "BOOKMARK"


def _versions(value: Any, key: str = "") -> Iterator[int]:
    if isinstance(value, list):
        for item in value:
            yield from _versions(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _versions(item, name)
    elif key == _RANKED and isinstance(value, str) and value.isdecimal():
        yield int(value)


def _without_the_rest(value: Any) -> Any:
    """Without what no client of ours reads, and what depends on the cluster."""
    if isinstance(value, list):
        return [_without_the_rest(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    if _is_mark(value):
        return {"type": "BOOKMARK", "annotations": value["object"]["metadata"].get("annotations")}
    if kind == "Status":
        value = _refusal(value)
    elif str(kind).endswith("List") and "items" in value:
        value = _list(value)
    elif kind == "Pod":
        value = {**value, "spec": {name: item for name, item in value["spec"].items() if name not in _ADMITTED}}
    return {name: _without_the_rest(item) for name, item in value.items() if name != "managedFields"}


def _refusal(status: Obj) -> Obj:
    message, details = status.get("message", ""), status.get("details") or {}
    if status.get("reason") == "Invalid" and details.get("causes"):
        causes = sorted({f"{cause.get('field')} {cause['reason']}" for cause in details["causes"]})
        return {**status, "message": "…", "details": {**details, "causes": causes}}
    return {**status, "message": "…"} if message.startswith(_ABOUT_SELECTORS) else status


def _list(found: Obj) -> Obj:
    """A list's version is whatever it is; its token is there or not."""
    metadata = {name: item for name, item in found["metadata"].items() if name != _RANKED}
    if metadata.get("continue"):
        metadata["continue"] = "more"
    items = [item for item in found["items"] or () if item["metadata"]["name"] not in _NOT_OURS]
    return {**found, "items": items, "metadata": metadata}
