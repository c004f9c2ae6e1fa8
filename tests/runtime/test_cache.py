"""The cache: the newest word counts, whoever brings it and in whatever order; what is gone stays gone."""

from __future__ import annotations

import asyncio
import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubesaga.api.constants import LABEL_TASK, LABEL_TASK_UID
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.projection import project

NS = "shop"


def obj(name: str, version: int, uid: str | None = None, **parts: Any) -> Obj:
    metadata = {"namespace": NS, "name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": metadata | parts.pop("metadata", {}), **parts}


def job(name: str, version: int, task: str = "uid-t") -> Obj:
    return obj(name, version, metadata={"labels": {LABEL_TASK_UID: task}}, spec={"parallelism": 1}, status={})


def pod(name: str, version: int, of: str, task: str = "uid-t", phase: str = "Running") -> Obj:
    owner = {"kind": "Job", "name": of, "uid": f"uid-{of}", "controller": True}
    metadata = {"labels": {LABEL_TASK_UID: task, LABEL_TASK: "t"}, "ownerReferences": [owner]}
    return obj(name, version, metadata=metadata, spec={}, status={"phase": phase})


def version_of(cache: Cache, kind: Kind, name: str) -> str | None:
    found = cache.get(kind, NS, name)
    return found["metadata"]["resourceVersion"] if found else None


def test_a_newer_version_replaces_and_an_older_or_equal_one_is_ignored() -> None:
    cache = Cache()
    assert cache.upsert(Kind.TASK, obj("t", 9, status={"state": "Pending"}))
    assert cache.upsert(Kind.TASK, obj("t", 10, status={"state": "Complete"}))
    assert not cache.upsert(Kind.TASK, obj("t", 10, status={"state": "Error"}))
    assert not cache.upsert(Kind.TASK, obj("t", 9))
    task = cache.get(Kind.TASK, NS, "t")
    assert task is not None
    assert task["status"] == {"state": "Complete"}
    assert cache.task_by_uid("uid-t") is task


def test_versions_are_compared_as_numbers() -> None:
    cache = Cache()
    cache.upsert(Kind.TASK, obj("t", 99))
    assert cache.upsert(Kind.TASK, obj("t", 100))


def test_what_was_deleted_does_not_return_with_a_late_answer() -> None:
    cache = Cache()
    cache.upsert(Kind.TASK, obj("t", 5))
    cache.remove(Kind.TASK, obj("t", 8))
    assert not cache.upsert(Kind.TASK, obj("t", 7))
    assert cache.get(Kind.TASK, NS, "t") is None
    assert cache.task_by_uid("uid-t") is None


def test_a_new_object_under_an_old_name_stays_when_the_old_ones_end_is_told_late() -> None:
    cache = Cache()
    cache.upsert(Kind.TASK, obj("t", 5, uid="old"))
    assert cache.upsert(Kind.TASK, obj("t", 9, uid="new"))
    cache.remove(Kind.TASK, obj("t", 8, uid="old"))
    assert not cache.upsert(Kind.TASK, obj("t", 10, uid="old"))
    assert version_of(cache, Kind.TASK, "t") == "9"
    assert cache.task_by_uid("old") is None
    assert cache.task_by_uid("new") is not None


def test_jobs_and_pods_are_found_by_their_task() -> None:
    cache = Cache()
    cache.upsert(Kind.JOB, job("a", 1))
    cache.upsert(Kind.JOB, job("b", 2, task="other"))
    cache.upsert(Kind.POD, pod("a-x", 3, of="a"))
    assert list(cache.of_task(Kind.JOB, "uid-t")) == ["a"]
    assert list(cache.of_task(Kind.POD, "uid-t")) == ["a-x"]
    assert not cache.of_task(Kind.POD, "unheard-of")
    cache.remove(Kind.JOB, job("a", 4))
    assert not cache.of_task(Kind.JOB, "uid-t")


def test_a_pod_that_went_leaves_its_last_words_until_its_job_goes() -> None:
    cache = Cache()
    cache.upsert(Kind.JOB, job("a", 1))
    cache.upsert(Kind.JOB, job("b", 1))
    cache.upsert(Kind.POD, pod("a-x", 2, of="a"))
    cache.upsert(Kind.POD, pod("b-x", 2, of="b"))
    cache.remove(Kind.POD, pod("a-x", 3, of="a", phase="Failed"))
    cache.remove(Kind.POD, pod("b-x", 3, of="b", phase="Failed"))
    last = cache.of_task(Kind.POD, "uid-t")["a-x"]
    assert (last["gone"], last["status"]["phase"]) == (True, "Failed")
    assert not cache.upsert(Kind.POD, pod("a-x", 4, of="a"))
    cache.remove(Kind.JOB, job("a", 5))
    assert list(cache.of_task(Kind.POD, "uid-t")) == ["b-x"]
    assert cache.count(Kind.POD) == 1


