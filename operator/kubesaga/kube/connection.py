"""How the API server is reached: where it is, who we are, and the HTTP session for it.

Whatever a process asks on its own and whatever kopf watches for it connect through here, so that both always talk to
the same server as the same user. The official client resolves the configuration and the credentials.
"""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from kubesaga import __version__

USER_AGENT = f"kubesaga/{__version__}"


class ConnectError(Exception):
    """There is no usable way to an API server; the message says which were tried and what to set."""


async def load_configuration(kubeconfig: str | None) -> Configuration:
    """The address and credentials that the operator uses; raises ConnectError.

    A ``kubeconfig`` path given wins, then the pod's service account, then $KUBECONFIG and ~/.kube/config.
    """
    if kubeconfig is None and in_pod():
        return pod_configuration()
    return await file_configuration(_existing(kubeconfig))


def in_pod() -> bool:
    """Whether Kubernetes told this process where its API server is."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST"))


def pod_configuration() -> Configuration:
    """As the pod's service account; raises ConnectError."""
    configuration = _configuration()
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError) as error:
        raise ConnectError(f"cannot connect to Kubernetes: {error}") from error
    return configuration


async def file_configuration(paths: str, context: str | None = None) -> Configuration:
    """By kubeconfig files, several of them separated as in $PATH, and the current context if none is named.

    Raises ConnectError.
    """
    configuration = _configuration()
    try:
        await load_kube_config(  # type: ignore[no-untyped-call]
            config_file=paths, context=context, client_configuration=configuration, persist_config=False
        )
    except (ConfigException, OSError) as error:
        raise ConnectError(f"cannot connect to Kubernetes: {error}") from error
    return configuration


def _configuration() -> Configuration:
    configuration = Configuration()
    # Python 3.13 made X.509 checks strict. Cluster CAs without an authority key identifier are common, and
    # kubectl accepts them; the chain and the host name are verified all the same.
    configuration.disable_strict_ssl_verification = True
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
    configuration: Configuration,
    user_agent: str = USER_AGENT,
    middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
    *,
    proxied: bool = False,
    headers: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Arguments of an aiohttp session that authenticates each request.

    ``proxied``: through the environment's HTTPS_PROXY, if it names one, as kubectl does. ``headers`` go with each
    request.
    """

    async def authenticate(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        token = await configuration.get_api_key_with_prefix("BearerToken")  # rereads a rotated one
        if token:
            request.headers["Authorization"] = token
        return await handler(request)

    return {
        "trust_env": proxied,
        "headers": [("User-Agent", user_agent), *headers],
        "middlewares": (authenticate, *middlewares),
    }


class Connector(aiohttp.TCPConnector):
    """Closes every connection that it made, those too that were given up in the middle of an answer.

    aiohttp forgets these, and asyncio sees them off by TLS's farewell: where the event loop ends before the server has
    answered it, their sockets stay open.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._made: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    async def connect(self, *request: Any, **options: Any) -> aiohttp.connector.Connection:
        """As the base class does."""
        connection = await super().connect(*request, **options)
        if connection.transport is not None:
            self._made.add(connection.transport)
        return connection

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Close all, at once."""
        for transport in self._made:
            transport.abort()
        await super().close(abort_ssl=abort_ssl)
        await asyncio.sleep(0)  # in which the sockets are closed


class RestClient(RESTClientObject):
    """The official client's, with connections as above."""

    def _create_connector(self) -> Connector:
        return Connector(limit=self.maxsize, ssl=self.ssl_context)


def open_session(
    configuration: Configuration,
    middlewares: Sequence[aiohttp.ClientMiddlewareType],
    user_agent: str = USER_AGENT,
) -> aiohttp.ClientSession:
    """A session for a client other than the official one; the caller closes it."""
    return aiohttp.ClientSession(
        connector=Connector(limit=0, ssl=RestClient(configuration).ssl_context),
        proxy=configuration.proxy,
        **session_options(configuration, user_agent, middlewares),
    )
