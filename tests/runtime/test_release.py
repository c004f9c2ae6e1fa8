"""The finalizer, what goes before it is taken away, and what was left without a Task."""

from __future__ import annotations

import asyncio

import pytest

from kubesaga.api.constants import FINALIZER, LABEL_TASK_UID
from kubesaga.api.times import rfc3339
from kubesaga.kube.client import KubeError, configmaps_path, jobs_path, tasks_path
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.namespaces import REMEMBERED_SECONDS, Terminating, is_terminating
from kubesaga.runtime.orphans import LEAST_AGE, Orphans
from kubesaga.runtime.release import Release, is_held

from .api_server import ApiServer
from .memory import refusing
from .objects import NS, child_of, job, task


def with_dependents(kube: ApiServer, name: str) -> Obj:
    stored = kube.add(tasks_path(NS), task(name, "Error"))
    uid = stored["metadata"]["uid"]
    kube.add(jobs_path(NS), job(f"{name}-job", uid))
    kube.add(configmaps_path(NS), {"metadata": {"name": f"{name}-cm", "labels": {LABEL_TASK_UID: uid}}})
    kube.add(tasks_path(NS), child_of(stored, "s", f"{name}-child"))
    return stored


def test_the_finalizer_is_set_beside_others_and_only_once() -> None:
    async def main() -> None:
        kube = ApiServer()
        release = Release(kube, Cache())
        stored = kube.add(tasks_path(NS), task("t", metadata={"finalizers": ["other"]}))
        held = await release.hold(stored)
        assert held["metadata"]["finalizers"] == ["other", FINALIZER]
        writes = kube.writes()
        assert await release.hold(held) is held
        assert kube.writes() == writes

    asyncio.run(main())


def test_the_finalizer_is_not_set_on_a_task_that_has_changed() -> None:
    kube = ApiServer()
    stored = kube.add(tasks_path(NS), task("t"))
    kube.put(tasks_path(NS, "t"), stored)
    with pytest.raises(KubeError) as caught:
        asyncio.run(Release(kube, Cache()).hold(stored))
    assert caught.value.conflict


def test_a_released_task_goes_with_everything_that_was_made_for_it_and_nothing_else() -> None:
    async def main() -> None:
        kube = ApiServer()
        release = Release(kube, Cache())
        with_dependents(kube, "other")
        held = await release.hold(with_dependents(kube, "t"))
        assert is_held(held)
        await kube.delete(tasks_path(NS, "t"))
        await release.let_go(kube.at(tasks_path(NS, "t")))
        left = [obj["metadata"]["name"] for plural in ("tasks", "jobs", "configmaps") for obj in kube.all(plural)]
        assert sorted(left) == ["other", "other-child", "other-cm", "other-job"]

    asyncio.run(main())


def test_what_depends_on_a_task_goes_before_its_finalizer() -> None:
    async def main() -> None:
        kube = ApiServer()
        release = Release(kube, Cache())
        held = await release.hold(with_dependents(kube, "t"))
        kube.calls.clear()
        await release.let_go(held)
        assert [method for method, _ in kube.calls] == ["GET", "DELETE", "DELETE", "DELETE", "PATCH"]

    asyncio.run(main())


def test_of_a_task_that_has_changed_since_it_was_judged_nothing_is_deleted() -> None:
    async def main() -> None:
        kube = ApiServer()
        release = Release(kube, Cache())
        held = await release.hold(with_dependents(kube, "t"))
        kube.put(tasks_path(NS, "t"), held)
        writes = kube.writes()
        with pytest.raises(KubeError) as caught:
            await release.let_go(held)
        assert caught.value.conflict
        assert kube.writes() == writes

    asyncio.run(main())


def orphaned(age: float, *, task_lives: bool = False, seen: bool = False) -> list[str]:
    """What is left of the Jobs of a Task after a sweep."""
    kube, cache = ApiServer(), Cache()
    stored = with_dependents(kube, "t")
    if not task_lives:
        kube.objects.pop(tasks_path(NS, "t"))
    cache.upsert(Kind.JOB, kube.at(jobs_path(NS, "t-job")))
    if seen:
        cache.upsert(Kind.TASK, stored)
    asyncio.run(Orphans(kube, cache, Release(kube, cache), 300.0, lambda: age).sweep())
    return [obj["metadata"]["name"] for plural in ("jobs", "configmaps") for obj in kube.all(plural)]


