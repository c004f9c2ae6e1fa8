"""Large results in ConfigMaps: written once, checked when read, and remembered within a budget."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from kubesaga.engine.decision import Blob
from kubesaga.engine.records import ResultRef, StepRecord, TaskStatus
from kubesaga.engine.vocabulary import DeletionPolicy
from kubesaga.kube.client import KubeError, configmaps_path
from kubesaga.runtime.configmaps import NameTaken
from kubesaga.runtime.refusals import refusal_of, result_missing
from kubesaga.runtime.results import ResultMissing, Results, refs_of
from tests.runtime.memory import MemoryKube, no_answer, well

T = TypeVar("T")

TASK = {"metadata": {"name": "order-1", "namespace": "shop", "uid": "uid-1"}, "spec": {}}
ODD = ["\u0000", "\ud800", "\U0001f680", "a\nb", 1.5, None, {"": True}]


def blob(name: str = "job-1-result", value: Any = ODD) -> Blob:
    text = json.dumps(value)
    return Blob(ResultRef(name, hashlib.sha256(text.encode()).hexdigest(), len(text)), value, text)


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


def store(results: Results, *blobs: Blob, policy: DeletionPolicy = DeletionPolicy.DELETE) -> None:
    run(results.store(TASK, policy, blobs))


def stored(kube: MemoryKube, name: str = "job-1-result") -> dict[str, Any]:
    return kube.objects[configmaps_path("shop", name)]


def test_what_is_stored_is_loaded_exactly_by_another_process() -> None:
    kube = MemoryKube()
    store(Results(kube), blob())
    assert run(Results(kube).load("shop", [blob().ref])) == {"job-1-result": ODD}


def test_a_stored_result_cannot_be_changed_and_says_whose_and_what_it_is() -> None:
    kube = MemoryKube()
    store(Results(kube), blob())
    found = stored(kube)
    assert found["immutable"] is True
    assert found["metadata"]["labels"]["kubesaga.dev/task-uid"] == "uid-1"
    assert found["metadata"]["labels"]["kubesaga.dev/content"] == "result"
    assert found["metadata"]["annotations"] == {"kubesaga.dev/sha256": blob().ref.sha256}


@pytest.mark.parametrize(("policy", "owners"), [(DeletionPolicy.DELETE, 1), (DeletionPolicy.COMPENSATE, 0)])
def test_it_goes_with_its_task_unless_that_is_compensated_first(policy: DeletionPolicy, owners: int) -> None:
    kube = MemoryKube()
    store(Results(kube), blob(), policy=policy)
    assert len(stored(kube)["metadata"]["ownerReferences"]) == owners


def test_what_an_earlier_pass_has_stored_is_stored() -> None:
    kube = MemoryKube()
    for _ in range(2):
        store(Results(kube), blob())
    assert len(kube.objects) == 1


@pytest.mark.parametrize("spoilt", ["data", "owner"])
def test_another_content_under_the_same_name_is_refused_with_the_remedy(spoilt: str) -> None:
    kube = MemoryKube()
    store(Results(kube), blob())
    if spoilt == "data":
        stored(kube)["data"] = {"result": "[]"}
    else:
        stored(kube)["metadata"]["labels"]["kubesaga.dev/task-uid"] = "uid-0"
    with pytest.raises(NameTaken, match="ConfigMap job-1-result in namespace shop is in the way") as raised:
        store(Results(kube), blob())
    assert not raised.value.conflict  # which would be tried again at once
    assert not raised.value.transient


def test_a_name_taken_from_an_input_makes_the_next_attempt_go_under_another() -> None:
    refusal = refusal_of(NameTaken("shop", "j-input"))
    assert refusal is not None
    assert (refusal.hopeless, refusal.error.retryable) == (True, True)


def test_several_results_are_stored_side_by_side_and_one_failure_is_told_once_all_are_over() -> None:
    kube = MemoryKube()
    kube.broken = lambda method, path: no_answer(method, path) if len(kube.calls) == 2 else None
    blobs = [blob(f"job-{i}-result", i) for i in range(20)]
    with pytest.raises(KubeError):
        store(Results(kube), *blobs)
    assert len(kube.objects) == 19
    kube.broken = well
    store(Results(kube), *blobs)
    assert len(kube.objects) == 20


def test_a_result_that_is_gone_is_missed_by_name_with_what_can_be_done() -> None:
    with pytest.raises(
        ResultMissing, match=r"ConfigMap job-1-result in namespace shop.* is gone; restore it"
    ) as raised:
        run(Results(MemoryKube()).load("shop", [blob().ref]))
    assert raised.value.name == "job-1-result"
    refusal = result_missing(raised.value)
    assert (refusal.error.type, refusal.error.retryable, refusal.hopeless) == ("ResultMissing", False, True)


@pytest.mark.parametrize("data", [None, {}, {"other": "x"}, {"result": "[]"}])
def test_a_result_that_was_changed_is_missed(data: Any) -> None:
    kube = MemoryKube()
    store(Results(kube), blob())
    stored(kube)["data"] = data
    with pytest.raises(ResultMissing, match="holds something else"):
        run(Results(kube).load("shop", [blob().ref]))


def test_a_failing_api_server_is_no_missing_result() -> None:
    kube = MemoryKube()
    kube.broken = no_answer
    with pytest.raises(KubeError):
        run(Results(kube).load("shop", [blob().ref]))


def test_what_was_stored_or_loaded_is_not_asked_for_again() -> None:
    kube = MemoryKube()
    results = Results(kube)
    store(results, blob())
    calls = len(kube.calls)
    for _ in range(3):
        run(results.load("shop", [blob().ref]))
    assert len(kube.calls) == calls


def test_a_caller_may_change_what_it_got() -> None:
    results = Results(MemoryKube())
    store(results, blob())
    run(results.load("shop", [blob().ref]))["job-1-result"].clear()
    assert run(results.load("shop", [blob().ref])) == {"job-1-result": ODD}


def test_memory_is_bounded_and_keeps_what_was_used_last() -> None:
    kube = MemoryKube()
    results = Results(kube, budget=350)
    blobs = [blob(f"job-{i}-result", "x" * 98) for i in range(3)]
    store(results, *blobs)
    run(results.load("shop", [blobs[0].ref]))
    store(results, blob("job-3-result", "y" * 98))
    calls = len(kube.calls)
    run(results.load("shop", [blobs[0].ref, blobs[2].ref]))
    assert len(kube.calls) == calls
    run(results.load("shop", [blobs[1].ref]))
    assert len(kube.calls) == calls + 1


def test_a_result_larger_than_the_whole_budget_is_served_and_forgotten() -> None:
    kube = MemoryKube()
    results = Results(kube, budget=10)
    store(results, blob())
    assert run(results.load("shop", [blob().ref])) == {"job-1-result": ODD}


def test_a_name_used_again_for_another_content_is_not_served_from_memory() -> None:
    kube = MemoryKube()
    results = Results(kube)
    store(results, blob())
    kube.objects.clear()
    with pytest.raises(ResultMissing):
        run(results.load("shop", [blob(value="another").ref]))


def test_the_references_of_a_status_are_those_of_its_steps_their_compensations_and_its_own() -> None:
    forward, undone, own = (blob(name, name).ref for name in ("a-result", "b-result", "c-result"))
    steps = (StepRecord("a", result=forward, compensation=StepRecord("a", result=undone)), StepRecord("b", result={}))
    status = TaskStatus(steps=steps, result=own)
    assert refs_of(status) == {"a-result": forward, "b-result": undone, "c-result": own}
    kube = MemoryKube()
    store(Results(kube), blob("b-result", "b-result"))
    assert run(Results(kube).values("shop", status, ["b-result"])) == {"b-result": "b-result"}
