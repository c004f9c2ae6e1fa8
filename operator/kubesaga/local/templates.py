"""The templates of a run: compiled as the operator pins them, and found as it finds them.

A template is checked when a Task is to run it, so that a faulty neighbour in the same folder does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.compile import compile_plan, content_hash, effective_template
from kubesaga.api.findings import check_template
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.programs import Program, step_program
from kubesaga.api.versions import pick_version
from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import ChildTask, Plan
from kubesaga.engine.records import PinnedTemplate
from kubesaga.engine.vocabulary import Role
from kubesaga.local.errors import Fault, LocalError

Manifest = Mapping[str, Any]

NO_IMAGE = "local"
"""Stands for the operator's default image: without a cluster no image is run."""


@dataclass(frozen=True)
class Template:
    """A template as a revision would hold it; ``content`` is the JSON that ``of_content`` makes it of again."""

    pinned: PinnedTemplate
    content: dict[str, Any]
    spec: TaskTemplateSpec
    plan: Plan
    _programs: dict[tuple[str, Role], Program] = field(default_factory=dict)

    @classmethod
    def of_content(cls, content: dict[str, Any]) -> Template:
        """Compile what ``effective_template`` made."""
        spec = TaskTemplateSpec.read(content)
        name = spec.name or ""
        pinned = PinnedTemplate(name, spec.version, f"{name}-{content_hash(content)[:10]}")
        return cls(pinned, content, spec, compile_plan(spec))

    @property
    def called(self) -> str:
        """``domain/name@version``."""
        return f"{self.spec.domain}/{self.spec.name}@{self.spec.version}"

    def program(self, attempt: Attempt) -> Program:
        """What the step runs in this role."""
        key = (attempt.step, attempt.role)
        if key not in self._programs:
            self._programs[key] = step_program(self.spec, *key)
        return self._programs[key]

    def programs(self) -> Iterator[tuple[str, Role, Program]]:
        """Every program that a Task of this template may run."""
        for step, role in self.plan.programs():
            yield step, role, self.program(Attempt(step, role, 1))

    def children(self) -> list[ChildTask]:
        """The sub-workflows that its steps run."""
        return [step.child for step in self.plan.steps if step.child is not None]


class Templates:
    """TaskTemplates by domain, name and version. ``environment`` is the one whose differences apply."""

    def __init__(self, environment: str | None = None) -> None:
        self._environment = environment
        self._known: dict[tuple[str, str], dict[str, tuple[Manifest, str]]] = {}
        self._compiled: dict[tuple[str, str, str], Template] = {}

    @classmethod
    def of_contents(cls, contents: Iterable[dict[str, Any]]) -> Templates:
        """Those of a run that goes on."""
        templates = cls()
        for content in contents:
            template = Template.of_content(content)
            key = (template.spec.domain, template.spec.name or "", template.spec.version)
            templates._known.setdefault(key[:2], {})[key[2]] = ({"spec": content}, "the state file")
            templates._compiled[key] = template
        return templates

    def add(self, manifest: Manifest, source: str) -> None:
        """Take a TaskTemplate that stands in ``source``. The first of one version counts."""
        spec = manifest["spec"]
        called = (str(spec.get("domain") or c.DEFAULT_DOMAIN), logical_name(manifest))
        self._known.setdefault(called, {}).setdefault(str(spec.get("version")), (manifest, source))

    def names(self) -> list[str]:
        """``domain/name@version`` of all of them, compiled or not."""
        return sorted(f"{d}/{n}@{version}" for (d, n), versions in self._known.items() for version in versions)

    def find(self, domain: str, name: str, wanted: str | None) -> Template:
        """The highest version of those that may be had. Raises LocalError."""
        versions = self._known.get((domain, name), {})
        version = pick_version(versions, wanted)
        if version is None and wanted is None:
            version = max(versions, default=None)  # no release among them: the only one there is
        if version is None:
            asked = f"{domain}/{name}" + (f"@{wanted}" if wanted else "")
            there = ", ".join(self.names()) or "none"
            raise LocalError(
                f"there is no template {asked}; there are: {there}",
                "name the file with this template too",
                Fault.NOT_FOUND,
            )
        key = (domain, name, version)
        if key not in self._compiled:
            self._compiled[key] = self._compile(*versions[version])
        return self._compiled[key]

    def find_with_children(self, domain: str, name: str, wanted: str | None) -> list[Template]:
        """The same, and after it those of all sub-workflows below. Raises LocalError for one that is not there."""
        found: list[Template] = []
        todo = [(domain, name, wanted)]
        while todo:
            template = self.find(*todo.pop(0))
            if template not in found:
                found.append(template)
                todo += [(child.domain, child.name, child.version) for child in template.children()]
        return found

    def _compile(self, manifest: Manifest, source: str) -> Template:
        spec, name = manifest["spec"], (manifest.get("metadata") or {}).get("name")
        findings = check_template(spec, default_image=NO_IMAGE, name=name)
        if findings:
            listed = "; ".join(f"{each.path}: {each.message}; {each.remedy}" for each in findings)
            raise LocalError(f"{source}: template {name}: {listed}", f"see all of it with: kubesaga lint {source}")
        content = effective_template(spec, name=name, default_image=NO_IMAGE, environment=self._environment)
        return Template.of_content(content)


def logical_name(manifest: Manifest) -> str:
    """spec.name, else metadata.name."""
    return str(manifest["spec"].get("name") or (manifest.get("metadata") or {}).get("name") or "")
