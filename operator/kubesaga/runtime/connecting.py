"""The operator's two ways to the API server: its own calls and kopf's watches, both as ``kubesaga-operator``.

``__main__`` opens the first, the feed the second. The operator's own calls are counted in its metrics.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import aiohttp

from kubesaga import __version__
from kubesaga.kube.client import Kube
from kubesaga.kube.connection import load_configuration, open_session
from kubesaga.runtime import metrics

USER_AGENT = f"kubesaga-operator/{__version__}"

Connect = Callable[[str | None, Sequence[aiohttp.ClientMiddlewareType]], Awaitable[tuple[str, aiohttp.ClientSession]]]
"""Where the API server is, and a session for it that the caller closes. Raises ConnectError."""


async def connect_kube(kubeconfig: str | None) -> Kube:
    """For the operator's own calls; see ``Kube.connect``."""
    return await Kube.connect(kubeconfig, USER_AGENT, metrics.api_request)


async def connect_watches(
    kubeconfig: str | None, middlewares: Sequence[aiohttp.ClientMiddlewareType]
) -> tuple[str, aiohttp.ClientSession]:
    """See Connect."""
    configuration = await load_configuration(kubeconfig)
    return configuration.host, open_session(configuration, middlewares, USER_AGENT)
