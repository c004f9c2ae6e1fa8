"""The operator's pod: confined, probed, configured, and found by its Service and its budget."""

from __future__ import annotations

import dataclasses

from kubesaga.runtime.settings import PREFIX, OperatorSettings
from tests.chart.rendering import NAMESPACE, Manifest, Render, Rendered


def pod_template(rendered: Rendered) -> Manifest:
    template: Manifest = rendered.one("Deployment")["spec"]["template"]
    return template


def container(rendered: Rendered) -> Manifest:
    only: Manifest
    (only,) = pod_template(rendered)["spec"]["containers"]
    return only


def environment(rendered: Rendered) -> dict[str, str]:
    """Values, or the field that a value is taken from, by name."""
    return {
        entry["name"]: entry["value"] if "value" in entry else entry["valueFrom"]["fieldRef"]["fieldPath"]
        for entry in container(rendered)["env"]
    }


def test_the_pod_meets_the_restricted_pod_security_standard_and_writes_nowhere(default: Rendered) -> None:
    pod = pod_template(default)["spec"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(default)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"volumes", "hostNetwork", "hostPID", "hostIPC"} & set(pod)


def test_only_the_operators_pod_mounts_a_token(default: Rendered) -> None:
    assert default.one("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod_template(default)["spec"]["automountServiceAccountToken"] is True


def test_probes_and_metrics_go_to_the_one_named_port(default: Rendered) -> None:
    operator = container(default)
    assert operator["ports"] == [{"name": "http", "containerPort": 8080}]
    startup = operator["startupProbe"]
    assert startup["httpGet"] == {"path": "/healthz", "port": "http"}
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 120  # a starved node takes its time to start it
    assert operator["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert operator["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    (port,) = default.one("Service", "kubesaga-metrics")["spec"]["ports"]
    assert port["targetPort"] == "http"


def test_memory_is_bounded_and_the_processor_is_not_throttled(default: Rendered) -> None:
    resources = container(default)["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}


def test_the_image_is_the_charts_own_release_unless_a_tag_is_given(default: Rendered, render: Render) -> None:
    assert container(default)["image"] == "kubesaga-operator:0.1.0"
    assert container(render({"image": {"tag": "dev"}}))["image"] == "kubesaga-operator:dev"


def test_service_and_deployment_select_the_pods_that_they_make(default: Rendered) -> None:
    labels = pod_template(default)["metadata"]["labels"].items()
    assert default.one("Deployment")["spec"]["selector"]["matchLabels"].items() <= labels
    assert default.one("Service", "kubesaga-metrics")["spec"]["selector"].items() <= labels


def test_a_disruption_budget_comes_with_the_second_replica(default: Rendered, render: Render) -> None:
    assert default.of_kind("PodDisruptionBudget") == []
    pair = render({"replicaCount": 2})
    assert pair.one("Deployment")["spec"]["replicas"] == 2
    budget = pair.one("PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= pod_template(pair)["metadata"]["labels"].items()


def test_placement_labels_annotations_and_pull_secrets_reach_the_pod(render: Render) -> None:
    toleration = {"key": "dedicated", "operator": "Exists"}
    affinity: Manifest = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    template = pod_template(
        render(
            {
                "podLabels": {"team": "orders"},
                "podAnnotations": {"note": "1"},
                "nodeSelector": {"disk": "fast"},
                "tolerations": [toleration],
                "affinity": affinity,
                "imagePullSecrets": [{"name": "registry"}],
            }
        )
    )
    assert template["metadata"]["labels"]["team"] == "orders"
    assert template["metadata"]["annotations"] == {"note": "1"}
    assert template["spec"]["nodeSelector"] == {"disk": "fast"}
    assert template["spec"]["tolerations"] == [toleration]
    assert template["spec"]["affinity"] == affinity
    assert template["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_each_variable_is_a_setting_of_the_operator(render: Render) -> None:
    operator = {
        "watchNamespaces": ["orders", "billing"],
        "logLevel": "debug",
        "logFormat": "text",
        "resyncInterval": 20,
        "jobRetention": 10_000_000,
        "revisionRetention": 20_000_000,
        "maxRunningTasks": 30_000_000,
        "environment": "production",
        "defaultImage": "handlers:1.0.0",
    }
    variables = environment(render({"operator": operator}))
    known = {PREFIX + field.name.upper() for field in dataclasses.fields(OperatorSettings)}
    assert set(variables) <= known
    settings = OperatorSettings.parse([], variables)
    assert settings.namespaces == ("orders", "billing")
    assert (settings.log_level, settings.log_format) == ("debug", "text")
    assert (settings.resync_interval, settings.job_retention) == (20, 10_000_000)
    assert (settings.revision_retention, settings.max_running_tasks) == (20_000_000, 30_000_000)
    assert (settings.environment, settings.default_image) == ("production", "handlers:1.0.0")
    assert (settings.identity, settings.lease_name) == ("metadata.name", "kubesaga")


def test_the_charts_defaults_are_the_operators_own(default: Rendered) -> None:
    own = OperatorSettings.parse([], {})
    charts = OperatorSettings.parse([], environment(default))
    # Of the chart's own making: who this pod is, and one Lease per release.
    assert dataclasses.replace(charts, identity=own.identity, lease_name=own.lease_name) == own
    assert container(default)["ports"][0]["containerPort"] == own.health_port


def test_everything_namespaced_is_in_the_releases_namespace(default: Rendered) -> None:
    policies = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    cluster_scoped = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", *policies}
    namespaced = [m for m in default if m["kind"] not in cluster_scoped]
    assert len(namespaced) == 5
    assert {m["metadata"]["namespace"] for m in namespaced} == {NAMESPACE}