def test_jobs_whose_task_is_gone_are_deleted_once_they_are_no_longer_young() -> None:
    assert orphaned(LEAST_AGE - 1) == ["t-job", "t-cm"]
    assert orphaned(LEAST_AGE) == []


def late_children(age: float, *, parent_lives: bool = False, started: bool = False) -> list[str]:
    """Which Tasks are left after a sweep, of a child whose parent is unknown to the cache, and of a stranger's."""
    kube, cache = ApiServer(), Cache()
    parent = kube.add(tasks_path(NS), task("t", "Error"))
    status = {"status": {"startedAt": rfc3339(0)}} if started else {}
    cache.upsert(Kind.TASK, kube.add(tasks_path(NS), child_of(parent, "pack", "late", "Pending", **status)))
    cache.upsert(Kind.TASK, kube.add(tasks_path(NS), task("other", "Pending")))
    if not parent_lives:
        kube.objects.pop(tasks_path(NS, "t"))
    asyncio.run(Orphans(kube, cache, Release(kube, cache), 300.0, lambda: age).sweep())
    return [obj["metadata"]["name"] for obj in kube.all("tasks")]


def test_a_child_that_came_when_its_parent_was_gone_is_deleted_unless_it_has_started() -> None:
    assert late_children(LEAST_AGE) == ["other"]
    assert late_children(LEAST_AGE - 1) == ["late", "other"]
    assert late_children(LEAST_AGE, started=True) == ["late", "other"]
    assert late_children(LEAST_AGE, parent_lives=True) == ["t", "late", "other"]


def test_jobs_of_a_task_that_the_cache_does_not_know_and_the_api_server_does_are_left_alone() -> None:
    assert orphaned(LEAST_AGE, task_lives=True) == ["t-job", "t-cm"]


def test_a_refusal_because_of_a_terminating_namespace_is_remembered_for_a_while() -> None:
    now = [0.0]
    terminating = Terminating(lambda: now[0])
    assert terminating.admits(NS)
    terminating.note(NS)
    assert not terminating.admits(NS)
    assert terminating.admits("elsewhere")
    now[0] = REMEMBERED_SECONDS
    assert terminating.admits(NS)


def test_only_a_refusal_for_that_reason_counts() -> None:
    assert is_terminating(KubeError(403, "Forbidden", "unable to create: namespace shop is being terminated"))
    assert not is_terminating(KubeError(403, "Forbidden", "exceeded quota"))
    assert not is_terminating(KubeError(404, "NotFound", "is being terminated"))


@pytest.mark.parametrize(
    ("answer", "admits"),
    [
        (KubeError(403, "Forbidden", "unable to create: namespace shop is being terminated"), False),
        (KubeError(404, "NotFound", "namespaces 'shop' not found"), False),
        (KubeError(403, "Forbidden", "exceeded quota"), True),
        (KubeError(400, "BadRequest", "admission webhook does not support dry run"), True),
    ],
)
def test_a_namespace_that_is_asked_admits_nothing_only_if_it_says_so(answer: KubeError, admits: bool) -> None:
    kube, terminating = ApiServer(), Terminating(lambda: 0.0)
    kube.broken = refusing(answer)
    asyncio.run(terminating.ask(kube, NS))
    assert terminating.admits(NS) is admits
    assert kube.objects == {}


@pytest.mark.parametrize("answer", [None, KubeError(403, "Forbidden", "exceeded quota")])
def test_what_was_noted_of_a_namespace_is_forgotten_once_one_of_that_name_admits_something(
    answer: KubeError | None,
) -> None:
    kube, terminating = ApiServer(), Terminating(lambda: 0.0)
    kube.broken = refusing(answer) if answer else kube.broken
    terminating.note(NS)
    terminating.note("elsewhere")
    asyncio.run(terminating.ask(kube, NS))
    assert terminating.admits(NS)
    assert not terminating.admits("elsewhere")


def test_what_was_noted_of_a_namespace_stays_while_nobody_answers() -> None:
    kube, terminating = ApiServer(), Terminating(lambda: 0.0)
    kube.broken = refusing(KubeError(503, "ServiceUnavailable", "try again"))
    terminating.note(NS)
    with pytest.raises(KubeError, match="try again"):
        asyncio.run(terminating.ask(kube, NS))
    assert not terminating.admits(NS)