def test_a_pod_that_goes_after_its_job_leaves_nothing() -> None:
    cache = Cache()
    cache.upsert(Kind.JOB, job("a", 1))
    cache.upsert(Kind.POD, pod("a-x", 2, of="a"))
    cache.remove(Kind.JOB, job("a", 3))
    assert cache.count(Kind.POD) == 1
    cache.remove(Kind.POD, pod("a-x", 4, of="a"))
    assert cache.count(Kind.POD) == 0
    assert not cache.of_task(Kind.POD, "uid-t")


def test_a_pod_seen_to_go_before_its_job_was_seen_keeps_its_last_words() -> None:
    cache = Cache()
    cache.remove(Kind.POD, pod("a-x", 4, of="a", phase="Failed"))
    cache.upsert(Kind.JOB, job("a", 1))
    assert cache.of_task(Kind.POD, "uid-t")["a-x"]["gone"]
    assert "unheard" not in cache.of_task(Kind.POD, "uid-t")["a-x"]


def test_with_a_task_go_its_index_and_the_last_words_of_its_pods() -> None:
    cache = Cache()
    cache.upsert(Kind.TASK, obj("t", 1))
    cache.upsert(Kind.JOB, job("a", 2))
    cache.upsert(Kind.POD, pod("a-x", 3, of="a"))
    cache.remove(Kind.POD, pod("a-x", 4, of="a"))
    cache.remove(Kind.TASK, obj("t", 5))
    assert not cache.of_task(Kind.JOB, "uid-t")
    assert not cache.of_task(Kind.POD, "uid-t")
    assert cache.count(Kind.POD) == 0
    cache.remove(Kind.JOB, job("a", 6))  # the garbage collector's delete, seen last
    assert not any(cache.count(kind) for kind in Kind)


def test_a_list_brings_what_was_missed_and_removes_what_it_lacks() -> None:
    cache = Cache()
    for name in ("kept", "changed", "deleted"):
        cache.upsert(Kind.TASK, obj(name, 5))
    cache.upsert(Kind.TASK, obj("newer", 21))
    listed = [obj("kept", 5), obj("changed", 11), obj("created", 12)]
    changed = cache.replace(Kind.TASK, listed, "20")
    assert sorted(task["metadata"]["name"] for task in changed) == ["changed", "created", "deleted"]
    assert sorted(task["metadata"]["name"] for task in cache.all(Kind.TASK)) == [
        "changed",
        "created",
        "kept",
        "newer",
    ]


def test_a_list_of_one_namespace_says_nothing_of_the_others() -> None:
    cache = Cache()
    cache.upsert(Kind.TASK, obj("mine", 5))
    cache.upsert(Kind.TASK, obj("theirs", 5, metadata={"namespace": "elsewhere"}))
    assert len(cache.replace(Kind.TASK, [], "20", NS)) == 1
    assert cache.get(Kind.TASK, "elsewhere", "theirs") is not None


def test_a_pod_that_a_list_lacks_keeps_its_last_words_and_is_reported_once() -> None:
    cache = Cache()
    cache.upsert(Kind.JOB, job("a", 1))
    cache.upsert(Kind.POD, pod("a-x", 2, of="a"))
    assert [gone["metadata"]["name"] for gone in cache.replace(Kind.POD, [], "9")] == ["a-x"]
    assert cache.of_task(Kind.POD, "uid-t")["a-x"]["gone"]
    assert cache.of_task(Kind.POD, "uid-t")["a-x"]["unheard"]  # how it ended
    assert cache.replace(Kind.POD, [], "10") == []


def test_last_words_that_nobody_will_ask_for_go_with_the_next_list() -> None:
    """Of thousands that go at once, the first are forgotten before their pods are seen to go."""
    cache = Cache()
    cache.upsert(Kind.TASK, obj("known", 1))
    cache.upsert(Kind.JOB, job("b", 1, task="uid-ended"))
    for name, of, task in (("a-x", "a", "uid-known"), ("b-x", "b", "uid-ended"), ("c-x", "c", "uid-unheard-of")):
        cache.remove(Kind.POD, pod(name, 4, of=of, task=task))
    cache.replace(Kind.POD, [], "9")
    assert cache.count(Kind.POD) == 3, "Tasks and Jobs have not been listed yet"
    cache.mark_synced(Kind.TASK)
    cache.mark_synced(Kind.JOB)
    cache.replace(Kind.POD, [], "10")
    assert sorted(pod["metadata"]["name"] for pod in cache.all(Kind.POD)) == ["a-x", "b-x"]


