"""Templates that come late, come wrong, change or go: which content a Task runs, and when it starts."""

from __future__ import annotations

from tests.cluster import tasks
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.cluster.moments import held, let_go, until_seen


def says(text: str, version: str = "1.0.0") -> Manifest:
    """A template whose first step is held, and that then results in a text."""
    wait = tasks.sh("wait", held())
    speak = tasks.sh("speak", tasks.report({"result": text}), dependsOn=["wait"])
    return tasks.template("talks", wait, speak, version=version)


def named(template: Manifest, name: str) -> Manifest:
    """The template under a name that Tasks call it by, beside its object's own."""
    return {**template, "spec": {**template["spec"], "name": name}}


def started(kubectl: Kubectl, name: str) -> Manifest:
    """The Task once its first step is under way."""
    return kubectl.until(tasks.TASK, name, lambda t: tasks.step(t, "wait").get("attempt"), "started")


def test_a_task_that_is_there_before_its_template_waits_for_it(namespace: Kubectl) -> None:
    namespace.apply(tasks.task("early", of="talks"))
    waiting = namespace.until(tasks.TASK, "early", lambda t: t.get("status", {}).get("message"), "explained")
    assert waiting["status"]["state"] == "Pending"
    assert tasks.condition(waiting, "Reconciling")["reason"] == "TemplateNotFound"
    assert "the Task starts once it is created" in waiting["status"]["message"]
    namespace.apply(says("hello"))
    let_go(namespace, "early", "wait")
    found = namespace.until(tasks.TASK, "early", tasks.ended, "finished")
    assert found["status"]["result"] == {"speak": "hello"}


def test_a_template_with_findings_is_stalled_and_starts_its_tasks_once_corrected(namespace: Kubectl) -> None:
    wrong = tasks.template(
        "typo", tasks.sh("one", "true"), tasks.sh("two", "true", dependsOn=["onee"]), version="1.0.0-rc.1"
    )
    namespace.apply(wrong, tasks.task("patient", of="typo", version="1.0.0-rc.1"))
    stalled = namespace.until(tasks.TEMPLATE, "typo", lambda t: tasks.condition(t, "Stalled"), "checked")
    assert tasks.condition(stalled, "Stalled")["status"] == "True"
    (finding,) = stalled["status"]["findings"]
    assert (finding["code"], finding["path"]) == ("UnknownDependency", "spec.steps[1].dependsOn[0]")
    assert "did you mean one?" in finding["remedy"]
    waiting = namespace.until(
        tasks.TASK, "patient", lambda t: "onee" in t.get("status", {}).get("message", ""), "explained"
    )
    assert tasks.condition(waiting, "Reconciling")["reason"] == "TemplateNotReady"

    wrong["spec"]["steps"][1]["dependsOn"] = ["one"]
    namespace.apply(wrong)
    found = namespace.until(tasks.TASK, "patient", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")


def test_a_template_that_changes_while_a_task_runs_does_not_change_the_task(namespace: Kubectl) -> None:
    namespace.apply(says("old", version="1.0.0-rc.1"), tasks.task("pinned", of="talks", version="1.0.0-rc.1"))
    before = started(namespace, "pinned")
    namespace.apply(says("new", version="1.0.0-rc.1"))
    until_seen(namespace, tasks.TEMPLATE, "talks")  # what is applied at once may be seen in any order
    namespace.apply(tasks.task("fresh", of="talks", version="1.0.0-rc.1"))
    for name in ("pinned", "fresh"):
        let_go(namespace, name, "wait")
    ends = tasks.all_finished(namespace)
    assert ends["pinned"]["status"]["result"] == {"speak": "old"}
    assert ends["pinned"]["status"]["template"] == before["status"]["template"]
    assert ends["fresh"]["status"]["result"] == {"speak": "new"}


def test_a_template_that_is_deleted_while_a_task_runs_does_not_stop_the_task(namespace: Kubectl) -> None:
    namespace.apply(says("last words"), tasks.task("orphan", of="talks"))
    started(namespace, "orphan")
    namespace.run("delete", tasks.TEMPLATE, "talks")
    let_go(namespace, "orphan", "wait")
    found = namespace.until(tasks.TASK, "orphan", tasks.ended, "finished")
    assert found["status"]["result"] == {"speak": "last words"}


def test_a_task_without_a_version_runs_the_highest_release(namespace: Kubectl) -> None:
    step = tasks.sh("work", "true")
    versions = {"low": "1.9.0", "high": "1.10.0", "candidate": "2.0.0-rc.1"}
    namespace.apply(*(named(tasks.template(name, step, version=version), "work") for name, version in versions.items()))
    namespace.run("wait", tasks.TEMPLATE, "--all", "--for=condition=Ready", f"--timeout={PATIENCE:g}s")
    namespace.apply(tasks.task("latest", of="work"))
    found = namespace.until(tasks.TASK, "latest", tasks.ended, "finished")
    assert found["status"]["template"]["version"] == "1.10.0"
