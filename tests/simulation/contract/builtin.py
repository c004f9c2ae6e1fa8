"""Scenarios: what built-in kinds allow and what they do not."""

from __future__ import annotations

from kubesaga.kube.paths import configmaps_path, events_path, jobs_path, leases_path, revisions_path
from tests.simulation.contract.objects import config_map, event, job, lease, revision, with_meta
from tests.simulation.contract.script import Script


def sealed_config_maps(s: Script) -> None:
    """An immutable ConfigMap."""
    maps, path = configmaps_path(s.namespace), configmaps_path(s.namespace, "m")
    s.create("sealed", maps, config_map("m", data={"a": "1"}, immutable=True))
    s.merge("other data", path, {"data": {"a": "2"}})
    s.merge("more data", path, {"data": {"b": "2"}})
    s.merge("unsealed", path, {"immutable": False})
    s.merge("another label", path, {"metadata": {"labels": {"a": "b"}}})
    s.put("by PUT", path, config_map("m", data={"a": "3"}, immutable=True))
    s.delete("it goes", path)


def revisions(s: Script) -> None:
    """A ControllerRevision's content never changes; a patch writes it in other words, which counts as a change."""
    path = revisions_path(s.namespace, "r")
    data = {"z": {"b": [1, 2.5, "x"]}, "a": None}
    s.create("a revision", revisions_path(s.namespace), revision("r", data))
    found = s.get("it", path)
    s.merge("a label by a patch", path, {"metadata": {"labels": {"a": "b"}}})
    found = s.put("a label by PUT", path, with_meta(found, labels={"a": "b"}))
    s.put("other data by PUT", path, {**found, "data": {**data, "more": 1}})
    s.delete("it goes", path)


def jobs(s: Script) -> None:
    """What the server adds to a Job, and what of it can be changed: enough to stop one."""
    path = jobs_path(s.namespace, "j")
    labels = {"labels": {"a": "b"}}
    rules = [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
    pod = {"restartPolicy": "Never", "containers": [{"name": "step", "image": "image"}]}
    given = {"backoffLimit": 0, "podFailurePolicy": {"rules": rules}, "podReplacementPolicy": "Failed"}
    s.create("a Job", jobs_path(s.namespace), job("j", labels, **given))
    s.create("the same name again", jobs_path(s.namespace), job("j"))
    s.merge("stopped", path, {"spec": {"parallelism": 0, "activeDeadlineSeconds": 1}})
    s.merge("stopped again", path, {"spec": {"parallelism": 0, "activeDeadlineSeconds": 1}})
    s.strategic("suspended", path, {"spec": {"suspend": True}})
    for field, value in (
        ("template", {"spec": {"containers": [{"name": "step", "image": "other"}]}}),
        ("completions", 5),
        ("podFailurePolicy", None),
    ):
        s.merge(f"{field} cannot change", path, {"spec": {field: value}})
    s.create("one with little in it", jobs_path(s.namespace), job("plain"))
    s.create("a fence", jobs_path(s.namespace), job("fence", parallelism=0, activeDeadlineSeconds=1))
    template = {"metadata": {"labels": {"of": "pod"}}, "spec": pod}
    s.create("labels of its pod's", jobs_path(s.namespace), job("labelled", template=template))


def leases(s: Script) -> None:
    """A Lease changes hands only where it is as it was read; one that was deleted is made anew by PUT."""
    path = leases_path(s.namespace, "l")
    first = s.create("a Lease", leases_path(s.namespace), lease("l", "a"))
    s.create("again", leases_path(s.namespace), lease("l", "b"))
    s.put("as it was read", path, {**first, "spec": {**first["spec"], "holderIdentity": "b"}})
    s.put("as it was before", path, {**first, "spec": {**first["spec"], "holderIdentity": "c"}})
    s.put("without a version", path, lease("l", "d"))
    s.delete("deleted by hand", path)
    s.put("renewed all the same", path, first)
    s.put("and by who does not know which it was", path, with_meta(first, uid=None))
    s.get("is it there?", path)
    s.delete("deleted again", path)
    s.put("PUT of what is not there", path, lease("l", "nobody"))


def events(s: Script) -> None:
    """An Event is counted on by a merge patch."""
    about = s.create("a ConfigMap", configmaps_path(s.namespace), config_map("m"))
    path = events_path(s.namespace, "e")
    s.create("an Event", events_path(s.namespace), event("e", s.namespace, about))
    s.merge("once more", path, {"count": 2})
    s.merge("what is gone", events_path(s.namespace, "f"), {"count": 2})
