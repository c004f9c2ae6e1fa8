"""The words that every part of Kubesaga shares: states, events, outcomes, strategies.

They are the stable identifiers of docs, status fields and metrics. The API's schemas are generated from
these enumerations, so a word is written down once.
"""

from __future__ import annotations

from enum import StrEnum


class TaskState(StrEnum):
    """Where a Task is: Tasker's twelve states and Compensating."""

    PENDING = "Pending"
    INITIALIZING = "Initializing"
    ENQUEUING_STEPS = "EnqueuingSteps"
    STEPS_IN_PROCESS = "StepsInProcess"
    EVALUATING_RESULTS = "EvaluatingResults"
    WAITING_FOR_DEPENDENCIES = "WaitingForDependencies"
    WAITING_FOR_RETRY = "WaitingForRetry"
    BLOCKED_BY_FAILURES = "BlockedByFailures"
    COMPENSATING = "Compensating"
    COMPLETE = "Complete"
    ERROR = "Error"
    CANCELLED = "Cancelled"
    RESOLVED_MANUALLY = "ResolvedManually"


class TaskEvent(StrEnum):
    """What moves a Task from one state to another."""

    START = "Start"
    INVALID_REQUEST = "InvalidRequest"
    DUPLICATE = "Duplicate"
    STEPS_READY = "StepsReady"
    STEPS_ENQUEUED = "StepsEnqueued"
    STEP_FINISHED = "StepFinished"
    STILL_RUNNING = "StillRunning"
    WOKEN = "Woken"
    NOTHING_READY = "NothingReady"
    RETRY_SCHEDULED = "RetryScheduled"
    RETRY_DUE = "RetryDue"
    PERMANENT_FAILURE = "PermanentFailure"
    GIVE_UP = "GiveUp"
    ALL_STEPS_DONE = "AllStepsDone"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    CANCEL = "Cancel"
    RESOLVE = "Resolve"
    REOPEN = "Reopen"
    COMPENSATE_REQUESTED = "CompensateRequested"
    COMPENSATION_DONE = "CompensationDone"
    ABANDONED = "Abandoned"


class TaskOutcome(StrEnum):
    """How a finished Task ended."""

    SUCCEEDED = "Succeeded"
    PARTIALLY_SUCCEEDED = "PartiallySucceeded"
    FAILED = "Failed"
    ABORTED = "Aborted"
    INVALID_REQUEST = "InvalidRequest"
    DUPLICATE = "Duplicate"
    COMPENSATED = "Compensated"
    COMPENSATION_FAILED = "CompensationFailed"
    CANCELLED = "Cancelled"
    RESOLVED_MANUALLY = "ResolvedManually"


class StepState(StrEnum):
    """Where a step (or a compensation) is: Tasker's ten states."""

    PENDING = "Pending"
    ENQUEUED = "Enqueued"
    IN_PROGRESS = "InProgress"
    ENQUEUED_FOR_ORCHESTRATION = "EnqueuedForOrchestration"
    ENQUEUED_AS_ERROR_FOR_ORCHESTRATION = "EnqueuedAsErrorForOrchestration"
    WAITING_FOR_RETRY = "WaitingForRetry"
    COMPLETE = "Complete"
    ERROR = "Error"
    CANCELLED = "Cancelled"
    RESOLVED_MANUALLY = "ResolvedManually"


class StepEvent(StrEnum):
    """What moves a step from one state to another."""

    ENQUEUE = "Enqueue"
    START = "Start"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ACCEPT = "Accept"
    REFUSE = "Refuse"
    SCHEDULE_RETRY = "ScheduleRetry"
    RETRY_DUE = "RetryDue"
    FAIL = "Fail"
    SKIP = "Skip"
    RESET = "Reset"
    REOPEN = "Reopen"
    REARM = "Rearm"
    CANCEL = "Cancel"
    COMPLETE_MANUALLY = "CompleteManually"
    RESOLVE_MANUALLY = "ResolveManually"


class StepOutcome(StrEnum):
    """How a finished step ended."""

    SUCCEEDED = "Succeeded"
    SKIPPED = "Skipped"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    RESOLVED_MANUALLY = "ResolvedManually"


