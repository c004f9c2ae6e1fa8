"""Reconciling a TaskTemplate: its findings, its pinned revision, and the lookup that a new Task needs.

A template with findings is Stalled and starts no Task; a good one is Ready and names the revision that Tasks pin.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.compile import content_hash, effective_template
from kubesaga.api.conditions import condition, find
from kubesaga.api.findings import Finding, check_template
from kubesaga.api.versions import pick_version
from kubesaga.engine.records import PinnedTemplate
from kubesaga.engine.snapshot import TemplateProblem
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.kube import Kube, KubeError, templates_path
from kubesaga.runtime.patches import status_patch
from kubesaga.runtime.revisions import Revisions
from kubesaga.runtime.router import Router

Obj = dict[str, Any]


class Templates:
    """Keeps TaskTemplates' statuses right and finds the one that a Task refers to."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        router: Router,
        revisions: Revisions,
        default_image: str | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._router = router
        self._revisions = revisions
        self._default_image = default_image
        self._clock = clock
        # A starting Task and the template's own worker may both come to check it.
        self._checking = asyncio.Lock()

    async def reconcile(self, namespace: str, name: str) -> None:
        """Check the template, record its revision, and write its status if that changed. Raises KubeError."""
        try:
            async with self._checking:
                await self._check(namespace, name)
        except KubeError as error:
            if not is_gone(error):
                raise
        # The echo of an own write wakes nobody, so those who wait for this template are told here.
        self._router.wake_waiting(namespace)

    async def _check(self, namespace: str, name: str) -> None:
        template = self._cache.get(Kind.TEMPLATE, namespace, name)
        if template is None or template["metadata"].get("deletionTimestamp"):
            return
        findings = check_template(template["spec"], default_image=self._default_image)
        revision = None
        if not findings:
            content = effective_template(
                template["spec"], name=template["metadata"]["name"], default_image=self._default_image
            )
            revision = await self._revisions.record(template, content, content_hash(content))
        before = template.get("status") or {}
        after = self._status(template, findings, revision)
        ops = status_patch(before, after, template["metadata"]["resourceVersion"])
        if ops:
            written = await self._kube.json_patch(templates_path(namespace, name, "status"), ops)
            self._cache.upsert(Kind.TEMPLATE, written)

    def _status(self, template: Obj, findings: list[Finding], revision: str | None) -> Obj:
        generation = template["metadata"]["generation"]
        listed = (template.get("status") or {}).get("conditions") or []
        good = not findings
        reason = "Accepted" if good else "Findings"
        message = "" if good else "; ".join(f"{f.path}: {f.message}" for f in findings)[:1024]
        now = self._clock()
        status: Obj = {
            "observedGeneration": generation,
            "findings": [{"code": f.code, "path": f.path, "message": f.message, "remedy": f.remedy} for f in findings],
            "conditions": [
                condition(c.READY, good, reason, message, listed, generation, now),
                condition(c.STALLED, not good, reason, message, listed, generation, now),
            ],
        }
        if revision:
            status["revision"] = revision
        return status

    async def find(self, task: Mapping[str, Any]) -> PinnedTemplate | TemplateProblem:
        """The revision that a starting Task is to pin, or why there is none.

        `kubectl apply` of a folder has no order: looks live before saying NotFound, and checks a template that has
        not been checked yet. Raises KubeError.
        """
        namespace = task["metadata"]["namespace"]
        found = self._lookup(task)
        if isinstance(found, TemplateProblem):
            for listed in (await self._kube.list(templates_path(namespace)))[0]:
                self._router.seen(Kind.TEMPLATE, None, listed)
            found = self._lookup(task)
        if isinstance(found, TemplateProblem):
            return found
        if not _is_checked(found):
            await self.reconcile(namespace, found["metadata"]["name"])
            found = self._cache.get(Kind.TEMPLATE, namespace, found["metadata"]["name"]) or found
        return _pin(found, task["spec"]["templateRef"]["name"])

    def _lookup(self, task: Mapping[str, Any]) -> Obj | TemplateProblem:
        namespace = task["metadata"]["namespace"]
        ref = task["spec"]["templateRef"]
        domain = ref.get("domain", c.DEFAULT_DOMAIN)
        wanted = ref.get("version")
        by_version = self._versions(namespace, domain, ref["name"])
        version = pick_version(by_version, wanted)
        if version is not None:
            return by_version[version]
        called = f"{domain}/{ref['name']}" + (f"@{wanted}" if wanted else "")
        there = ", ".join(sorted(by_version)) or "none"
        return TemplateProblem(
            "TemplateNotFound",
            f"there is no TaskTemplate {called} in namespace {namespace} (versions there: {there}); the Task starts "
            "once it is created",
        )

    def _versions(self, namespace: str, domain: str, name: str) -> dict[str, Obj]:
        """The namespace's templates of this identity by version; of two with one version the older counts."""
        found: dict[str, Obj] = {}
        for template in self._cache.all(Kind.TEMPLATE):
            meta, spec = template["metadata"], template["spec"]
            identity = (meta["namespace"], spec.get("domain", c.DEFAULT_DOMAIN), spec.get("name", meta["name"]))
            if identity != (namespace, domain, name) or meta.get("deletionTimestamp"):
                continue
            other = found.get(spec["version"])
            if other is None or meta["creationTimestamp"] < other["metadata"]["creationTimestamp"]:
                found[spec["version"]] = template
        return found


def _is_checked(template: Obj) -> bool:
    status = template.get("status") or {}
    return bool(status.get("observedGeneration") == template["metadata"]["generation"])


def _pin(template: Obj, name: str) -> PinnedTemplate | TemplateProblem:
    status = template.get("status") or {}
    ready = find(status.get("conditions") or [], c.READY)
    version = template["spec"]["version"]
    if ready is not None and ready["status"] == "True" and _is_checked(template):
        return PinnedTemplate(name, version, status["revision"])
    said = ready["message"] if ready else "it has not been checked yet"
    return TemplateProblem(
        "TemplateNotReady",
        f"TaskTemplate {template['metadata']['name']} ({name}@{version}) has findings that must be corrected first: "
        f"{said}",
    )


def is_gone(error: KubeError) -> bool:
    """Whether a write failed because its object, or the namespace, is no more: then nothing is left to do."""
    return error.not_found or (error.forbidden and "being terminated" in error.message)
