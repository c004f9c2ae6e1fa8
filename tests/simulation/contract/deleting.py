"""Scenarios: deleting, what holds an object, and what becomes of its dependents."""

from __future__ import annotations

from kubesaga.kube.paths import configmaps_path, jobs_path, pods_path, tasks_path
from tests.simulation.contract.objects import config_map, job, owned_by, pod, task
from tests.simulation.contract.script import Script
from tests.simulation.contract.server import Obj

HELD = {"finalizers": ["example.com/held"]}
RELEASE = {"metadata": {"finalizers": None}}


def _options(propagation: str | None = None, **fields: object) -> Obj:
    options: Obj = {"apiVersion": "v1", "kind": "DeleteOptions", **fields}
    return {**options, "propagationPolicy": propagation} if propagation else options


def conditions(s: Script) -> None:
    """Preconditions."""
    old = s.create("a Task", tasks_path(s.namespace), task("t"))["metadata"]
    path = tasks_path(s.namespace, "t")
    new = s.merge("changed", path, {"metadata": {"labels": {"a": "b"}}})["metadata"]
    foreign = {"uid": "11111111-2222-3333-4444-555555555555"}
    s.delete("another UID", path, _options("Background", preconditions=foreign))
    s.delete("an old version", path, _options(preconditions={"resourceVersion": old["resourceVersion"]}))
    s.delete("tried only", path, _options(dryRun=["All"]))
    right = {"uid": new["uid"], "resourceVersion": new["resourceVersion"]}
    s.delete("as it is", path, _options("Background", preconditions=right))
    s.delete("again", path)
    s.create("a ConfigMap", configmaps_path(s.namespace), config_map("m"))
    s.delete("a ConfigMap with another UID", configmaps_path(s.namespace, "m"), _options(preconditions=foreign))
    s.delete("a ConfigMap", configmaps_path(s.namespace, "m"))
    since = old["resourceVersion"]
    s.watch("as it was told", tasks_path(s.namespace), since=since)


def finalizers(s: Script) -> None:
    """What is held stays, marked, until it is let go."""
    found = s.create("a Task", tasks_path(s.namespace), task("t", HELD))
    path, status = tasks_path(s.namespace, "t"), tasks_path(s.namespace, "t", "status")
    s.delete("deleted", path, _options("Background"))
    s.delete("deleted again", path)
    s.merge("its status", status, {"status": {"state": "Cancelled"}})
    s.merge("its labels", path, {"metadata": {"labels": {"a": "b"}}})
    s.merge("held more", path, {"metadata": {"finalizers": [*HELD["finalizers"], "example.com/late"]}})
    s.merge("undeleted", path, {"metadata": {"deletionTimestamp": None, "deletionGracePeriodSeconds": None}})
    s.create("its name is taken", tasks_path(s.namespace), task("t"))
    s.patch("let go", path, {"op": "remove", "path": "/metadata/finalizers"})
    s.get("gone", path)
    s.watch("as it was told", tasks_path(s.namespace), since=found["metadata"]["resourceVersion"])
    s.create("a ConfigMap", configmaps_path(s.namespace), config_map("m", HELD))
    s.merge("let go before it is deleted", configmaps_path(s.namespace, "m"), RELEASE)
    s.delete("goes at once", configmaps_path(s.namespace, "m"))


def background(s: Script) -> None:
    """Dependents go after their owner, also those that come too late; one owner that is left is enough."""
    owner = s.create("the owner", tasks_path(s.namespace), task("owner"))
    other = s.create("another owner", tasks_path(s.namespace), task("other"))
    maps = configmaps_path(s.namespace)
    s.create("a dependent", maps, config_map("one", {"ownerReferences": [owned_by(owner)]}))
    s.create("of two", maps, config_map("two", {"ownerReferences": [owned_by(owner), owned_by(other)]}))
    s.delete("the owner goes", tasks_path(s.namespace, "owner"), _options("Background"))
    s.until_gone("the dependent too", f"{maps}/one")
    s.until("not the other's", f"{maps}/two", lambda obj: len(obj["metadata"]["ownerReferences"]) == 1)
    s.create("one that comes late", maps, config_map("late", {"ownerReferences": [owned_by(owner)]}))
    s.until_gone("goes as well", f"{maps}/late")
    again = s.create("another of the owner's name", tasks_path(s.namespace), task("owner"))
    s.create("of the one before", maps, config_map("mistaken", {"ownerReferences": [owned_by(owner)]}))
    s.until_gone("is not taken for its own", f"{maps}/mistaken")
    s.create("a Job of its own", jobs_path(s.namespace), job("j", {"ownerReferences": [owned_by(again)]}))
    chain = s.get("the Job", jobs_path(s.namespace, "j"))
    s.create("and that Job's", maps, config_map("deep", {"ownerReferences": [owned_by(chain)]}))
    s.delete("all go", tasks_path(s.namespace, "owner"), _options("Background"))
    s.until_gone("the Job", jobs_path(s.namespace, "j"))
    s.until_gone("and what is that Job's", f"{maps}/deep")


