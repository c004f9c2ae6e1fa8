"""What befalls a Job, case by case, and what is seen of it: the contract of the simulated workloads with Kubernetes.

Each case is played on the simulation (``test_job_cases``) and on a real cluster (``test_simulated_jobs`` there); both
must show the lines that it expects. They were read off a Kubernetes 1.34, idle and far beyond its load.
"""

from __future__ import annotations

from tests.simulation.plan import Outcome
from tests.simulation.workloads import job_lines as seen
from tests.simulation.workloads.job_case import WORKS, Act, JobCase

_SLEEP = "trap 'exit 143' TERM; sleep {} & wait $!"
_DONE = "printf %s '{\"result\":1}' > $KUBESAGA_RESULT_FILE"
_BROKEN = 'printf %s \'{"error":{"type":"Broken"}}\' > $KUBESAGA_RESULT_FILE; exit 65'

WORK = f"{_SLEEP.format(6)}; {_DONE}"  # long enough for a kubelet that is late to tell that it runs
LONG_WORK = f"{_SLEEP.format(30)}; {_DONE}"
FOR_EVER = _SLEEP.format(600)
HEEDLESS = "trap '' TERM; i=0; while [ $i -lt 120 ]; do sleep 1; i=$((i+1)); done"
WORKS_LONG = Outcome(30.0, {"result": 1})
ENDLESS = Outcome(None)
DEAF = Outcome(None, grace=None)

ENDING_BY_ITSELF = (
    JobCase("succeeds", seen.COMPLETE, (seen.SUCCEEDED,), WORK, WORKS),
    JobCase("fails", seen.FAILED, (seen.BROKEN,), _BROKEN, Outcome(0.05, {"error": {"type": "Broken"}}, 65)),
    JobCase(
        "times-out",
        seen.FAILED,
        ((*seen.RAN_INTO_DEADLINE, "Failed, bound, DeadlineExceeded, Error 143"),),
        FOR_EVER,
        ENDLESS,
        timeout=30,
    ),
    JobCase(
        "times-out-deaf",
        seen.FAILED,
        ((*seen.RAN_INTO_DEADLINE, "Failed, bound, DeadlineExceeded, Error 137"),),
        HEEDLESS,
        DEAF,
        timeout=30,
        grace=3,
    ),
)
STOPPED_BY_THE_OPERATOR = (
    JobCase("stopped", seen.STOPPED_LATER, (seen.STOPPED,), FOR_EVER, ENDLESS, (Act("running", "stop", 2),)),
    JobCase("stopped-deaf", seen.STOPPED_LATER, (seen.KILLED,), HEEDLESS, DEAF, (Act("running", "stop", 2),), grace=3),
    JobCase(
        "stopped-at-once",
        seen.STOPPED_EARLY,
        (seen.STOPPED_AT_ONCE,),
        FOR_EVER,
        ENDLESS,
        (Act("bound", "stop"),),
        job_if_late=(seen.STOPPED_LATER,),
    ),
    JobCase(
        "stopped-unscheduled",
        seen.STOPPED_EARLY,
        (seen.UNSCHEDULED,),
        acts=(Act("unscheduled", "stop"),),
        job_if_late=(seen.STOPPED_LATER,),
        pod={"nodeSelector": {"kubesaga.dev/test": "nowhere"}},
    ),
    JobCase(
        "stopped-not-pulled",
        seen.STOPPED_LATER,
        (seen.NOT_PULLED,),
        outcome=Outcome(starts=False),
        acts=(Act("not pulled", "stop", 2),),
        image="kubesaga-no-such-image:dev",
    ),
    JobCase(
        "stopped-when-done",
        seen.STOPPED_LATER,
        (seen.STOPPED_WHEN_DONE,),
        WORK,
        WORKS,
        (Act("ended", "stop"),),
        job_if_late=(seen.STOPPED_AFTER_ITS_POD, seen.COMPLETE),
    ),
    JobCase("stopped-when-over", seen.COMPLETE, (seen.SUCCEEDED,), WORK, WORKS, (Act("over", "stop"),)),
    JobCase("fence", ("new", *seen.ENDED_LATE), (), is_fence=True),
    JobCase(
        "stopped-while-held",
        ("new", seen.HELD),
        (),
        acts=(Act("suspended", "stop"),),
        is_suspended=True,
        ends=False,
    ),
)
DELETED_BY_OTHERS = (
    JobCase(
        "job-deleted",
        (*seen.STARTED, "gone"),
        (seen.STOPPED,),
        FOR_EVER,
        ENDLESS,
        (Act("running", "Background", 2),),
    ),
    JobCase(
        "job-deleted-foreground",
        seen.DELETED_WITH_ITS_POD,
        (seen.STOPPED,),
        FOR_EVER,
        ENDLESS,
        (Act("running", "Foreground", 2),),
    ),
    JobCase(
        "job-deleted-alone",
        seen.DELETED_WITHOUT_ITS_POD,
        (seen.SUCCEEDED,),
        LONG_WORK,
        WORKS_LONG,
        (Act("running", "Orphan", 2),),
    ),
    JobCase(
        "job-deleted-when-over",
        (*seen.COMPLETE, "gone"),
        ((*seen.SUCCEEDED, f"Succeeded, bound, deleted, {seen.SAID_DONE}", "gone"),),
        WORK,
        WORKS,
        (Act("over", "Background", 1),),
    ),
    JobCase("pod-deleted", seen.LOST_ITS_POD, (seen.STOPPED,), FOR_EVER, ENDLESS, (Act("running", "delete pod", 2),)),
    JobCase("pod-forced", seen.LOST_ITS_POD, (seen.FORCED,), FOR_EVER, ENDLESS, (Act("running", "force pod", 2),)),
    JobCase(
        "pod-deleted-when-done",
        seen.LOST_A_POD_THAT_WAS_DONE,
        (seen.DELETED_WHEN_DONE,),
        WORK,
        WORKS,
        (Act("ended", "delete pod"),),
    ),
    JobCase(
        "evicted",
        seen.REPLACED_ITS_POD,
        (seen.EVICTED, seen.SUCCEEDED),
        LONG_WORK,
        WORKS_LONG,
        (Act("running", "evict", 2),),
    ),
)
RESUMED = JobCase(
    "resumed",
    (
        "new",
        seen.HELD,
        f"active 1, {seen.RESUMED}",
        f"{seen.RESUMED}, {seen.MET}",
        f"succeeded 1, {seen.RESUMED}, {seen.MET}, Complete:CompletionsReached",
    ),
    (seen.SUCCEEDED,),
    WORK,
    WORKS,
    (Act("suspended", "resume"),),
    is_suspended=True,
)
CASES = (*ENDING_BY_ITSELF, *STOPPED_BY_THE_OPERATOR, *DELETED_BY_OTHERS, RESUMED)
