"""Retries on real pods: rules, limits of time, and programs that ask for time themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubesaga.api.times import epoch
from tests.cluster import tasks
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import report, sh, use_up_memory

Ends = dict[str, Manifest]

NO_WAIT = {"backoff": "None"}
DECLINED = report(
    {"error": {"type": "CardDeclined", "types": ["CardDeclined", "PaymentError"], "code": "51", "message": "no"}}
)
WAIT = 2.0
PATIENT = report({"error": {"type": "Busy", "message": "later", "retryable": True, "retryAfter": WAIT}})


def _rules(*rules: Manifest, attempts: int = 3) -> Manifest:
    return {"maxAttempts": attempts, **NO_WAIT, "rules": list(rules)}


def workflows() -> list[Manifest]:
    """Every workflow of this file with its Task."""
    second = f"[ $KUBESAGA_ATTEMPT -ge 2 ] || {{ {PATIENT}; exit 1; }}"
    little = {"limits": {"memory": "64Mi"}, "requests": {"memory": "16Mi"}}  # and yet enough to start a container in
    return [
        *tasks.workflow(
            "by-code", sh("work", f"{DECLINED}; exit 1", retry=_rules({"onErrorCodes": ["51"], "action": "Fail"}))
        ),
        *tasks.workflow(
            "by-base-class",
            sh("work", f"{DECLINED}; exit 1", retry=_rules({"onErrorTypes": ["PaymentError"], "action": "Fail"})),
        ),
        *tasks.workflow("by-exit-code", sh("work", "exit 65", retry=_rules({"onExitCodes": [65], "action": "Retry"}))),
        *tasks.workflow(
            "by-any",
            sh(
                "work",
                "exit 1",
                retry=_rules({"onExitCodes": [2], "action": "Retry"}, {"onErrorTypes": ["*"], "action": "Fail"}),
            ),
        ),
        *tasks.workflow(
            "ignored",
            sh(
                "work",
                "[ $KUBESAGA_ATTEMPT -ge 4 ] || exit 7",
                retry=_rules({"onExitCodes": [7], "action": "Ignore"}, attempts=1),
            ),
        ),
        *tasks.workflow(
            "by-pod-reason",
            sh(
                "work",
                use_up_memory(),
                resources=little,
                retry=_rules({"onPodReasons": ["OOMKilled"], "action": "Fail"}),
            ),
        ),
        *tasks.workflow("asks-for-time", sh("work", second, retry={"maxAttempts": 2, **NO_WAIT})),
        *tasks.workflow(
            "out-of-time",
            sh(
                "work",
                "exit 1",
                retry={
                    "maxAttempts": 9,
                    "backoff": "Fixed",
                    "initialInterval": "1h",
                    "maxInterval": "1h",
                    "maxDuration": "5m",
                },
            ),
        ),
    ]


@pytest.fixture(scope="module")
def ends(operator: Kubectl) -> Iterator[Ends]:
    """Every Task at its end, by name."""
    with fresh_namespace(operator) as kubectl:
        yield tasks.run_all(kubectl, *workflows())


@pytest.mark.parametrize(
    ("name", "attempts"),
    [
        ("by-code", 1),
        ("by-base-class", 1),
        ("by-exit-code", 3),
        ("by-any", 1),
        ("by-pod-reason", 1),
        ("out-of-time", 1),
    ],
)
def test_the_first_rule_that_matches_decides_whether_there_is_another_attempt(
    ends: Ends, name: str, attempts: int
) -> None:
    assert tasks.end_of(ends[name]) == ("Error", "Aborted")
    assert tasks.step(ends[name], "work")["attempt"] == attempts


def test_an_ignored_failure_costs_no_attempt(ends: Ends) -> None:
    found = ends["ignored"]
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 4


def test_a_program_that_asks_for_time_gets_it(ends: Ends) -> None:
    found = ends["asks-for-time"]
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 2
    assert _at(found, "ScheduleRetry") + WAIT <= _at(found, "RetryDue")


def _at(found: Manifest, event: str) -> float:
    """When the one step had its one event of this name."""
    (at,) = (each["at"] for each in found["status"]["transitions"] if "step" in each and event in each["events"])
    return epoch(at)
