"""Watches and lists of the simulated API server, beyond what the contract shows: waking, compaction, older versions."""

from __future__ import annotations

import json

import pytest

from kubesaga.kube.paths import tasks_path
from tests.simulation.contract.objects import config_map, task
from tests.simulation.server.api_server import Answer, ApiServer, Request
from tests.simulation.server.asking import NS, TASKS, ask, new_server, told, watched


@pytest.fixture
def server() -> ApiServer:
    return new_server()[0]


def test_a_watch_wakes_its_reader_for_its_own_news_only(server: ApiServer) -> None:
    server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    watch = watched(server, labelSelector="of=us")
    woken: list[int] = []
    watch.wake = lambda: woken.append(server.version)
    server.create(task("mine", {"labels": {"of": "us"}}))
    first = server.version
    server.create(task("not-mine"))
    server.create(task("elsewhere", {"namespace": "other", "labels": {"of": "us"}}))
    server.create(config_map("no-task", {"labels": {"of": "us"}}))
    assert woken == [first]
    assert told(watch) == [("ADDED", "mine")]
    assert watch.take() == []


def test_a_closed_watch_is_told_nothing(server: ApiServer) -> None:
    watch = watched(server)
    server.create(task("t"))
    watch.close()
    server.create(task("u"))
    assert watch.take() == []


def test_who_is_behind_when_history_goes_gets_410_and_who_is_not_goes_on(server: ApiServer) -> None:
    behind, current = watched(server), watched(server)
    server.create(task("t"))
    assert told(current) == [("ADDED", "t")]
    server.compact()
    event = json.loads(behind.take()[0])
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert behind.is_closed
    server.create(task("u"))
    assert behind.take() == []
    assert told(current) == [("ADDED", "u")]


def test_a_watch_from_the_newest_version_outlives_compaction(server: ApiServer) -> None:
    server.create(task("t"))
    newest = str(server.version)
    server.compact()
    assert told(watched(server, resourceVersion=newest)) == []
    assert told(watched(server, resourceVersion=str(int(newest) - 1))) == [("ERROR", "")]


def test_bookmarks_go_to_those_who_take_them(server: ApiServer) -> None:
    takes, takes_none = watched(server, allowWatchBookmarks="true"), watched(server)
    server.create(config_map("m"))
    server.bookmark()
    [mark] = [json.loads(line) for line in takes.take()]
    assert (mark["type"], mark["object"]["metadata"]["resourceVersion"]) == ("BOOKMARK", str(server.version))
    assert takes_none.take() == []


def test_a_watch_of_nothing_is_refused(server: ApiServer) -> None:
    refused = server.watch(Request("GET", "/apis/batch/v1/namespaces/default/nothing"))
    assert isinstance(refused, Answer)
    assert refused.status == 404


def test_a_list_as_it_was_has_the_version_and_the_objects_of_then(server: ApiServer) -> None:
    server.create(task("kept"))
    server.create(task("gone"))
    server.merge("tasks", NS, "kept", {"spec": {"desiredState": "Suspended"}})
    then = server.version
    server.delete("tasks", NS, "gone")
    server.merge("tasks", NS, "kept", {"spec": {"desiredState": "Running"}})
    server.create(task("new"))
    listed = json.loads(server.list_at(Request("GET", TASKS), then).body)
    assert listed["metadata"]["resourceVersion"] == str(then)
    states = {item["metadata"]["name"]: item["spec"]["desiredState"] for item in listed["items"]}
    assert states == {"gone": "Running", "kept": "Suspended"}


def test_a_page_of_a_list_whose_history_is_gone_is_refused(server: ApiServer) -> None:
    for name in "abc":
        server.create(task(name))
    first = ask(server, "GET", TASKS, limit="2")[1]
    assert first["metadata"]["remainingItemCount"] == 1
    server.create(task("d"))
    server.compact()
    status, said = ask(server, "GET", TASKS, limit="2", **{"continue": first["metadata"]["continue"]})
    assert (status, said["reason"]) == (410, "Expired")


def test_a_list_takes_no_version_that_is_history_or_yet_to_come(server: ApiServer) -> None:
    server.create(task("t"))
    server.compact()
    assert ask(server, "GET", TASKS, resourceVersion="1")[0] == 410
    assert ask(server, "GET", TASKS, resourceVersion=str(server.version))[0] == 200
    assert ask(server, "GET", TASKS, resourceVersion=str(server.version + 1))[0] == 504


def test_lists_of_all_namespaces_are_in_the_order_of_namespace_and_name(server: ApiServer) -> None:
    for namespace in ("b", "a"):
        server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        server.create(task("y"), namespace=namespace)
        server.create(task("x"), namespace=namespace)
    items = ask(server, "GET", tasks_path(None))[1]["items"]
    places = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in items]
    assert places == [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]
    assert [obj["metadata"]["name"] for obj in server.all("tasks", "b")] == ["x", "y"]
