"""A real API server, as scenarios use it: plain HTTP by the kubeconfig, under an API group of the scenarios' own.

A Kubesaga that is installed in the cluster serves another group, and so leaves their Tasks alone.
"""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

from kubesaga.api.constants import GROUP
from kubesaga.api.crds import task_action_crd, task_crd, task_template_crd
from tests.simulation.contract.server import Obj, Reply

OWN_GROUP = "contract.example.com"
PATIENCE = 300.0
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_NAMESPACES = "/api/v1/namespaces"


class RealServer:
    """Implements Server."""

    def __init__(self, kubeconfig: Path) -> None:
        address, self._tls = _access(yaml.safe_load(kubeconfig.read_text(encoding="utf-8")))
        self._host, self._port = address
        self._namespaces: list[str] = []

    def send(self, method: str, path: str, body: Any, content_type: str, query: Mapping[str, str]) -> Reply:
        """See Server."""
        connection = http.client.HTTPSConnection(self._host, self._port, context=self._tls, timeout=PATIENCE)
        try:
            sent = None if body is None else json.dumps(body).replace(GROUP, OWN_GROUP)
            url = f"{path}?{urlencode(query)}" if query else path
            connection.request(method, url.replace(GROUP, OWN_GROUP), sent, {"Content-Type": content_type})
            response = connection.getresponse()
            return _reply(response.status, response.read())
        finally:
            connection.close()

    def watch(self, path: str, query: Mapping[str, str], seconds: int) -> list[Obj]:
        """See Server."""
        # A list is answered once the server's own cache has everything that is stored: a watch tells what that has.
        self._status("GET", path)
        reply = self.send(
            "GET", path, None, "application/json", {**query, "watch": "true", "timeoutSeconds": str(seconds)}
        )
        if reply.status != 200:
            return [{"refused": reply.status, "object": reply.body}]
        lines = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
        return [json.loads(line) for line in lines.splitlines() if line.strip()]

    def until(self, holds: Callable[[], bool]) -> bool:
        """See Server."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def new_namespace(self) -> str:
        """See Server."""
        name = f"contract-{secrets.token_hex(4)}"
        self._namespaces.append(name)
        self._make(_NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        # Without the first no pod is admitted yet; the second is there in every namespace, at first a little late.
        for there in ("serviceaccounts/default", "configmaps/kube-root-ca.crt"):
            self._await(f"{_NAMESPACES}/{name}/{there}")
        return name

    def forget_history(self) -> None:
        """See Server: nobody knows a version from before the CRDs."""

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Our custom resources under the scenarios' group, as long as the block runs; then all traces go."""
        crds = [_renamed(crd) for crd in (task_crd(), task_template_crd(), task_action_crd())]
        paths = [f"{_CRDS}/{crd['metadata']['name']}" for crd in crds]
        try:
            for crd, path in zip(crds, paths, strict=True):
                # Those of a run before may still be on their way out.
                self._await(path, 404)
                self._make(_CRDS, crd)
            for crd in crds:
                self._await(f"/apis/{OWN_GROUP}/{crd['spec']['versions'][0]['name']}/{crd['spec']['names']['plural']}")
            yield
        finally:
            for name in self._namespaces:
                self._status("DELETE", f"{_NAMESPACES}/{name}")
            for path in paths:
                self._status("DELETE", path)

    def _make(self, path: str, obj: Obj) -> None:
        reply = self.send("POST", path, obj, "application/json", {})
        assert reply.status == 201, reply.body

    def _await(self, path: str, status: int = 200) -> None:
        assert self.until(lambda: self._status("GET", path) == status), f"GET {path} never answers {status}"

    def _status(self, method: str, path: str) -> int:
        return self.send(method, path, None, "application/json", {}).status


def _reply(status: int, content: bytes) -> Reply:
    text = content.decode().replace(OWN_GROUP, GROUP)
    try:
        return Reply(status, json.loads(text))
    except ValueError:
        return Reply(status, text)


def _renamed(crd: Obj) -> Obj:
    # Short names and categories that an installed Kubesaga has taken already are left out.
    names = {key: value for key, value in crd["spec"]["names"].items() if key not in ("shortNames", "categories")}
    name = f"{names['plural']}.{OWN_GROUP}"
    return {**crd, "metadata": {"name": name}, "spec": {**crd["spec"], "group": OWN_GROUP, "names": names}}


def _access(config: Obj) -> tuple[tuple[str, int], ssl.SSLContext]:
    """Where the current context's server is, and how it is spoken to: by certificates, as test clusters have them."""
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    tls = ssl.create_default_context(cadata=_content(cluster, "certificate-authority").decode())
    with tempfile.NamedTemporaryFile() as both:
        both.write(_content(user, "client-certificate") + b"\n" + _content(user, "client-key"))
        both.flush()
        tls.load_cert_chain(both.name)
    parts = urlsplit(cluster["server"])
    assert parts.hostname is not None
    return (parts.hostname, parts.port or 443), tls


def _named(entries: list[Obj], name: str) -> Obj:
    return next(entry for entry in entries if entry["name"] == name)


def _content(entry: Obj, field: str) -> bytes:
    if f"{field}-data" in entry:
        return base64.b64decode(entry[f"{field}-data"])
    return Path(entry[field]).read_bytes()
