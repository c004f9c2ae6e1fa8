"""How the operator reaches the API server: where it is, who we are, and the HTTP session for it.

``kube`` and ``feed`` both connect through here, so that the operator's own calls and kopf's watches always
talk to the same server as the same user. The official client resolves the configuration and the
credentials.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from kubesaga import __version__

USER_AGENT = f"kubesaga-operator/{__version__}"

Connect = Callable[[str | None, Sequence[aiohttp.ClientMiddlewareType]], Awaitable[tuple[str, aiohttp.ClientSession]]]
"""Where the API server is, and a session for it that the caller closes. Raises ConnectError."""


class ConnectError(Exception):
    """There is no usable way to an API server; the message says which were tried and what to set."""


async def load_configuration(kubeconfig: str | None) -> Configuration:
    """The address and credentials to use; raises ConnectError.

    A ``kubeconfig`` path given wins, then the pod's service account, then $KUBECONFIG and ~/.kube/config.
    """
    configuration = Configuration()
    # Python 3.13 made X.509 checks strict. Cluster CAs without an authority key identifier are common, and
    # kubectl accepts them; the chain and the host name are verified all the same.
    configuration.disable_strict_ssl_verification = True
    try:
        if kubeconfig is None and os.environ.get("KUBERNETES_SERVICE_HOST"):
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=_existing(kubeconfig), client_configuration=configuration, persist_config=False
            )
    except (ConfigException, OSError) as error:
        raise ConnectError(f"cannot connect to Kubernetes: {error}") from error
    return configuration


def _existing(kubeconfig: str | None) -> str:
    path = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    if not any(Path(part).expanduser().is_file() for part in path.split(os.pathsep)):
        raise ConnectError(
            f"no kubeconfig at {path}, and this is not a pod with a service account: "
            "give --kubeconfig or set KUBECONFIG"
        )
    return path


def session_options(
    configuration: Configuration, middlewares: Sequence[aiohttp.ClientMiddlewareType] = ()
) -> dict[str, Any]:
    """Arguments of an aiohttp session that authenticates each request and ignores the environment's proxy."""

    async def authenticate(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        token = await configuration.get_api_key_with_prefix("BearerToken")  # rereads a rotated one
        if token:
            request.headers["Authorization"] = token
        return await handler(request)

    return {
        "trust_env": False,
        "headers": {"User-Agent": USER_AGENT},
        "middlewares": (authenticate, *middlewares),
    }


async def connect(
    kubeconfig: str | None, middlewares: Sequence[aiohttp.ClientMiddlewareType]
) -> tuple[str, aiohttp.ClientSession]:
    """See Connect."""
    configuration = await load_configuration(kubeconfig)
    return configuration.host, open_session(configuration, middlewares)


def open_session(
    configuration: Configuration, middlewares: Sequence[aiohttp.ClientMiddlewareType]
) -> aiohttp.ClientSession:
    """A session for a client other than the official one; the caller closes it."""
    ssl_context = RESTClientObject(configuration).ssl_context
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=ssl_context),
        proxy=configuration.proxy,
        **session_options(configuration, middlewares),
    )
