"""What the contract cannot show of the simulated API server: its own side, and what no real one does on demand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubesaga.kube.paths import configmaps_path, pods_path
from tests.simulation.contract.objects import config_map, pod, task
from tests.simulation.contract.simulated import EPOCH
from tests.simulation.server.api_server import ApiServer, Change, Refusal, Request
from tests.simulation.server.asking import NS, TASKS, ask, names, new_server
from tests.simulation.server.kinds import ALL
from tests.simulation.server.patching import JSON_PATCH, MERGE_PATCH
from tests.simulation.server.schemas import schema_of
from tests.simulation.server.store import LARGEST


@pytest.fixture
def server() -> ApiServer:
    return new_server()[0]


def test_a_write_copies_only_what_it_changes(server: ApiServer) -> None:
    server.create(task("t", context={"large": ["x"]}))
    steps = [{"name": "a", "state": "Pending"}, {"name": "b", "state": "Pending"}]
    before = server.merge("tasks", NS, "t", {"status": {"steps": steps}}, status=True)
    move = {"op": "replace", "path": "/status/steps/1/state", "value": "Enqueued"}
    assert ask(server, "PATCH", f"{TASKS}/t/status", [move], JSON_PATCH)[0] == 200
    after = server.peek("tasks", NS, "t")
    assert after is not None
    assert after["spec"] is before["spec"]
    assert after["status"]["steps"][0] is before["status"]["steps"][0]
    assert [step["state"] for step in before["status"]["steps"]] == ["Pending", "Pending"]
    assert [step["state"] for step in after["status"]["steps"]] == ["Pending", "Enqueued"]


def test_what_is_handed_in_stays_as_it_is(server: ApiServer) -> None:
    handed_in = task("t", {"labels": {"a": "b"}, "finalizers": []}, priority=None, cancellation={})
    copy = json.loads(json.dumps(handed_in))
    server.create(handed_in)
    assert handed_in == copy


def test_an_object_is_dated_in_whole_seconds_of_the_servers_clock() -> None:
    server, timers = new_server()
    timers.now = EPOCH + 61.9
    assert server.create(task("t"))["metadata"]["creationTimestamp"] == "2027-01-15T08:01:01Z"


def test_versions_grow_by_one_and_outgrow_their_digits(server: ApiServer) -> None:
    versions = [int(server.create(task(f"t{i}"))["metadata"]["resourceVersion"]) for i in range(20)]
    assert versions == list(range(versions[0], versions[0] + 20))
    assert versions[0] < 100 < versions[-1]
    assert server.version == versions[-1]


def test_generated_names_and_uids_are_used_once(server: ApiServer) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}
    made = [ask(server, "POST", configmaps_path(NS), body)[1]["metadata"] for _ in range(200)]
    assert len({meta["name"] for meta in made}) == len({meta["uid"] for meta in made}) == 200


def test_an_object_can_be_too_large_for_the_database(server: ApiServer) -> None:
    status, said = ask(server, "POST", configmaps_path(NS), config_map("m", data={"a": "x" * LARGEST}))
    assert (status, said["message"]) == (500, "etcdserver: request is too large")
    assert server.peek("configmaps", NS, "m") is None


def test_a_revisions_content_keeps_its_order_and_all_else_is_in_order(server: ApiServer) -> None:
    content = {"z": 1, "a": {"y": 2, "b": 3}}
    made = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "r"}, "data": content}
    server.create(made)
    server.create(task("t", context=content))
    revision = ask(server, "GET", f"/apis/apps/v1/namespaces/{NS}/controllerrevisions/r")[1]
    assert json.dumps(revision["data"]) == json.dumps(content)
    assert list(ask(server, "GET", f"{TASKS}/t")[1]["spec"]["context"]) == ["a", "z"]


def test_defaults_copy_nothing_where_nothing_is_missing(server: ApiServer) -> None:
    whole = server.create(task("t"))
    assert schema_of(ALL[0]).defaulted(whole) is whole


def test_observers_are_told_of_each_commit_in_their_order(server: ApiServer) -> None:
    seen: list[tuple[str, Change]] = []
    server.observers.append(lambda change: seen.append(("first", change)))
    server.observers.append(lambda change: seen.append(("second", change)))
    made = server.create(task("t"), user="carol")
    server.merge("tasks", NS, "t", {"metadata": {"labels": {"a": "b"}}}, user="dave")
    server.merge("tasks", NS, "t", {}, user="nobody, since nothing changes")
    server.delete("tasks", NS, "t", user="erin")
    assert [who for who, _ in seen] == ["first", "second"] * 3
    created, changed, deleted = (change for who, change in seen if who == "first")
    assert (created.type, created.user, created.before, created.after) == ("ADDED", "carol", None, made)
    assert (changed.type, changed.user, changed.before) == ("MODIFIED", "dave", made)
    assert (deleted.type, deleted.user, deleted.before) == ("DELETED", "erin", changed.after)
    assert [change.version for change in (created, changed, deleted)] == [server.version + i for i in (-2, -1, 0)]
    assert deleted.after["metadata"]["resourceVersion"] == str(server.version)


def test_an_observer_that_raises_finds_the_write_done(server: ApiServer) -> None:
    def object_(change: Change) -> None:
        raise AssertionError(change.type)

    server.observers.append(object_)
    with pytest.raises(AssertionError, match="ADDED"):
        server.serve(Request("POST", TASKS, {}, task("t")))
    assert server.peek("tasks", NS, "t") is not None


def test_a_replacement_is_guarded_by_the_version_that_it_has(server: ApiServer) -> None:
    old = server.create(task("t"))
    new = server.replace({**old, "status": {"state": "Pending"}}, status=True, user="carol")
    assert new["status"]["state"] == "Pending"
    with pytest.raises(Refusal) as refusal:
        server.replace({**old, "status": {"state": "Complete"}}, status=True, user="carol")
    assert (refusal.value.status, refusal.value.reason) == (409, "Conflict")
    unguarded = {**old, "metadata": {"name": "t", "namespace": NS}, "status": {"state": "Complete"}}
    assert server.replace(unguarded, status=True, user="carol")["status"]["state"] == "Complete"


def test_a_delete_by_its_uid_spares_another_of_that_name(server: ApiServer) -> None:
    old = server.create(task("t"))["metadata"]["uid"]
    server.delete("tasks", NS, "t", uid=old)
    server.create(task("t"))
    with pytest.raises(Refusal, match="UID in the precondition"):
        server.delete("tasks", NS, "t", uid=old)
    assert names(server, "tasks") == ["t"]


def test_what_is_not_there_is_none_or_refused(server: ApiServer) -> None:
    assert server.peek("tasks", NS, "t") is None
    with pytest.raises(Refusal) as refusal:
        server.merge("tasks", NS, "t", {})
    assert (refusal.value.status, refusal.value.reason) == (404, "NotFound")


def test_a_log_is_cut_as_it_is_asked_for(server: ApiServer) -> None:
    path = f"{pods_path(NS)}/p/log"
    assert server.serve(Request("GET", path)).status == 404
    server.create(pod("p"))
    assert b"ContainerCreating" in server.serve(Request("GET", path, {"container": "step"})).body
    server.log_source = lambda namespace, name: f"{namespace}\n{name}\nend\n".encode()
    assert server.serve(Request("GET", path)).body == b"default\np\nend\n"
    assert server.serve(Request("GET", path, {"tailLines": "2"})).body == b"p\nend\n"
    assert server.serve(Request("GET", path, {"tailLines": "2", "limitBytes": "3"})).body == b"p\ne"


def test_everything_that_is_served_can_be_discovered(server: ApiServer) -> None:
    assert [group["name"] for group in ask(server, "GET", "/apis")[1]["groups"]] == [
        "kubesaga.dev", "batch", "apps", "coordination.k8s.io"
    ]  # fmt: skip
    assert ask(server, "GET", "/api")[1]["versions"] == ["v1"]
    for kind in ALL:
        prefix = "/apis" if kind.group else "/api"
        resources = ask(server, "GET", f"{prefix}/{kind.api_version}")[1]["resources"]
        assert [each["kind"] for each in resources if each["name"] == kind.plural] == [kind.kind]
    assert ask(server, "GET", "/version")[1]["minor"] == "34"
    assert server.serve(Request("GET", "/readyz")).body == b"ok"


_ODD_BODIES: tuple[Any, ...] = (
    None,
    {},
    [],
    "text",
    {"metadata": []},
    {"metadata": {"name": "t"}},
    {"metadata": None},
    [{"op": "add"}],
    [{"op": "remove", "path": "/metadata"}],
    [{"op": "remove", "path": "/spec"}],
    [{"op": "add", "path": "", "value": 1}],
)


def _odd_requests() -> Iterator[Request]:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
        for path in ("/", "/api", "/api/v1", "/apis/batch", TASKS, f"{TASKS}/t", f"{TASKS}/t/scale", f"{TASKS}/t/a/b"):
            for body in _ODD_BODIES:
                for type_ in ("application/json", JSON_PATCH, MERGE_PATCH, "text/plain"):
                    yield Request(method, path, {}, body, type_)


def test_no_request_raises_whatever_is_in_it(server: ApiServer) -> None:
    server.create(task("t"))
    statuses = {server.serve(request).status for request in _odd_requests()}
    assert {200, 400, 404, 405, 415, 422} <= statuses <= {200, 201, 400, 404, 405, 409, 415, 422}
