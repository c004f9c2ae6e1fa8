"""The benchmark's pure parts: if these are wrong, every figure is. The figures themselves are no tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hack.bench import engine
from hack.bench.audit import AuditLog, by_kind, of_users, parse_writes, without_leases
from hack.bench.errors import BenchError
from hack.bench.idle import Reading
from hack.bench.report import Figure, Target
from hack.bench.stats import median, percentile, spread
from hack.bench.watch import Place, exit_code, place_of
from hack.bench.workloads import chain, fan, single
from kubesaga.engine.decide import decide
from kubesaga.engine.states import TERMINAL_TASK_STATES

OPERATOR = "system:serviceaccount:kubesaga-system:kubesaga"


def audit_line(verb: str = "patch", resource: str = "tasks", **changes: Any) -> str:
    event = {
        "kind": "Event",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": OPERATOR},
        "objectRef": {"resource": resource, "namespace": "shop", "name": "a", "subresource": "status"},
        "responseStatus": {"code": 200},
        **changes,
    }
    return json.dumps(event)


# --- statistics --------------------------------------------------------------------------------------------


def test_a_percentile_is_a_value_that_was_measured() -> None:
    hundred = list(range(1, 101))
    assert [percentile(hundred, percent) for percent in (1, 50, 99, 100)] == [1, 50, 99, 100]
    assert percentile([5.0, 1.0], 99) == 5.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0.1, 100))
def test_at_least_that_share_of_the_values_is_not_above_a_percentile(values: list[float], percent: float) -> None:
    limit = percentile(values, percent)
    assert sum(value <= limit for value in values) >= len(values) * percent / 100 - 1e-9
    assert limit in values


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_a_percentage_out_of_range_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="percentage"):
        percentile([1.0], percent)


@pytest.mark.parametrize("statistic", [median, lambda values: percentile(values, 50)])
def test_there_is_no_statistic_of_nothing(statistic: Callable[[list[float]], float]) -> None:
    with pytest.raises(ValueError, match="no values"):
        statistic([])


def test_a_spread_names_its_ranks_in_the_wanted_unit() -> None:
    seconds = [i / 1000 for i in range(1, 201)]
    assert spread(seconds, 1000) == {"count": 200, "p50": 100.0, "p90": 180.0, "p99": 198.0, "max": 200.0}


def test_a_target_is_met_up_to_its_limit_and_a_strict_one_only_below() -> None:
    assert Target("ratio", 1.10, 1.10).met
    assert not Target("ratio", 1.1001, 1.10).met
    assert not Target("cpu", 1.0, 1.0, below=True).met
    figure = Figure("x", "…", {"ratio": 2}, [Target("a", 0, 1), Target("b", 2, 1)])
    assert not figure.met
    assert figure.write()["targets"][1] == {"of": "b", "measured": 2, "target": "<= 1", "met": False}


# --- the audit log -----------------------------------------------------------------------------------------


def test_only_finished_requests_that_change_something_are_writes() -> None:
    lines = [
        audit_line(),
        audit_line("get"),
        audit_line("watch"),
        audit_line(stage="RequestReceived"),
        audit_line("deletecollection", "jobs", objectRef={"resource": "jobs", "namespace": "shop"}),
    ]
    assert [str(write) for write in parse_writes(lines)] == ["patch tasks/status", "deletecollection jobs"]


def test_a_refused_write_is_counted_and_says_with_which_code() -> None:
    lines = [audit_line(), audit_line(responseStatus={"code": 409}), audit_line()]
    assert by_kind(parse_writes(lines)) == {"patch tasks/status": 2, "patch tasks/status (409)": 1}


def test_writes_are_told_apart_by_user_and_leases_are_left_out() -> None:
    lines = [
        audit_line(),
        audit_line(user={"username": "kubernetes-admin"}),
        audit_line("update", "leases", objectRef={"resource": "leases", "namespace": "kubesaga-system"}),
    ]
    mine = of_users(parse_writes(lines), "system:serviceaccount:kubesaga-system:")
    assert [write.resource for write in mine] == ["tasks/status", "leases"]
    assert [write.resource for write in without_leases(mine)] == ["tasks/status"]


@pytest.mark.parametrize("line", ["not json", "{}", "[]", '{"stage": "ResponseComplete", "verb": "patch"}'])
def test_a_line_that_is_no_audit_event_is_an_error_and_not_a_zero(line: str) -> None:
    with pytest.raises(BenchError, match="no audit event"):
        parse_writes([line])


def test_an_audit_log_gives_what_was_added_since_it_was_opened(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text(audit_line("create") + "\n")
    log = AuditLog(path)
    assert log.read() == []
    with path.open("a") as file:
        file.write(audit_line("update") + "\n" + audit_line("delete")[:20])
    assert [write.verb for write in log.read()] == ["update"]
    with path.open("a") as file:
        file.write(audit_line("delete")[20:] + "\n")
    assert [write.verb for write in log.read()] == ["delete"]
    log.close()


def test_an_audit_log_is_followed_over_its_rotation(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_text("")
    log = AuditLog(path)
    path.write_text(audit_line("create") + "\n")
    path.rename(tmp_path / "audit-1.log")
    path.write_text(audit_line("update") + "\n")
    assert [write.verb for write in log.read()] == ["create", "update"]
    assert log.read() == []
    log.close()


# --- the operator's metrics --------------------------------------------------------------------------------

METRICS = """\
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1.048576e+08
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.0
# TYPE kubesaga_api_requests_total counter
kubesaga_api_requests_total{code="200",resource="tasks/status",verb="PATCH"} 7
kubesaga_api_requests_total{code="409",resource="tasks/status",verb="PATCH"} 1
kubesaga_api_requests_total{code="200",resource="leases",verb="PUT"} 99
kubesaga_api_requests_total{code="200",resource="tasks",verb="GET"} 50
# TYPE kubesaga_resync_last_timestamp_seconds gauge
kubesaga_resync_last_timestamp_seconds{kind="tasks"} 5
"""


def test_the_operators_metrics_are_read_with_its_writes_but_the_leases() -> None:
    reading = Reading.parse(METRICS, 3.0)
    assert (reading.cpu_seconds, reading.rss_bytes, reading.own_writes) == (12.5, 100 * 2**20, 8)
    assert reading.sweeps == {5}


def test_a_missing_metric_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(BenchError, match="process_cpu_seconds_total"):
        Reading.parse(METRICS.replace("process_cpu_seconds_total", "other"), 3.0)


# --- what is run -------------------------------------------------------------------------------------------


def test_a_fan_waits_for_its_root_and_its_join_for_all() -> None:
    workload = fan(3)
    assert workload.children == {"root": ["s0", "s1", "s2"], "s0": ["join"], "s1": ["join"], "s2": ["join"], "join": []}
    assert workload.steps == 5
    assert chain(3).children == {"s0": ["s1"], "s1": ["s2"], "s2": []}
    assert (single(100).steps, len(set(single(100).runs("x")))) == (100, 100)


def test_the_floor_runs_the_pod_that_kubesaga_would_run_under_labels_that_the_operator_does_not_watch() -> None:
    jobs = chain(2).step_jobs("run", "ns")
    pod = jobs["s1"]["spec"]["template"]
    assert set(jobs) == {"s0", "s1"}
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["tmp"]
    assert "KUBESAGA_INPUT" in [one["name"] for one in pod["spec"]["containers"][0]["env"]]
    assert place_of(pod) == Place("run", "s1")
    assert not [label for label in pod["metadata"]["labels"] if label.startswith("kubesaga.dev/")]


def test_a_pod_ends_with_its_steps_container_and_not_with_another() -> None:
    running = {"name": "step", "state": {"running": {}}}
    ended = {"name": "step", "state": {"terminated": {"exitCode": 3}}}
    sidecar = {"name": "proxy", "state": {"terminated": {"exitCode": 0}}}
    assert exit_code({"status": {}}) is None
    assert exit_code({"status": {"containerStatuses": [sidecar, running]}}) is None
    assert exit_code({"status": {"containerStatuses": [sidecar, ended]}}) == 3


@pytest.mark.parametrize("all_at_once", [False, True])
@pytest.mark.parametrize("shape", engine.shapes(10), ids=lambda shape: shape.name)
def test_the_passes_that_are_timed_lead_a_task_to_its_end(shape: engine.Shape, *, all_at_once: bool) -> None:
    snapshots = list(engine.passes(shape.plan, all_at_once=all_at_once))
    decisions = [decide(shape.plan, snapshot, engine.NOW) for snapshot in snapshots]
    assert sum(len(decision.launches) for decision in decisions) == 10
    assert decisions[-1].status.state in TERMINAL_TASK_STATES
    assert len(snapshots) == 11 or (all_at_once and len(snapshots) < 11)
