"""The API paths of the resources that the operator and its clients read and write. A namespace of None means all."""

from __future__ import annotations

from kubesaga.api.constants import ACTION_PLURAL, API_VERSION, TASK_PLURAL, TEMPLATE_PLURAL


def tasks_path(namespace: str | None, name: str | None = None, sub: str | None = None) -> str:
    """Tasks; ``sub`` is ``status``."""
    return _path(f"/apis/{API_VERSION}", TASK_PLURAL, namespace, name, sub)


def templates_path(namespace: str | None, name: str | None = None, sub: str | None = None) -> str:
    """TaskTemplates; ``sub`` is ``status``."""
    return _path(f"/apis/{API_VERSION}", TEMPLATE_PLURAL, namespace, name, sub)


def actions_path(namespace: str | None, name: str | None = None, sub: str | None = None) -> str:
    """TaskActions; ``sub`` is ``status``."""
    return _path(f"/apis/{API_VERSION}", ACTION_PLURAL, namespace, name, sub)


def jobs_path(namespace: str | None, name: str | None = None, sub: str | None = None) -> str:
    """Jobs."""
    return _path("/apis/batch/v1", "jobs", namespace, name, sub)


def pods_path(namespace: str | None, name: str | None = None, sub: str | None = None) -> str:
    """Pods; ``sub`` is ``log``."""
    return _path("/api/v1", "pods", namespace, name, sub)


def revisions_path(namespace: str | None, name: str | None = None) -> str:
    """ControllerRevisions, which pin a template's content."""
    return _path("/apis/apps/v1", "controllerrevisions", namespace, name, None)


def configmaps_path(namespace: str | None, name: str | None = None) -> str:
    """ConfigMaps, which hold what is too large for a Task or a Job."""
    return _path("/api/v1", "configmaps", namespace, name, None)


def leases_path(namespace: str | None, name: str | None = None) -> str:
    """Leases, one of which is the operator's leadership."""
    return _path("/apis/coordination.k8s.io/v1", "leases", namespace, name, None)


def events_path(namespace: str | None, name: str | None = None) -> str:
    """Kubernetes Events of core/v1, which ``kubectl describe`` shows."""
    return _path("/api/v1", "events", namespace, name, None)


def resource_of(path: str) -> str:
    """The resource that a namespaced path means, with its subresource: ``tasks/status``. For metrics."""
    parts = path.split("/")  # "", "apis", group, version, ["namespaces", namespace,] resource, [name, [sub]]
    at = 3 if parts[1] == "api" else 4
    if len(parts) > at + 2 and parts[at] == "namespaces":
        at += 2
    resource = parts[at] if len(parts) > at else parts[1]
    return f"{resource}/{parts[at + 2]}" if len(parts) > at + 2 else resource


def _path(prefix: str, plural: str, namespace: str | None, name: str | None, sub: str | None) -> str:
    scope = f"{prefix}/namespaces/{namespace}/{plural}" if namespace else f"{prefix}/{plural}"
    return "/".join(part for part in (scope, name, sub) if part)
