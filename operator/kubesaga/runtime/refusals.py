"""Jobs and child Tasks that could not be created: remembered until the engine has heard of them.

``launches`` notes a refusal, ``attempts`` hands it to the next decision. It is memory only: after a restart the
create is tried again and refused again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.engine.decision import Attempt
from kubesaga.engine.records import StepError
from kubesaga.kube.client import KubeError
from kubesaga.runtime.configmaps import NameTaken
from kubesaga.runtime.results import ResultMissing

_REMEMBERED_TASKS = 4096


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a Job was not created.

    ``hopeless`` when trying again will not help; ``name_taken`` when a stranger's Job has its name, so that it never
    will be created.
    """

    error: StepError
    hopeless: bool
    name_taken: bool = False


class Refusals:
    """The latest refusal per attempt."""

    def __init__(self) -> None:
        self._by_task: OrderedDict[str, dict[Attempt, Refusal]] = OrderedDict()

    def get(self, uid: str, attempt: Attempt) -> Refusal | None:
        """The refusal of this attempt's Job, if any."""
        return self._by_task.get(uid, {}).get(attempt)

    def note(self, uid: str, attempt: Attempt, refusal: Refusal) -> None:
        """Remember it."""
        self._by_task.setdefault(uid, {})[attempt] = refusal
        self._by_task.move_to_end(uid)
        if len(self._by_task) > _REMEMBERED_TASKS:  # a Task that is deleted as it runs is forgotten by nobody else
            self._by_task.popitem(last=False)

    def forget(self, uid: str) -> None:
        """Drop what is known of a Task that has ended."""
        self._by_task.pop(uid, None)


def name_taken(job: Mapping[str, Any]) -> Refusal:
    """The refusal of an attempt whose name is that of a Job which is not the Task's."""
    meta = job["metadata"]
    error = StepError(
        "JobNameTaken",
        f"a Job {meta['name']} that does not belong to this Task was there before; the next attempt has another name. "
        "Find out who creates Jobs under Kubesaga's names, and delete it",
    )
    return Refusal(error, hopeless=True, name_taken=True)


def result_missing(error: ResultMissing) -> Refusal:
    """The refusal of an attempt whose input lacks a large result of an earlier step."""
    return Refusal(StepError("ResultMissing", str(error), retryable=False), hopeless=True)


def refusal_of(error: KubeError) -> Refusal | None:
    """What a failed create of a Job, or of its input's ConfigMap, says about the attempt.

    None for a passing fault of the API server.
    """
    if isinstance(error, NameTaken):
        return Refusal(
            StepError("InputNameTaken", f"{error.message}; the next attempt has another name"), hopeless=True
        )
    if error.status == 413:
        return Refusal(
            StepError(
                "InputTooLarge",
                f"the API server does not take the step's input: {error.message}; store large data elsewhere and pass "
                "a reference to it",
                retryable=False,
            ),
            hopeless=True,
        )
    if error.invalid or error.status == 400:
        return Refusal(
            StepError(
                "JobRefused",
                f"the API server does not accept the step's Job: {error.message}. Correct the template.",
                retryable=False,
            ),
            hopeless=True,
        )
    if error.forbidden:
        quota = "exceeded quota" in error.message
        return Refusal(
            StepError("QuotaExceeded" if quota else "JobForbidden", f"the step's Job was refused: {error.message}"),
            hopeless=False,
        )
    return None
