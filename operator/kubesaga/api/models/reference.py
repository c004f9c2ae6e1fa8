"""How a Task, or a step that is a sub-workflow, names the template that it runs."""

from __future__ import annotations

from kubesaga.api.constants import DEFAULT_DOMAIN
from kubesaga.api.models.base import LogicalName, Model, VersionRange


class TemplateRef(Model):
    """Which template to run."""

    domain: LogicalName = DEFAULT_DOMAIN
    """Its logical owner."""
    name: LogicalName
    """Its logical name: spec.name of the TaskTemplate, else its metadata.name."""
    version: VersionRange | None = None
    """An exact version (1.2.0), or a range of which the highest release is taken: ^2.1, ~1.4, or comparisons that must
    all hold, such as >=1 <3. Default: the highest release."""
