"""The feed and the resync on a real API server: what they bring, what they leave alone, and how they end."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml

from kubesaga.api.constants import LABEL_TASK, LABEL_TASK_UID
from kubesaga.kube.client import Kube, jobs_path
from kubesaga.runtime import feed as feed_module
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.feed import FeedError, KopfFeed
from kubesaga.runtime.kopf_settings import kopf_settings
from kubesaga.runtime.resync import Resync
from tests.cluster.kubectl import Kubectl

PATIENCE = 300
HELPER = "pause-waiter for "
"""A task of kopf that waits for a pause. Where kopf cancels a watch that is just handing on the first news of an
object, it leaves that task to the garbage collector."""


class Notes:
    """A sink that writes down what it is told about the Jobs of one namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.told: list[tuple[str | None, str]] = []
        self.versions: set[str] = set()
        self.relists: list[Kind] = []
        self._news = asyncio.Event()

    def seen(self, kind: Kind, type_: str | None, obj: Obj) -> None:
        metadata = obj["metadata"]
        if kind is Kind.JOB and metadata["namespace"] == self.namespace:
            self.told.append((type_, metadata["name"]))
            self.versions.add(metadata["resourceVersion"])
        self._news.set()

    def relisted(self, kind: Kind) -> None:
        self.relists.append(kind)
        self._news.set()

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait for news until ``met``."""
        async with asyncio.timeout(PATIENCE):
            while not met():
                self._news.clear()
                await self._news.wait()


def job(name: str, **labels: str) -> Obj:
    """A Job that never makes a pod."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "step", "image": "none"}]}
    return {
        "metadata": {"name": name, "labels": labels or {LABEL_TASK_UID: "no-such-task", LABEL_TASK: "none"}},
        "spec": {"suspend": True, "template": {"spec": pod}},
    }


async def after_the_job_controller(kube: Kube, path: str) -> Obj:
    """The Job once Kubernetes has said of it that it is suspended, which is all that it ever says."""
    found = await kube.get(path)
    async with asyncio.timeout(PATIENCE):
        while not found.get("status", {}).get("conditions"):
            await asyncio.sleep(0.1)
            found = await kube.get(path)
    return found


