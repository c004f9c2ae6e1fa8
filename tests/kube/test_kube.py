"""Calls of the API server, against an HTTP server that records what it is asked and answers as told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from kubesaga import __version__
from kubesaga.kube import client, errors, paths
from kubesaga.kube.client import (
    Kube,
    KubeError,
    events_path,
    jobs_path,
    leases_path,
    pods_path,
    revisions_path,
    tasks_path,
    templates_path,
)
from kubesaga.kube.connection import ConnectError
from tests.kube.server import Answer, Api, failure, kubeconfig, ok, serve


def test_it_says_who_it_is_and_ignores_the_environments_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    api = Api(ok({"metadata": {}}))

    async def use(kube: Kube) -> None:
        assert await kube.get(tasks_path("shop", "a")) == {"metadata": {}}

    serve(tmp_path, api, use)
    (request,) = api.requests
    assert request.headers["User-Agent"] == f"kubesaga/{__version__}"
    assert request.headers["Authorization"] == "Bearer t0"


def test_each_kind_of_write_has_its_method_path_and_content_type(tmp_path: Path) -> None:
    api = Api(ok({}))

    async def use(kube: Kube) -> None:
        await kube.create(jobs_path("shop"), {"kind": "Job"})
        await kube.update(leases_path("ops", "l"), {"kind": "Lease"})
        await kube.json_patch(tasks_path("shop", "t", "status"), [{"op": "add", "path": "/a", "value": 1}])
        await kube.merge_patch(events_path("shop", "e"), {"count": 2})
        await kube.delete(jobs_path("shop", "j"), uid="u1")
        await kube.delete_collection(jobs_path("shop"), "a=b")

    serve(tmp_path, api, use)
    made = [(r.method, r.path_qs, r.headers["Content-Type"]) for r in api.requests]
    assert made == [
        ("POST", "/apis/batch/v1/namespaces/shop/jobs", "application/json"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/ops/leases/l", "application/json"),
        (
            "PATCH",
            "/apis/kubesaga.dev/v1alpha1/namespaces/shop/tasks/t/status",
            "application/json-patch+json",
        ),
        ("PATCH", "/api/v1/namespaces/shop/events/e", "application/merge-patch+json"),
        ("DELETE", "/apis/batch/v1/namespaces/shop/jobs/j", "application/json"),
        ("DELETE", "/apis/batch/v1/namespaces/shop/jobs?labelSelector=a%3Db", "application/json"),
    ]
    assert api.bodies[2] == [{"op": "add", "path": "/a", "value": 1}]
    assert api.bodies[4]["preconditions"] == {"uid": "u1"}
    assert api.bodies[5]["propagationPolicy"] == "Background"


def test_a_long_list_is_read_in_pages_of_one_snapshot(tmp_path: Path) -> None:
    def page(names: str, token: str) -> Answer:
        items = [{"metadata": {"name": name}} for name in names]
        metadata = {"resourceVersion": "77", "continue": token}
        return ok({"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items})

    api = Api(page("ab", "more"), page("c", ""))

    async def use(kube: Kube) -> None:
        items, version = await kube.list(pods_path(None), label_selector="x", resource_version="0")
        assert [item["metadata"]["name"] for item in items] == ["a", "b", "c"]
        assert {(item["kind"], item["apiVersion"]) for item in items} == {("Pod", "v1")}
        assert version == "77"

    serve(tmp_path, api, use)
    first, second = (dict(request.query) for request in api.requests)
    assert first == {"limit": "500", "labelSelector": "x", "resourceVersion": "0"}
    assert second == {"limit": "500", "labelSelector": "x", "continue": "more"}


@pytest.mark.parametrize(
    ("answer", "true"),
    [
        (failure(404, "NotFound"), {"not_found"}),
        (failure(409, "Conflict"), {"conflict"}),
        (failure(409, "AlreadyExists"), {"already_exists"}),
        (failure(410, "Expired"), {"gone"}),
        (failure(422, "Invalid", "spec.x: required"), {"invalid"}),
        (failure(400, "BadRequest"), {"invalid"}),
        (failure(403, "Forbidden"), {"forbidden"}),
        (failure(429, "TooManyRequests"), {"transient"}),
        (failure(500, "InternalError"), {"transient"}),
        (failure(503, "ServiceUnavailable"), {"transient"}),
        (failure(401, "Unauthorized"), set()),
    ],
)
def test_an_error_says_what_it_means(tmp_path: Path, answer: Answer, true: set[str]) -> None:
    names = ("not_found", "conflict", "already_exists", "gone", "invalid", "forbidden", "transient")

    async def use(kube: Kube) -> None:
        with pytest.raises(KubeError) as caught:
            await kube.get(tasks_path("shop", "a"))
        assert {name for name in names if getattr(caught.value, name)} == true

    serve(tmp_path, Api(answer), use)


def test_a_json_patch_that_does_not_fit_the_object_any_more_is_a_conflict(tmp_path: Path) -> None:
    answer = failure(422, "Invalid", "the server rejected our request due to an error in our request")

    async def use(kube: Kube) -> None:
        with pytest.raises(KubeError) as caught:
            await kube.json_patch(tasks_path("shop", "a", "status"), [{"op": "remove", "path": "/status/x"}])
        assert caught.value.conflict

    serve(tmp_path, Api(answer), use)


@pytest.mark.parametrize(
    "answer",
    [
        failure(429, "TooManyRequests", headers={"Retry-After": "7"}),
        failure(429, "TooManyRequests", details={"retryAfterSeconds": 7}),
    ],
)
def test_the_time_that_the_server_asks_to_wait_is_passed_on(tmp_path: Path, answer: Answer) -> None:
    async def use(kube: Kube) -> None:
        with pytest.raises(KubeError) as caught:
            await kube.get(tasks_path("shop", "a"))
        assert caught.value.retry_after == 7

    serve(tmp_path, Api(answer), use)


def test_an_answer_that_is_no_status_and_a_message_as_long_as_an_object_are_both_told_in_brief(
    tmp_path: Path,
) -> None:
    api = Api(lambda _: web.Response(text="404 page not found\n", status=404), failure(422, "Invalid", "x" * 9000))

    async def use(kube: Kube) -> None:
        with pytest.raises(KubeError, match="404 Unknown: 404 page not found"):
            await kube.get(tasks_path("shop", "a"))
        with pytest.raises(KubeError) as caught:
            await kube.get(tasks_path("shop", "a"))
        assert len(caught.value.message) == errors.MESSAGE_LIMIT

    serve(tmp_path, api, use)


@pytest.mark.parametrize("text", ["<html>Please log in</html>", "[]", ""])
def test_a_page_in_place_of_an_object_is_no_answer(tmp_path: Path, text: str) -> None:
    async def use(kube: Kube) -> None:
        with pytest.raises(KubeError, match="no API server") as failed:
            await kube.get(tasks_path("shop", "a"))
        assert failed.value.transient
        assert text[:60] in failed.value.message

    serve(tmp_path, Api(lambda _: web.Response(text=text)), use)


def test_no_server_and_a_server_that_does_not_answer_are_transient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "REQUEST_TIMEOUT", aiohttp.ClientTimeout(total=0.1))
    never = asyncio.Event

    async def hang(request: web.Request) -> web.Response:
        await never().wait()
        raise AssertionError

    async def main() -> None:
        application = web.Application()
        application.router.add_get("/{rest:.*}", hang)
        async with TestServer(application) as server:
            for url in (str(server.make_url("/")), f"http://127.0.0.1:{unused_port()}"):
                kube = await Kube.connect(kubeconfig(tmp_path, url))
                with pytest.raises(KubeError) as caught:
                    await kube.get(tasks_path("shop", "a"))
                assert (caught.value.status, caught.value.transient) == (0, True)
                assert kube.last_contact is None
                await kube.close()

    asyncio.run(main())


def test_contact_is_remembered_unless_the_server_is_at_fault(tmp_path: Path) -> None:
    async def use(kube: Kube) -> None:
        for expected in (False, True):
            with pytest.raises(KubeError):
                await kube.get(tasks_path("shop", "a"))
            assert (kube.last_contact is not None) is expected
        assert kube.last_contact is not None
        assert kube.last_contact <= time.monotonic()

    serve(tmp_path, Api(failure(503, "ServiceUnavailable"), failure(404, "NotFound")), use)


def test_whoever_connects_is_told_of_each_call(tmp_path: Path) -> None:
    told: list[tuple[str, str, int]] = []

    async def connect(kubeconfig: str) -> Kube:
        return await Kube.connect(kubeconfig, "me/1", lambda method, what, code, _: told.append((method, what, code)))

    async def use(kube: Kube) -> None:
        with pytest.raises(KubeError):
            await kube.get(tasks_path("shop", "a", "status"))

    api = Api(failure(404, "NotFound"))
    serve(tmp_path, api, use, connect)
    assert told == [("GET", "tasks/status", 404)]
    assert api.requests[0].headers["User-Agent"] == "me/1"


def test_a_missing_or_broken_kubeconfig_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConnectError, match=r"no kubeconfig at .*nowhere.*--kubeconfig"):
        asyncio.run(Kube.connect(str(tmp_path / "nowhere")))
    broken = tmp_path / "broken"
    broken.write_text("{}")
    with pytest.raises(ConnectError, match="cannot connect to Kubernetes: "):
        asyncio.run(Kube.connect(str(broken)))


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        (tasks_path(None), "tasks"),
        (tasks_path("shop"), "tasks"),
        (tasks_path("shop", "a"), "tasks"),
        (templates_path("shop", "a", "status"), "tasktemplates/status"),
        (jobs_path("shop", "a"), "jobs"),
        (pods_path(None), "pods"),
        (pods_path("shop", "a", "log"), "pods/log"),
        (revisions_path("shop", "a"), "controllerrevisions"),
        (events_path("shop"), "events"),
        (leases_path("ops", "l"), "leases"),
        ("/apis/kubesaga.dev/v1alpha1", "apis"),
    ],
)
def test_a_path_tells_its_resource(path: str, resource: str) -> None:
    assert paths.resource_of(path) == resource


def test_the_end_of_a_log_comes_as_it_was_written(tmp_path: Path) -> None:
    written = b"first\n\xff\x00 no JSON\n"
    api = Api(lambda _: web.Response(body=written, content_type="text/plain"), failure(500, "InternalError", "kubelet"))

    async def use(kube: Kube) -> None:
        assert await kube.pod_log("shop", "p", "step", 10, 99) == written
        with pytest.raises(KubeError) as raised:
            await kube.pod_log("shop", "p", "step", 10, 99)
        assert raised.value.transient

    serve(tmp_path, api, use)
    request = api.requests[0]
    assert request.path == pods_path("shop", "p", "log")
    assert dict(request.query) == {"container": "step", "tailLines": "10", "limitBytes": "99"}


def test_an_invalid_body_is_told_field_by_field(tmp_path: Path) -> None:
    causes = [{"reason": "FieldValueInvalid", "field": "spec.x", "message": "too long"}, {"message": "and more"}]
    api = Api(failure(422, "Invalid", "no", details={"causes": causes}))

    async def use(kube: Kube) -> None:
        with pytest.raises(KubeError) as caught:
            await kube.create(tasks_path("shop"), {})
        assert caught.value.causes == (("spec.x", "too long"), ("", "and more"))

    serve(tmp_path, api, use)


async def stream(request: web.Request) -> web.StreamResponse:
    """Lines, one of them in many chunks and longer than any buffer; then the connection breaks, or the answer ends."""
    response = web.StreamResponse()
    await response.prepare(request)
    for chunk in (b"one\ntw", b"o\n", *[b"x" * 100_000] * 60, b"\n\nend"):
        await response.write(chunk)
    if request.query["breaks"] == "true":
        assert request.transport is not None
        request.transport.close()
    return response


async def broken_off(lines: AsyncIterator[bytes]) -> tuple[list[bytes], KubeError]:
    """What came before the error, and the error."""
    seen: list[bytes] = []
    try:
        async for line in lines:
            seen.append(line)  # noqa: PERF401 - a comprehension would lose what came before the error
    except KubeError as error:
        return seen, error
    raise AssertionError("nothing went wrong")


def test_a_long_answer_is_read_line_by_line_until_it_ends_or_breaks(tmp_path: Path) -> None:
    async def main() -> None:
        application = web.Application()
        application.router.add_get("/lines", stream)
        async with TestServer(application) as server:
            kube = await Kube.connect(kubeconfig(tmp_path, str(server.make_url("/"))))
            lines = [line async for line in kube.lines("/lines", {"breaks": "false"}, 10)]
            assert lines == [b"one", b"two", b"x" * 6_000_000, b"", b"end"]
            seen, error = await broken_off(kube.lines("/lines", {"breaks": "true"}, 10))
            assert (seen[:2], error.transient) == ([b"one", b"two"], True)
            seen, error = await broken_off(kube.lines("/nowhere", {"a": "b"}, 10))
            assert (seen, error.not_found) == ([], True)
            await kube.close()

    asyncio.run(main())
