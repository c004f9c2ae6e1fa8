"""Template revisions: the pinned content that a Task runs, whatever becomes of its template.

A revision is a ControllerRevision named after the template and its content's hash, without owner, shared by all Tasks
of that version. ``templates`` records them, ``gather`` reads them; each is compiled into a Plan once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.compile import compile_plan
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.programs import Program, step_program
from kubesaga.engine.plan import Plan
from kubesaga.engine.vocabulary import Role
from kubesaga.runtime.kube import Kube, KubeError, revisions_path

Obj = dict[str, Any]


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


class Revisions:
    """The compiled revisions, most recently used last; content never changes, so nothing ever goes stale."""

    def __init__(self, kube: Kube, size: int = 256) -> None:
        self._kube = kube
        self._size = size
        self._compiled: OrderedDict[tuple[str, str], Revision] = OrderedDict()

    async def get(self, namespace: str, name: str) -> Revision | None:
        """The revision, from memory or the API server; None if there is none of that name."""
        key = (namespace, name)
        revision = self._compiled.get(key)
        if revision is None:
            try:
                obj = await self._kube.get(revisions_path(namespace, name))
            except KubeError as error:
                if error.not_found:
                    return None
                raise
            revision = Revision.of(name, obj["data"])
            self._remember(key, revision)
        self._compiled.move_to_end(key)
        return revision

    async def record(self, template: Obj, content: Obj, content_hash: str) -> str:
        """Make sure that a revision with this content exists; return its name."""
        meta = template["metadata"]
        name = f"{meta['name'][:200]}-{content_hash[:10]}"
        body: Obj = {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": name,
                "namespace": meta["namespace"],
                "labels": {
                    c.LABEL_MANAGED_BY: c.MANAGED_BY,
                    c.LABEL_DOMAIN: content["domain"],
                    c.LABEL_TEMPLATE: content["name"],
                    c.LABEL_TEMPLATE_VERSION: content["version"],
                },
            },
            "revision": 1,
            "data": content,
        }
        try:
            await self._kube.create(revisions_path(meta["namespace"]), body)
        except KubeError as error:
            if not error.already_exists:
                raise
        self._remember((meta["namespace"], name), Revision.of(name, content))
        return name

    def _remember(self, key: tuple[str, str], revision: Revision) -> None:
        self._compiled[key] = revision
        while len(self._compiled) > self._size:
            self._compiled.popitem(last=False)
