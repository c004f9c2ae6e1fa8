"""What each event of the two state machines means, in a sentence for readers.

Read by ``states``, which puts the sentences beside the tables of ``kubesaga.engine.states``; a test asks for one
sentence for each event.
"""

from __future__ import annotations

from collections.abc import Mapping

from kubesaga.engine.vocabulary import StepEvent, TaskEvent

TASK_EVENTS: Mapping[TaskEvent, str] = {
    TaskEvent.START: "its template is there and pinned",
    TaskEvent.INVALID_REQUEST: "the request breaks the template's `inputSchema` or names what the template has not",
    TaskEvent.DUPLICATE: "another Task is the same request, by the template's `identityStrategy`",
    TaskEvent.STEPS_READY: "steps can start",
    TaskEvent.STEPS_ENQUEUED: "their attempts are recorded, and their Jobs are created next",
    TaskEvent.STEP_FINISHED: "an attempt is over",
    TaskEvent.STILL_RUNNING: "nothing more can start, and attempts run",
    TaskEvent.WOKEN: (
        "an action, an approval, a child Task, a free slot, the end of a suspension, or a retry that is due beside "
        "running steps"
    ),
    TaskEvent.NOTHING_READY: (
        "nothing runs and nothing can start yet: it waits for a child Task or an approval, is suspended, or waits for "
        "a slot"
    ),
    TaskEvent.RETRY_SCHEDULED: "nothing runs, and a failed attempt is tried again later",
    TaskEvent.RETRY_DUE: "the time of a retry has come",
    TaskEvent.PERMANENT_FAILURE: "a step failed for good, or the output was refused, and nothing runs or can start",
    TaskEvent.GIVE_UP: "`blockedTimeout` is over, or the action GiveUp says so",
    TaskEvent.ALL_STEPS_DONE: "every step is done, skipped, resolved, or failed under `continueOnError`",
    TaskEvent.DEADLINE_EXCEEDED: "the template's `timeout` is over, or a limit of `lifecycle` under `action: Fail`",
    TaskEvent.CANCEL: "`desiredState: Cancelled`, its parent's word, or its deletion where that compensates",
    TaskEvent.RESOLVE: "the action Resolve without a step",
    TaskEvent.REOPEN: "an action that repairs it, or a retry of its parent's step",
    TaskEvent.COMPENSATE_REQUESTED: "its parent has it undone",
    TaskEvent.COMPENSATION_DONE: "everything that was due is undone",
    TaskEvent.ABANDONED: "the action Abandon: what is not undone stays",
}

STEP_EVENTS: Mapping[StepEvent, str] = {
    StepEvent.ENQUEUE: "another attempt is decided: `attempt` + 1, recorded before its Job exists",
    StepEvent.START: "the program runs; an approval waits; the child Task has started",
    StepEvent.SUCCEEDED: "it ended well: exit code 0 with a valid document, an approval given, a child that succeeded",
    StepEvent.FAILED: "the attempt failed: an error document, an exit code, a timeout, a pod that cannot start",
    StepEvent.ACCEPT: "the result fits `resultSchema` and the limits",
    StepEvent.REFUSE: "it does not",
    StepEvent.SCHEDULE_RETRY: "another attempt may help, and `retry` allows one",
    StepEvent.RETRY_DUE: "the time of the next attempt has come",
    StepEvent.FAIL: "no attempt is left or none would help; an expression cannot be evaluated; the action Fail",
    StepEvent.SKIP: "`when` is false, `bypassSteps` names it, an approval timed out under `Skip`, or the action Skip",
    StepEvent.RESET: "the action Retry; retries are counted anew, `attempt` goes on",
    StepEvent.REOPEN: "the Task was reopened, and the step had been cancelled with it",
    StepEvent.REARM: "a step of `finally` is to run again, since the Task was reopened",
    StepEvent.CANCEL: "the Task ends before the step has",
    StepEvent.COMPLETE_MANUALLY: "the action Complete, with a result",
    StepEvent.RESOLVE_MANUALLY: "the action Resolve: a human settled it, without a result",
}
