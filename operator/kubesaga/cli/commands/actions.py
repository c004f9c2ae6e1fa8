"""The verbs by which a human decides about a Task: each creates a TaskAction and waits for its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubesaga.cli.arguments import OptionalStep, StepName, TaskName
from kubesaga.cli.cluster import Cluster, check_step, on_cluster, task_expected
from kubesaga.cli.groups import Section
from kubesaga.cli.inputs import parse_value, read_text, shown_name
from kubesaga.engine.vocabulary import ActionType

if TYPE_CHECKING:
    from kubesaga.client import Action, AsyncKubesaga

Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why, for whoever reads the Task's history.")
]
RequestedBy = Annotated[
    str | None,
    typer.Option("--requested-by", metavar="USER", help="Who asks for it; default: who the cluster says you are."),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until it is applied or rejected.")]
ExpectedAttempt = Annotated[
    int | None,
    typer.Option(
        "--expected-attempt", metavar="N", min=0, help="Have it rejected if the step is past this attempt by then."
    ),
]
Result = Annotated[
    str | None,
    typer.Option("--result", metavar="JSON|@FILE", help="The result, as JSON or YAML or from a file; null is one too."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands: dict[str, Callable[..., None]] = {
        "retry": retry,
        "complete": complete,
        "resolve": resolve,
        "skip": skip,
        "fail": fail,
        "approve": approve,
        "reject": reject,
        "give-up": give_up,
        "retry-compensation": retry_compensation,
        "mark-compensated": mark_compensated,
        "abandon": abandon,
        "confirm-stopped": confirm_stopped,
    }
    for name, command in commands.items():
        app.command(name, rich_help_panel=Section.ACT)(on_cluster(command))


def retry(
    cluster: Cluster,
    task: TaskName,
    step: OptionalStep = None,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Run a failed step again, or everything that failed.

    Its attempts are counted anew; a Task that has ended in Error is taken up again.
    """
    _act(cluster, ActionType.RETRY, task, step, reason, requested_by, no_wait, expected_attempt)


def complete(
    cluster: Cluster,
    task: TaskName,
    step: StepName,
    result: Result = None,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Declare a step done, with a result by hand.

    The step's resultSchema holds for it.
    """
    _act(cluster, ActionType.COMPLETE, task, step, reason, requested_by, no_wait, expected_attempt, result)


def resolve(
    cluster: Cluster,
    task: TaskName,
    step: OptionalStep = None,
    result: Result = None,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Declare a step, or the Task, settled without running it."""
    _act(cluster, ActionType.RESOLVE, task, step, reason, requested_by, no_wait, expected_attempt, result)


def skip(
    cluster: Cluster,
    task: TaskName,
    step: StepName,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Leave a step out that its template has as skippable."""
    _act(cluster, ActionType.SKIP, task, step, reason, requested_by, no_wait, expected_attempt)


def fail(
    cluster: Cluster,
    task: TaskName,
    step: StepName,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Declare a step failed for good."""
    _act(cluster, ActionType.FAIL, task, step, reason, requested_by, no_wait, expected_attempt)


def approve(
    cluster: Cluster,
    task: TaskName,
    step: StepName,
    result: Result = None,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Answer an approval with yes.

    Its result is the one given, else who approved it and why.
    """
    _act(cluster, ActionType.APPROVE, task, step, reason, requested_by, no_wait, expected_attempt, result)


def reject(
    cluster: Cluster,
    task: TaskName,
    step: StepName,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Answer an approval with no: it has failed for good."""
    _act(cluster, ActionType.REJECT, task, step, reason, requested_by, no_wait, expected_attempt)


def give_up(
    cluster: Cluster,
    task: TaskName,
    reason: Reason = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """End a Task that is BlockedByFailures now, not after its blockedTimeout."""
    _act(cluster, ActionType.GIVE_UP, task, None, reason, requested_by, no_wait)


def retry_compensation(
    cluster: Cluster,
    task: TaskName,
    step: OptionalStep = None,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Try again to undo a step, or every one whose undoing is stuck."""
    _act(cluster, ActionType.RETRY_COMPENSATION, task, step, reason, requested_by, no_wait, expected_attempt)


def mark_compensated(
    cluster: Cluster,
    task: TaskName,
    step: StepName,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Declare a step undone by hand."""
    _act(cluster, ActionType.MARK_COMPENSATED, task, step, reason, requested_by, no_wait, expected_attempt)


def abandon(
    cluster: Cluster,
    task: TaskName,
    reason: Reason = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """End a Task whose undoing is stuck, with what is not undone left as it is."""
    _act(cluster, ActionType.ABANDON, task, None, reason, requested_by, no_wait)


def confirm_stopped(
    cluster: Cluster,
    task: TaskName,
    step: StepName,
    reason: Reason = None,
    expected_attempt: ExpectedAttempt = None,
    requested_by: RequestedBy = None,
    no_wait: NoWait = False,
) -> None:
    """Give your word that nothing of a step runs any more.

    For a Task that waits because a pod, or its node, cannot be seen to have stopped.
    """
    _act(cluster, ActionType.CONFIRM_STOPPED, task, step, reason, requested_by, no_wait, expected_attempt)


def _act(
    cluster: Cluster,
    type_: ActionType,
    task: str,
    step: str | None,
    reason: str | None,
    requested_by: str | None,
    no_wait: bool,
    expected_attempt: int | None = None,
    result: str | None = None,
) -> None:
    given: dict[str, Any] = {} if result is None else {"result": _result(result)}

    async def do(saga: AsyncKubesaga) -> Action:
        async with task_expected(saga, task):
            found = await saga.get(task)
            if step is not None and found.steps:
                check_step(task, step, [each.name for each in found.steps])
            return await saga.act(
                task,
                type_,
                step=step,
                reason=reason,
                requested_by=requested_by,
                expected_attempt=expected_attempt,
                wait=not no_wait,
                **given,
            )

    action = cluster.run(do)
    if no_wait:
        print(f"TaskAction {action.name} created")
    else:
        print(f"{action.phase}: {action.message}")


def _result(written: str) -> Any:
    if written.startswith("@"):
        return parse_value(read_text(written[1:]), shown_name(written[1:]))
    return parse_value(written, "--result")
