"""How ``feed`` sets kopf up: what it asks of the API server, how patient it is, and that it remembers nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kopf

_NEVER = 3600.0


def kopf_settings(selectors: Mapping[tuple[str, str, str], str]) -> kopf.OperatorSettings:
    """The settings; ``selectors`` by group, version and plural of what is watched."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.process.ultimate_exiting_timeout = None  # the process is ours
    settings.persistence.diffbase_storage = _NoDiff()
    settings.persistence.progress_storage = _NoProgress()
    settings.watching.server_timeout = 600
    settings.watching.client_timeout = 630
    settings.watching.connect_timeout = 5
    # It cancels the task that watches, whatever that is at: if it is just handing on an event, the watch is gone for
    # good, and kopf neither says so nor ends. ``kopf_watches`` sees to it.
    settings.watching.inactivity_timeout = _NEVER
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    # An API server that restarts is back within seconds, and Tasks wait for it: ask often, for a minute.
    settings.networking.error_backoffs = (0.1, 0.2, 0.5, *(1.0 for _ in range(60)))
    settings.queueing.idle_timeout = 1.0  # a worker per object that changed within it
    for resource, selector in selectors.items():
        settings.watching.label_selectors[resource] = selector
    return settings


class _NoDiff(kopf.DiffBaseStorage):
    """kopf need not remember what objects looked like: nothing here asks for differences."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """kopf need not remember which handlers ran: ``on.event`` handlers are not repeated."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence
