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


class EndingTrigger(StrEnum):
    """Why a Task is ending."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    DEADLINE = "Deadline"


class EndingPhase(StrEnum):
    """How far the ending of a Task has come."""

    QUIESCING = "Quiescing"
    COMPENSATING = "Compensating"
    DONE = "Done"


class StopAction(StrEnum):
    """What becomes of an attempt once it has been stopped."""

    CANCEL = "Cancel"
    FAIL = "Fail"
