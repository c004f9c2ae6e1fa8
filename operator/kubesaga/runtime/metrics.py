"""What the operator tells Prometheus: one registry of ``kubesaga_*`` metrics and the functions that feed it.

Counting never fails and never waits. Labels take their values from the engine's vocabulary and from
templates; the one open set, the error types that programs report, is cut off (``OTHER``) so that no program
can blow up the series. Served by ``health`` under /metrics.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kubesaga import __version__
from kubesaga.api.constants import DEFAULT_DOMAIN
from kubesaga.engine.decision import Decision
from kubesaga.engine.records import StepRecord, TaskStatus, Transition
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import Role, StepEvent, TaskState
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.queue import WorkQueue

# Else every counter has a second series, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry()
OTHER = "Other"
MAX_ERROR_TYPES = 100

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
_REMEMBERED_PODS = 4096

_reconcile_seconds = Histogram(
    "kubesaga_reconcile_seconds",
    "Time of one pass over an object",
    ["kind"],
    buckets=_FAST,
    registry=REGISTRY,
)
_reconcile_errors = Counter(
    "kubesaga_reconcile_errors", "Passes that failed and are repeated", ["kind", "reason"], registry=REGISTRY
)
_api_requests = Counter(
    "kubesaga_api_requests", "Own calls of the API server", ["verb", "resource", "code"], registry=REGISTRY
)
_api_seconds = Histogram(
    "kubesaga_api_request_seconds",
    "Time of own calls of the API server",
    ["verb", "resource"],
    buckets=_FAST,
    registry=REGISTRY,
)
_tasks_finished = Counter(
    "kubesaga_tasks_finished", "Tasks that ended", ["outcome", "domain", "template"], registry=REGISTRY
)
_step_attempts = Counter(
    "kubesaga_step_attempts",
    "Attempts of steps that ended",
    ["role", "outcome", "error_type"],
    registry=REGISTRY,
)
_step_seconds = Histogram(
    "kubesaga_step_seconds", "Running time of steps' attempts", ["role"], buckets=_SLOW, registry=REGISTRY
)
_launch_seconds = Histogram(
    "kubesaga_launch_latency_seconds",
    "From a step's container seen to have succeeded to the Jobs that it made ready created",
    buckets=(0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5),
    registry=REGISTRY,
)
_task_actions = Counter("kubesaga_task_actions", "TaskActions that were answered", ["type", "phase"], registry=REGISTRY)
_leader = Gauge("kubesaga_leader", "1 while this process leads", registry=REGISTRY)
_events_dropped = Counter(
    "kubesaga_events_dropped", "Kubernetes Events that were not written", ["reason"], registry=REGISTRY
)
_feed_events = Counter("kubesaga_feed_events", "Objects that the watches brought", ["kind", "type"], registry=REGISTRY)
_resync_time = Gauge(
    "kubesaga_resync_last_timestamp_seconds",
    "When a kind was last listed completely",
    ["kind"],
    registry=REGISTRY,
)
_build = Gauge("kubesaga_build_info", "1, labelled with the operator's version", ["version"], registry=REGISTRY)
_build.labels(__version__).set(1)
ProcessCollector(registry=REGISTRY)


def render() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)


def reconciled(kind: str, seconds: float, error: str | None = None) -> None:
    """A pass over an object of ``kind`` took ``seconds``; ``error`` is a KubeError's reason or a class."""
    _reconcile_seconds.labels(kind).observe(seconds)
    if error is not None:
        _reconcile_errors.labels(kind, error).inc()


def api_request(verb: str, resource: str, status: int, seconds: float) -> None:
    """A call was answered with ``status`` (0: not at all) after ``seconds``."""
    _api_requests.labels(verb, resource, str(status)).inc()
    _api_seconds.labels(verb, resource).observe(seconds)


def feed_event(kind: str, type_: str | None) -> None:
    """The feed brought an object; a ``type_`` of None means from a list."""
    _feed_events.labels(kind, type_ or "LISTED").inc()


def resynced(kind: str) -> None:
    """A kind has just been listed completely."""
    _resync_time.labels(kind).set_to_current_time()


def action_answered(type_: str, phase: str) -> None:
    """A TaskAction of this type was applied or rejected."""
    _task_actions.labels(type_, phase).inc()


def leading(is_leader: bool) -> None:
    """Whether this process leads."""
    _leader.set(1 if is_leader else 0)


def event_dropped(reason: str) -> None:
    """A Kubernetes Event was given up: ``Full``, ``Refused`` or ``Failed``."""
    _events_dropped.labels(reason).inc()


