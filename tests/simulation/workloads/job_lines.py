"""What is seen of Jobs and pods again and again, in the words of ``job_sightings``: the vocabulary of ``job_cases``.

What depends on who is quicker is a Maybe or a OneOf, each with its reason.
"""

from __future__ import annotations

from tests.simulation.workloads.job_sightings import Line, Maybe, OneOf

Lines = tuple[Line, ...]

NEWEST = "a kubelet that is busy tells the newest only"
GATHERED = "the Job controller gathers news for a second, in which the pod may end"
MEANWHILE = "the container may start before its kubelet hears that the pod is deleted"

# --- pods ------------------------------------------------------------------------------------------------------------

SAID_DONE, SAID_BROKEN = 'Completed 0 {"result":1}', 'Error 65 {"error":{"type":"Broken"}}'
NEVER_RAN = "Failed, bound, deleted, ContainerStatusUnknown 137"
# The first process of a container does not hear a SIGTERM that comes before it has set its trap.
KILLED_BEFORE_IT_COULD_HEED = "Failed, bound, deleted, Error 137"

CREATING = Maybe("Pending, bound, ContainerCreating", NEWEST)
BORN: Lines = ("Pending", "Pending, bound", CREATING)
RUNNING: Lines = (*BORN, "Running, bound, running")
ENDING: Lines = (
    *BORN,
    Maybe("Running, bound, running", "a kubelet under load may be seconds late, and tell of the end only"),
    Maybe(f"Running, bound, {SAID_DONE}", NEWEST),
    Maybe(f"Pending, bound, {SAID_DONE}", "the phase is Pending where it was not seen to run"),
)
SUCCEEDED: Lines = (*ENDING, f"Succeeded, bound, {SAID_DONE}")
BROKEN: Lines = (
    *BORN,
    Maybe("Running, bound, running", "it may be over before the kubelet tells of its start"),
    Maybe(f"Running, bound, {SAID_BROKEN}", "as before"),
    Maybe(f"Pending, bound, {SAID_BROKEN}", "the phase is Pending where it was not seen to run"),
    f"Failed, bound, {SAID_BROKEN}",
)
RAN_INTO_DEADLINE: Lines = (
    *BORN,
    OneOf(
        ("Running, bound, running", "Pending, bound, running"),
        "a kubelet that tells of the start only at the deadline keeps the phase until the container has ended",
    ),
    Maybe("Failed, bound, DeadlineExceeded, running", "a kubelet under load tells the deadline before the end"),
)
STOPPED: Lines = (*RUNNING, "Running, bound, deleted, running", "Failed, bound, deleted, Error 143", "gone")
FORCED: Lines = (
    *STOPPED[:-2],
    OneOf(
        ("Failed, bound, deleted, Error 143", KILLED_BEFORE_IT_COULD_HEED),
        "by force leaves the container two seconds, in which a busy node may not come to run it",
    ),
    "gone",
)
KILLED: Lines = (*RUNNING, "Running, bound, deleted, running", "Failed, bound, deleted, Error 137", "gone")
STOPPED_AT_ONCE: Lines = (
    "Pending",
    "Pending, bound",
    CREATING,
    Maybe("Running, bound, running", MEANWHILE),
    Maybe("Pending, bound, deleted", NEWEST),
    Maybe("Pending, bound, deleted, ContainerCreating", NEWEST),
    Maybe("Running, bound, deleted, running", MEANWHILE),
    OneOf((NEVER_RAN, "Failed, bound, deleted, Error 143", KILLED_BEFORE_IT_COULD_HEED), MEANWHILE),
    "gone",
)
UNSCHEDULED: Lines = ("Pending", "Pending, Unschedulable", "Pending, deleted, Unschedulable", "gone")
NOT_PULLED: Lines = (
    *BORN,
    Maybe("Pending, bound, ErrImagePull", NEWEST),
    Maybe("Pending, bound, ImagePullBackOff", "the pull may not have been given up yet"),
    Maybe("Pending, bound, ErrImagePull", "it may be tried again by then"),
    Maybe("Pending, bound, ImagePullBackOff", "and given up again"),
    OneOf(("Pending, bound, deleted, ErrImagePull", "Pending, bound, deleted, ImagePullBackOff"), "as before"),
    Maybe("Pending, bound, deleted, ImagePullBackOff", "as before"),
    Maybe("Pending, bound, deleted, ContainerCreating", "the kubelet may take the pull back"),
    NEVER_RAN,
    "gone",
)
DELETED_WHEN_DONE: Lines = (
    *ENDING,
    Maybe(f"Succeeded, bound, {SAID_DONE}", "the kubelet may be quicker than whoever deletes it"),
    Maybe(f"Running, bound, deleted, {SAID_DONE}", "as before"),
    Maybe(f"Pending, bound, deleted, {SAID_DONE}", "as before"),
    f"Succeeded, bound, deleted, {SAID_DONE}",
    "gone",
)
STOPPED_WHEN_DONE: Lines = (
    *DELETED_WHEN_DONE[:-2],
    OneOf((f"Succeeded, bound, deleted, {SAID_DONE}", f"Succeeded, bound, {SAID_DONE}"), "the stop may be too late"),
    Maybe("gone", "as before"),
)
EVICTED: Lines = (
    *RUNNING,
    "Running, bound, EvictionByEvictionAPI, running",
    "Running, bound, deleted, EvictionByEvictionAPI, running",
    "Failed, bound, deleted, EvictionByEvictionAPI, Error 143",
    "gone",
)

