"""``doctor``: whether the cluster is fit to run Tasks, and whether you may; a line for each check, with its remedy."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubesaga.api.constants import GROUP, LABEL_MANAGED_BY, LABEL_TASK, MANAGED_BY, OPERATOR_SELECTOR
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

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
# What its users do: verb, group, resource, subresource.
_USERS = (
    ("list", GROUP, "tasktemplates", ""),
    ("list", GROUP, "tasks", ""),
    ("get", GROUP, "tasks", ""),
    ("watch", GROUP, "tasks", ""),
    ("create", GROUP, "tasks", ""),
    ("patch", GROUP, "tasks", ""),
    ("create", GROUP, "taskactions", ""),
    ("get", "", "configmaps", ""),
    ("list", "", "events", ""),
    ("list", "", "pods", ""),
    ("get", "", "pods", "log"),
    ("get", "apps", "controllerrevisions", ""),
)
NEEDED = {
    (GROUP, "tasks"): "get list watch create patch delete deletecollection",
    (GROUP, "tasktemplates"): "get list watch",
    (GROUP, "taskactions"): "get list watch",
    (GROUP, "tasks/status"): "patch",
    (GROUP, "tasktemplates/status"): "patch",
    (GROUP, "taskactions/status"): "patch",
    ("batch", "jobs"): "get list watch create patch deletecollection",
    ("", "pods"): "get list watch",
    ("", "pods/log"): "get",
    ("", "configmaps"): "get create delete deletecollection",
    ("apps", "controllerrevisions"): "get list create update delete",
    ("", "events"): "create patch",
}
"""The operator's verbs by group and resource, as the chart grants them."""


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
        import asyncio

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

    def __init__(self, deployment: Mapping[str, Any] | None, denied: str) -> None:
        self._deployment = deployment
        self._denied = denied

    @classmethod
    async def find(cls, saga: AsyncKubesaga, namespace: str) -> _Operator:
        """Look in all namespaces, or in the one that is named where that is not allowed."""
        from kubesaga.cli.views import checks

        denied = ""
        for path in ("/apis/apps/v1/deployments", f"/apis/apps/v1/namespaces/{namespace}/deployments"):
            listing = saga.kube.list(path, label_selector=OPERATOR_SELECTOR)
            found, denied = await _read(listing, "looking for the operator's Deployment")
            if not denied:
                return cls(checks.chosen(found[0] if found else (), saga.namespace), "")
        return cls(None, denied)

    async def checks(self, saga: AsyncKubesaga) -> list[Check]:
        """That it is ready, that somebody leads, and that it looks at the namespace."""
        from kubesaga import __version__
        from kubesaga.cli.views import checks

        if self._denied:
            return [checks.unknown("Operator", self._denied)]
        if self._deployment is None:
            return [checks.deployment(None, __version__)]
        return [
            checks.deployment(self._deployment, __version__, await self._pods(saga)),
            checks.served(saga.namespace, checks.setting(self._deployment, "NAMESPACES")),
            await self._leader(saga),
        ]

    async def _pods(self, saga: AsyncKubesaga) -> list[Obj]:
        """The operator's own; none where they may not be listed."""
        from kubesaga.kube.paths import pods_path

        assert self._deployment is not None
        path = pods_path(self._deployment["metadata"]["namespace"])
        found, _ = await _read(saga.kube.list(path, label_selector=OPERATOR_SELECTOR), "listing the operator's pods")
        return found[0] if found else []

    async def _leader(self, saga: AsyncKubesaga) -> Check:
        from kubesaga.cli.views import checks
        from kubesaga.kube.paths import leases_path

        assert self._deployment is not None
        meta = self._deployment["metadata"]
        name = checks.setting(self._deployment, "LEASE_NAME") or meta["name"]
        lease, denied = await _read(saga.kube.get(leases_path(meta["namespace"], name)), f"reading the Lease {name}")
        return checks.unknown("Leader", denied) if denied else checks.lease(lease, name, self._deployment, time.time())

    async def rights(self, saga: AsyncKubesaga) -> list[Check]:
        """That its service account may do in this namespace what it has to."""
        import asyncio

        from kubesaga.cli.views import checks

        if self._deployment is None:
            return []
        account = self._deployment["spec"]["template"]["spec"].get("serviceAccountName", "default")
        where = self._deployment["metadata"]["namespace"]
        asked = [(verb, group, resource) for (group, resource), verbs in NEEDED.items() for verb in verbs.split()]
        reviews = (_review(where, account, *each, saga.namespace) for each in asked)
        answers = await asyncio.gather(
            *(_read(saga.kube.create(_REVIEWS, review), "reviewing the operator's rights") for review in reviews)
        )
        for answer, denied in answers:
            if answer is None:
                return [checks.unknown("Operator's rights", denied)]
        allowed = (answer["status"].get("allowed") for answer, _ in answers)
        missing = [f"{verb} {name}" for (verb, _, name), may in zip(asked, allowed, strict=True) if not may]
        return [checks.operator_rights(missing, f"system:serviceaccount:{where}:{account}")]


def _review(where: str, account: str, verb: str, group: str, resource: str, namespace: str) -> Obj:
    """The question whether a service account of the namespace ``where`` may do this in ``namespace``."""
    name, _, sub = resource.partition("/")
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{where}", "system:authenticated"]
    attributes = {"verb": verb, "group": group, "resource": name, "subresource": sub, "namespace": namespace}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{where}:{account}",
            "groups": groups,
            "resourceAttributes": attributes,
        },
    }
