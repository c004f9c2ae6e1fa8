"""The exit codes, which scripts may rely on. Every command ends with one of them; docs/cli.md lists them."""

from __future__ import annotations

from enum import IntEnum

from kubesaga.engine.vocabulary import TaskOutcome


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    NO = 1
    USAGE = 2
    NOT_FOUND = 3
    FORBIDDEN = 4
    REFUSED = 5
    UNREACHABLE = 6
    TIMEOUT = 7
    FAILED = 10
    COMPENSATED = 11
    COMPENSATION_FAILED = 12
    CANCELLED = 13
    INVALID_REQUEST = 14
    DUPLICATE = 15
    NEEDS_HUMAN = 16
    BUG = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "Done. Of a Task that was waited for: it is Succeeded, PartiallySucceeded or ResolvedManually.",
    ExitCode.NO: "The answer is no: `lint` found errors, `diff` a version that does not admit its changes, `doctor` "
    "something wrong.",
    ExitCode.USAGE: "Wrong usage, or input that cannot be read: an option, a file, its YAML or JSON.",
    ExitCode.NOT_FOUND: "There is no such Task, template, step or attempt.",
    ExitCode.FORBIDDEN: "Not authenticated, or not allowed.",
    ExitCode.REFUSED: "Refused: the action was Rejected, the object exists already or has changed meanwhile, the "
    "API server finds it invalid, or the Task has ended without what `wait --for` names.",
    ExitCode.UNREACHABLE: "The cluster cannot be reached.",
    ExitCode.TIMEOUT: "The time to wait is over.",
    ExitCode.FAILED: "The Task ended as Failed or Aborted.",
    ExitCode.COMPENSATED: "The Task ended as Compensated: what it did is undone.",
    ExitCode.COMPENSATION_FAILED: "The Task ended as CompensationFailed: something is not undone.",
    ExitCode.CANCELLED: "The Task ended as Cancelled.",
    ExitCode.INVALID_REQUEST: "The Task ended as InvalidRequest: its template or its context is wrong.",
    ExitCode.DUPLICATE: "The Task ended as Duplicate: another one is the same request.",
    ExitCode.NEEDS_HUMAN: "The Task goes no further without a human: on a cluster it needs attention (approvals, and "
    "what is suspended or blocked for a time, are waited for); a run of `kubesaga run` waits for any answer.",
    ExitCode.BUG: "A bug in this program: run it again with `--debug` and report what it prints.",
    ExitCode.INTERRUPTED: "Interrupted by Ctrl-C.",
    ExitCode.BROKEN_PIPE: "Whoever read the output has gone.",
}

_OF_OUTCOMES = {
    TaskOutcome.SUCCEEDED: ExitCode.DONE,
    TaskOutcome.PARTIALLY_SUCCEEDED: ExitCode.DONE,
    TaskOutcome.RESOLVED_MANUALLY: ExitCode.DONE,
    TaskOutcome.FAILED: ExitCode.FAILED,
    TaskOutcome.ABORTED: ExitCode.FAILED,
    TaskOutcome.COMPENSATED: ExitCode.COMPENSATED,
    TaskOutcome.COMPENSATION_FAILED: ExitCode.COMPENSATION_FAILED,
    TaskOutcome.CANCELLED: ExitCode.CANCELLED,
    TaskOutcome.INVALID_REQUEST: ExitCode.INVALID_REQUEST,
    TaskOutcome.DUPLICATE: ExitCode.DUPLICATE,
}


def of_outcome(outcome: str) -> ExitCode:
    """The code of a command that waited for a Task with this outcome. Raises ValueError for an unknown one."""
    return _OF_OUTCOMES[TaskOutcome(outcome)]
