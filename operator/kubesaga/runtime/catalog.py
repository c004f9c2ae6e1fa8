"""Which template bears which identity, and which of them a Task gets.

Reads the cache, decides by versions and age, writes nothing. ``templates`` asks it when it checks a template and when
a Task is to start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from semver import Version

from kubesaga.api import constants as c
from kubesaga.api.findings.finding import listed
from kubesaga.api.versions import is_version, pick_version
from kubesaga.engine.snapshot import TemplateProblem
from kubesaga.runtime.cache import Cache, Kind

Obj = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """What Tasks refer to, in one namespace."""

    namespace: str
    domain: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.domain}/{self.name}@{self.version}"


def identity_of(template: Mapping[str, Any]) -> Identity:
    """The identity that a TaskTemplate claims."""
    meta, spec = template["metadata"], template["spec"]
    return Identity(
        meta["namespace"], spec.get("domain", c.DEFAULT_DOMAIN), spec.get("name", meta["name"]), spec["version"]
    )


class Catalog:
    """The templates of the cache by their identities; one that is being deleted counts as gone."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def duplicates(self, namespace: str) -> dict[str, Obj]:
        """The objects that do not count, by name, each with the one that does: the oldest of its identity."""
        oldest: dict[Identity, Obj] = {}
        found: dict[str, Obj] = {}
        for template in self.templates(namespace):
            first = oldest.setdefault(identity_of(template), template)
            if first is not template:
                found[template["metadata"]["name"]] = first
        return found

    def templates(self, namespace: str) -> list[Obj]:
        """The namespace's templates, the oldest first."""
        templates = (
            template
            for template in self._cache.all(Kind.TEMPLATE)
            if template["metadata"]["namespace"] == namespace and not template["metadata"].get("deletionTimestamp")
        )
        return sorted(templates, key=lambda template: _age(template["metadata"]))

    def pick(self, task: Mapping[str, Any]) -> Obj | TemplateProblem:
        """The template that a Task's reference means now, checked or not."""
        namespace = task["metadata"]["namespace"]
        ref = task["spec"]["templateRef"]
        domain, name, wanted = ref.get("domain", c.DEFAULT_DOMAIN), ref["name"], ref.get("version")
        by_version: dict[str, Obj] = {}
        for template in self.templates(namespace):
            identity = identity_of(template)
            if (identity.domain, identity.name) == (domain, name):
                by_version.setdefault(identity.version, template)
        version = pick_version(by_version, wanted)
        if version is not None:
            return by_version[version]
        return TemplateProblem(
            "TemplateNotFound",
            f"{_absence(f'{domain}/{name}', wanted, namespace)} (versions there: {_highest_first(by_version) or 'none'}"
            f"{_hint(by_version, wanted)}); the Task starts once it is created",
        )


def is_exact(version: str | None) -> bool:
    """Whether a reference names one version, not a range or the highest release."""
    return version is not None and is_version(version)


def _age(meta: Mapping[str, Any]) -> tuple[str, str]:
    return meta["creationTimestamp"], meta["name"]


def _absence(called: str, wanted: str | None, namespace: str) -> str:
    if wanted is None:
        return f"there is no released version of TaskTemplate {called} in namespace {namespace}"
    if is_exact(wanted):
        return f"there is no TaskTemplate {called}@{wanted} in namespace {namespace}"
    return f"there is no version of TaskTemplate {called} in the range {wanted!r} in namespace {namespace}"


def _highest_first(versions: Iterable[str]) -> str:
    return listed(sorted(filter(is_version, versions), key=Version.parse, reverse=True))


def _hint(versions: Mapping[str, Any], wanted: str | None) -> str:
    if is_exact(wanted) or not any("-" in version for version in versions):
        return ""
    return "; a pre-release is taken only where it is asked for"
