"""A namespace with templates, as the operator's template worker sees it: for the tests of templates and revisions."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import Any

from kubesaga.api import constants as c
from kubesaga.kube.client import revisions_path, tasks_path, templates_path
from kubesaga.runtime.admission import Admission
from kubesaga.runtime.cache import Cache, Kind, Obj
from kubesaga.runtime.family import Family
from kubesaga.runtime.queue import WorkQueue
from kubesaga.runtime.revisions import Revisions
from kubesaga.runtime.router import Router
from kubesaga.runtime.templates import Templates

from . import virtual
from .store import StoreKube

NS = "shop"
START = 1_800_000_000.0


def template(name: str, version: str = "1.0.0", says: str = "true", logical: str = "work", **spec: Any) -> Obj:
    """A TaskTemplate of one container step."""
    step = {"name": "speak", "container": {"command": ["sh", "-c", says]}}
    return {
        "apiVersion": c.API_VERSION,
        "kind": c.TEMPLATE_KIND,
        "metadata": {"namespace": NS, "name": name, "generation": 1},
        "spec": {"name": logical, "version": version, "defaults": {"image": "busybox"}, "steps": [step], **spec},
    }


class Shop:
    """An API server and an operator's view of it; virtual time for both."""

    def __init__(self, environment: str | None = None, default_image: str | None = None) -> None:
        self.kube = StoreKube()
        self.cache = Cache()
        self.templates_queue = WorkQueue()
        self.tasks_queue = WorkQueue()
        self.router = Router(
            self.cache,
            self.tasks_queue,
            self.templates_queue,
            Family(self.cache, self.tasks_queue),
            Admission(self.cache, self.tasks_queue, limit=0),
            lambda _kind: None,
        )
        self.revisions = Revisions(self.kube)
        self.templates = Templates(
            self.kube, self.cache, self.router, self.revisions, default_image, environment, self.now
        )
        self._made = 0

    def restarted(self, environment: str | None = None, default_image: str | None = None) -> Shop:
        """The same API server, seen by an operator that has just started with these settings."""
        shop = Shop(environment, default_image)
        shop.kube = self.kube
        shop.revisions = Revisions(self.kube)
        shop.templates = Templates(
            self.kube, shop.cache, shop.router, shop.revisions, default_image, environment, shop.now
        )
        shop._made = self._made
        for kind in (Kind.TEMPLATE, Kind.TASK):
            for path in [path for path in self.kube.objects if f"/{kind}/" in path]:
                shop.router.seen(kind, None, copy.deepcopy(self.kube.objects[path]))
        return shop

    def now(self) -> float:
        return START + virtual.loop().time()

    def apply(self, obj: Obj) -> None:
        """Create or change a template, and have the watch tell it."""
        self.put(obj)
        self.router.seen(Kind.TEMPLATE, "MODIFIED", copy.deepcopy(self.template(obj["metadata"]["name"])))

    def put(self, obj: Obj) -> None:
        """Create or change a template behind the operator's back."""
        path = templates_path(NS, obj["metadata"]["name"])
        old = self.kube.objects.get(path)
        self._made += 1
        meta = obj["metadata"]
        if old is None:
            meta.update(uid=f"uid-{self._made}", creationTimestamp=f"2026-11-21T12:00:{self._made:02}Z")
            self.kube.put(path, obj)
        else:
            meta.update({key: old["metadata"][key] for key in ("uid", "creationTimestamp")})
            meta["generation"] = old["metadata"]["generation"] + 1
            self.kube.put(path, {**obj, "status": old.get("status")} if "status" in old else obj)

    def delete(self, name: str) -> None:
        """Delete a template, and have the watch tell it."""
        self.router.seen(Kind.TEMPLATE, "DELETED", self.kube.objects.pop(templates_path(NS, name)))

    def task(self, name: str, wanted: str | None = None, *, of: str = "work", **status: Any) -> Obj:
        """A Task as the watch tells it; with a status, one that has started."""
        reference = {"name": of, **({"version": wanted} if wanted else {})}
        obj = {"metadata": {"namespace": NS, "name": name}, "spec": {"templateRef": reference}}
        if status:
            obj["status"] = status
        stored = self.kube.put(tasks_path(NS, name), obj)
        self.router.seen(Kind.TASK, None, copy.deepcopy(stored))
        return stored

    async def settle(self) -> None:
        """Work through the templates' queue until nothing is left to check."""
        for _ in range(50):
            if not len(self.templates_queue):
                return
            key = await self.templates_queue.get()
            assert key is not None
            await self.templates.reconcile(*key)
            self.templates_queue.done(key)
        raise AssertionError("the templates have one another checked for ever")

    def template(self, name: str) -> Obj:
        return self.kube.objects[templates_path(NS, name)]

    def status(self, name: str) -> Obj:
        found: Obj = self.template(name)["status"]
        return found

    def reason(self, name: str) -> str:
        """The reason of both conditions, with a `!` before it where the template is Stalled."""
        by_type = {each["type"]: each for each in self.status(name)["conditions"]}
        ready, stalled = by_type["Ready"], by_type["Stalled"]
        assert ready["reason"] == stalled["reason"]
        assert {ready["status"], stalled["status"]} == {"True", "False"}
        return ("!" if stalled["status"] == "True" else "") + str(ready["reason"])

    def revision_objects(self) -> dict[str, Obj]:
        """The recorded revisions by name."""
        prefix = revisions_path(NS) + "/"
        return {path.removeprefix(prefix): obj for path, obj in self.kube.objects.items() if path.startswith(prefix)}


def play(act: Callable[[Shop], Awaitable[None]], shop: Shop | None = None) -> None:
    """Run a test's story in virtual time."""

    async def main() -> None:
        await act(shop or Shop())

    virtual.run(main())
