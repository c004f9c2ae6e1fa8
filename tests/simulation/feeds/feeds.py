"""Which feed an operator of a simulation has: kopf itself, or the cheap one that does the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from kubesaga.kube.client import Kube
from kubesaga.runtime.feed import Feed, KopfFeed
from tests.simulation.feeds.feed import DirectFeed
from tests.simulation.feeds.kopf_transport import connect_by
from tests.simulation.feeds.watching import Watching


def make_feed(which: Literal["direct", "kopf"], kube: Kube, watching: Watching, namespaces: Sequence[str] = ()) -> Feed:
    """A feed for one operator process."""
    if which == "kopf":
        return KopfFeed(kube, namespaces, connect_by(watching))
    return DirectFeed(watching, namespaces)