def foreground(s: Script) -> None:
    """Dependents that block their owner's deletion go first."""
    owner = s.create("the owner", tasks_path(s.namespace), task("owner"))
    path, maps = tasks_path(s.namespace, "owner"), configmaps_path(s.namespace)
    blocking = {"ownerReferences": [owned_by(owner, blocks=True)]}
    s.create("a dependent that is held", maps, config_map("held", {**blocking, **HELD}))
    s.create("one that is not", maps, config_map("free", blocking))
    s.delete("the owner is deleted", path, _options("Foreground"))
    s.until_gone("one dependent goes", f"{maps}/free")
    s.until("one is held", f"{maps}/held", lambda obj: obj["metadata"].get("deletionTimestamp"))
    s.get("the owner waits", path)
    s.merge("until that is let go", f"{maps}/held", RELEASE)
    s.until_gone("then it goes", path)
    s.watch("as it was told", tasks_path(s.namespace), since=owner["metadata"]["resourceVersion"])
    s.create("one without dependents", tasks_path(s.namespace), task("alone"))
    s.delete("goes soon", tasks_path(s.namespace, "alone"), _options("Foreground"))
    s.until_gone("of itself", tasks_path(s.namespace, "alone"))


def foreground_that_waits_for_nobody(s: Script) -> None:
    """Dependents that do not block go as well, but are not waited for."""
    owner = s.create("the owner", tasks_path(s.namespace), task("owner"))
    path, maps = tasks_path(s.namespace, "owner"), configmaps_path(s.namespace)
    s.create("a dependent", maps, config_map("loose", {"ownerReferences": [owned_by(owner)], **HELD}))
    s.delete("the owner is deleted", path, _options("Foreground"))
    s.until_gone("and goes", path)
    s.until("the dependent is to go", f"{maps}/loose", lambda obj: obj["metadata"].get("deletionTimestamp"))
    s.merge("and goes when it is let go", f"{maps}/loose", RELEASE)
    s.get("gone", f"{maps}/loose")


def foreground_through_generations(s: Script) -> None:
    """A dependent with dependents of its own is deleted in the foreground as well."""
    owner = s.create("the owner", tasks_path(s.namespace), task("owner"))
    maps = configmaps_path(s.namespace)
    of_owner = {"ownerReferences": [owned_by(owner, blocks=True)]}
    middle = s.create("a Job", jobs_path(s.namespace), job("middle", of_owner))
    of_middle = {"ownerReferences": [owned_by(middle, blocks=True)], **HELD}
    s.create("what is the Job's", maps, config_map("last", of_middle))
    s.delete("the owner is deleted", tasks_path(s.namespace, "owner"), _options("Foreground"))
    s.until("the last waits", f"{maps}/last", lambda obj: obj["metadata"].get("deletionTimestamp"))
    s.get("so the Job waits", jobs_path(s.namespace, "middle"))
    s.get("so the owner waits", tasks_path(s.namespace, "owner"))
    s.merge("let go", f"{maps}/last", RELEASE)
    s.until_gone("the Job", jobs_path(s.namespace, "middle"))
    s.until_gone("the owner", tasks_path(s.namespace, "owner"))


def orphans(s: Script) -> None:
    """Dependents that are left behind belong to nobody; Jobs do so where nothing else is said."""
    maps = configmaps_path(s.namespace)
    owner = s.create("the owner", tasks_path(s.namespace), task("owner"))
    s.create("a dependent", maps, config_map("m", {"ownerReferences": [owned_by(owner)]}))
    s.delete("the owner is deleted", tasks_path(s.namespace, "owner"), _options("Orphan"))
    s.until_gone("it goes", tasks_path(s.namespace, "owner"))
    s.get("the dependent stays", f"{maps}/m")
    old = s.create("a Job", jobs_path(s.namespace), job("j"))
    s.create("what is the Job's", maps, config_map("n", {"ownerReferences": [owned_by(old)]}))
    s.delete("the Job is deleted, no word about dependents", jobs_path(s.namespace, "j"))
    s.until_gone("it goes", jobs_path(s.namespace, "j"))
    s.get("what was its own stays", f"{maps}/n")


