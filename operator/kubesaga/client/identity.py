"""Who we are to the API server, and what we may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kubesaga.api.constants import GROUP
from kubesaga.client.base import Base
from kubesaga.client.errors import translated

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@dataclass(frozen=True, slots=True)
class Permission:
    """A verb on a resource (``tasks``), of one ``name`` or of all. A ``namespace`` of None means the client's.

    ``group`` is "" for Kubernetes' core resources. Each type of TaskAction has a verb of its own on tasks: ``giveup``.
    """

    verb: str
    resource: str
    group: str = GROUP
    subresource: str = ""
    name: str | None = None
    namespace: str | None = None

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {resource}" + (f"/{self.subresource}" if self.subresource else "")


class IdentityCalls(Base):
    """Questions about ourselves."""

    async def whoami(self) -> str:
        """The user name that the API server knows us by; asked once."""
        if self._me is None:
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
            with translated("asking who we are"):
                review = await self.kube.create(_WHOAMI, body)
            self._me = str(review["status"]["userInfo"]["username"])
        return self._me

    async def can_i(self, permissions: Iterable[Permission]) -> dict[Permission, bool]:
        """Which of these things we may do, by RBAC and whatever else authorizes."""
        return {each: await self._may(each) for each in permissions}

    async def _may(self, permission: Permission) -> bool:
        attributes: dict[str, Any] = {
            "verb": permission.verb,
            "group": permission.group,
            "resource": permission.resource,
            "subresource": permission.subresource,
            "name": permission.name or "",
            "namespace": self._of(permission.namespace),
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        with translated(f"asking whether we may {permission}"):
            review = await self.kube.create(_REVIEWS, body)
        return bool(review["status"]["allowed"])
