"""Reconciling a TaskTemplate: its findings, its pinned revision, and the lookup that a new Task needs.

A template with findings, or whose version is taken, is Stalled and starts no Task; a good one is Ready and names the
revision that Tasks pin.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from weakref import WeakValueDictionary

from kubesaga.api import constants as c
from kubesaga.api.compile import effective_template
from kubesaga.api.conditions import condition, find
from kubesaga.engine.records import PinnedTemplate
from kubesaga.engine.snapshot import TemplateProblem
from kubesaga.kube.client import Kube, KubeError, templates_path
from kubesaga.runtime.cache import Cache, Kind, project
from kubesaga.runtime.catalog import Catalog, Identity, identity_of, is_exact
from kubesaga.runtime.checked import findings_of
from kubesaga.runtime.conflicts import PATH, Conflict, duplicate_version
from kubesaga.runtime.patches import status_patch
from kubesaga.runtime.revisions import Revisions, RevisionUnreadable
from kubesaga.runtime.router import Router

Obj = dict[str, Any]

ACCEPTED = "Accepted"
FINDINGS = "Findings"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to: the revision to pin, or why there is none."""

    reason: str
    message: str = ""
    findings: tuple[Obj, ...] = ()
    revision: str | None = None

    @classmethod
    def against(cls, conflict: Conflict) -> Verdict:
        """The template is right by itself, but its version is taken."""
        return cls(conflict.code, str(conflict), ({"path": PATH, **asdict(conflict)},))


