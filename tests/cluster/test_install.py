"""The operator as it is installed: what it may do, how it runs, what it tells, and what an uninstall leaves."""

from __future__ import annotations

import json
import subprocess

import pytest

from hack.cluster.paths import Paths
from kubesaga.api.constants import ACTION_PLURAL, GROUP
from tests.cluster import installation, tasks
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.cluster.moments import held, let_go, running_pod

pytestmark = pytest.mark.alone

ACTION = f"{ACTION_PLURAL}.{GROUP}"
ACCOUNT = f"system:serviceaccount:{installation.NAMESPACE}:{installation.DEPLOYMENT}"


@pytest.fixture(scope="module")
def pod(operator: Kubectl) -> Manifest:
    """The operator's pod."""
    (only,) = operator.get_all("pods", installation.PODS)
    return only


def _proxied(operator: Kubectl, pod: Manifest, path: str) -> str:
    return operator.raw(f"/api/v1/namespaces/{operator.namespace}/pods/{tasks.name_of(pod)}:8080/proxy/{path}")


def may(cluster: Kubectl, verb: str, resource: str, namespace: str) -> bool:
    """Whether the operator's account is allowed to; a subresource is written behind a slash."""
    kind, _, subresource = resource.partition("/")
    words = ["auth", "can-i", verb, kind, f"--subresource={subresource}", f"--as={ACCOUNT}"]
    answer = subprocess.run(
        cluster.within(namespace).command(*words),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout.strip() in ("yes", "no"), answer.stderr
    assert "doesn't have a resource type" not in answer.stderr
    return answer.stdout.strip() == "yes"


def test_the_operators_pod_runs_as_nobody_in_particular_and_writes_nothing(pod: Manifest) -> None:
    (container,) = pod["spec"]["containers"]
    security = container["securityContext"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}


def test_the_operators_namespace_may_enforce_the_restricted_standard(operator: Kubectl) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    answer = operator.run("label", "namespace", operator.namespace, label, "--dry-run=server", "--overwrite")
    assert "violate" not in answer


def test_the_operator_says_that_it_is_well_and_ready(operator: Kubectl, pod: Manifest) -> None:
    assert _proxied(operator, pod, "healthz").strip() == "ok"
    assert _proxied(operator, pod, "readyz").strip() == "ok"
    assert tasks.condition(pod, "Ready")["status"] == "True"


def test_the_operator_counts_what_it_does(operator: Kubectl, namespace: Kubectl, pod: Manifest) -> None:
    series = 'kubesaga_tasks_finished_total{domain="default",outcome="Succeeded",template="counted"}'

    def count() -> float:
        lines = _proxied(operator, pod, "metrics").splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))

    before = count()
    namespace.apply(*tasks.workflow("counted", tasks.sh("work", "true")))
    namespace.until(tasks.TASK, "counted", tasks.ended, "finished")
    # It counts what it has written.
    operator.until_listed("pods", installation.PODS, lambda _: count() > before, "counting")
    assert count() == before + 1


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("list", "configmaps"),
        ("watch", "configmaps"),
        ("update", "configmaps"),
        ("create", "pods"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("update", tasks.TASK),
        ("patch", tasks.TEMPLATE),
        ("delete", tasks.TEMPLATE),
        ("create", ACTION),
        ("patch", ACTION),
        ("patch", "controllerrevisions"),
        ("deletecollection", "controllerrevisions"),
        ("create", "rolebindings"),
        ("list", "nodes"),
        ("list", "namespaces"),
        ("update", "leases"),
    ],
)
def test_the_operator_may_not(operator: Kubectl, verb: str, resource: str) -> None:
    assert not may(operator, verb, resource, "default")


def test_the_operator_may_do_what_it_is_for(operator: Kubectl) -> None:
    for verb, resource in (
        ("patch", f"{tasks.TASK}/status"),
        ("patch", f"{ACTION}/status"),
        ("create", "jobs.batch"),
        ("watch", "pods"),
        ("get", "pods/log"),
        ("deletecollection", "configmaps"),
        ("delete", "controllerrevisions"),
    ):
        assert may(operator, verb, resource, "default")


def test_an_uninstall_leaves_every_task_and_a_new_install_goes_on_with_them(
    cluster: Kubectl, operator: Kubectl, namespace: Kubectl
) -> None:
    second = tasks.sh("second", "true", dependsOn=["first"])
    namespace.apply(*tasks.workflow("left-behind", tasks.sh("first", held()), second))
    running_pod(namespace, "left-behind", "first")
    helm = Paths.from_environment().bin / "helm"
    release = [installation.DEPLOYMENT, f"--namespace={installation.NAMESPACE}", f"--kubeconfig={cluster.kubeconfig}"]
    try:
        subprocess.run([helm if helm.is_file() else "helm", "uninstall", *release, "--wait"], check=True)
        kept = json.loads(cluster.run("get", "crds", "-o", "json"))["items"]
        assert {tasks.TASK, tasks.TEMPLATE, ACTION} <= {tasks.name_of(crd) for crd in kept}
        let_go(namespace, "left-behind", "first")  # which nobody sees before the new install
        namespace.run("wait", "jobs", "--all", "--for=condition=Complete", f"--timeout={PATIENCE:g}s")
        assert not tasks.ended(namespace.get(tasks.TASK, "left-behind"))
    finally:
        installation.ensure(cluster)
    found = namespace.until(tasks.TASK, "left-behind", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    tasks.assert_nothing_ran_twice(namespace, found)