class StepKind(StrEnum):
    """What a step is: work in a Job, a sub-workflow in a child Task, or a human's word."""

    PROGRAM = "Program"
    TASK = "Task"
    APPROVAL = "Approval"


class Role(StrEnum):
    """Which of a step's two programs an attempt runs."""

    FORWARD = "forward"
    COMPENSATION = "compensation"


class FailureStrategy(StrEnum):
    """What a step that failed for good does to its Task."""

    ABORT = "Abort"
    CONTINUE = "Continue"
    COMPENSATE = "Compensate"


class RunningSteps(StrEnum):
    """What a failing Task does to the steps that still run."""

    DRAIN = "Drain"
    TERMINATE = "Terminate"


class Backoff(StrEnum):
    """How the delay grows from one retry to the next."""

    NONE = "None"
    FIXED = "Fixed"
    LINEAR = "Linear"
    EXPONENTIAL = "Exponential"
    FIBONACCI = "Fibonacci"


class Jitter(StrEnum):
    """How much of a delay is drawn at random (replayably): nothing, all of it, or its second half."""

    NONE = "None"
    FULL = "Full"
    EQUAL = "Equal"


class CompensationWhen(StrEnum):
    """From when on a step's work may have to be undone."""

    STARTED = "Started"
    SUCCEEDED = "Succeeded"


class RuleAction(StrEnum):
    """What a retry rule does with a failed attempt. Ignore: tried again, and not counted."""

    RETRY = "Retry"
    FAIL = "Fail"
    IGNORE = "Ignore"


class OnTimeout(StrEnum):
    """What becomes of an approval that nobody gave or refused in time."""

    FAIL = "Fail"
    APPROVE = "Approve"
    SKIP = "Skip"


class IdentityStrategy(StrEnum):
    """Which Tasks of one template are the same request."""

    ALWAYS_UNIQUE = "AlwaysUnique"
    STRICT = "Strict"
    CALLER_PROVIDED = "CallerProvided"


class StaleAction(StrEnum):
    """What becomes of a Task that waits longer than its template's lifecycle allows."""

    MARK = "Mark"
    FAIL = "Fail"


class DesiredState(StrEnum):
    """What the user wants of a Task: the one part of the request that may change."""

    RUNNING = "Running"
    SUSPENDED = "Suspended"
    CANCELLED = "Cancelled"


class DeletionPolicy(StrEnum):
    """What deleting a live Task does: everything goes at once, or its work is undone first."""

    DELETE = "Delete"
    COMPENSATE = "Compensate"


class ActionType(StrEnum):
    """What a human may do to a Task or a step by a TaskAction."""

    RETRY = "Retry"
    COMPLETE = "Complete"
    RESOLVE = "Resolve"
    SKIP = "Skip"
    FAIL = "Fail"
    APPROVE = "Approve"
    REJECT = "Reject"
    RETRY_COMPENSATION = "RetryCompensation"
    MARK_COMPENSATED = "MarkCompensated"
    CONFIRM_STOPPED = "ConfirmStopped"
    GIVE_UP = "GiveUp"
    ABANDON = "Abandon"


class ActionPhase(StrEnum):
    """What became of a TaskAction."""

    APPLIED = "Applied"
    REJECTED = "Rejected"


class EndingTrigger(StrEnum):
    """Why a Task is ending. Parent: its parent cancelled it. Requested: its parent has it undone."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    DEADLINE = "Deadline"
    STALE = "Stale"
    CANCELLED = "Cancelled"
    PARENT = "Parent"
    DELETED = "Deleted"
    RESOLVED = "Resolved"
    REQUESTED = "Requested"


class EndingPhase(StrEnum):
    """How far the ending of a Task has come."""

    QUIESCING = "Quiescing"
    COMPENSATING = "Compensating"
    FINALLY = "Finally"
    DONE = "Done"


class StopAction(StrEnum):
    """What becomes of an attempt once it has been stopped. Act: what the TaskAction that waits for it says."""

    CANCEL = "Cancel"
    FAIL = "Fail"
    ACT = "Act"