def changing_the_way(s: Script) -> None:
    """A second delete may ask for another way."""
    s.create("a Task", tasks_path(s.namespace), task("t", HELD))
    path = tasks_path(s.namespace, "t")
    s.delete("in the background", path, _options("Background"))
    s.delete("in the foreground", path, _options("Foreground"))
    s.until("collected", path, lambda obj: obj["metadata"]["finalizers"] == HELD["finalizers"])
    s.delete("no other word", path, _options())
    s.merge("let go", path, RELEASE)
    s.get("gone", path)


def collections(s: Script) -> None:
    """Everything with a label at once."""
    tasks = tasks_path(s.namespace)
    first = s.create("one", tasks, task("a", {"labels": {"of": "us"}}))
    s.create("that is held", tasks, task("b", {"labels": {"of": "us"}, **HELD}))
    s.create("of others", tasks, task("c", {"labels": {"of": "them"}}))
    s.delete("ours", tasks, _options("Background"), labelSelector="of=us")
    s.get("what is left", tasks)
    s.merge("let go", f"{tasks}/b", RELEASE)
    s.delete("nobody's", tasks, _options("Background"), labelSelector="of=nobody")
    s.delete("all", tasks, _options("Background"))
    s.get("nothing is left", tasks)
    s.watch("as it was told", tasks, since=first["metadata"]["resourceVersion"])


def pods(s: Script) -> None:
    """Pods have their grace, once they are on a node and until they have ended."""
    path = pods_path(s.namespace)
    first = s.create("a pod that waits for a node", path, pod("waiting"))
    s.delete("goes at once", f"{path}/waiting")
    for name in ("running", "short", "held"):
        meta = HELD if name == "held" else {}
        s.create(f"a pod on a node: {name}", path, pod(name, meta, nodeName="nowhere"))
    s.delete("has its grace", f"{path}/running")
    s.delete("no longer one", f"{path}/running", _options(gracePeriodSeconds=60))
    s.delete("a shorter one", f"{path}/running", _options(gracePeriodSeconds=10))
    s.delete("none", f"{path}/running", _options(gracePeriodSeconds=0))
    s.get("gone", f"{path}/running")
    s.delete("a short one", f"{path}/short", _options(gracePeriodSeconds=2))
    s.merge("it ends", f"{path}/short/status", {"status": {"phase": "Succeeded"}})
    s.delete("and is forced", f"{path}/short", _options(gracePeriodSeconds=0))
    s.delete("held, without grace", f"{path}/held", _options(gracePeriodSeconds=0))
    s.merge("until it is let go", f"{path}/held", RELEASE)
    s.get("gone too", f"{path}/held")
    s.create("a pod that ends", path, pod("ended", nodeName="nowhere"))
    s.merge("it ends by itself", f"{path}/ended/status", {"status": {"phase": "Failed"}})
    s.delete("and goes at once", f"{path}/ended")
    s.create("a pod that is held", path, pod("kept", HELD, nodeName="nowhere"))
    s.delete("has its grace, too", f"{path}/kept")
    s.merge("let go before", f"{path}/kept", RELEASE)
    s.delete("then forced", f"{path}/kept", _options(gracePeriodSeconds=0))
    s.watch("as it was told", path, since=first["metadata"]["resourceVersion"])


def a_namespace(s: Script) -> None:
    """A namespace that ends takes nothing new, and goes when all in it is gone."""
    name = s.server.new_namespace()
    s.transcript.names.append(name)
    scope, maps = f"/api/v1/namespaces/{name}", configmaps_path(name)
    s.create("something", maps, config_map("m"))
    s.create("something held", tasks_path(name), task("t", HELD))
    s.delete("the namespace is deleted", scope)
    s.create("nothing new", maps, config_map("n"))
    s.create("not even tried", maps, {**config_map(""), "metadata": {"generateName": "probe-"}}, dryRun="All")
    s.create("not even what is there", tasks_path(name), task("t"))
    s.until_gone("what is in it goes", f"{maps}/m")
    s.until("what is held waits", f"{tasks_path(name)}/t", lambda obj: obj["metadata"].get("deletionTimestamp"))
    s.merge("and may change", f"{tasks_path(name)}/t", {"metadata": {"labels": {"a": "b"}}})
    ended = s.quietly("GET", scope).body
    s.transcript.note("the namespace waits", {"phase": ended["status"]["phase"], "spec": ended["spec"]})
    s.merge("let go", f"{tasks_path(name)}/t", RELEASE)
    s.until_gone("then it goes", scope)
    # Whoever admits objects hears of it a moment later.
    s.server.until(lambda: s.quietly("POST", maps, config_map("n")).status != 403)
    s.create("nothing at all", maps, config_map("n"))
