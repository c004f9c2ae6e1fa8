"""The resources that the simulated API server serves, and how they differ from each other.

A built-in resource is what Kubernetes' registry makes of it; ours come from their CRDs, all alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from kubesaga.api import constants as c


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource of one API version; there is one instance of each, in ``KINDS``."""

    group: str
    version: str
    plural: str
    kind: str
    short_names: tuple[str, ...] = ()
    is_custom: bool = False
    is_namespaced: bool = True
    has_status: bool = False
    has_generation: bool = False
    is_updated_blindly: bool = True
    """Whether a PUT without resourceVersion is taken."""
    is_created_by_update: bool = False
    orphans: bool = False
    """Whether a delete that says nothing of dependents leaves them."""
    api_version: str = field(init=False)
    resource: str = field(init=False)
    """As messages name it: ``jobs.batch``."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_version", f"{self.group}/{self.version}" if self.group else self.version)
        object.__setattr__(self, "resource", f"{self.plural}.{self.group}" if self.group else self.plural)


def _custom(plural: str, kind: str, short_name: str) -> Kind:
    return Kind(
        c.GROUP,
        c.VERSION,
        plural,
        kind,
        (short_name,),
        is_custom=True,
        has_status=True,
        has_generation=True,
        is_updated_blindly=False,
    )


TASKS = _custom(c.TASK_PLURAL, c.TASK_KIND, "ktask")
TEMPLATES = _custom(c.TEMPLATE_PLURAL, c.TEMPLATE_KIND, "ktt")
ACTIONS = _custom(c.ACTION_PLURAL, c.ACTION_KIND, "kta")
JOBS = Kind("batch", "v1", "jobs", "Job", has_status=True, has_generation=True, orphans=True)
PODS = Kind("", "v1", "pods", "Pod", ("po",), has_status=True, has_generation=True)
CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap", ("cm",))
REVISIONS = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease", is_updated_blindly=False, is_created_by_update=True)
EVENTS = Kind("", "v1", "events", "Event", ("ev",), is_created_by_update=True)
NAMESPACES = Kind("", "v1", "namespaces", "Namespace", ("ns",), is_namespaced=False, has_status=True)

ALL = (TASKS, TEMPLATES, ACTIONS, JOBS, PODS, CONFIG_MAPS, REVISIONS, LEASES, EVENTS, NAMESPACES)
KINDS: Mapping[str, Kind] = MappingProxyType({kind.plural: kind for kind in ALL})
"""By plural."""
BY_NAME: Mapping[str, Kind] = MappingProxyType({kind.kind: kind for kind in ALL})
"""By the word in an object's ``kind``."""