# --- Jobs ------------------------------------------------------------------------------------------------------------

_LATE, _LIMIT = "DeadlineExceeded", "BackoffLimitExceeded"
MET = "SuccessCriteriaMet:CompletionsReached"
HELD, RESUMED = "Suspended:JobSuspended", "Suspended=False:JobResumed"

STARTED: Lines = ("new", "active 1")
COMPLETING: Lines = (MET, f"succeeded 1, {MET}, Complete:CompletionsReached")
COMPLETE: Lines = (*STARTED, *COMPLETING)
FAILING: Lines = (f"FailureTarget:{_LIMIT}", f"failed 1, FailureTarget:{_LIMIT}, Failed:{_LIMIT}")
FAILED: Lines = (*STARTED, *FAILING)
LOST_ITS_POD: Lines = (*STARTED, Maybe("terminating 1", GATHERED), *FAILING)
ENDED_LATE: Lines = (f"FailureTarget:{_LATE}", f"FailureTarget:{_LATE}, Failed:{_LATE}")
STOPPED_LATER: Lines = (
    *STARTED,
    f"terminating 1, FailureTarget:{_LATE}",
    f"terminating 1, failed 1, FailureTarget:{_LATE}",
    f"failed 1, FailureTarget:{_LATE}",
    f"failed 1, FailureTarget:{_LATE}, Failed:{_LATE}",
)
STOPPED_EARLY: Lines = (
    *STARTED,
    "terminating 1",
    Maybe(f"terminating 1, FailureTarget:{_LATE}", "the pod may be over before the Job is a second old"),
    *ENDED_LATE,
)
STOPPED_AFTER_ITS_POD: Lines = (
    *STARTED,
    f"FailureTarget:{_LATE}",
    f"succeeded 1, FailureTarget:{_LATE}, Failed:{_LATE}",
)
LOST_A_POD_THAT_WAS_DONE: Lines = (*STARTED, Maybe("terminating 1", GATHERED), *COMPLETING)
DELETED_WITH_ITS_POD: Lines = (
    *STARTED,
    "deleted, active 1",
    Maybe("deleted, terminating 1", GATHERED),
    Maybe("deleted", GATHERED),
    "gone",
)
DELETED_WITHOUT_ITS_POD: Lines = (
    *STARTED,
    "deleted, active 1",
    Maybe("deleted", "the Job controller may look again between the pod's release and the end"),
    "gone",
)
REPLACED_ITS_POD: Lines = (
    *STARTED,
    Maybe("terminating 1", GATHERED),
    Maybe("new", "there is no pod for the backoff of ten seconds"),
    "active 1",
    *COMPLETING,
)
