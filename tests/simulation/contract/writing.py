"""Scenarios: creating and changing objects, and what comes of doing so on an old or a wrong footing."""

from __future__ import annotations

from kubesaga.kube.paths import actions_path, configmaps_path, jobs_path, tasks_path, templates_path
from tests.simulation.contract.objects import action, config_map, job, task, template, with_meta
from tests.simulation.contract.script import Script
from tests.simulation.contract.server import Obj


def creating(s: Script) -> None:
    """What is filled in, and what is refused."""
    tasks, maps = tasks_path(s.namespace), configmaps_path(s.namespace)
    s.create("a Task with little in it", tasks, task("t"))
    s.create("the same name again", tasks, task("t", priority=3))
    s.create("a Task with a cancellation", tasks, task("cancelled", cancellation={"mode": "Terminate"}))
    s.create("null where there is a default", tasks, task("null", priority=None))
    s.create("a Task with a status", tasks, {**task("eager"), "status": {"state": "Complete"}})
    s.create("a Task with metadata of its own", tasks, task("own", {"uid": "x", "generation": 7, "labels": {}}))
    s.create("no template", tasks, {**task("none"), "spec": {}})
    s.create("words that are not known", tasks, task("words", desiredState="Paused", priority=5000))
    s.create("a bad name", tasks, task("Bad_Name"))
    s.create("a name too long for a Task", tasks, task("a" * 64))
    s.create("a bad label", tasks, task("label", {"labels": {"a": "not a label!"}}))
    s.create("another namespace", tasks, task("elsewhere", {"namespace": "default"}))
    s.create("a version", tasks, task("versioned", {"resourceVersion": "5"}))
    s.create("no such namespace", tasks_path("no-such-namespace"), task("t"))
    s.create("tried only", maps, config_map("tried"), dryRun="All")
    s.get("which is not there", f"{maps}/tried")
    s.create("with a name to be made", maps, {**config_map(""), "metadata": {"generateName": "x-generated-"}})
    s.create("no such resource", f"{tasks.removesuffix('tasks')}tusks", task("t"))


def creating_templates(s: Script) -> None:
    """Defaults deep in lists, and rules."""
    templates = templates_path(s.namespace)
    handler = {"name": "a", "handler": {"callable": "shop:A"}}
    child = {"name": "b", "task": {"templateRef": {"name": "pay"}}, "dependsOn": ["a"]}
    approval = {"name": "c", "approval": {}}
    s.create("a template", templates, template("order", handler, child, approval, lifecycle={"total": "72h"}))
    s.create("a step of two kinds", templates, template("two", {**handler, "approval": {}}))
    s.create("no steps", templates, template("none"))
    path = templates_path(s.namespace, "order")
    s.merge("a released version cannot change", path, {"spec": {"description": "new"}})
    s.merge("but be followed", path, {"spec": {"description": "new", "version": "1.0.1"}})
    s.create("an action", actions_path(s.namespace), action("act"))
    s.merge("an action cannot change", actions_path(s.namespace, "act"), {"spec": {"reason": "why not"}})
    s.merge("its status can", actions_path(s.namespace, "act", "status"), {"status": {"phase": "Applied"}})


def changing_a_task(s: Script) -> None:
    """What of a Task may change, and what not."""
    s.create("a Task", tasks_path(s.namespace), task("t", context={"a": 1}, tags=["x"]))
    path = tasks_path(s.namespace, "t")
    for field, value in (("context", {"a": 2}), ("tags", None), ("templateRef", {"name": "other"}), ("reason", "x")):
        s.merge(f"{field} cannot change", path, {"spec": {field: value}})
    s.merge("nor a default", path, {"spec": {"priority": None}})
    s.merge("how long it stays may", path, {"spec": {"ttlAfterFinished": "1h"}})
    s.merge("but in no other words", path, {"spec": {"ttlAfterFinished": "an hour"}})
    s.merge("labels may, unnoticed", path, {"metadata": {"labels": {"a": "b"}}})
    s.merge("labels go", path, {"metadata": {"labels": {"a": None}}})
    s.merge("suspended", path, {"spec": {"desiredState": "Suspended"}})
    s.merge("cancelled", path, {"spec": {"desiredState": "Cancelled", "cancellation": {"compensate": True}}})
    s.merge("for good", path, {"spec": {"desiredState": "Running"}})
    s.merge("no other way", path, {"spec": {"cancellation": {"compensate": False}}})
    s.merge("harder", path, {"spec": {"cancellation": {"mode": "Terminate"}}})
    s.merge("not softer", path, {"spec": {"cancellation": {"mode": "Drain"}}})


