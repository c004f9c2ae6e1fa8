"""What chaos keeps for whoever looks for a cause: when, where, and the logs of operators that it has ended itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hack import namespace
from hack.namespace import own_namespace
from kubesaga.kube.client import Kube, KubeError
from tests.chaos import keeping, report
from tests.chaos.__main__ import summary
from tests.chaos.cluster import Cluster
from tests.chaos.logs import OperatorLogs
from tests.kube.server import Api, ok, serve

Obj = dict[str, Any]


def document(ended: int = 3, **more: Any) -> Obj:
    """What a run of three Tasks prints, in part."""
    return {
        "seed": 7,
        "seconds": {"tail": 1.0},
        "faults": {"done": {"operator-killed": 2}},
        "tasks": {"submitted": 3, "ended": ended, "asDesigned": ended},
        "attempts": {"all": 9, "repeated": 1},
        "books": {"stepsCompared": 4, "entries": 5},
        "deviations": [],
        "evidence": None,
        **more,
    }


def test_a_deviation_or_a_task_without_an_end_is_worth_its_evidence() -> None:
    assert not report.is_suspicious(document())
    assert report.is_suspicious(document(ended=2))
    assert report.is_suspicious(document(deviations=[{"kind": "no end", "where": "t", "what": "waits"}]))


def test_where_the_evidence_is_stands_in_the_summary() -> None:
    assert "/tmp/there" in summary(document(evidence="/tmp/there"))
    assert "all that was seen" not in summary(document())


def test_a_run_without_a_folder_of_its_own_choice_gets_one_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBESAGA_CACHE", str(tmp_path))
    folder = keeping.default_folder(7)
    assert folder.parent == tmp_path / "chaos"
    assert folder.name.endswith("-seed-7")
    assert not folder.exists()


def test_documents_and_logs_are_written_under_their_names(tmp_path: Path) -> None:
    keeping.write(tmp_path / "a" / "b", {"tasks": [{"name": "t"}]}, {"operator-x-0": b"leading\n"})
    assert json.loads((tmp_path / "a" / "b" / "tasks.json").read_text()) == [{"name": "t"}]
    assert (tmp_path / "a" / "b" / "operator-x-0.log").read_bytes() == b"leading\n"


def operator(name: str, restarts: int) -> Obj:
    statuses = [{"name": "operator", "restartCount": restarts}]
    return {"metadata": {"name": name}, "status": {"containerStatuses": statuses}}


class Operators(Api):
    """Pods of the operator and their logs, by the pod's name and, of the container before, with a ``-``."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.pods: list[Obj] = []
        self.logs: dict[str, str] = {}

    def _answer(self, request: web.Request) -> web.Response:
        if not request.path.endswith("/log"):
            return ok(
                {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": self.pods}
            )(request)
        name = request.path.split("/")[-2] + ("-" if request.query.get("previous") else "")
        if name not in self.logs:
            return web.json_response({"reason": "BadRequest", "message": "no log"}, status=400)
        return web.Response(text=self.logs[name])


def test_the_logs_of_operators_that_were_ended_are_kept(tmp_path: Path) -> None:
    api = Operators()

    async def act(kube: Kube) -> None:
        logs = OperatorLogs(Cluster(kube, "chaos"))
        api.pods, api.logs = [operator("a", 0)], {"a": "one\n"}
        await logs.read()
        api.pods, api.logs = [operator("a", 1), operator("b", 0)], {"a-": "one\ntwo\n", "a": "three\n", "b": ""}
        await logs.read()
        api.pods, api.logs = [operator("a", 1)], {"a": "three\n"}
        await logs.read()
        assert logs.texts == {"a-0": b"one\ntwo\n", "a-1": b"three\n"}

    serve(tmp_path, api, act)


def test_an_api_server_without_an_answer_is_no_reason_to_fail(tmp_path: Path) -> None:
    api = Api(lambda _: web.json_response({"reason": "ServiceUnavailable"}, status=503))

    async def act(kube: Kube) -> None:
        logs = OperatorLogs(Cluster(kube, "chaos"))
        await logs.read()
        assert logs.texts == {}

    serve(tmp_path, api, act)


# --- the namespace of one's own, which the benchmark has too ------------------------------------------------------


def _status(code: int) -> Any:
    return lambda _: web.json_response({"reason": "No", "message": "no"}, status=code)


@pytest.mark.parametrize("refusals", [[], [503], [503, 401]])
def test_an_own_namespace_is_deleted_as_soon_as_somebody_answers(
    refusals: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespace, "PAUSE", 0.0)
    api = Api(ok({}), *map(_status, refusals), ok({}))

    async def act(kube: Kube) -> None:
        async with own_namespace(kube, "bench", {"a": "b"}) as name:
            assert name.startswith("kubesaga-bench-")
        assert api.bodies[0]["metadata"] == {"name": name, "labels": {"a": "b"}}
        assert [request.method for request in api.requests] == ["POST", *["DELETE"] * (len(refusals) + 1)]
        assert api.requests[-1].path == f"/api/v1/namespaces/{name}"

    serve(tmp_path, api, act)


@pytest.mark.parametrize("code", [403, 422, 503])
def test_what_went_wrong_inside_is_told_and_not_that_the_namespace_stays(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(namespace, "PATIENCE", 0.0)

    async def act(kube: Kube) -> None:
        with pytest.raises(ZeroDivisionError):
            async with own_namespace(kube, "bench"):
                raise ZeroDivisionError

    serve(tmp_path, Api(ok({}), _status(code)), act)
    assert "could not be deleted" in capsys.readouterr().err


def test_without_a_namespace_there_is_nothing_to_delete(tmp_path: Path) -> None:
    api = Api(_status(403))

    async def act(kube: Kube) -> None:
        with pytest.raises(KubeError):
            async with own_namespace(kube, "bench"):
                raise AssertionError
        assert len(api.requests) == 1

    serve(tmp_path, api, act)
