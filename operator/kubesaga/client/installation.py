"""What is installed on the cluster: the API server's version, Kubesaga's resources, its operators and who leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubesaga.api.constants import ACTION_PLURAL, API_VERSION, OPERATOR_SELECTOR, TASK_PLURAL, TEMPLATE_PLURAL
from kubesaga.client.base import Base
from kubesaga.client.errors import translated
from kubesaga.client.fields import moment
from kubesaga.kube.client import Obj, leases_path
from kubesaga.kube.errors import KubeError

_RESOURCES = frozenset({TASK_PLURAL, TEMPLATE_PLURAL, ACTION_PLURAL})
_DEPLOYMENTS = "/apis/apps/v1/deployments"


@dataclass(frozen=True, slots=True)
class OperatorInfo:
    """One installed operator. ``leader`` and ``renewed_at`` are None where there is no Lease, or it may not be read."""

    namespace: str
    name: str
    image: str
    version: str
    desired: int
    ready: int
    leader: str | None
    renewed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Installation:
    """``missing`` are the resources that the API server does not serve; ``operators`` is None where they may not be
    listed."""

    server_version: str
    missing: frozenset[str]
    operators: tuple[OperatorInfo, ...] | None


class InstallationCalls(Base):
    """Questions about the cluster."""

    async def server_version(self) -> str:
        """The API server's version: ``v1.34.1``."""
        return str((await self._get("/version", "the API server's version"))["gitVersion"])

    async def installation(self) -> Installation:
        """What is there of Kubesaga, as far as we may see it."""
        return Installation(await self.server_version(), await self._missing(), await self._operators())

    async def _missing(self) -> frozenset[str]:
        with translated(f"asking what there is of {API_VERSION}"):
            try:
                served = await self.kube.get(f"/apis/{API_VERSION}")
            except KubeError as error:
                if error.not_found:
                    return _RESOURCES
                raise
        return _RESOURCES - {each["name"] for each in served["resources"]}

    async def _operators(self) -> tuple[OperatorInfo, ...] | None:
        with translated("listing the operators"):
            try:
                found, _ = await self.kube.list(_DEPLOYMENTS, OPERATOR_SELECTOR)
            except KubeError as error:
                if error.forbidden:
                    return None
                raise
            return tuple([_operator(each, await self._lease(each)) for each in found])

    async def _lease(self, deployment: Obj) -> Mapping[str, Any]:
        """The Lease that has the operator's name; empty where there is none, or it may not be read."""
        meta = deployment["metadata"]
        try:
            lease = await self.kube.get(leases_path(meta["namespace"], meta["name"]))
        except KubeError as error:
            if error.not_found or error.forbidden:
                return {}
            raise
        return lease.get("spec") or {}


def _operator(deployment: Mapping[str, Any], lease: Mapping[str, Any]) -> OperatorInfo:
    meta, spec = deployment["metadata"], deployment["spec"]
    containers = spec["template"]["spec"]["containers"]
    return OperatorInfo(
        namespace=meta["namespace"],
        name=meta["name"],
        image=containers[0]["image"],
        version=meta["labels"].get("app.kubernetes.io/version", ""),
        desired=spec.get("replicas", 1),
        ready=(deployment.get("status") or {}).get("readyReplicas", 0),
        leader=lease.get("holderIdentity") or None,
        renewed_at=moment(lease.get("renewTime")),
    )
