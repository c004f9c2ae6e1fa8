"""A step: what it runs, what it waits for, and how it is retried and undone."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from kubesaga.api.constants import MAX_DEPENDENCIES, MAX_MAPPINGS
from kubesaga.api.models.base import Expression, FreeObject, Model, StepName, Text, Timeout, cel
from kubesaga.api.models.kubernetes import PodSettings, Resources
from kubesaga.api.models.programs import ContainerProgram, HandlerProgram
from kubesaga.api.models.reference import TemplateRef
from kubesaga.api.models.retry import RetrySettings
from kubesaga.engine.vocabulary import CompensationWhen, OnTimeout

PROGRAMS = ("handler", "container")
KINDS = (*PROGRAMS, "task", "approval")

Dependencies = Annotated[tuple[StepName, ...], Field(max_length=MAX_DEPENDENCIES)]


def _one_of(kinds: tuple[str, ...], message: str) -> tuple[str, str]:
    return " + ".join(f"(has(self.{kind}) ? 1 : 0)" for kind in kinds) + " == 1", message


class CompensationSpec(Model):
    """How the step's work is undone. Empty: the step's own handler, by its method `compensate`; of a sub-workflow, by
    compensating the child Task."""

    model_config = ConfigDict(
        json_schema_extra={
            **cel(("!(has(self.handler) && has(self.container))", "handler and container exclude each other")),
            "not": {"required": [*PROGRAMS]},
        }
    )

    handler: HandlerProgram | None = None
    """Another handler."""
    container: ContainerProgram | None = None
    """Any program."""
    when: CompensationWhen = CompensationWhen.STARTED
    """Started: once any attempt was enqueued. Succeeded: unless the step reported that it failed."""
    retry: RetrySettings | None = None
    """The compensation's own retries, over the defaults."""
    timeout: Timeout | None = None
    """Of one attempt, from the start of its pod; default: the template's."""


class ApprovalSpec(Model):
    """A step without a pod: it waits for a TaskAction of type Approve or Reject. Empty: for as long as it takes."""

    timeout: Timeout | None = None
    """How long it waits; default: for ever."""
    on_timeout: OnTimeout = OnTimeout.FAIL
    """What becomes of the step when nobody has answered in time: it fails for good, counts as approved, or is
    skipped."""


ContextFrom = Annotated[dict[str, Expression], Field(max_length=MAX_MAPPINGS)]


class ChildTaskSpec(Model):
    """A sub-workflow: a child Task in the same namespace, one for ever; a retry of the step reopens it."""

    template_ref: TemplateRef
    """Which template the child Task runs."""
    context: FreeObject | None = None
    """Values of the child's context."""
    context_from: ContextFrom | None = None
    """Further values of the child's context: name → CEL over `context`, `steps` and `task`, as in `when`."""


class ProgramStep(Model):
    """What the steps of the workflow and those of `finally` have in common."""

    name: StepName
    """Unique among steps and finally, snake_case, at most 40 characters."""
    description: Text | None = None
    """For readers."""
    depends_on: Dependencies | None = None
    """Steps that must be done before this one starts; it sees their results and those of all before them."""
    handler: HandlerProgram | None = None
    """What the step runs: Python code on the Kubesaga SDK."""
    container: ContainerProgram | None = None
    """What the step runs: any program."""
    when: Expression | None = None
    """CEL that says whether the step runs, over `context` (the Task's, with the template's defaults), `steps` (those
    before this one, by name: result, state, outcome, error, metadata) and `task`. False: the step is skipped."""
    retry: RetrySettings | None = None
    """When a failed attempt is tried again, over the defaults."""
    timeout: Timeout | None = None
    """Of one attempt, from the start of its pod; default: the template's."""
    start_timeout: Timeout | None = None
    """How long an attempt may take from being enqueued to running; default: the template's, else 10m."""
    resources: Resources | None = None
    """What the container needs and gets; requests and limits merged by name over the template's."""
    pod: PodSettings | None = None
    """How the pod is placed and what it may use, over the template's."""


class StepSpec(ProgramStep):
    """One step of the workflow."""

    model_config = ConfigDict(
        json_schema_extra={
            **cel(
                _one_of(KINDS, "a step has exactly one of handler, container, task and approval"),
                (
                    "!has(self.compensation) || has(self.handler) || has(self.task) || has(self.compensation.handler)"
                    " || has(self.compensation.container)",
                    "nothing undoes a container or an approval: give the compensation a handler or a container",
                ),
            ),
            "oneOf": [{"required": [kind]} for kind in KINDS],
        }
    )

    run_after: Dependencies | None = None
    """Steps that must be over, in whatever way, before this one starts. No failure spreads along it."""
    task: ChildTaskSpec | None = None
    """What the step runs: another template, as a child Task whose result is the step's."""
    approval: ApprovalSpec | None = None
    """What the step waits for: a human's word."""
    continue_on_error: bool = False
    """A failure of this step does not fail the Task: those that depend on it start all the same."""
    skippable: bool = False
    """Whether Task.spec.bypassSteps and a TaskAction may skip it."""
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    """Higher starts first where parallelism sets a limit."""
    result_schema: FreeObject | None = None
    """JSON Schema (draft 2020-12) that the step's result must satisfy, under the rules of inputSchema. A result that
    does not is a permanent failure."""
    compensation: CompensationSpec | None = None
    """How the step's work is undone if the Task fails under failureStrategy Compensate."""


class FinallyStepSpec(ProgramStep):
    """A step that runs when everything else is over, whatever the outcome. Its failure does not change the outcome."""

    model_config = ConfigDict(
        json_schema_extra={
            **cel(_one_of(PROGRAMS, "a step of finally has either a handler or a container")),
            "oneOf": [{"required": [kind]} for kind in PROGRAMS],
        }
    )

    depends_on: Dependencies | None = None
    """Steps of finally that must be done before this one starts. All steps of the workflow are over by then: it sees
    their results without naming them."""
