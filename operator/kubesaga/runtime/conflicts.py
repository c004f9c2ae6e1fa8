"""Why a template that is right by itself cannot be used: its version is taken.

Neither can be judged from the template alone, so they are no findings of ``kubesaga.api``; they stand among them in
TaskTemplate.status all the same. ``templates`` and ``revisions`` make them.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubesaga.api.constants import DUPLICATE_VERSION, VERSION_REUSED
from kubesaga.runtime.catalog import Identity

PATH = "spec.version"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something else bears this version: the code, what is wrong, what to do about it."""

    code: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{PATH}: {self.message}; {self.remedy}"


def duplicate_version(identity: Identity, first: str) -> Conflict:
    """``first``, the name of an older object, bears the same identity."""
    return Conflict(
        DUPLICATE_VERSION,
        f"TaskTemplate {first} is {identity} too, and older: it is the one that counts",
        "give this one another spec.version or spec.name, or delete one of the two",
    )


def version_reused(identity: Identity, revision: str) -> Conflict:
    """The revision recorded for this version holds other content."""
    return Conflict(
        VERSION_REUSED,
        f"a released version never changes, and {identity} was recorded with other content in ControllerRevision "
        f"{revision}",
        "give the changed template a new spec.version, or write the content that was recorded "
        f"(kubectl get controllerrevision {revision} -o jsonpath='{{.data}}')",
    )