def keeping_status_apart(s: Script) -> None:
    """Each endpoint takes its own."""
    s.create("a Task", tasks_path(s.namespace), task("t"))
    path, status = tasks_path(s.namespace, "t"), tasks_path(s.namespace, "t", "status")
    s.merge("a status on the main endpoint", path, {"status": {"state": "Complete"}})
    s.merge(
        "a spec and labels on the other",
        status,
        {
            "spec": {"desiredState": "Cancelled"},
            "metadata": {"labels": {"a": "b"}, "finalizers": ["example.com/x"]},
            "status": {"state": "Pending"},
        },
    )
    found = s.get("so far", path)
    s.put("all by PUT", path, {**found, "status": {"state": "Error"}, "spec": {**found["spec"], "priority": 0}})
    s.put("the status by PUT", status, {**found, "status": {"state": "Initializing"}, "spec": {}})
    s.patch("the status goes", status, {"op": "remove", "path": "/status"})
    s.patch("a status that is none", status, {"op": "add", "path": "/status", "value": {"state": "Odd"}})
    s.get("the status alone", status)
    s.create("a Job", jobs_path(s.namespace), job("j", {"labels": {"a": "b"}}))
    s.merge("its status", jobs_path(s.namespace, "j"), {"status": {"active": 3}})
    both = {"status": {"active": 1}, "spec": {"parallelism": 2}, "metadata": {"labels": {"by": "status"}}}
    s.merge("its spec", jobs_path(s.namespace, "j", "status"), both)
    s.get("no status there", f"{configmaps_path(s.namespace, 'kube-root-ca.crt')}/status")


def changing_nothing(s: Script) -> None:
    """What changes nothing makes no version."""
    s.create("a Task", tasks_path(s.namespace), task("t", {"labels": {"a": "b"}}))
    path, status = tasks_path(s.namespace, "t"), tasks_path(s.namespace, "t", "status")
    first = s.merge("a status", status, {"status": {"state": "Pending"}})
    s.merge("the same status", status, {"status": {"state": "Pending"}})
    s.merge("nothing", path, {})
    s.merge("the same label", path, {"metadata": {"labels": {"a": "b"}}})
    s.merge("no finalizers", path, {"metadata": {"finalizers": []}})
    s.patch("the same state", status, {"op": "replace", "path": "/status/state", "value": "Pending"})
    s.put("as it is", path, first)
    s.watch("so that nobody is told", path.removesuffix("/t"), since=first["metadata"]["resourceVersion"])


def standing_on_an_old_version(s: Script) -> None:
    """Optimistic locking, in each kind of write."""
    old = s.create("a Task", tasks_path(s.namespace), task("t"))
    path, status = tasks_path(s.namespace, "t"), tasks_path(s.namespace, "t", "status")
    new = s.merge("a status", status, {"status": {"state": "Pending"}})
    then, now = old["metadata"]["resourceVersion"], new["metadata"]["resourceVersion"]
    guard = {"op": "replace", "path": "/metadata/resourceVersion"}
    move = {"op": "replace", "path": "/status/state", "value": "Initializing"}
    s.put("PUT of the old", path, old)
    s.put("PUT of none", path, with_meta(new, resourceVersion=None))
    s.merge("a merge patch of the old", path, {"metadata": {"resourceVersion": then, "labels": {"a": "b"}}})
    s.merge("a merge patch of none", path, {"metadata": {"resourceVersion": None, "labels": {"a": "b"}}})
    s.patch("operations on the old", status, {**guard, "value": then}, move)
    s.patch("that change nothing", status, {**guard, "value": then})
    s.patch("that do not even apply", status, {**guard, "value": then}, {"op": "remove", "path": "/status/result"})
    s.patch("that would be wrong", status, {**guard, "value": then}, {**move, "value": "Odd"})
    s.patch("a test of the old", status, {**guard, "op": "test", "value": then}, move)
    s.patch("operations on the new", status, {**guard, "value": now}, move)
    s.patch("and again", status, {**guard, "value": now}, move)
    made = s.create("a ConfigMap", configmaps_path(s.namespace), config_map("m", data={"a": "1"}))
    s.put("PUT without a version", configmaps_path(s.namespace, "m"), config_map("m", data={"a": "2"}))
    s.put("PUT of the old", configmaps_path(s.namespace, "m"), {**made, "data": {"a": "3"}})
    s.put("PUT of what is not there", configmaps_path(s.namespace, "n"), config_map("n"))


