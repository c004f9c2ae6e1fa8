"""Which cluster, as whom, in which namespace: as kubectl finds it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from kubernetes.aio.client.configuration import Configuration

from kubesaga.client import Misconfigured, access
from kubesaga.client.access import Access, find_access


def config(path: Path, *names: str, current: str | None = None, namespace: str | None = None) -> Path:
    """A kubeconfig with a context, a cluster and a user of each name."""
    more = {"namespace": namespace} if namespace else {}
    content: dict[str, Any] = {
        "clusters": [{"name": name, "cluster": {"server": f"http://{path.stem}.{name}"}} for name in names],
        "users": [{"name": name, "user": {"token": name}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **more}} for name in names],
    }
    if current is not None:
        content["current-context"] = current
    path.write_text(json.dumps(content))
    return path


def find(kubeconfig: Path | str | None = None, context: str | None = None, namespace: str | None = None) -> Access:
    return asyncio.run(find_access(None if kubeconfig is None else str(kubeconfig), context, namespace))


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pod, no home, no KUBECONFIG."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "POD_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_the_current_contexts_namespace_is_the_default(tmp_path: Path) -> None:
    file = config(tmp_path / "f", "a", "b", current="b", namespace="shop")
    found = find(file)
    assert (found.context, found.namespace, found.configuration.host) == ("b", "shop", "http://f.b")
    assert find(file, "a").configuration.host == "http://f.a"
    assert find(file, None, "elsewhere").namespace == "elsewhere"
    assert find(config(tmp_path / "g", "a", current="a")).namespace == "default"


def test_the_usual_places_are_looked_into_in_kubectls_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home/.kube").mkdir(parents=True)
    config(tmp_path / "home/.kube/config", "home", current="home")
    assert find().context == "home"
    first = config(tmp_path / "first", "a", current="a", namespace="one")
    second = config(tmp_path / "second", "a", "b", current="b", namespace="two")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'missing'}:{first}:{second}")
    found = find()
    assert (found.context, found.namespace, found.configuration.host) == ("a", "one", "http://first.a")
    assert (find(context="b").namespace, find(context="b").configuration.host) == ("two", "http://second.b")
    assert find(second).context == "b"


def test_a_pod_without_a_kubeconfig_uses_its_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with pytest.raises(Misconfigured, match="cannot connect to Kubernetes"):  # there is no token
        find()
    monkeypatch.setattr(access, "pod_configuration", Configuration)
    namespace = tmp_path / "namespace"
    namespace.write_text("billing\n")
    monkeypatch.setattr(access, "_POD_NAMESPACE", namespace)
    assert (find().namespace, find().context) == ("billing", None)
    monkeypatch.setenv("KUBECONFIG", str(config(tmp_path / "f", "a", current="a")))
    assert find().context == "a"


@pytest.mark.parametrize(
    ("content", "context", "words"),
    [
        (None, None, "there is no kubeconfig at"),
        ("a: [", None, "is no YAML: .*line 1"),
        ("[]", None, "is not one"),
        ("contexts: [{name: a}]", None, "has no current-context"),
        ("{current-context: b, contexts: [{name: a}]}", None, "has no context b"),
        ("{current-context: a, contexts: [{name: a}]}", "c", "has no context c"),
        ("{current-context: a, contexts: [{name: a, context: b}]}", None, "its context a is no object"),
        (
            "{current-context: a, contexts: [{name: a, context: {cluster: x}}], clusters: []}",
            None,
            "with name x",
        ),
    ],
)
def test_what_is_wrong_with_a_kubeconfig_is_told(
    tmp_path: Path, content: str | None, context: str | None, words: str
) -> None:
    file = tmp_path / "f"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Misconfigured, match=words) as error:
        find(file, context)
    assert error.value.remedy


def test_an_unknown_context_comes_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as error:
        find(config(tmp_path / "f", "b", "a", current="a"), "c")
    assert error.value.remedy == "name one of those that there are: a, b"


def test_nothing_anywhere_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no kubeconfig at ~/\.kube/config") as error:
        find()
    assert "KUBECONFIG" in error.value.remedy
