"""What every part of the client has: a connection, a namespace, and calls whose errors are the client's own."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Self

from kubernetes.aio.client.configuration import Configuration

from kubesaga import __version__
from kubesaga.client.access import find_access
from kubesaga.client.errors import Invalid, Misconfigured, translated
from kubesaga.client.patient import Credentials, PatientKube
from kubesaga.client.watching import Change, Selection, changes
from kubesaga.kube.client import Kube, Obj
from kubesaga.kube.connection import RestClient, session_options

USER_AGENT = f"kubesaga-client/{__version__}"

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

Selector = str | Mapping[str, str]
"""Labels to select by: as kubectl writes them (``a=b,c!=d``), or those that an object must have."""


class Base:
    """A connection to a cluster. ``kube`` makes calls in plain dicts; it raises KubeError, see ``translated``.

    ``namespace`` is used where a method is given none; ``server`` is the API server's address, ``context`` the
    kubeconfig's (None in a pod).
    """

    def __init__(self, kube: Kube, namespace: str = "default", *, server: str = "", context: str | None = None) -> None:
        self.kube = kube
        self.namespace = namespace
        self.server = server
        self.context = context
        self._me: str | None = None

    @classmethod
    async def open(
        cls,
        kubeconfig: str | None = None,
        context: str | None = None,
        namespace: str | None = None,
        *,
        request_timeout: float = 30.0,
        user_agent: str = USER_AGENT,
    ) -> Self:
        """Find the cluster as kubectl does; sends nothing yet. Raises Misconfigured.

        ``request_timeout`` in seconds is for each request; one that fails for a passing reason is sent four times.
        """
        access = await find_access(kubeconfig, context, namespace)
        configuration = access.configuration
        configuration.client_session_kwargs = session_options(
            configuration, user_agent, proxied=access.context is not None, headers=access.headers
        )
        try:
            rest = RestClient(configuration)
        except OSError as error:  # of which an SSLError is one
            raise Misconfigured(
                f"the certificates for {configuration.host} cannot be used: {error}",
                "correct certificate-authority, client-certificate and client-key in the kubeconfig",
            ) from error

        async def load() -> Configuration:
            return (await find_access(kubeconfig, context, namespace)).configuration

        kube = PatientKube(rest, configuration.host, request_timeout, Credentials(configuration, load))
        return cls(kube, access.namespace, server=configuration.host, context=access.context)

    async def close(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        await self.kube.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    # --- for the parts ---------------------------------------------------------------------------------------------

    def _in(self, namespace: str | None, all_namespaces: bool = False) -> str | None:
        """The namespace to use; None means all."""
        return None if all_namespaces else self._of(namespace)

    def _of(self, namespace: str | None) -> str:
        return checked(namespace or self.namespace, "a namespace")

    async def _get(self, path: str, what: str) -> Obj:
        with translated(f"reading {what}"):
            return await self.kube.get(path)

    async def _list(self, selection: Selection, what: str) -> list[Obj]:
        with translated(f"listing {what}"):
            items, _ = await self.kube.list(selection.path, selection.labels, None, selection.fields)
            return items

    async def _changes(
        self, selection: Selection, what: str, known: Iterable[Obj] = ()
    ) -> AsyncGenerator[Change, None]:
        with translated(f"watching {what}"):
            async with aclosing(changes(self.kube, selection, known)) as told:
                async for change in told:
                    yield change


def checked(name: str, what: str) -> str:
    """The name, if an object can have it; any other would make another path. Raises Invalid."""
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name!r} is no name of {what}", "write lower-case letters, digits, inner - and .")
    return name


def selector(given: Selector | None) -> str | None:
    """As the API takes it."""
    if given is None or isinstance(given, str):
        return given
    return ",".join(f"{key}={value}" for key, value in given.items())
