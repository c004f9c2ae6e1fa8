"""What goes wrong: each refusal is one error with a remedy, and what passes is tried again."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

from kubesaga.client import (
    AlreadyExists,
    AsyncKubesaga,
    Conflict,
    Forbidden,
    Invalid,
    KubesagaError,
    NotFound,
    NotInstalled,
    ServerFault,
    TaskRequest,
    TaskState,
    Unauthorized,
    Unreachable,
    patient,
    translated,
)
from kubesaga.client.errors import of_kube
from kubesaga.kube.errors import KubeError
from tests.client.cluster import NAMESPACE, Cluster, play, serving, until
from tests.kube.server import kubeconfig


@pytest.mark.parametrize(
    ("status", "reason", "message", "kind", "remedy"),
    [
        (401, "Unauthorized", "Unauthorized", Unauthorized, "log in again"),
        (403, "Forbidden", "alice cannot list tasks", Forbidden, "docs/client.md"),
        (403, "Forbidden", "exceeded quota: tasks", Forbidden, "quota"),
        (403, "Forbidden", "because it is being terminated", Forbidden, "namespace that is not being deleted"),
        (404, "NotFound", 'tasks "a" not found', NotFound, "namespace"),
        (404, "NotFound", "the server could not find the requested resource", NotInstalled, "helm"),
        (404, "Unknown", "404 page not found", NotInstalled, "helm"),
        (409, "AlreadyExists", "it is there", AlreadyExists, "another name"),
        (409, "Conflict", "it has changed", Conflict, "read the object again"),
        (410, "Expired", "too old", ServerFault, "less at once"),
        (422, "Invalid", "spec.x is wrong", Invalid, "correct"),
        (500, "InternalError", "etcd is down", ServerFault, "again"),
        (0, "NoAnswer", "connection refused", Unreachable, "server address"),
        (0, "NoAnswer", "certificate verify failed", Unreachable, "certificate-authority"),
        (418, "Unknown", "teapot", ServerFault, "again"),
    ],
)
def test_each_refusal_is_one_error_with_a_remedy(
    status: int, reason: str, message: str, kind: type[KubesagaError], remedy: str
) -> None:
    with pytest.raises(KubesagaError) as error, translated("reading Task a"):
        raise KubeError(status, reason, message)
    assert type(error.value) is kind
    assert str(error.value).startswith("reading Task a: ")
    assert remedy in error.value.remedy


def test_passing_faults_are_waited_out(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        cluster.refuse(429, "TooManyRequests", retry_after="0")
        cluster.refuse(500, "InternalError")
        cluster.refuse(503, "ServiceUnavailable")
        await saga.submit(TaskRequest("fulfil", name="a"))
        assert [method for method, _ in cluster.requests] == ["POST"] * patient.TRIES
        cluster.refuse(503, "ServiceUnavailable", times=patient.TRIES)
        with pytest.raises(ServerFault, match="listing Tasks: the API server fails: 503"):
            await saga.list()
        assert [task.name for task in await saga.list()] == ["a"]

    play(tmp_path, act)


def test_what_does_not_pass_is_asked_once(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        for status, reason in ((403, "Forbidden"), (422, "Invalid"), (501, "NotImplemented")):
            cluster.requests.clear()
            cluster.refuse(status, reason)
            with pytest.raises(KubesagaError):
                await saga.list()
            assert len(cluster.requests) == 1

    play(tmp_path, act)


def test_no_try_is_begun_after_the_requests_time(tmp_path: Path) -> None:
    async def act(_: AsyncKubesaga, cluster: Cluster) -> None:
        async with serving(cluster) as url:
            path = tmp_path / "other"
            path.mkdir()
            async with AsyncKubesaga.connect(kubeconfig(path, url), request_timeout=9.0) as hasty:
                cluster.requests.clear()
                cluster.refuse(429, "TooManyRequests", retry_after="10")
                with pytest.raises(ServerFault):
                    await hasty.list()
                assert len(cluster.requests) == 1

    play(tmp_path, act)


def test_credentials_that_have_expired_are_read_again(tmp_path: Path) -> None:
    async def main() -> None:
        cluster = Cluster()
        async with serving(cluster) as url:
            file = kubeconfig(tmp_path, url, "old")
            async with AsyncKubesaga.connect(file, namespace=NAMESPACE) as saga:
                cluster.refuse(401, "Unauthorized")
                with pytest.raises(Unauthorized):
                    await saga.list()
                kubeconfig(tmp_path, url, "new")
                cluster.refuse(401, "Unauthorized")
                assert await saga.list() == []
                assert cluster.tokens == ["Bearer old", "Bearer old", "Bearer new"]

    asyncio.run(main())


def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "FIRST_PAUSE", 0.001)

    async def main() -> None:
        url = f"http://127.0.0.1:{unused_port()}"
        async with AsyncKubesaga.connect(kubeconfig(tmp_path, url)) as saga:
            for call in (saga.list(), saga.wait("a"), anext(saga.watch()), saga.server_version()):
                with pytest.raises(Unreachable, match="does not answer") as error:
                    await call
                assert "kubeconfig" in error.value.remedy

    asyncio.run(main())


def test_only_a_certificate_that_is_wrong_is_called_so() -> None:
    def remedy(why: str) -> str:
        return of_kube(KubeError(0, "NoAnswer", f"GET /version: Cannot connect to host x:1 {why}"), "a").remedy

    assert "server address" in remedy("ssl:default [Connect call failed ('127.0.0.1', 1)]")
    assert "certificate-authority" in remedy("ssl:True [SSLCertVerificationError: certificate verify failed]")


def test_a_rule_of_ours_is_told_in_its_own_words() -> None:
    said = (
        ("spec", 'Invalid value: "object": it cannot be changed'),
        ("spec.priority", "Invalid value: 5000: too high"),
    )
    error = of_kube(KubeError(422, "Invalid", "the whole of it", causes=said), "cancelling Task a")
    assert str(error) == "cancelling Task a: spec: it cannot be changed; spec.priority: Invalid value: 5000: too high"


def test_what_is_too_large_is_not_to_be_sent_again() -> None:
    error = of_kube(KubeError(413, "RequestEntityTooLarge", "limit is 3145728"), "submitting Task a")
    assert isinstance(error, Invalid)
    assert "send less" in error.remedy


def test_a_watch_goes_on_with_new_credentials(tmp_path: Path) -> None:
    async def main() -> None:
        cluster = Cluster()
        async with serving(cluster) as url:
            file = kubeconfig(tmp_path, url, "old")
            async with AsyncKubesaga.connect(file, namespace=NAMESPACE) as saga:
                await saga.submit(TaskRequest("fulfil", name="a"))
                kubeconfig(tmp_path, url, "new")
                async with aclosing(saga.watch("a")) as versions:
                    await anext(versions)
                    cluster.refuse_watch(401, "Unauthorized")
                    changed = asyncio.ensure_future(anext(versions))
                    await until(lambda: cluster.watches() == 2)
                    cluster.status("a", state="StepsInProcess")
                    assert (await changed).state is TaskState.STEPS_IN_PROCESS
                assert cluster.tokens[-2:] == ["Bearer old", "Bearer new"]

    asyncio.run(main())


def test_the_environments_proxy_is_used_as_kubectl_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        cluster = Cluster()
        async with serving(cluster) as url:
            monkeypatch.setenv("HTTP_PROXY", url)
            async with AsyncKubesaga.connect(kubeconfig(tmp_path, "http://behind.invalid")) as saga:
                assert await saga.list() == []

    asyncio.run(main())


@pytest.mark.parametrize("name", ["", "a/b", "../pods", "A", "a?watch=1", "x" * 254])
def test_what_can_be_no_name_is_not_sent(tmp_path: Path, name: str) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        for call in (saga.get(name), saga.wait(name), saga.cancel(name), saga.delete(name), saga.give_up(name)):
            with pytest.raises(Invalid, match="is no name of a Task"):
                await call
        if name:
            with pytest.raises(Invalid, match="is no name of a namespace"):
                await saga.list(namespace=name)
        assert cluster.requests == []

    play(tmp_path, act)
