"""Which Tasks run a template: as filters name it (``[DOMAIN/]NAME[@VERSION]``), by the version that they were given."""

from __future__ import annotations

from dataclasses import dataclass

from kubesaga.api.constants import DEFAULT_DOMAIN
from kubesaga.api.versions import RANGE_REMEDY, is_version_range, pick_version
from kubesaga.cli.errors import CliError
from kubesaga.cli.views.story import Story


@dataclass(frozen=True, slots=True)
class Wanted:
    """A template; ``version`` exact, a range, or None for all."""

    domain: str
    name: str
    version: str | None

    @classmethod
    def of(cls, written: str, option: str) -> Wanted:
        """Read what was given as an option. Raises CliError."""
        named, at, version = written.partition("@")
        domain, slash, name = named.rpartition("/")
        if not name or (at and not version) or (slash and not domain) or "/" in domain:
            raise CliError(f"{option} {written}: names no template", "write NAME, DOMAIN/NAME or DOMAIN/NAME@VERSION")
        if version and not is_version_range(version):
            raise CliError(f"{option} {written}: {version} is no version", RANGE_REMEDY)
        return cls(domain or DEFAULT_DOMAIN, name, version or None)

    def matches(self, story: Story) -> bool:
        """Whether the Task runs it. One that has not started has no version yet."""
        reference = story.spec["templateRef"]
        if (reference.get("domain", DEFAULT_DOMAIN), reference["name"]) != (self.domain, self.name):
            return False
        if self.version is None:
            return True
        pinned = story.status.template
        return pinned is not None and pick_version([pinned.version], self.version) is not None
