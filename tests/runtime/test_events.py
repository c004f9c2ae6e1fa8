"""Events: written in the background, repeats counted, and dropped rather than waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kubesaga.kube.client import KubeError
from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Obj
from kubesaga.runtime.events import CAPACITY, NOTE_LIMIT, EventRecorder

from . import virtual
from .memory import MemoryKube, failing_first, no_answer, refusing

TASK: Obj = {
    "apiVersion": "kubesaga.dev/v1alpha1",
    "kind": "Task",
    "metadata": {"namespace": "shop", "name": "order-1", "uid": "u1", "resourceVersion": "7"},
    "status": {"state": "Error"},
}


def recorded(use: Callable[[MemoryKube, EventRecorder], Awaitable[None]]) -> MemoryKube:
    """Run ``use`` beside a recorder's background task, and stop it cleanly."""
    kube = MemoryKube()

    async def main() -> None:
        stop = asyncio.Event()
        recorder = EventRecorder(kube, instance="pod-0")
        running = asyncio.create_task(recorder.run(stop))
        await use(kube, recorder)
        stop.set()
        await running

    virtual.run(main())
    return kube


def dropped(reason: str) -> float:
    return metrics.REGISTRY.get_sample_value("kubesaga_events_dropped_total", {"reason": reason}) or 0


def test_an_event_says_what_happened_to_which_object() -> None:
    async def use(kube: MemoryKube, recorder: EventRecorder) -> None:
        recorder.emit(TASK, "Warning", "StepFailed", "step ship_order failed")

    (event,) = recorded(use).objects.values()
    assert event["involvedObject"] == {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "Task",
        "namespace": "shop",
        "name": "order-1",
        "uid": "u1",
        "resourceVersion": "7",
    }
    assert (event["type"], event["reason"], event["message"]) == (
        "Warning",
        "StepFailed",
        "step ship_order failed",
    )
    assert event["metadata"]["name"].startswith("order-1.")
    assert (event["count"], event["source"], event["reportingInstance"]) == (1, {"component": "kubesaga"}, "pod-0")


def test_repeats_raise_the_count_of_the_first_event() -> None:
    async def use(kube: MemoryKube, recorder: EventRecorder) -> None:
        for _ in range(3):
            recorder.emit(TASK, "Normal", "Retry", "step a is retried")
            await asyncio.sleep(60)
        recorder.emit(TASK, "Normal", "Retry", "step b is retried")

    kube = recorded(use)
    assert sorted((event["message"], event["count"]) for event in kube.objects.values()) == [
        ("step a is retried", 3),
        ("step b is retried", 1),
    ]


def test_repeats_before_the_first_is_written_cost_no_write_of_their_own() -> None:
    async def use(kube: MemoryKube, recorder: EventRecorder) -> None:
        for _ in range(50):
            recorder.emit(TASK, "Normal", "Retry", "again")

    kube = recorded(use)
    assert [event["count"] for event in kube.objects.values()] == [50]
    assert kube.writes() == 1


def test_repeats_while_one_is_being_written_are_not_forgotten() -> None:
    async def use(kube: MemoryKube, recorder: EventRecorder) -> None:
        kube.latency = 1
        recorder.emit(TASK, "Normal", "Retry", "again")
        await asyncio.sleep(0.5)
        recorder.emit(TASK, "Normal", "Retry", "again")

    assert [event["count"] for event in recorded(use).objects.values()] == [2]


def test_a_long_note_is_cut_to_what_the_api_server_takes() -> None:
    async def use(kube: MemoryKube, recorder: EventRecorder) -> None:
        recorder.emit(TASK, "Normal", "Long", "x" * 5000)

    (event,) = recorded(use).objects.values()
    assert len(event["message"]) == NOTE_LIMIT
    assert event["message"].endswith("…")


def test_an_event_that_the_api_server_has_expired_is_made_anew() -> None:
    async def use(kube: MemoryKube, recorder: EventRecorder) -> None:
        recorder.emit(TASK, "Normal", "Retry", "again")
        await asyncio.sleep(1)
        kube.objects.clear()
        recorder.emit(TASK, "Normal", "Retry", "again")

    assert [event["count"] for event in recorded(use).objects.values()] == [1]


def test_a_passing_fault_is_repeated_and_a_refusal_is_dropped_and_counted() -> None:
    before = dropped("Refused"), dropped("Failed")

    async def use(kube: MemoryKube, recorder: EventRecorder) -> None:
        kube.broken = failing_first(KubeError(0, "NoAnswer", ""), KubeError(503, "ServiceUnavailable", ""))
        recorder.emit(TASK, "Normal", "Kept", "")
        await asyncio.sleep(5)
        kube.broken = refusing(KubeError(403, "Forbidden", "namespace is being terminated"))
        recorder.emit(TASK, "Normal", "Refused", "")
        await asyncio.sleep(5)
        kube.broken = no_answer
        recorder.emit(TASK, "Normal", "Failed", "")
        await asyncio.sleep(5)

    kube = recorded(use)
    assert [event["reason"] for event in kube.objects.values()] == ["Kept"]
    assert (dropped("Refused"), dropped("Failed")) == (before[0] + 1, before[1] + 1)


def test_emitting_never_waits_and_drops_what_is_too_much() -> None:
    before = dropped("Full")

    async def use(kube: MemoryKube, recorder: EventRecorder) -> None:
        for number in range(CAPACITY + 7):
            recorder.emit(TASK, "Normal", "Flood", str(number))

    assert len(recorded(use).objects) == CAPACITY
    assert dropped("Full") == before + 7


def test_stopping_waits_two_seconds_for_a_dead_api_server_and_no_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ends = []

    async def use(kube: MemoryKube, recorder: EventRecorder) -> None:
        kube.latency = 3600
        recorder.emit(TASK, "Normal", "Lost", "")
        await asyncio.sleep(1)
        virtual.loop().call_later(2.5, lambda: ends.append("too late"))

    recorded(use)
    assert ends == []
    assert "1 events were not written" in caplog.text
