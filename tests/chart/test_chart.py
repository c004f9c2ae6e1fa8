"""The chart as a whole: it lints, holds what it should, and refuses values that it does not know."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import kubesaga
from tests.chart.rendering import CHART, NAMESPACE, RELEASE, ROOT, Helm, Render, Rendered


def test_helm_lint_finds_nothing(helm: Helm) -> None:
    result = helm.run("lint", "--strict", str(CHART))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 chart(s) linted, 0 chart(s) failed" in result.stdout
    assert "[WARNING]" not in result.stdout


def test_the_default_install_is_exactly_this(default: Rendered) -> None:
    assert default.names() == {
        ("CustomResourceDefinition", "taskactions.kubesaga.dev"),
        ("CustomResourceDefinition", "tasks.kubesaga.dev"),
        ("CustomResourceDefinition", "tasktemplates.kubesaga.dev"),
        ("ServiceAccount", "kubesaga"),
        ("ClusterRole", "kubesaga"),
        ("ClusterRoleBinding", "kubesaga"),
        ("Role", "kubesaga-leader"),
        ("RoleBinding", "kubesaga-leader"),
        ("ClusterRole", "kubesaga-view"),
        ("ClusterRole", "kubesaga-task-edit"),
        ("ClusterRole", "kubesaga-task-operate"),
        ("ClusterRole", "kubesaga-template-edit"),
        ("ValidatingAdmissionPolicy", "kubesaga-task-actions"),
        ("ValidatingAdmissionPolicyBinding", "kubesaga-task-actions"),
        ("Deployment", "kubesaga"),
        ("Service", "kubesaga-metrics"),
    }


def test_everything_carries_the_standard_labels(default: Rendered) -> None:
    for manifest in default:
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "kubesaga"
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/version"] == kubesaga.__version__


def test_chart_operator_and_project_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert chart["version"] == chart["appVersion"] == project["version"] == kubesaga.__version__


def test_a_kubernetes_that_is_too_old_is_refused(helm: Helm) -> None:
    result = helm.template({}, kubernetes="1.30.9")
    assert result.returncode != 0
    assert "chart requires kubeVersion: >=1.31.0-0" in result.stderr


@pytest.mark.parametrize(
    ("operator", "served"),
    [({}, "all namespaces"), ({"watchNamespaces": ["orders", "billing"]}, "the namespaces orders, billing")],
)
def test_the_notes_say_where_the_operator_is_and_what_it_serves(
    helm: Helm, tmp_path: Path, operator: dict[str, Any], served: str
) -> None:
    # `helm template` does not print notes: a copy of the chart has them as the one manifest.
    chart = tmp_path / "kubesaga"
    shutil.copytree(CHART, chart)
    shutil.copy(CHART / "templates" / "NOTES.txt", chart)
    manifest = 'apiVersion: v1\nkind: Notes\ntext: |\n{{ tpl (.Files.Get "NOTES.txt") . | indent 2 }}\n'
    (chart / "templates" / "notes.yaml").write_text(manifest)
    result = helm.template({"operator": operator}, chart=chart)
    assert result.returncode == 0, result.stderr
    (notes,) = (m["text"] for m in yaml.safe_load_all(result.stdout) if m and m["kind"] == "Notes")
    assert f"is installed in namespace {NAMESPACE} and serves {served}." in notes
    assert f"kubectl -n {NAMESPACE} rollout status deployment/kubesaga" in notes


def test_names_are_cut_to_what_a_label_holds(render: Render) -> None:
    long = render({"fullnameOverride": "k" * 48})
    assert max(len(name) for _, name in long.names()) <= 63


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"replicas": 2}, "replicas"),
        ({"image": {"Tag": "1"}}, "Tag"),
        ({"operator": {"watchNamespace": ["a"]}}, "watchNamespace"),
        ({"operator": {"watchNamespaces": "orders"}}, "watchNamespaces"),
        ({"operator": {"watchNamespaces": ["Not_A_Name"]}}, "watchNamespaces"),
        ({"operator": {"logLevel": "loud"}}, "logLevel"),
        ({"operator": {"resyncInterval": "5m"}}, "resyncInterval"),
        ({"operator": {"resyncInterval": 0}}, "resyncInterval"),
        ({"operator": {"maxRunningTasks": -1}}, "maxRunningTasks"),
        ({"operator": {"revisionRetention": "1h"}}, "revisionRetention"),
        ({"operator": {"environment": "Production"}}, "environment"),
        ({"admissionPolicy": {"enable": True}}, "enable"),
        ({"resources": {"request": {}}}, "request"),
        ({"crds": {"keep": False}}, "keep"),
        ({"rbac": {"create": "yes"}}, "create"),
        ({"podLabels": {"a": 1}}, "podLabels"),
    ],
)
def test_a_value_that_the_chart_does_not_know_is_refused_by_name(
    helm: Helm, values: dict[str, Any], named: str
) -> None:
    result = helm.template(values)
    assert result.returncode != 0
    assert "values don't meet the specifications of the schema" in result.stderr
    assert named in result.stderr
