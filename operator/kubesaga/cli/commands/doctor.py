"""``doctor``: whether the cluster is fit to run Tasks, and whether you may; a line for each check, with its remedy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubesaga.api.constants import GROUP, LABEL_MANAGED_BY, LABEL_TASK, MANAGED_BY
from kubesaga.cli import output
from kubesaga.cli.cluster import Cluster, on_cluster
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import Section
from kubesaga.cli.options import TextFormat, TextOutput
from kubesaga.cli.output import Table
from kubesaga.cli.tables import STYLES

if TYPE_CHECKING:
    from kubesaga.cli.views.checks import Check
    from kubesaga.client import AsyncKubesaga

Obj = dict[str, Any]

_OPERATORS = "app.kubernetes.io/part-of=kubesaga,app.kubernetes.io/component=operator"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
# What its users do, and what the operator cannot do without: verb, group, resource, subresource.
_USERS = (
    ("list", GROUP, "tasktemplates", ""),
    ("list", GROUP, "tasks", ""),
    ("watch", GROUP, "tasks", ""),
    ("create", GROUP, "tasks", ""),
    ("patch", GROUP, "tasks", ""),
    ("create", GROUP, "taskactions", ""),
    ("get", "", "configmaps", ""),
    ("get", "", "pods", "log"),
)
_NEEDED = (
    ("watch", GROUP, "tasks", ""),
    ("patch", GROUP, "tasks", "status"),
    ("watch", GROUP, "tasktemplates", ""),
    ("watch", GROUP, "taskactions", ""),
    ("create", "batch", "jobs", ""),
    ("watch", "", "pods", ""),
    ("create", "", "configmaps", ""),
    ("create", "apps", "controllerrevisions", ""),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", rich_help_panel=Section.CLUSTER)(on_cluster(doctor))


def doctor(
    cluster: Cluster,
    operator_namespace: Annotated[
        str,
        typer.Option("--operator-namespace", metavar="NAME", help="Where the operator is, if you may not look for it."),
    ] = "kubesaga-system",
    output_: TextOutput = TextFormat.TEXT,
) -> None:
    """Look for what keeps Tasks from running.

    The cluster's version, Kubesaga's resources, the operator and its leader, your rights and the operator's, pods that
    cannot have their image. Ends with 1 if a check fails; what you may not read is a warning.
    """

    async def examine(saga: AsyncKubesaga) -> list[Check]:
        first = [await _kubernetes(saga), *await _namespace(saga)]
        operator = await _Operator.find(saga, operator_namespace)
        parts = await asyncio.gather(
            _definitions(saga), operator.checks(saga), _rights(saga), operator.rights(saga), _images(saga)
        )
        return [*first, *(check for part in parts for check in part)]

    checks = cluster.run(examine)
    if output_ is TextFormat.TEXT:
        _print(checks)
    else:
        data = [asdict(check) | {"level": str(check.level)} for check in checks]
        output.print_json(data) if output_ is TextFormat.JSON else output.print_yaml(data)
    if any(check.level == "fail" for check in checks):
        raise typer.Exit(ExitCode.NO)


def _print(checks: list[Check]) -> None:
    table = Table(("", "Check", "Found"), styles=STYLES)
    for check in checks:
        table.add(check.level, check.name, check.message)
        if check.remedy:
            table.add("", "", f"→ {check.remedy}")
    output.print_table(table)


async def _read(work: Awaitable[Any], what: str) -> tuple[Any, str]:
    """What was read, or why it may not be; what is not there is None. Raises the client's errors for the rest."""
    from kubesaga.client import Forbidden, NotFound, translated

    try:
        with translated(what):
            return await work, ""
    except NotFound:
        return None, ""
    except Forbidden as error:
        return None, str(error)


async def _kubernetes(saga: AsyncKubesaga) -> Check:
    """The first question to the API server: if it does not answer, there is nothing to examine."""
    from kubesaga.cli.views import checks

    version, denied = await _read(saga.kube.get("/version"), "reading the cluster's version")
    return checks.unknown("Kubernetes", denied) if version is None else checks.kubernetes(version)


async def _namespace(saga: AsyncKubesaga) -> list[Check]:
    """That there is such a namespace; rights in one, and its pods, can be asked for all the same."""
    from kubesaga.cli.views import checks

    path = f"/api/v1/namespaces/{saga.namespace}"
    there, denied = await _read(saga.kube.get(path), f"reading namespace {saga.namespace}")
    return [] if there is not None or denied else [checks.no_namespace(saga.namespace)]


