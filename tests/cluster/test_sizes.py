"""Results and inputs of every size, through real pods, logs and ConfigMaps, exactly as they were given.

All Tasks run side by side, once. What is large lies outside of the Task, and goes with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubesaga.api.constants import INPUT_LIMIT_BYTES, LABEL_CONTENT, LABEL_TASK_UID
from tests.cluster import sizes, tasks
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.namespaces import fresh_namespace

KIB = 1024
SIZES = {"small": 3 * KIB, "over_inline": 5 * KIB, "large": 100 * KIB, "largest": 250 * KIB}
INPUTS = {"file": 50_000, "large-file": 500_000}
MANY = 40
FULL = 4000  # bytes of a result that just fits into the result file

MODULE: Manifest = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "sizes"},
    "data": {"sizes.py": Path(sizes.__file__).read_text(encoding="utf-8")},
}
WITH_MODULE: Manifest = {
    "volumeMounts": [{"name": "code", "mountPath": "/app/handlers/sizes.py", "subPath": "sizes.py"}],
    "pod": {"volumes": [{"name": "code", "configMap": {"name": "sizes"}}]},
}
# The documented format, by a program that knows nothing of the SDK.
FRAMES_ITSELF = """
set -e
cd /tmp
{ printf '{"result":"'; head -c 9000 /dev/zero | tr '\\0' x; printf '"}'; } > document
sum=$(sha256sum document | cut -c1-64)
short=$(echo $sum | cut -c1-16)
i=0
base64 -w 2048 document | while read -r chunk; do
  echo "kubesaga-result:$short:$i:$chunk"
  i=$((i + 1))
done
printf '{"resultFrame":{"bytes":%d,"sha256":"%s"}}' $(wc -c < document) $sum > $KUBESAGA_RESULT_FILE
"""
ANNOUNCES_ONLY = """
printf '{"resultFrame":{"bytes":9000,"sha256":"%064d"}}' 0 > $KUBESAGA_RESULT_FILE
"""
FILLS_THE_RESULT_FILE = f"""
{{ printf '{{"result":"'; head -c {FULL} /dev/zero | tr '\\0' x; printf '"}}'; }} > $KUBESAGA_RESULT_FILE
"""
LOOKS_AT_ITS_INPUT = """
test -z "$KUBESAGA_INPUT" && test -r "$KUBESAGA_INPUT_FILE" &&
  ! touch "$KUBESAGA_INPUT_FILE" && ! touch "$(dirname "$KUBESAGA_INPUT_FILE")/more"
