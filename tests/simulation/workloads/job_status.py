"""The status of a Job while its controller works on it: conditions, and pods that are noted until they are counted."""

from __future__ import annotations

from typing import Any

from tests.simulation.plan import Obj

OVER = ("Complete", "Failed")
_LEFT_OUT_AT_ZERO = ("active", "succeeded", "failed", "conditions")
_UNCOUNTED = "uncountedTerminatedPods"


class JobStatus:
    """A copy to work on. ``before`` is what is written."""

    def __init__(self, job: Obj) -> None:
        self.before: Obj = job.get("status") or {}
        self.fields: Obj = {_UNCOUNTED: {}, **self.before}

    def condition(self, type_: str, *statuses: str) -> Obj | None:
        """The condition of that type that is in one of these statuses, by default True."""
        for each in self.fields.get("conditions") or ():
            if each["type"] == type_ and each["status"] in (statuses or ("True",)):
                found: Obj = each
                return found
        return None

    def put(self, condition: Obj) -> None:
        """Add a condition, or put it in the place of one of its type."""
        others = [each for each in self.fields.get("conditions") or () if each["type"] != condition["type"]]
        self.fields["conditions"] = [*others, condition]

    def count(self, where: str) -> int:
        """How many pods are counted there: succeeded, failed."""
        return int(self.fields.get(where, 0))

    def noted(self, where: str) -> list[str]:
        """The UIDs of the pods that are over and not counted yet."""
        return list(self.fields[_UNCOUNTED].get(where) or ())

    def note(self, where: str, uid: str) -> None:
        """A pod is over, and counts as soon as nothing but the status remembers it."""
        self.fields[_UNCOUNTED] = {**self.fields[_UNCOUNTED], where: [*self.noted(where), uid]}

    def count_noted(self, remembered: set[str]) -> None:
        """Count those that nothing else remembers."""
        for where in ("succeeded", "failed"):
            noted = self.noted(where)
            left = [uid for uid in noted if uid in remembered]
            if len(left) < len(noted):
                self.fields[where] = self.count(where) + len(noted) - len(left)
                others = {key: value for key, value in self.fields[_UNCOUNTED].items() if key != where}
                self.fields[_UNCOUNTED] = {**others, where: left} if left else others

    @property
    def is_counted(self) -> bool:
        """Whether no pod is only noted."""
        return not any(self.fields[_UNCOUNTED].values())

    def unwritten(self) -> Obj | None:
        """The status as it is to be written; None where nothing is new.

        How many pods are ready is not worth a write by itself, which the original makes.
        """
        status = {key: value for key, value in self.fields.items() if value or key not in _LEFT_OUT_AT_ZERO}
        if status == {**self.before, "ready": status.get("ready")}:
            return None
        return status


def made(type_: str, at: str, reason: str, message: str, status: str = "True") -> Obj:
    """A condition."""
    fields: dict[str, Any] = {"type": type_, "status": status, "lastProbeTime": at, "lastTransitionTime": at}
    return {**fields, "reason": reason, "message": message}


def is_finished(job: Obj) -> bool:
    """Whether the Job has ended."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(each["type"] in OVER and each["status"] == "True" for each in conditions)
