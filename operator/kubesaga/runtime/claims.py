"""Identity claims: the object that makes one Task the only one of its request.

A template's identityStrategy says which Tasks are the same request; the first of them to create the ConfigMap of that
identity runs, the others are its duplicates. ``gather`` looks the claim up for a Task that has not started, ``apply``
takes it; the API server lets only one of any number of racing creations through. A claim goes with its Task, whose pods
may outlast both: whoever has taken an identity starts once nothing works for it any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.engine import identity
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import PinnedTemplate
from kubesaga.engine.snapshot import Claim
from kubesaga.engine.vocabulary import DeletionPolicy, IdentityStrategy
from kubesaga.kube.client import Kube, KubeError, configmaps_path, tasks_path
from kubesaga.runtime.configmaps import build_config_map
from kubesaga.runtime.identities import still_works

# Whoever waits for the end of what it did not make is not woken by it.
LOOK_AGAIN_AFTER = 5.0


class NoClaim(Exception):
    """A ConfigMap that is no claim has an identity's name; the message says what to do."""


class StillWorks(Exception):
    """An earlier Task of the identity is gone or going, and what it began may not be over; the message names it."""


def claim_name(task: Mapping[str, Any], plan: Plan, template: PinnedTemplate, context: Mapping[str, Any]) -> str | None:
    """The ConfigMap that stands for what this Task asks for; None where the template knows no duplicates."""
    match plan.identity:
        case IdentityStrategy.STRICT:
            canonical = json.dumps(context, sort_keys=True, separators=(",", ":"))
            return identity.claim_name(plan.identity, plan.domain, plan.name, template.version, canonical)
        case IdentityStrategy.CALLER_PROVIDED if key := task["spec"].get("idempotencyKey"):
            return identity.claim_name(plan.identity, plan.domain, plan.name, key)
    return None


class Claims:
    """Looks claims up and takes them."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def look(self, task: Mapping[str, Any], name: str) -> Claim | None:
        """Who holds the identity; None while nobody does. Raises NoClaim, StillWorks, KubeError.

        A claim whose holder is gone is removed, but only that very claim: the preconditions keep the delete from one
        that another Task takes meanwhile. Asked for a Task that has not started: what works for its claim is not its
        own.
        """
        namespace, uid = task["metadata"]["namespace"], task["metadata"]["uid"]
        path = configmaps_path(namespace, name)
        try:
            found = await self._kube.get(path)
        except KubeError as error:
            if error.not_found:
                return None
            raise
        data = found.get("data") or {}
        if (found["metadata"].get("labels") or {}).get(c.LABEL_CONTENT) != c.CONTENT_CLAIM or "uid" not in data:
            raise NoClaim(
                f"ConfigMap {name} in namespace {namespace} has the name of this request's identity, and was not made "
                "for it; delete it"
            )
        if data["uid"] == uid:
            works = await still_works(self._kube, namespace, name)
            if works is not None:
                raise StillWorks(
                    f"the same request was made before by a Task that was deleted, and {works} of it may still run; "
                    "this one starts once that is over"
                )
            return Claim(mine=True, holder=str(data["task"]))
        if await self._exists(namespace, data["task"], data["uid"]):
            return Claim(mine=False, holder=str(data["task"]))
        meta = found["metadata"]
        try:
            await self._kube.delete(path, uid=meta["uid"], resource_version=meta["resourceVersion"])
        except KubeError as error:
            if not (error.not_found or error.conflict):
                raise
        return None

    async def take(self, task: Mapping[str, Any], name: str, policy: DeletionPolicy) -> None:
        """Claim the identity for the Task, unless somebody is first: the next look tells. Raises KubeError."""
        meta = task["metadata"]
        data = {"task": meta["name"], "uid": meta["uid"]}
        claim = build_config_map(task, policy, name, c.CONTENT_CLAIM, data)
        try:
            await self._kube.create(configmaps_path(meta["namespace"]), claim)
        except KubeError as error:
            if not error.already_exists:
                raise

    async def _exists(self, namespace: str, name: str, uid: str) -> bool:
        try:
            holder = await self._kube.get(tasks_path(namespace, name))
        except KubeError as error:
            if error.not_found:
                return False
            raise
        return bool(holder["metadata"]["uid"] == uid)