"""

Ends = dict[str, Manifest]


def step(name: str, handler: str, depends_on: list[str] | None = None, **config: Any) -> Manifest:
    program = {"callable": f"sizes:{handler}", "config": config}
    return {"name": name, "handler": program, "dependsOn": depends_on or []}


def manifests() -> list[Manifest]:
    """What `kubectl apply` takes."""
    grown = [step(name, "Grows", size=size) for name, size in SIZES.items()]
    digested = step("digest", "Digests", list(SIZES), steps=list(SIZES))
    many = [tasks.sh(f"step_{number}", FILLS_THE_RESULT_FILE) for number in range(MANY)]
    return [
        MODULE,
        tasks.template("results", *grown, digested, defaults=WITH_MODULE),
        tasks.task("results", context={"text": "small"}),
        *tasks.workflow("result-too-large", step("work", "Grows", size=300 * KIB), defaults=WITH_MODULE),
        *tasks.workflow("frames-itself", tasks.sh("work", FRAMES_ITSELF)),
        *tasks.workflow("log-without-frames", tasks.sh("work", ANNOUNCES_ONLY)),
        *tasks.workflow("many", *many, parallelism=8),
        tasks.template("inputs", step("work", "Digests"), defaults=WITH_MODULE),
        tasks.template("looks", tasks.sh("work", LOOKS_AT_ITS_INPUT)),
    ]


def large_tasks() -> list[Manifest]:
    """What it does not, since it keeps a copy in an annotation."""
    told = [tasks.task(name, "inputs", context={"text": sizes.text(size)}) for name, size in INPUTS.items()]
    looks = tasks.task("looks", context={"text": "x" * 50_000})
    too_large = tasks.task("input-too-large", "inputs", context={"text": "x" * INPUT_LIMIT_BYTES})
    return [*told, looks, too_large]


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    with fresh_namespace(operator) as own:
        yield own


@pytest.fixture(scope="module")
def ends(kubectl: Kubectl) -> Ends:
    """Every Task at its end, by name."""
    kubectl.apply(*manifests())
    kubectl.create(*large_tasks())
    return tasks.all_finished(kubectl)


def value(kubectl: Kubectl, record: Manifest) -> Any:
    """The result that a record holds or refers to."""
    reference = record.get("resultRef")
    if reference is None:
        return record.get("result")
    return json.loads(kubectl.get("configmap", reference["name"])["data"]["result"])


@pytest.mark.parametrize("name", SIZES)
def test_a_result_of_any_size_is_recorded_exactly(kubectl: Kubectl, ends: Ends, name: str) -> None:
    record = tasks.step(ends["results"], name)
    assert value(kubectl, record) == {"text": sizes.text(SIZES[name])}
    assert ("resultRef" in record) is (SIZES[name] > 4 * KIB)
    assert record["attempt"] == 1


def test_and_reaches_the_steps_after_it_exactly(ends: Ends) -> None:
    expected = {name: sizes.digest({"text": sizes.text(size)}) for name, size in SIZES.items()}
    assert tasks.end_of(ends["results"]) == ("Complete", "Succeeded")
    assert tasks.step(ends["results"], "digest")["result"] == {"context": sizes.digest("small"), **expected}


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_of_any_size_arrives_exactly(ends: Ends, name: str) -> None:
    assert tasks.step(ends[name], "work")["result"] == {"context": sizes.digest(sizes.text(INPUTS[name]))}


def test_a_large_input_is_a_file_that_its_step_cannot_change(ends: Ends) -> None:
    assert tasks.end_of(ends["looks"]) == ("Complete", "Succeeded")


@pytest.mark.parametrize(
    ("name", "type_", "remedy"),
    [
        ("result-too-large", "ResultTooLarge", "return a reference"),
        ("input-too-large", "InputTooLarge", "pass a reference"),
    ],
)
def test_beyond_the_limit_the_error_is_permanent_and_names_the_remedy(
    ends: Ends, name: str, type_: str, remedy: str
) -> None:
    error = tasks.error_of(ends[name])
    assert (error["type"], error["retryable"]) == (type_, False)
    assert remedy in error["message"]


def test_any_program_may_frame_its_result(kubectl: Kubectl, ends: Ends) -> None:
    assert value(kubectl, tasks.step(ends["frames-itself"], "work")) == "x" * 9000


def test_a_log_that_does_not_hold_what_was_announced_leaves_the_outcome_unknown(ends: Ends) -> None:
    record = tasks.step(ends["log-without-frames"], "work")
    assert (record["error"]["type"], record["error"]["retryable"]) == ("ResultUnreadable", True)
    assert record["outcomeUnknown"] is True
    assert "result" not in record


def test_results_that_are_small_one_by_one_do_not_fill_the_task(kubectl: Kubectl, ends: Ends) -> None:
    found = ends["many"]
    records = found["status"]["steps"]
    inline = [record for record in records if "result" in record]
    assert 0 < len(inline) < MANY
    assert sum(len(json.dumps(record["result"])) for record in inline) <= 128 * KIB
    assert {value(kubectl, record) for record in records} == {"x" * FULL}


def test_no_object_is_too_large(kubectl: Kubectl, ends: Ends) -> None:
    for found in ends.values():
        assert len(json.dumps(found["status"])) < 512 * KIB
    for made in kubectl.get_all("configmaps", LABEL_TASK_UID):
        assert len(json.dumps(made, ensure_ascii=False).encode()) < KIB * KIB


def test_what_a_task_keeps_outside_goes_with_it(kubectl: Kubectl, ends: Ends) -> None:
    selector = f"{LABEL_TASK_UID}={ends['results']['metadata']['uid']}"
    kept = kubectl.get_all("configmaps", selector)
    assert {made["metadata"]["labels"][LABEL_CONTENT] for made in kept} == {"input", "result"}
    kubectl.delete(tasks.TASK, "results")
    kubectl.until_listed("configmaps", selector, lambda left: not left, "gone")
