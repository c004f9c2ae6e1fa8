"""Running a whole template in a test, and what can be asked of the run afterwards.

Called by tests. The SDK itself knows no templates: the engine comes with the ``kubesaga`` package, which registers what
runs them as an entry point.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from kubesaga_sdk import json_value, step_input
from kubesaga_sdk.attempt import run_attempt
from kubesaga_sdk.testing import histories, stubs
from kubesaga_sdk.testing.handler_run import apart

Source = str | os.PathLike[str] | Mapping[str, Any]

_GROUP = "kubesaga_sdk.template_runner"
_FORWARD, _COMPENSATION = "forward", "compensation"


def run_template(
    template: Source,
    context: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    stubs: Mapping[str, Any] | None = None,
    others: Iterable[Source] = (),
    approve: Iterable[str] = (),
    reject: Iterable[str] = (),
    act: Iterable[tuple[str, str]] = (),
    environment: str | None = None,
    **task: Any,
) -> TemplateRun:
    """Run a Task of a template to its end, or until only a human could help. Waits take no time.

    Arguments:
        template: a file with TaskTemplates, or one as a dict.
        context: the Task's context.
        name: which of the file's templates to run; by default its first.
        stubs: step → what stands for its program (see ``attempts``, ``takes``): a result, an error to raise, or a
            function of the StepContext. ``charge.compensation`` is the undoing of ``charge``, ``hotel/hold`` the step
            ``hold`` of the sub-workflow that step ``hotel`` runs. What has no stub is run by its own handler;
            containers need a stub.
        others: further templates, for sub-workflows; those in ``template``'s file are known already.
        approve, reject: approvals that are answered once they are open; any other waits for its timeout.
        act: further TaskActions as (step, type), such as ``("charge", "Complete")`` or ``("", "GiveUp")``, each once
            nothing goes on by itself.
        environment: which of the template's environments applies.
        task: any other field of the Task's spec: ``initiator``, ``options``, ``bypassSteps``, ...

    Raises ValueError, which says what is wrong with what was given.
    """
    if fault := json_value.fault({**task, "context": dict(context or {})}, "the Task's spec"):
        raise ValueError(fault)
    known = dict(stubs or {})
    answers = [(step, "Approve") for step in approve] + [(step, "Reject") for step in reject] + [*act]
    found = _runner()(
        _source(template),
        {**task, "context": dict(context or {})},
        name=name,
        others=[_source(each) for each in others],
        perform=lambda name, document: _perform(known, name, document),
        stubbed=known.keys(),
        answers=answers,
        environment=environment,
    )
    return TemplateRun(found)


class TemplateRun:
    """A Task of a template that was run. ``seconds`` is how long it took, in virtual time."""

    def __init__(self, found: Mapping[str, Any], path: str = "") -> None:
        """``found`` is what the template runner returned; ``path`` says which of its Tasks this is."""
        self._found = found
        self._path = path
        self.seconds: float = found["seconds"]

    @property
    def task(self) -> Mapping[str, Any]:
        """The Task object, as it would stand on a cluster."""
        task: Mapping[str, Any] = self._found["tasks"][self._path]["object"]
        return task

    @property
    def state(self) -> str:
        """Complete, Error, ...; not terminal where the run waits for a human."""
        return str(self._status["state"])

    @property
    def outcome(self) -> str | None:
        """Succeeded, Compensated, ...; None where the run waits for a human."""
        return self._status.get("outcome")

    @property
    def message(self) -> str:
        """What it waits for, or why it ended so."""
        return str(self._status.get("message", ""))

    @property
    def result(self) -> Any:
        """What the Task yields."""
        return self._status.get("result")

    @property
    def needs_attention(self) -> str | None:
        """What a human has to decide, None where nothing."""
        wanted = (each for each in self._status.get("conditions") or () if each["type"] == "NeedsAttention")
        return next((str(each.get("message", "")) for each in wanted if each["status"] == "True"), None)

    @property
    def order(self) -> list[str]:
        """Every attempt in the order in which they began, by step: ``["charge", "charge", "charge.compensation"]``.

        Those of sub-workflows are among them, ``hotel/hold``.
        """
        return [name for name, _, _ in self._began]

    @property
    def compensated(self) -> list[str]:
        """The steps that were undone, in the order in which that began, each once."""
        undone = [name.removesuffix(".compensation") for name in self.order if name.endswith(".compensation")]
        return list(dict.fromkeys(undone))

    @property
    def started(self) -> list[tuple[str, float]]:
        """Every attempt with the second (of virtual time, from the run's beginning) at which it began."""
        first = self._found["beginning"]
        return [(name, at - first) for name, at, _ in self._began]

    def step(self, name: str) -> StepRun:
        """A step of this Task. Raises KeyError."""
        steps = {each["name"]: each for each in self._status.get("steps") or ()}
        if name not in steps:
            raise KeyError(f"there is no step {name!r}; there are: {', '.join(steps)}")
        return StepRun(steps[name])

    def attempts(self, name: str) -> int:
        """How many attempts of a step, or of its undoing (``charge.compensation``), began."""
        return self.order.count(name)

    def inputs(self, name: str) -> list[Mapping[str, Any]]:
        """The input document of each attempt of a step."""
        return [document for each, _, document in self._began if each == name]

    def sub_workflow(self, *steps: str) -> TemplateRun:
        """The Task that a step ran. Raises KeyError."""
        path = "/".join(filter(None, (self._path, *steps)))
        if path not in self._found["tasks"]:
            raise KeyError(f"there is no sub-workflow {path!r}; there are: {', '.join(self._found['tasks'])}")
        return TemplateRun(self._found, path)

    def history(self) -> dict[str, Any]:
        """What became of the Task and of its sub-workflows, the same for every run: what a golden file holds."""
        prefix = f"{self._path}/" if self._path else ""
        told = {path: each for path, each in self._found["tasks"].items() if (path + "/").startswith(prefix)}
        return {path or "(root)": histories.of_task(each["object"], each["moves"]) for path, each in told.items()}

    @property
    def _status(self) -> Mapping[str, Any]:
        status: Mapping[str, Any] = self.task["status"]
        return status

    @property
    def _began(self) -> Sequence[tuple[str, float, Mapping[str, Any]]]:
        prefix = f"{self._path}/" if self._path else ""
        mine = (each for each in self._found["began"] if each[0].startswith(prefix))
        return [(name.removeprefix(prefix), at, document) for name, at, document in mine]

    def __repr__(self) -> str:
        """What a failed assertion shows."""
        return f"<TemplateRun {self.state}/{self.outcome} after {', '.join(self.order) or 'nothing'}: {self.message}>"


class StepRun:
    """What became of a step, or of its undoing."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        """``record`` is the step's in the Task's status."""
        self.record = record

    @property
    def state(self) -> str:
        """Pending, Complete, Error, ..."""
        return str(self.record["state"])

    @property
    def outcome(self) -> str | None:
        """Succeeded, Failed, Skipped, Cancelled, ..."""
        return self.record.get("outcome")

    @property
    def attempt(self) -> int:
        """The number of its last attempt, 0 where there was none."""
        return int(self.record.get("attempt", 0))

    @property
    def result(self) -> Any:
        """What it yielded."""
        return self.record.get("result")

    @property
    def error(self) -> Mapping[str, Any] | None:
        """Its last error: ``{type, code, message, retryable}``."""
        return self.record.get("error")

    @property
    def compensation(self) -> StepRun | None:
        """What became of its undoing; None where that never began."""
        undoing = self.record.get("compensation")
        return StepRun(undoing) if undoing else None

    def __repr__(self) -> str:
        """What a failed assertion shows."""
        return f"<StepRun {self.record['name']}: {json.dumps(self.record)}>"


def _perform(known: Mapping[str, Any], name: str, document: dict[str, Any]) -> tuple[float, bytes, int]:
    if name in known:
        seconds, end = stubs.perform(known[name], document)
    else:
        complete = step_input.complete(document, f"the input of {name}")
        seconds, end = 0.0, apart(lambda: run_attempt(complete))
    return seconds, end.document, end.exit_code


def _source(source: Source) -> Path | Mapping[str, Any]:
    return source if isinstance(source, Mapping) else Path(source)


def _runner() -> Callable[..., dict[str, Any]]:
    for each in entry_points(group=_GROUP):
        return each.load()  # type: ignore[no-any-return]
    raise ValueError("a whole template needs the engine, which is not installed here: pip install kubesaga")
