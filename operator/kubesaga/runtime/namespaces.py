"""Which namespaces are being deleted: they admit nothing new, so that what is due there can only be written down.

Nobody watches namespaces (the operator needs no permission on them): ``apply`` learns it from a refused create and
``gather`` hands it to the next decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kubesaga.runtime.kube import KubeError

REMEMBERED_SECONDS = 60.0


class Terminating:
    """Remembers a refusal for a minute: a namespace of that name may come again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def note(self, namespace: str) -> bool:
        """A create was refused there because of it; True when that is news."""
        news = self.admits(namespace)
        self._until[namespace] = self._clock() + REMEMBERED_SECONDS
        return news

    def admits(self, namespace: str) -> bool:
        """Whether anything can still be created there, as far as is known."""
        until = self._until.get(namespace)
        if until is None:
            return True
        if until > self._clock():
            return False
        del self._until[namespace]
        return True


def is_terminating(error: KubeError) -> bool:
    """Whether a create was refused because its namespace is being deleted."""
    return error.forbidden and "being terminated" in error.message
