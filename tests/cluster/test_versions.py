"""Versions of templates: which one a Task gets, that it keeps it, and which templates cannot be used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hack.cluster.paths import CHECKOUT
from kubesaga.api.constants import ANNOTATION_UNREFERENCED
from tests.cluster import tasks
from tests.cluster.installation import suspended
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.operator_process import OperatorProcess

FOLDER = CHECKOUT / "examples" / "versions"


def release(version: str, says: str | None = None, name: str | None = None, **spec: object) -> Manifest:
    """A version of the template `talks`, whose result is a text: its version, unless given."""
    step = tasks.sh("speak", tasks.report({"result": says or version}))
    made = tasks.template(name or f"talks-{version}", step, version=version, **spec)
    return {**made, "spec": {**made["spec"], "name": "talks"}}


def stalled(reason: str) -> Callable[[Manifest], bool]:
    """Whether a template is Stalled for this reason."""
    return lambda template: (
        tasks.condition(template, "Stalled").get("status") == "True"
        and tasks.condition(template, "Stalled")["reason"] == reason
    )


def ready(template: Manifest) -> bool:
    """Whether a template is Ready."""
    return tasks.condition(template, "Ready").get("status") == "True"


def wait_ready(kubectl: Kubectl, *names: str) -> None:
    """Wait until these templates are Ready."""
    kubectl.run("wait", tasks.TEMPLATE, *names, "--for=condition=Ready", f"--timeout={PATIENCE:g}s")


def waiting_for(kubectl: Kubectl, task: str, said: str) -> Manifest:
    """The Task once its message says this."""
    return kubectl.until(tasks.TASK, task, lambda t: said in t.get("status", {}).get("message", ""), f"saying {said!r}")


def test_the_examples_tasks_get_an_exact_version_the_highest_of_a_range_and_the_highest_of_all(
    namespace: Kubectl,
) -> None:
    namespace.run("apply", "-f", str(FOLDER))
    ends = tasks.all_finished(namespace)
    assert {name: found["status"]["template"]["version"] for name, found in ends.items()} == {
        "quote-exact": "1.0.0",
        "quote-range": "1.1.0",
        "quote-latest": "2.0.0",
    }
    assert {name: found["status"]["result"]["quote"] for name, found in ends.items()} == {
        "quote-exact": {"total": 29900},
        "quote-range": {"total": 29900, "currency": "EUR"},
        "quote-latest": {"net": 29900, "total": 35581, "currency": "EUR"},
    }
    for version, task in (("1.0.0", "quote-exact"), ("1.1.0", "quote-range"), ("2.0.0", "quote-latest")):
        template = namespace.until(
            tasks.TEMPLATE,
            f"quote-{version}",
            lambda t: t["status"].get("users") == {"live": 0, "total": 1},
            "counting its user",
        )
        assert template["status"]["findings"] == []
        assert template["status"]["revision"] == ends[task]["status"]["template"]["revision"]


def test_a_task_keeps_the_version_that_it_was_given_when_a_higher_one_comes(namespace: Kubectl) -> None:
    wait = tasks.sh("wait", tasks.sleep(4))
    speak = tasks.sh("speak", tasks.report({"result": "1.0.0"}), dependsOn=["wait"])
    old = tasks.template("talks", wait, speak, version="1.0.0")
    namespace.apply(old, tasks.task("early", of="talks", version="^1.0"))
    namespace.until(tasks.TASK, "early", lambda t: tasks.step(t, "wait").get("attempt"), "started")
    namespace.apply(release("1.1.0"), tasks.task("late", of="talks", version="^1.0"))
    ends = tasks.all_finished(namespace)
    assert {name: found["status"]["template"]["version"] for name, found in ends.items()} == {
        "early": "1.0.0",
        "late": "1.1.0",
    }
    assert ends["early"]["status"]["result"] == {"speak": "1.0.0"}


def test_a_range_that_nothing_is_in_waits_and_names_the_versions_that_are_there(namespace: Kubectl) -> None:
    namespace.apply(release("1.0.0"), release("2.0.0-rc.1"))
    wait_ready(namespace, "talks-1.0.0", "talks-2.0.0-rc.1")
    namespace.apply(tasks.task("ahead", of="talks", version="^2.0"))
    found = waiting_for(namespace, "ahead", "in the range '^2.0'")
    assert found["status"]["state"] == "Pending"
    assert tasks.condition(found, "Reconciling")["reason"] == "TemplateNotFound"
    assert "versions there: 2.0.0-rc.1, 1.0.0" in found["status"]["message"]
    namespace.apply(release("2.1.0"))
    found = namespace.until(tasks.TASK, "ahead", tasks.ended, "finished")
    assert found["status"]["result"] == {"speak": "2.1.0"}


def test_a_pre_release_is_had_by_those_who_name_it(namespace: Kubectl) -> None:
    namespace.apply(release("1.0.0"), release("2.0.0-rc.1"))
    wait_ready(namespace, "talks-1.0.0", "talks-2.0.0-rc.1")
    ends = tasks.run_all(
        namespace,
        tasks.task("latest", of="talks"),
        tasks.task("above", of="talks", version=">=1.0"),
        tasks.task("named", of="talks", version="2.0.0-rc.1"),
    )
    assert {name: found["status"]["template"]["version"] for name, found in ends.items()} == {
        "latest": "1.0.0",
        "above": "1.0.0",
        "named": "2.0.0-rc.1",
    }


def test_a_released_version_that_comes_back_changed_is_stalled_and_its_tasks_wait(namespace: Kubectl) -> None:
    namespace.apply(release("1.0.0", says="old", name="talks"))
    wait_ready(namespace, "talks")
    revision = namespace.get(tasks.TEMPLATE, "talks")["status"]["revision"]
    refusal = namespace.refused(
        "patch", tasks.TEMPLATE, "talks", "--type=merge", "-p", '{"spec": {"description": "other"}}'
    )
    assert "a released version never changes" in refusal
    namespace.run("delete", tasks.TEMPLATE, "talks")
    namespace.apply(release("1.0.0", says="new", name="talks"))
    found = namespace.until(tasks.TEMPLATE, "talks", stalled("VersionReused"), "stalled")
    (finding,) = found["status"]["findings"]
    assert (finding["code"], finding["path"]) == ("VersionReused", "spec.version")
    assert revision in finding["message"]
    assert "new spec.version" in finding["remedy"]
    namespace.apply(tasks.task("patient", of="talks"))
    waiting = waiting_for(namespace, "patient", "VersionReused")
    assert tasks.condition(waiting, "Reconciling")["reason"] == "TemplateNotReady"
    namespace.run("delete", tasks.TEMPLATE, "talks")
    namespace.apply(release("1.0.0", says="old", name="talks"))
    done = namespace.until(tasks.TASK, "patient", tasks.ended, "finished")
    assert done["status"]["result"] == {"speak": "old"}
    assert done["status"]["template"]["revision"] == revision


def test_of_two_objects_with_one_version_the_older_counts_until_it_goes(namespace: Kubectl) -> None:
    namespace.apply(release("1.0.0", says="a", name="talks-older"))
    wait_ready(namespace, "talks-older")
    time.sleep(1.1)  # an object's age is told in whole seconds; of one age the name would decide, and the other way
    namespace.apply(release("1.0.0", says="a", name="talks-newer"))
    found = namespace.until(tasks.TEMPLATE, "talks-newer", stalled("DuplicateVersion"), "stalled")
    (finding,) = found["status"]["findings"]
    assert "talks-older" in finding["message"]
    assert ready(namespace.get(tasks.TEMPLATE, "talks-older"))
    namespace.run("delete", tasks.TEMPLATE, "talks-older")
    wait_ready(namespace, "talks-newer")
    ends = tasks.run_all(namespace, tasks.task("speaks", of="talks"))
    assert ends["speaks"]["status"]["result"] == {"speak": "a"}


@pytest.fixture
def own_operator(
    operator: Kubectl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[Kubectl, OperatorProcess]]:
    """A namespace with an operator of its own that forgets unused revisions at once, and none on the cluster."""
    monkeypatch.setenv("KUBESAGA_OPERATOR_REVISION_RETENTION", "0")
    with suspended(operator), fresh_namespace(operator) as kubectl:
        process = OperatorProcess(kubectl, tmp_path / "operator.log")
        process.start()
        try:
            yield kubectl, process
        finally:
            process.close()


@pytest.mark.alone
def test_an_operator_for_another_environment_makes_new_revisions_and_deletes_those_that_nothing_names(
    own_operator: tuple[Kubectl, OperatorProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl, process = own_operator
    environments = {"production": {"steps": [{"name": "speak", "timeout": "30s"}]}}
    kubectl.apply(release("1.0.0", environments=environments), release("1.1.0", environments=environments))
    kubectl.apply(tasks.task("pinned", of="talks", version="1.0.0"))
    pinned = kubectl.until(tasks.TASK, "pinned", tasks.ended, "finished")["status"]["template"]["revision"]
    wait_ready(kubectl, "talks-1.1.0")
    unused = kubectl.get(tasks.TEMPLATE, "talks-1.1.0")["status"]["revision"]

    process.kill()
    monkeypatch.setenv("KUBESAGA_OPERATOR_ENVIRONMENT", "production")
    process.start()
    for name in ("talks-1.0.0", "talks-1.1.0"):
        renewed = kubectl.until(
            tasks.TEMPLATE, name, lambda t: t["status"].get("revision") not in (None, pinned, unused), "renewed"
        )
        assert ready(renewed)

    def collected(revisions: list[Manifest]) -> bool:
        return unused not in {tasks.name_of(each) for each in revisions}

    left = kubectl.until_listed("controllerrevisions", "kubesaga.dev/template=talks", collected, "collected")
    named = {kubectl.get(tasks.TEMPLATE, name)["status"]["revision"] for name in ("talks-1.0.0", "talks-1.1.0")}
    assert {tasks.name_of(each) for each in left} == named | {pinned}
    assert not any(ANNOTATION_UNREFERENCED in each["metadata"].get("annotations", {}) for each in left)
