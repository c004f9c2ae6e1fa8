"""Template revisions: the pinned content that a Task runs, whatever becomes of its template.

A revision is a ControllerRevision named after the template and its content's hash, without owner, shared by all Tasks
of that version. ``templates`` records them, ``gather`` reads them, ``collect`` deletes those that nothing names any
more; each is compiled into a Plan once.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.compile import compile_plan, content_hash
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.programs import Program, step_program
from kubesaga.api.times import epoch, rfc3339
from kubesaga.engine.plan import Plan
from kubesaga.engine.vocabulary import Role
from kubesaga.kube.client import Kube, KubeError, revisions_path
from kubesaga.runtime.catalog import Identity, identity_of
from kubesaga.runtime.conflicts import Conflict, version_reused

Obj = dict[str, Any]

_OURS = f"{c.LABEL_MANAGED_BY}={c.MANAGED_BY},{c.LABEL_TEMPLATE}"


@dataclass(frozen=True)
class Revision:
    """One pinned template: what the engine needs (``plan``) and what the Jobs need (``program``)."""

    name: str
    spec: TaskTemplateSpec
    plan: Plan
    _programs: dict[tuple[str, Role], Program] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, content: Obj) -> Revision:
        """Compile recorded content."""
        spec = TaskTemplateSpec.read(content)
        return cls(name, spec, compile_plan(spec))

    def program(self, step: str, role: Role) -> Program:
        """What an attempt of the step runs in this role."""
        key = (step, role)
        if key not in self._programs:
            self._programs[key] = step_program(self.spec, step, role)
        return self._programs[key]


@dataclass(frozen=True, slots=True)
class Head:
    """A recorded revision without its content; ``unreferenced_since`` in seconds since the epoch."""

    identity: Identity
    name: str
    uid: str
    resource_version: str
    written: str | None
    unreferenced_since: float | None

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> Head:
        """Read a ControllerRevision of ours."""
        meta = obj["metadata"]
        labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
        since = annotations.get(c.ANNOTATION_UNREFERENCED)
        identity = Identity(
            meta["namespace"],
            labels.get(c.LABEL_DOMAIN, ""),
            labels.get(c.LABEL_TEMPLATE, ""),
            labels.get(c.LABEL_TEMPLATE_VERSION, ""),
        )
        return cls(
            identity,
            meta["name"],
            meta["uid"],
            meta["resourceVersion"],
            annotations.get(c.ANNOTATION_WRITTEN),
            epoch(since) if since else None,
        )

    @property
    def path(self) -> str:
        """Its path on the API server."""
        return revisions_path(self.identity.namespace, self.name)


def written_hash(template: Mapping[str, Any]) -> str:
    """SHA-256 of what the user wrote (64 hex digits).

    Neither the operator's defaults nor the order of named things (steps, variables) make a difference: the API server
    takes neither for a change of a released version. Raises pydantic.ValidationError for a spec with findings.
    """
    identity = identity_of(template)
    spec = TaskTemplateSpec.read(template["spec"])
    written = spec.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    return content_hash(_unordered({**written, "domain": identity.domain, "name": identity.name}))


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    items = [_unordered(item) for item in value]
    named = all(isinstance(item, dict) and "name" in item for item in items)
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if named else items


class RevisionUnreadable(Exception):
    """What is recorded is no template to this version of the operator; the message says which, why, and what to do."""

    def __init__(self, name: str, why: Exception) -> None:
        super().__init__(
            f"this version of the operator cannot read the ControllerRevision {name}, which this Task runs: "
            f"{' '.join(str(why).split())[:500]}; have the version run that recorded it until the Task has ended"
        )


class Revisions:
    """The recorded revisions, and those lately used in compiled form; content never changes, so none goes stale."""

    def __init__(self, kube: Kube, size: int = 256) -> None:
        self._kube = kube
        self._size = size
        self._compiled: OrderedDict[tuple[str, str], Revision] = OrderedDict()

    async def get(self, namespace: str, name: str) -> Revision | None:
        """The revision, from memory or the API server; None if there is none of that name.

        Raises RevisionUnreadable, KubeError.
        """
        key = (namespace, name)
        revision = self._compiled.get(key)
        if revision is None:
            try:
                obj = await self._kube.get(revisions_path(namespace, name))
            except KubeError as error:
                if error.not_found:
                    return None
                raise
            try:
                revision = Revision.of(name, obj["data"])
            except (ValueError, TypeError) as error:
                raise RevisionUnreadable(name, error) from error
            self._remember(key, revision)
        self._compiled.move_to_end(key)
        return revision

    async def record(self, template: Obj, content: Obj) -> str | Conflict:
        """Make sure that a revision with this content is there to stay; return its name.

        ``content`` is what is pinned of the template. A released version that was recorded before keeps the content
        that its author wrote: anything else is a Conflict. Raises KubeError.
        """
        identity = identity_of(template)
        name = f"{template['metadata']['name'][:200]}-{content_hash(content)[:10]}"
        written = written_hash(template)
        recorded = await self._recorded(identity)
        if "-" not in identity.version:
            for head in recorded:
                if head.written not in (None, written):
                    return version_reused(identity, head.name)
        there = next((head for head in recorded if head.name == name), None)
        if there is None or not await self._keep(there):
            await self._create(identity, name, written, content)
        key = (identity.namespace, name)
        if key not in self._compiled:
            self._remember(key, Revision.of(name, content))
        return name

    async def heads(self, namespace: str | None) -> list[Head]:
        """Every recorded revision of a namespace, or (None) of all. Raises KubeError."""
        pages = self._kube.pages(revisions_path(namespace), _OURS)
        return [Head.of(obj) async for page, _ in pages for obj in page]

    async def mark(self, head: Head, since: float | None) -> None:
        """Note since when nothing names the revision; None: something does. Raises KubeError, also if it changed.

        By an update: to patch a revision the API server writes its content anew, with other white space than ours, and
        then refuses that as a change of what is immutable.
        """
        revision = await self._kube.get(head.path)
        meta = revision["metadata"]
        meta["resourceVersion"] = head.resource_version
        annotations = meta.setdefault("annotations", {})
        annotations.pop(c.ANNOTATION_UNREFERENCED, None)
        if since is not None:
            annotations[c.ANNOTATION_UNREFERENCED] = rfc3339(since)
        await self._kube.update(head.path, revision)

    async def delete(self, head: Head) -> None:
        """Delete the revision as it was read. Raises KubeError, also if it changed since."""
        await self._kube.delete(head.path, uid=head.uid, resource_version=head.resource_version)
        self._compiled.pop((head.identity.namespace, head.name), None)

    async def _recorded(self, identity: Identity) -> list[Head]:
        labels = {
            c.LABEL_MANAGED_BY: c.MANAGED_BY,
            c.LABEL_DOMAIN: identity.domain,
            c.LABEL_TEMPLATE: identity.name,
            c.LABEL_TEMPLATE_VERSION: identity.version,
        }
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        found, _ = await self._kube.list(revisions_path(identity.namespace), label_selector=selector)
        return [Head.of(obj) for obj in found]

    async def _keep(self, head: Head) -> bool:
        """Take back that nothing names the revision; False if it has been deleted for that already.

        The write makes a delete fail that stands on the older version.
        """
        if head.unreferenced_since is None:
            return True
        try:
            await self.mark(head, None)
        except KubeError as error:
            if error.not_found:
                return False
            raise
        return True

    async def _create(self, identity: Identity, name: str, written: str, content: Obj) -> None:
        body: Obj = {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": name,
                "namespace": identity.namespace,
                "labels": {
                    c.LABEL_MANAGED_BY: c.MANAGED_BY,
                    c.LABEL_DOMAIN: identity.domain,
                    c.LABEL_TEMPLATE: identity.name,
                    c.LABEL_TEMPLATE_VERSION: identity.version,
                },
                "annotations": {c.ANNOTATION_WRITTEN: written},
            },
            "revision": 1,
            "data": content,
        }
        try:
            await self._kube.create(revisions_path(identity.namespace), body)
        except KubeError as error:
            if not error.already_exists:
                raise

    def _remember(self, key: tuple[str, str], revision: Revision) -> None:
        self._compiled[key] = revision
        while len(self._compiled) > self._size:
            self._compiled.popitem(last=False)