_seen_pods: OrderedDict[str, float] = OrderedDict()
_succeeded_at: OrderedDict[str, float] = OrderedDict()


def container_succeeded(task_uid: str, pod_uid: str) -> None:
    """The feed saw that a pod's main container exited 0; what follows about that pod counts for nothing."""
    if pod_uid in _seen_pods:
        return
    now = time.perf_counter()
    _remember(_seen_pods, pod_uid, now)
    _remember(_succeeded_at, task_uid, now)


def _remember(kept: OrderedDict[str, float], key: str, value: float) -> None:
    kept[key] = value
    if len(kept) > _REMEMBERED_PODS:
        kept.popitem(last=False)


def record_decision(task: Mapping[str, Any], before: TaskStatus, decision: Decision) -> None:
    """Count what a carried out decision did: attempts that ended, launches, the Task's end."""
    after = decision.status
    for transition in decision.transitions:
        if transition.step is not None:
            _record_step(transition, after)
    if any(transition.event == StepEvent.SUCCEEDED for transition in decision.transitions):
        seen = _succeeded_at.pop(task["metadata"]["uid"], None)
        if seen is not None and decision.launches:
            _launch_seconds.observe(time.perf_counter() - seen)
    if after.state in TERMINAL_TASK_STATES and before.state not in TERMINAL_TASK_STATES:
        reference = task["spec"]["templateRef"]
        domain = reference.get("domain", DEFAULT_DOMAIN)
        _tasks_finished.labels(str(after.outcome), domain, reference["name"]).inc()


_error_types: set[str] = set()


def _record_step(transition: Transition, status: TaskStatus) -> None:
    role = transition.role or Role.FORWARD
    record = _record_of(transition.step, role, status)
    if transition.event == StepEvent.ACCEPT:
        _step_attempts.labels(role, "Succeeded", "").inc()
    elif transition.event in (StepEvent.FAILED, StepEvent.REFUSE):
        error = record.error.type if record is not None and record.error is not None else ""
        _step_attempts.labels(role, "Failed", _bounded(error)).inc()
    else:
        return
    if record is not None and record.started_at is not None and record.finished_at is not None:
        _step_seconds.labels(role).observe(max(0.0, record.finished_at - record.started_at))


def _record_of(step: str | None, role: Role, status: TaskStatus) -> StepRecord | None:
    record = next((record for record in status.steps if record.name == step), None)
    if record is None or role is Role.FORWARD:
        return record
    return record.compensation


def _bounded(error_type: str) -> str:
    if error_type in _error_types or len(_error_types) < MAX_ERROR_TYPES:
        _error_types.add(error_type)
        return error_type
    return OTHER


class _AtRest(Collector):
    """Reads the work queue and the cache when Prometheus asks, so that these figures cost nothing."""

    def __init__(self, queues: Mapping[str, WorkQueue], cache: Cache) -> None:
        self._queues = queues
        self._cache = cache

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily("kubesaga_queue_depth", "Objects ready for a pass", labels=["kind"])
        delayed = GaugeMetricFamily("kubesaga_queue_delayed", "Objects waiting for their time", labels=["kind"])
        adds = CounterMetricFamily("kubesaga_queue_adds", "Objects made ready for a pass", labels=["kind"])
        retries = CounterMetricFamily("kubesaga_queue_retries", "Passes repeated after a failure", labels=["kind"])
        for kind, queue in self._queues.items():
            depth.add_metric([kind], len(queue))
            delayed.add_metric([kind], queue.delayed)
            adds.add_metric([kind], queue.adds)
            retries.add_metric([kind], queue.retries)
        return [depth, delayed, adds, retries, self._tasks()]

    def _tasks(self) -> Metric:
        counts = dict.fromkeys(TaskState, 0)
        for task in self._cache.all(Kind.TASK):
            state = (task.get("status") or {}).get("state") or TaskState.PENDING
            counts[TaskState(state)] += 1
        gauge = GaugeMetricFamily("kubesaga_tasks", "Tasks by state", labels=["state"])
        for state, count in counts.items():
            gauge.add_metric([state], count)
        return gauge


_exposed: list[_AtRest] = []


def expose(queues: Mapping[str, WorkQueue], cache: Cache) -> None:
    """Have the figures of the work queues, by kind, and of ``cache`` in /metrics, instead of those before."""
    while _exposed:
        REGISTRY.unregister(_exposed.pop())
    _exposed.append(_AtRest(queues, cache))
    REGISTRY.register(_exposed[0])
