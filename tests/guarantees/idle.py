"""no-idle-writes: a write of a Task's status says something that was not said before."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from typing import Any

from tests.guarantees.attempts import Obj, name_of_task, status_of
from tests.guarantees.breach import Breach
from tests.guarantees.identifiers import Guarantee

_TOLD_ALONG = frozenset({"observedGeneration", "stateSince", "transitions", "historyBlocks", "conditions"})


def said(task: Obj | None) -> bytes:
    """What a status says, without when it was said and how it came to that."""
    status = status_of(task)
    conditions = [(each["type"], each["status"], each["reason"]) for each in status.get("conditions") or ()]
    rest = sorted((field, value) for field, value in status.items() if field not in _TOLD_ALONG)
    return marshal.dumps([_plain(conditions), _plain(rest)], 2)


def _plain(value: Any) -> Any:
    """Equal values alike, whatever order their keys were written in; strings as such, whatever subclass they are."""
    if isinstance(value, dict):
        return [(str(key), _plain(value[key])) for key in sorted(value)]
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


class Sayings:
    """What one Task's status has said since there was other news, by the same writer."""

    def __init__(self) -> None:
        self._last: bytes | None = None
        self._since: tuple[str, int] = ("", 0)
        self._said: set[bytes] = set()

    def check(self, before: Obj | None, after: Obj, user: str, news: int) -> Iterator[Breach]:
        """Whether a write says something new. ``news`` counts whatever else has changed."""
        last = self._last if self._last is not None else said(before)
        now = self._last = said(after)
        if self._since != (user, news):
            self._since, self._said = (user, news), set()
        if now == last or now in self._said:
            gist = f"{status_of(after).get('state')}: {status_of(after).get('message')!r}"
            again = "what was there" if now == last else "once more what it had said, without news"
            yield Breach(Guarantee.NO_IDLE_WRITES, name_of_task(after), f"{user} wrote {again}: {gist}")
        self._said.add(now)