@asynccontextmanager
async def fed(kube: Kube, sink: feed_module.Sink, *namespaces: str) -> AsyncIterator[None]:
    """A feed that runs as long as the block; it must end well."""
    stop = asyncio.Event()
    running = asyncio.create_task(KopfFeed(kube, namespaces).run(sink, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, PATIENCE)


def on_cluster(namespace: Kubectl, act: Callable[[Kube], Awaitable[None]]) -> None:
    async def main() -> None:
        kube = await Kube.connect(str(namespace.kubeconfig))
        before = asyncio.all_tasks()
        try:
            await act(kube)
        finally:
            await kube.close()
        assert {task for task in asyncio.all_tasks() - before if not task.get_name().startswith(HELPER)} == set()

    asyncio.run(main())


def test_it_brings_what_is_listed_added_modified_and_deleted_and_only_what_bears_the_label(
    namespace: Kubectl,
) -> None:
    async def act(kube: Kube) -> None:
        notes, path = Notes(namespace.namespace), jobs_path(namespace.namespace)
        await kube.create(path, job("listed"))
        await kube.create(path, job("foreign", app="other"))
        async with fed(kube, notes):
            await notes.until(lambda: set(notes.relists) == set(Kind) and (None, "listed") in notes.told)
            await kube.create(path, job("added"))
            await notes.until(lambda: ("ADDED", "added") in notes.told)
            await kube.merge_patch(f"{path}/added", {"metadata": {"labels": {"changed": "yes"}}})
            await notes.until(lambda: ("MODIFIED", "added") in notes.told)
            await kube.delete(f"{path}/added")
            await notes.until(lambda: ("DELETED", "added") in notes.told)
        assert {name for _, name in notes.told} == {"listed", "added"}
        assert sorted(notes.relists) == sorted(Kind)

    on_cluster(namespace, act)


def test_with_namespaces_given_it_sees_those_and_no_other(namespace: Kubectl) -> None:
    async def act(kube: Kube) -> None:
        inside, outside = Notes(namespace.namespace), Notes("default")
        await kube.create(jobs_path("default"), job("kubesaga-test-outside"))

        class Both:
            def seen(self, kind: Kind, type_: str | None, obj: Obj) -> None:
                inside.seen(kind, type_, obj)
                outside.seen(kind, type_, obj)

            def relisted(self, kind: Kind) -> None:
                inside.relisted(kind)

        try:
            async with fed(kube, Both(), namespace.namespace):
                await inside.until(lambda: set(inside.relists) == set(Kind))
                await kube.create(jobs_path(namespace.namespace), job("inside"))
                await inside.until(lambda: ("ADDED", "inside") in inside.told)
        finally:
            await kube.delete(jobs_path("default", "kubesaga-test-outside"))
        assert outside.told == []

    on_cluster(namespace, act)


def test_watching_writes_nothing_on_the_objects(namespace: Kubectl) -> None:
    async def act(kube: Kube) -> None:
        notes, path = Notes(namespace.namespace), jobs_path(namespace.namespace)
        async with fed(kube, notes):
            await notes.until(lambda: set(notes.relists) == set(Kind))
            await kube.create(path, job("watched"))
            changed = await kube.merge_patch(f"{path}/watched", {"metadata": {"labels": {"n": "1"}}})
            await notes.until(lambda: changed["metadata"]["resourceVersion"] in notes.versions)
            settled = await after_the_job_controller(kube, f"{path}/watched")
            await asyncio.sleep(2)  # time enough for kopf to write, if it wanted
            found = await kube.get(f"{path}/watched")
        metadata = found["metadata"]
        assert not any("kopf" in text for text in (json.dumps(metadata), json.dumps(found["spec"])))
        assert not [key for key in metadata.get("annotations", {}) if not key.startswith("batch.kubernetes.io/")]
        assert not metadata.get("finalizers")
        assert metadata["resourceVersion"] == settled["metadata"]["resourceVersion"]

    on_cluster(namespace, act)


def test_every_last_state_arrives_however_fast_an_object_changes(namespace: Kubectl) -> None:
    async def act(kube: Kube) -> None:
        notes, path = Notes(namespace.namespace), jobs_path(namespace.namespace)
        async with fed(kube, notes):
            await notes.until(lambda: set(notes.relists) == set(Kind))
            last = await kube.create(path, job("busy"))
            for number in range(100):
                last = await kube.merge_patch(f"{path}/busy", {"metadata": {"labels": {"n": str(number)}}})
            await notes.until(lambda: last["metadata"]["resourceVersion"] in notes.versions)
        changes = [type_ for type_, _ in notes.told]
        assert changes[0] == "ADDED"
        assert 100 <= len(changes) <= 105  # the Job controller has a word or two to say

    on_cluster(namespace, act)


@pytest.fixture
def quick_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watches that the server ends after a second."""

    def hasty(selectors: Mapping[tuple[str, str, str], str]) -> kopf.OperatorSettings:
        settings = kopf_settings(selectors)
        settings.watching.server_timeout = 1
        return settings

    monkeypatch.setattr(feed_module, "kopf_settings", hasty)


@pytest.mark.usefixtures("quick_to_end")
def test_a_watch_that_ends_is_continued_without_a_new_list_or_a_gap(namespace: Kubectl) -> None:
    async def act(kube: Kube) -> None:
        notes, path = Notes(namespace.namespace), jobs_path(namespace.namespace)
        names = [f"job-{number}" for number in range(20)]
        async with fed(kube, notes):
            await notes.until(lambda: set(notes.relists) == set(Kind))
            for name in names:
                await kube.create(path, job(name))
                await asyncio.sleep(0.25)
            await notes.until(lambda: len([1 for type_, _ in notes.told if type_ == "ADDED"]) >= len(names))
        assert [name for type_, name in notes.told if type_ == "ADDED"] == names
        assert sorted(notes.relists) == sorted(Kind)

    on_cluster(namespace, act)


def test_the_resync_fills_the_cache_and_finds_what_was_deleted_unseen(namespace: Kubectl) -> None:
    async def act(kube: Kube) -> None:
        cache, path, stop = Cache(), jobs_path(namespace.namespace), asyncio.Event()
        deleted_seen = asyncio.Event()

        def changed(kind: Kind, obj: Obj) -> None:
            if (kind, obj["metadata"]["name"]) == (Kind.JOB, "deleted"):
                deleted_seen.set()

        resync = Resync(kube, cache, changed)

        class Router:
            def seen(self, kind: Kind, type_: str | None, obj: Obj) -> None:
                if type_ == "DELETED":
                    cache.remove(kind, obj)
                else:
                    cache.upsert(kind, obj)

            def relisted(self, kind: Kind) -> None:
                resync.request(kind)

        def known() -> set[str]:
            jobs = cache.all(Kind.JOB)
            return {o["metadata"]["name"] for o in jobs if o["metadata"]["namespace"] == namespace.namespace}

        await kube.create(path, job("kept"))
        await kube.create(path, job("deleted"))
        running = asyncio.create_task(resync.run(stop))
        async with fed(kube, Router()):
            await asyncio.wait_for(cache.wait_synced(), PATIENCE)
            assert known() == {"kept", "deleted"}
        await kube.delete(f"{path}/deleted")
        assert known() == {"kept", "deleted"}
        deleted_seen.clear()
        async with fed(kube, Router()):
            await asyncio.wait_for(deleted_seen.wait(), PATIENCE)
        assert known() == {"kept"}
        stop.set()
        await running

    on_cluster(namespace, act)


def test_credentials_that_are_refused_end_the_feed_with_an_error(
    namespace: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "kopf")  # as in the operator
    config: dict[str, Any] = yaml.safe_load(namespace.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    if authority := cluster.get("certificate-authority"):
        cluster["certificate-authority"] = str(namespace.kubeconfig.parent / authority)
    for user in config["users"]:
        user["user"] = {"token": "refused"}
    stranger = tmp_path / "kubeconfig"
    stranger.write_text(yaml.safe_dump(config))

    async def main(at_first: Path, later: Path, said: str) -> None:
        kube = await Kube.connect(str(at_first))
        kube.kubeconfig = str(later)  # what kopf logs in with
        with pytest.raises(FeedError, match=said):
            await asyncio.wait_for(KopfFeed(kube).run(Notes("none"), asyncio.Event()), PATIENCE)
        await kube.close()

    monkeypatch.setattr(feed_module, "PATIENCE", 0.0)
    asyncio.run(main(stranger, stranger, "401 Unauthorized"))
    asyncio.run(main(namespace.kubeconfig, tmp_path / "nowhere", "no longer accepts this process's credentials"))
    asyncio.run(main(namespace.kubeconfig, stranger, "no longer accepts this process's credentials"))
    gc.collect()  # kopf leaves failed tasks behind: have them complain here rather than in another test


def test_a_cluster_without_the_custom_resources_is_named_in_the_error(
    namespace: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    unserved = {**feed_module.COLLECTIONS, Kind.TEMPLATE: lambda _: "/apis/kubesaga.dev/v1alpha1/tasktrees"}
    monkeypatch.setattr(feed_module, "COLLECTIONS", unserved)
    monkeypatch.setattr(feed_module, "PATIENCE", 0.0)

    async def act(kube: Kube) -> None:
        with pytest.raises(FeedError, match="does not serve tasktemplates: install the chart"):
            await KopfFeed(kube).run(Notes("none"), asyncio.Event())

    on_cluster(namespace, act)
