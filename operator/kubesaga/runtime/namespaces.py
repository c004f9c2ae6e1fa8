"""Which namespaces are being deleted: they admit nothing new, so that what is due there can only be written down.

Nobody watches namespaces (the operator needs no permission on them): ``apply`` learns it from a refused create,
``gather`` asks for a Task that has nothing to create, or that would be let go by what was noted of its namespace's
name, and hands it to the next decision.
"""

from __future__ import annotations

from collections.abc import Callable

from kubesaga.kube.client import Kube, KubeError, configmaps_path
from kubesaga.runtime.clocks import monotonic

REMEMBERED_SECONDS = 60.0


class Terminating:
    """Remembers a refusal for a minute, or until asking finds that a namespace of that name has come again."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def note(self, namespace: str) -> None:
        """A create was refused there because of it."""
        now = self._clock()
        self._until = {each: until for each, until in self._until.items() if until > now}
        self._until[namespace] = now + REMEMBERED_SECONDS

    def admits(self, namespace: str) -> bool:
        """Whether anything can still be created there, as far as is known."""
        return self._until.get(namespace, 0.0) <= self._clock()

    async def ask(self, kube: Kube, namespace: str) -> None:
        """Find out by a create that is only tried. Raises KubeError."""
        probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "kubesaga-probe-"}}
        try:
            await kube.create(configmaps_path(namespace), probe, dry_run=True)
        except KubeError as error:
            if is_terminating(error) or error.not_found:
                self.note(namespace)
                return
            if error.transient:
                raise
            # What else refuses it, a quota or a webhook that takes no dry run, is asked once the namespace has not.
        self._until.pop(namespace, None)


def is_terminating(error: KubeError) -> bool:
    """Whether a create was refused because its namespace is being deleted."""
    return error.forbidden and "being terminated" in error.message