def test_the_cache_is_synced_once_every_kind_has_been_listed() -> None:
    async def main() -> None:
        cache = Cache()
        waiting = asyncio.create_task(cache.wait_synced())
        for kind in Kind:
            await asyncio.sleep(0)
            assert not waiting.done()
            assert not cache.synced(kind)
            cache.mark_synced(kind)
        await waiting

    asyncio.run(main())


@st.composite
def _histories(draw: st.DrawFn) -> list[tuple[str, Obj]]:
    """What happened to three names: versions of objects, some deleted, some made anew."""
    events: list[tuple[str, Obj]] = []
    version = 0
    for name in ("x", "y", "z"):
        for life in range(draw(st.integers(1, 3))):
            for _ in range(draw(st.integers(1, 4))):
                version += 1
                events.append(("MODIFIED", obj(name, version, uid=f"{name}{life}")))
            version += 1
            events.append(("DELETED", obj(name, version, uid=f"{name}{life}")))
        if draw(st.booleans()):
            events.pop()
    return events


@settings(deadline=None)
@given(_histories(), st.randoms(use_true_random=False))
def test_in_whatever_order_and_however_often_news_comes_the_last_state_is_the_newest(
    history: list[tuple[str, Obj]], shuffle: random.Random
) -> None:
    cache = Cache()
    told = history + shuffle.sample(history, len(history) // 2)
    shuffle.shuffle(told)
    for type_, told_obj in told:
        if type_ == "DELETED":
            cache.remove(Kind.TASK, told_obj)
        else:
            cache.upsert(Kind.TASK, told_obj)
    alive = {o["metadata"]["name"]: o["metadata"] for type_, o in history if type_ != "DELETED"}
    for type_, o in history:
        if type_ == "DELETED" and alive.get(o["metadata"]["name"], {}).get("uid") == o["metadata"]["uid"]:
            del alive[o["metadata"]["name"]]
    known = {task["metadata"]["name"]: task["metadata"] for task in cache.all(Kind.TASK)}
    assert known == alive


def _real_pod() -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "p",
            "namespace": NS,
            "uid": "u",
            "resourceVersion": "7",
            "labels": {LABEL_TASK_UID: "uid-t"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"},
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}],
        },
        "spec": {"nodeName": "n1", "containers": [{"name": "step", "image": "i", "env": [{"name": "A"}]}]},
        "status": {
            "phase": "Failed",
            "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [
                {
                    "name": "step",
                    "imageID": "sha256:0",
                    "volumeMounts": [{"name": "tmp"}],
                    "state": {"terminated": {"exitCode": 1, "message": "{}"}},
                }
            ],
        },
    }


def test_of_a_pod_what_classifies_an_attempt_is_kept_and_the_rest_dropped() -> None:
    slim = project(Kind.POD, _real_pod())
    assert slim == {
        "metadata": {
            "name": "p",
            "namespace": NS,
            "uid": "u",
            "resourceVersion": "7",
            "labels": {LABEL_TASK_UID: "uid-t"},
            "annotations": {"kept": "yes"},
        },
        "spec": {"nodeName": "n1"},
        "status": {
            "phase": "Failed",
            "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [{"name": "step", "state": {"terminated": {"exitCode": 1, "message": "{}"}}}],
        },
    }


def test_a_task_that_has_ended_is_kept_by_its_head_only() -> None:
    task: Obj = {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "Task",
        "metadata": {"name": "t", "namespace": NS, "uid": "u", "resourceVersion": "7"},
        "spec": {"templateRef": {"name": "x"}, "context": {"customer": "carol"}},
    }
    task["status"] = {"state": "StepsInProcess", "steps": [{"name": "a"}], "transitions": [{"event": "Start"}]}
    assert project(Kind.TASK, task)["status"] == task["status"]
    task["status"] |= {"state": "Complete", "outcome": "Succeeded", "finishedAt": "2026-01-01T00:00:00Z"}
    ended = project(Kind.TASK, task)
    assert ended["status"] == {"state": "Complete", "outcome": "Succeeded", "finishedAt": "2026-01-01T00:00:00Z"}
    assert ended["metadata"]["uid"] == task["metadata"]["uid"]
    assert ended["spec"].keys() == {"templateRef"}


@pytest.mark.parametrize("kind", Kind)
def test_projecting_leaves_the_object_alone_and_twice_is_as_once(kind: Kind) -> None:
    original = _real_pod()
    before = copy.deepcopy(original)
    once = project(kind, original)
    assert original == before
    assert project(kind, once) == once
    assert "managedFields" not in once["metadata"]
