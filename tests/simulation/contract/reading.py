"""Scenarios: reading one, reading many, and watching."""

from __future__ import annotations

from kubesaga.kube.paths import configmaps_path, jobs_path, pods_path, tasks_path
from tests.simulation.contract.objects import config_map, job, pod, task
from tests.simulation.contract.script import Script
from tests.simulation.contract.server import Obj


def reading(s: Script) -> None:
    """What is there and what is not."""
    s.create("a Task", tasks_path(s.namespace), task("t"))
    s.get("it", tasks_path(s.namespace, "t"))
    s.get("another", tasks_path(s.namespace, "u"))
    s.get("a Job", jobs_path(s.namespace, "u"))
    s.get("a ConfigMap", configmaps_path(s.namespace, "u"))
    s.get("a namespace", "/api/v1/namespaces/no-such-namespace")
    s.get("no such resource", tasks_path(s.namespace).removesuffix("s"))
    s.get("no such version", "/apis/batch/v0/jobs")
    s.get("Tasks where no namespace is", tasks_path("no-such-namespace"))
    s.create("without a namespace", tasks_path(None), task("t"))


def selecting(s: Script) -> None:
    """Label and field selectors."""
    maps = configmaps_path(s.namespace)
    for name, labels in (("a", {"x": "1", "y": "1"}), ("b", {"x": "2"}), ("c", {"y": "2"}), ("d", {"x": ""})):
        s.create(f"a ConfigMap {name}", maps, config_map(name, {"labels": labels}))
    told = ("x", "!x", "x=1", "x==1", "x!=1", "x in (1, 2)", "x notin (1,2)", "x=1,y=1", "x,y", "x=", "x in (1),y=2")
    for selector in (*told, "x=1,", "x in 1", "=x"):
        s.get(f"by {selector}", maps, labelSelector=selector)
    s.get("by name", maps, fieldSelector="metadata.name=b")
    s.get("by name and label", maps, fieldSelector="metadata.name!=b", labelSelector="x")


def listing(s: Script) -> None:
    """Lists: in order, in pages of one snapshot, with what their items leave out."""
    tasks = tasks_path(s.namespace)
    for name in ("c", "a", "e", "b", "d"):
        s.create(f"a Task {name}", tasks, task(name, {"labels": {"vowel": str(name in "ae").lower()}}))
    s.get("all", tasks)
    first = s.get("two", tasks, limit="2")
    s.quietly("POST", tasks, task("aa"))
    s.quietly("DELETE", f"{tasks}/d")
    token = {"continue": first["metadata"].get("continue", "")}
    second = s.get("the next two, as it was", tasks, limit="2", **token)
    s.get("and the last", tasks, limit="2", **{"continue": second["metadata"].get("continue", "")})
    s.get("pages of some", tasks, limit="1", labelSelector="vowel=true")
    s.get("all, maybe old", tasks, limit="2", resourceVersion="0")
    s.get("no such page", tasks, **{"continue": "x"})
    s.create("a Job", jobs_path(s.namespace), job("j"))
    s.get("Jobs", jobs_path(s.namespace))
    s.get("pods", pods_path(s.namespace))


def _story(s: Script) -> Obj:
    tasks, us = tasks_path(s.namespace), {"labels": {"of": "us"}}
    begin = s.create("the first", tasks, task("first"))
    s.quietly("POST", tasks, task("t", us))
    s.quietly("POST", tasks, task("other"))
    for body in ({"spec": {"desiredState": "Suspended"}}, {"metadata": {"labels": {"of": "them"}}}):
        s.merge("a change", f"{tasks}/t", body)
    s.merge("one more", f"{tasks}/t", {"spec": {"desiredState": "Running"}})
    s.merge("back again", f"{tasks}/t", {"metadata": {"labels": {"of": "us"}}})
    s.quietly("DELETE", f"{tasks}/other")
    s.quietly("DELETE", f"{tasks}/t")
    return begin


def watching(s: Script) -> None:
    """Everything since a version, in its order; by labels, what enters and what leaves."""
    begin = _story(s)["metadata"]["resourceVersion"]
    tasks = tasks_path(s.namespace)
    s.watch("all", tasks, since=begin)
    s.watch("ours", tasks, since=begin, labelSelector="of=us")
    s.watch("theirs", tasks, since=begin, labelSelector="of=them")
    s.watch("nobody's", tasks, since=begin, labelSelector="of")
    s.watch("one name", tasks, since=begin, fieldSelector="metadata.name=other")
    s.watch("what is there", tasks)
    s.watch("what is there, maybe old", tasks, since="0")
    s.watch("not a version", tasks, since="x")
    s.watch("no such resource", tasks.removesuffix("s"), since=begin)


def watching_built_in_kinds(s: Script) -> None:
    """Events of built-in kinds say what their objects are, as lists do not."""
    maps = configmaps_path(s.namespace)
    begin = s.create("a ConfigMap", maps, config_map("a"))["metadata"]["resourceVersion"]
    s.quietly("POST", maps, config_map("b", data={"a": "1"}))
    s.merge("changed", f"{maps}/b", {"data": {"b": "2"}})
    s.quietly("DELETE", f"{maps}/b")
    s.watch("ConfigMaps", maps, since=begin)
    born = s.create("a pod", pods_path(s.namespace), pod("p"))["metadata"]["resourceVersion"]
    s.quietly("DELETE", pods_path(s.namespace, "p"))
    s.watch("pods", pods_path(s.namespace), since=born)


def bookmarks(s: Script) -> None:
    """Who takes bookmarks gets one at the end of what was there at first, and others now and then."""
    tasks = tasks_path(s.namespace)
    found = s.create("a Task", tasks, task("t"))
    s.watch(
        "with what is there",
        tasks,
        seconds=5,  # the mark comes once the server knows that its cache lacks nothing
        sendInitialEvents="true",
        resourceVersionMatch="NotOlderThan",
        allowWatchBookmarks="true",
    )
    since = found["metadata"]["resourceVersion"]
    later = s.server.watch(tasks, {"resourceVersion": since, "allowWatchBookmarks": "true"}, 3)
    s.transcript.note("nothing else is told", {"others": [event for event in later if event["type"] != "BOOKMARK"]})
    s.watch("nor without them", tasks, since=since, seconds=3)


def history_that_is_gone(s: Script) -> None:
    """A version that is too old is told by the first event."""
    tasks = tasks_path(s.namespace)
    s.create("a Task", tasks, task("t"))
    s.server.forget_history()
    s.watch("from long ago", tasks, since="1")
    s.watch("with bookmarks", tasks, since="1", allowWatchBookmarks="true")