def patching(s: Script) -> None:
    """Operations of JSON Patch, those that apply and those that do not."""
    s.create("a Task", tasks_path(s.namespace), task("t"))
    status = tasks_path(s.namespace, "t", "status")
    steps = [{"name": name, "state": "Pending"} for name in ("a", "b")]
    s.patch("replace what is not there", status, {"op": "replace", "path": "/status", "value": {}})
    s.patch("add a status", status, {"op": "add", "path": "/status", "value": {"state": "Pending", "steps": steps}})
    operations: dict[str, Obj] = {
        "replace in a list": {"op": "replace", "path": "/status/steps/1/state", "value": "Enqueued"},
        "add at the end": {"op": "add", "path": "/status/steps/-", "value": {"name": "d", "state": "Pending"}},
        "add in between": {"op": "add", "path": "/status/steps/2", "value": {"name": "c", "state": "Pending"}},
        "add just behind": {"op": "add", "path": "/status/steps/4", "value": {"name": "e", "state": "Pending"}},
        "remove from a list": {"op": "remove", "path": "/status/steps/0"},
        "count from the end": {"op": "remove", "path": "/status/steps/-1"},
        "test what is so": {"op": "test", "path": "/status/steps/0/name", "value": "b"},
        "test for nothing": {"op": "test", "path": "/status/message", "value": None},
        "add null": {"op": "add", "path": "/status/result", "value": None},
        "copy": {"op": "copy", "from": "/status/steps/0/name", "path": "/status/message"},
        "move": {"op": "move", "from": "/status/message", "path": "/status/outcome"},
        "an index that is none": {"op": "replace", "path": "/status/steps/9/state", "value": "Pending"},
        "an index too far": {"op": "add", "path": "/status/steps/9", "value": {}},
        "a word for an index": {"op": "remove", "path": "/status/steps/first"},
        "remove what is not there": {"op": "remove", "path": "/status/nothing"},
        "remove below what is not there": {"op": "remove", "path": "/status/nothing/at"},
        "add below what is not there": {"op": "add", "path": "/status/nothing/at", "value": 1},
        "add below a word": {"op": "add", "path": "/status/state/at", "value": 1},
        "test what is not so": {"op": "test", "path": "/status/state", "value": "Complete"},
        "move what is not there": {"op": "move", "from": "/status/nothing", "path": "/status/message"},
        "an unknown operation": {"op": "swap", "path": "/status/state", "value": 1},
    }
    for what, operation in operations.items():
        s.patch(what, status, operation)
    s.merge("a merge patch replaces lists", status, {"status": {"steps": [{"name": "z", "state": "Error"}]}})
    s.merge("and takes away", status, {"status": {"steps": None, "state": None}})
    s.merge("what is not there", tasks_path(s.namespace, "u"), {"spec": {}})
    s.patch("nor that", tasks_path(s.namespace, "u"), {"op": "remove", "path": "/spec"})
    s.merge("another name", tasks_path(s.namespace, "t"), {"metadata": {"name": "u"}})
    s.merge("no object", tasks_path(s.namespace, "t"), ["a"])


def changing_what_the_server_keeps(s: Script) -> None:
    """UIDs, times, generations and names."""
    found = s.create("a Task", tasks_path(s.namespace), task("t"))
    path, foreign = tasks_path(s.namespace, "t"), "11111111-2222-3333-4444-555555555555"
    s.put("another UID", path, with_meta(found, uid=foreign))
    s.put("no UID", path, with_meta(found, uid=None))
    s.merge("a patch with another UID", path, {"metadata": {"uid": foreign}})
    s.merge("other times", path, {"metadata": {"creationTimestamp": None, "generation": 9}})
    s.put("another name", path, with_meta(found, name="u"))
    s.put("another namespace", path, with_meta(found, namespace="default"))
    made = s.create("a ConfigMap", configmaps_path(s.namespace), config_map("m"))
    s.put("another UID of a ConfigMap", configmaps_path(s.namespace, "m"), with_meta(made, uid=foreign))