class Templates:
    """Keeps TaskTemplates' statuses right and finds the one that a Task refers to."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        router: Router,
        revisions: Revisions,
        default_image: str | None,
        environment: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._catalog = Catalog(cache)
        self._router = router
        self._revisions = revisions
        self._default_image = default_image
        self._environment = environment
        self._clock = clock
        self._checking: WeakValueDictionary[Identity, asyncio.Lock] = WeakValueDictionary()
        self._listed: dict[str, int] = {}

    async def reconcile(self, namespace: str, name: str) -> None:
        """Check the template, record its revision, and write its status if that changed. Raises KubeError."""
        try:
            await self._check_alone(namespace, name)
        except KubeError as error:
            if not is_gone(error):
                raise
        self._recheck_rivals(namespace)
        # The echo of an own write wakes nobody, so those who wait for this template are told here.
        self._router.wake_waiting(namespace)

    async def _check_alone(self, namespace: str, name: str) -> None:
        """One check at a time of all that claim one identity: a starting Task and the template's own worker may both
        come for it, and so may another object that has the same version. Others do not wait for it.
        """
        while (template := self._wanted(namespace, name)) is not None:
            identity = identity_of(template)
            async with self._checking.setdefault(identity, asyncio.Lock()):
                template = self._wanted(namespace, name)
                if template is not None and identity_of(template) == identity:  # else it has changed meanwhile
                    await self._check(template)
                    return

    def _wanted(self, namespace: str, name: str) -> Obj | None:
        template = self._cache.get(Kind.TEMPLATE, namespace, name)
        return None if template is None or template["metadata"].get("deletionTimestamp") else template

    async def _check(self, template: Obj) -> None:
        namespace, name = template["metadata"]["namespace"], template["metadata"]["name"]
        verdict = await self._judge(template)
        before = template.get("status") or {}
        after = self._status(template, verdict)
        ops = status_patch(before, after, template["metadata"]["resourceVersion"])
        if ops:
            written = await self._kube.json_patch(templates_path(namespace, name, "status"), ops)
            self._cache.upsert(Kind.TEMPLATE, written)

    async def _judge(self, template: Obj) -> Verdict:
        meta, spec = template["metadata"], template["spec"]
        findings = findings_of(spec, name=meta["name"], default_image=self._default_image)
        if findings:
            message = "; ".join(f"{f.path}: {f.message}" for f in findings)
            return Verdict(FINDINGS, message, tuple(asdict(f) for f in findings))
        first = self._catalog.duplicates(meta["namespace"]).get(meta["name"])
        if first is not None:
            return _duplicate(template, first)
        content = effective_template(
            spec, name=meta["name"], default_image=self._default_image, environment=self._environment
        )
        recorded = await self._revisions.record(template, content)
        return Verdict.against(recorded) if isinstance(recorded, Conflict) else Verdict(ACCEPTED, revision=recorded)

    def _status(self, template: Obj, verdict: Verdict) -> Obj:
        generation = template["metadata"]["generation"]
        before = template.get("status") or {}
        listed = before.get("conditions") or []
        good = verdict.revision is not None
        now = self._clock()
        status: Obj = {
            "observedGeneration": generation,
            "findings": list(verdict.findings),
            "conditions": [
                condition(c.READY, good, verdict.reason, verdict.message, listed, generation, now),
                condition(c.STALLED, not good, verdict.reason, verdict.message, listed, generation, now),
            ],
        }
        if verdict.revision:
            status["revision"] = verdict.revision
        if "users" in before:  # counted by ``usage``
            status["users"] = before["users"]
        return status

    def _recheck_rivals(self, namespace: str) -> None:
        """Have those templates checked again that do or do not count since another one came, went or changed."""
        duplicates = self._catalog.duplicates(namespace)
        for template in self._catalog.templates(namespace):
            if _misjudged(template, duplicates.get(template["metadata"]["name"])):
                self._router.changed(Kind.TEMPLATE, template)

    async def find(self, task: Mapping[str, Any]) -> PinnedTemplate | TemplateProblem:
        """The revision that a starting Task is to pin, or why there is none.

        Checks a template that has not been checked yet. A revision that is named here is there: one that was
        collected, or deleted by hand, is recorded again. One that this version of the operator cannot read has its
        template checked again. Raises KubeError.
        """
        found = await self._look(task)
        if isinstance(found, TemplateProblem):
            return found
        if not _is_checked(found):
            found = await self._checked(found)
        pinned = _pin(found)
        if isinstance(pinned, TemplateProblem):
            return pinned
        if not await self._is_there(task["metadata"]["namespace"], pinned.revision):
            pinned = _pin(await self._checked(found))
        return pinned

    async def _is_there(self, namespace: str, revision: str) -> bool:
        try:
            return await self._revisions.get(namespace, revision) is not None
        except RevisionUnreadable:  # checked by a version that knew more: what it says of the template holds no more
            return False

    async def _look(self, task: Mapping[str, Any]) -> Obj | TemplateProblem:
        """What the Task's reference means.

        `kubectl apply` of a folder has no order: looks live before saying that there is none, and before it takes the
        highest version, unless a list that is younger than the Task has been seen.
        """
        namespace = task["metadata"]["namespace"]
        found = self._catalog.pick(task)
        is_certain = not isinstance(found, TemplateProblem) and is_exact(task["spec"]["templateRef"].get("version"))
        if is_certain or self._listed.get(namespace, 0) >= int(task["metadata"]["resourceVersion"]):
            return found
        templates, version = await self._kube.list(templates_path(namespace))
        slim = (project(Kind.TEMPLATE, template) for template in templates)
        for changed in self._cache.replace(Kind.TEMPLATE, slim, version, namespace):
            self._router.changed(Kind.TEMPLATE, changed)
        self._listed[namespace] = int(version)
        return self._catalog.pick(task)

    async def _checked(self, template: Obj) -> Obj:
        namespace, name = template["metadata"]["namespace"], template["metadata"]["name"]
        await self.reconcile(namespace, name)
        return self._cache.get(Kind.TEMPLATE, namespace, name) or template


def _duplicate(template: Obj, first: Obj) -> Verdict:
    return Verdict.against(duplicate_version(identity_of(template), first["metadata"]["name"]))


def _misjudged(template: Obj, first: Obj | None) -> bool:
    """Whether a checked template's status says something else about ``first``, which counts in its stead."""
    stalled = find((template.get("status") or {}).get("conditions") or [], c.STALLED)
    if stalled is None or stalled["reason"] == FINDINGS:
        return False
    said = stalled["message"] if stalled["reason"] == c.DUPLICATE_VERSION else None
    return bool(said != (_duplicate(template, first).message if first else None))


def _is_checked(template: Obj) -> bool:
    status = template.get("status") or {}
    return bool(status.get("observedGeneration") == template["metadata"]["generation"])


def _pin(template: Obj) -> PinnedTemplate | TemplateProblem:
    status = template.get("status") or {}
    ready = find(status.get("conditions") or [], c.READY)
    identity = identity_of(template)
    if ready is not None and ready["status"] == "True" and _is_checked(template):
        return PinnedTemplate(identity.name, identity.version, status["revision"])
    called = f"TaskTemplate {template['metadata']['name']} ({identity})"
    if ready is None or not _is_checked(template):
        return TemplateProblem("TemplateNotReady", f"{called} has not been checked yet")
    return TemplateProblem("TemplateNotReady", f"{called} is Stalled ({ready['reason']}): {ready['message']}")


def is_gone(error: KubeError) -> bool:
    """Whether a write failed because its object, or the namespace, is no more: then nothing is left to do."""
    return error.not_found or (error.forbidden and "being terminated" in error.message)
