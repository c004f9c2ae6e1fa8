"""The corpus of wrong manifests against the operator: what the API server admits, the operator explains and runs not.

What the API server itself refuses is in ``test_api_rules``.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import groupby

from tests.cluster import actions, tasks
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.corpus.entries import ENTRIES, Entry

BY_KIND = {
    kind: list(entries)
    for kind, entries in groupby(
        sorted((entry for entry in ENTRIES if entry.for_the_operator), key=lambda entry: entry.kind),
        key=lambda entry: entry.kind,
    )
}


def renamed(entry: Entry) -> Manifest:
    """The manifest under the name of its file, so that all of them fit into one namespace."""
    manifest = deepcopy(entry.manifest)
    manifest["metadata"]["name"] = entry.name
    return manifest


def test_there_is_something_of_every_kind_that_only_the_operator_sees() -> None:
    assert sorted(BY_KIND) == ["Task", "TaskAction", "TaskTemplate"]


def test_a_wrong_template_is_stalled_with_all_of_its_findings(namespace: Kubectl) -> None:
    entries = BY_KIND["TaskTemplate"]
    namespace.create(*map(renamed, entries))
    namespace.run("wait", tasks.TEMPLATE, "--all", "--for=condition=Stalled", f"--timeout={PATIENCE:g}s")
    found = {tasks.name_of(each): each for each in namespace.get_all(tasks.TEMPLATE)}
    codes = {name: tuple(sorted(f["code"] for f in each["status"]["findings"])) for name, each in found.items()}
    assert codes == {entry.name: entry.codes for entry in entries}
    for each in found.values():
        assert tasks.condition(each, "Ready")["status"] == "False"
        assert all(f["path"].startswith("spec") and f["message"] and f["remedy"] for f in each["status"]["findings"])


def test_a_wrong_task_ends_as_an_invalid_request_without_a_job(namespace: Kubectl) -> None:
    entries = BY_KIND["Task"]
    namespace.create(tasks.template("order", tasks.sh("work", "true")), *map(renamed, entries))
    ends = tasks.all_finished(namespace)
    for entry in entries:
        found = ends[entry.name]
        assert tasks.end_of(found) == ("Error", "InvalidRequest")
        assert all(code in found["status"]["message"] for code in entry.codes)
        assert tasks.jobs_of(namespace, found) == []


def test_a_wrong_action_is_rejected_with_what_is_wrong(namespace: Kubectl) -> None:
    entries = BY_KIND["TaskAction"]
    namespace.apply(*tasks.workflow("order-1", tasks.sh("charge", "exit 70")))
    tasks.all_finished(namespace)
    wrong = [renamed(entry) for entry in entries]
    for manifest in wrong:
        # Whoever asks in another's name is turned away before anybody looks at what is asked.
        manifest["spec"]["requestedBy"] = actions.caller(namespace)
    namespace.create(*wrong)
    for entry, manifest in zip(entries, wrong, strict=True):
        phase, message = actions.answer(namespace, manifest)
        assert phase == "Rejected"
        assert all(code in message for code in entry.codes)
    assert tasks.end_of(namespace.get(tasks.TASK, "order-1")) == ("Error", "Aborted")