async def _definitions(saga: AsyncKubesaga) -> list[Check]:
    from kubesaga.api.crds import task_action_crd, task_crd, task_template_crd
    from kubesaga.cli.views import checks

    found = []
    for expected in (task_crd(), task_template_crd(), task_action_crd()):
        name = expected["metadata"]["name"]
        there, denied = await _read(saga.kube.get(f"{_CRDS}/{name}"), f"reading the CRD {name}")
        found.append(checks.unknown(f"CRD {name}", denied) if denied else checks.definition(expected, there))
    return found


async def _rights(saga: AsyncKubesaga) -> list[Check]:
    from kubesaga.cli.views import checks
    from kubesaga.client import Permission

    asked = {
        Permission(verb, resource, group=group, subresource=sub): f"{verb} {_resource(resource, sub)}"
        for verb, group, resource, sub in _USERS
    }
    answers = await saga.can_i(list(asked))
    return checks.rights({asked[permission]: allowed for permission, allowed in answers.items()}, saga.namespace)


def _resource(resource: str, sub: str) -> str:
    return f"{resource}/{sub}" if sub else resource


async def _images(saga: AsyncKubesaga) -> list[Check]:
    from kubesaga.cli.views import checks
    from kubesaga.kube.paths import pods_path

    selector = f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_TASK}"
    listing = saga.kube.list(pods_path(saga.namespace), label_selector=selector)
    found, denied = await _read(listing, f"listing pods of namespace {saga.namespace}")
    return [checks.unknown("Images", denied)] if denied else checks.image_pulls(found[0])


class _Operator:
    """The operator's Deployment, if there is one, or why that is not known."""

    def __init__(self, deployment: Obj | None, denied: str) -> None:
        self._deployment = deployment
        self._denied = denied

    @classmethod
    async def find(cls, saga: AsyncKubesaga, namespace: str) -> _Operator:
        """Look in all namespaces, or in the one that is named where that is not allowed."""
        denied = ""
        for path in ("/apis/apps/v1/deployments", f"/apis/apps/v1/namespaces/{namespace}/deployments"):
            listing = saga.kube.list(path, label_selector=_OPERATORS)
            found, denied = await _read(listing, "looking for the operator's Deployment")
            if not denied:
                return cls(found[0][0] if found and found[0] else None, "")
        return cls(None, denied)

    async def checks(self, saga: AsyncKubesaga) -> list[Check]:
        """That it is ready, that somebody leads, and that it looks at the namespace."""
        from kubesaga import __version__
        from kubesaga.cli.views import checks

        if self._denied:
            return [checks.unknown("Operator", self._denied)]
        found = [checks.deployment(self._deployment, __version__)]
        if self._deployment is None:
            return found
        found.append(checks.served(saga.namespace, self._variable("NAMESPACES")))
        return [*found, await self._leader(saga)]

    async def _leader(self, saga: AsyncKubesaga) -> Check:
        from kubesaga.cli.views import checks
        from kubesaga.kube.paths import leases_path

        assert self._deployment is not None
        meta = self._deployment["metadata"]
        name = self._variable("LEASE_NAME") or meta["name"]
        lease, denied = await _read(saga.kube.get(leases_path(meta["namespace"], name)), f"reading the Lease {name}")
        return checks.unknown("Leader", denied) if denied else checks.lease(lease, name, self._deployment, time.time())

    async def rights(self, saga: AsyncKubesaga) -> list[Check]:
        """That its service account may do in this namespace what it has to."""
        from kubesaga.cli.views import checks

        if self._deployment is None:
            return []
        account = self._deployment["spec"]["template"]["spec"].get("serviceAccountName", "default")
        user = f"system:serviceaccount:{self._deployment['metadata']['namespace']}:{account}"
        missing = []
        for verb, group, resource, sub in _NEEDED:
            attributes = {"verb": verb, "group": group, "resource": resource, "subresource": sub}
            review = _review(user, {**attributes, "namespace": saga.namespace})
            answer, denied = await _read(saga.kube.create(_REVIEWS, review), "reviewing the operator's rights")
            if answer is None:
                return [checks.unknown("Operator's rights", denied)]
            if not answer["status"].get("allowed"):
                missing.append(f"{verb} {_resource(resource, sub)}")
        return [checks.operator_rights(missing, user)]

    def _variable(self, name: str) -> str | None:
        assert self._deployment is not None
        for container in self._deployment["spec"]["template"]["spec"]["containers"]:
            for variable in container.get("env") or ():
                if variable["name"] == f"KUBESAGA_OPERATOR_{name}":
                    return variable.get("value") or None
        return None


def _review(user: str, attributes: Mapping[str, str]) -> Obj:
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": ["system:serviceaccounts"], "resourceAttributes": dict(attributes)},
    }
