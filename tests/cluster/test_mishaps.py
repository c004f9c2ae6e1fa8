"""Whatever a step's program, image or pod does wrong: a classified error with a remedy, or a retry; never a stuck Task.

All of the cases in `mishaps` run side by side, once.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import mishaps, tasks
from tests.cluster.kubectl import Kubectl, KubectlError, Manifest
from tests.cluster.moments import let_go, running_pod
from tests.cluster.namespaces import fresh_namespace

Ends = dict[str, Manifest]

# Case, type of error, what its message must say for somebody to act on it, and whether another attempt could help.
CLASSIFIED = [
    ("image-missing", "ImagePullFailed", "'kubesaga-no-such-image:dev' cannot be pulled: does it exist", True),
    ("image-never-pulled", "ImageNotPresent", "imagePullPolicy is Never", True),
    ("image-name-invalid", "InvalidImageName", "correct the template", True),
    ("image-runs-as-root", "ContainerConfigError", "runAsNonRoot", True),
    ("config-missing", "ContainerConfigError", 'configmap "nowhere" not found', True),
    ("volume-missing", "StartTimeout", f"did not run within its startTimeout of {mishaps.STARTS_WITHIN} s", True),
    ("no-such-node", "Unschedulable", "node affinity/selector", True),
    ("command-missing", "ContainerCannotRun", "check command and image", True),
    ("job-refused", "JobRefused", "Correct the template", False),
    ("callable-missing", "CallableNotFound", "did you mean ShipOrder?", False),
    ("garbage", "InvalidResult", "it begins with 'garbage'", False),
    ("no-document", "NoResult", "python -m kubesaga_sdk", True),
    ("killed", "Killed", "exit code 137", True),
    ("out-of-memory", "OutOfMemory", "raise resources.limits.memory", True),
    ("too-slow", "Timeout", "raise the step's timeout", True),
    ("ignores-sigterm", "Timeout", "raise the step's timeout", True),
    ("handler-result-too-large", "ResultTooLarge", "return a reference", False),
    ("container-result-too-large", "ResultTooLarge", "return a reference", False),
    ("loud-and-failing", "ExitCode", mishaps.LAST_WORDS, True),
    ("says-so-itself", "CardDeclined", "the bank says no", False),
]


@pytest.fixture(scope="module")
def ends(operator: Kubectl) -> Iterator[Ends]:
    """Every case at its end, by name; a case that is stuck fails them all."""
    with fresh_namespace(operator) as kubectl:
        kubectl.apply(*mishaps.manifests())
        _let_go_once_all_is_in_the_log(kubectl, "loud-and-failing")
        yield tasks.all_finished(kubectl)


def _let_go_once_all_is_in_the_log(kubectl: Kubectl, name: str) -> None:
    """The kubelet reads a log's end as soon as the container has ended, whether or not all of it is written by then."""
    pod = running_pod(kubectl, name, "work")

    def is_written(_: list[Manifest]) -> bool:
        try:
            return mishaps.LAST_WORDS in kubectl.run("logs", pod, "--tail=1")
        except KubectlError:  # a kubelet that is busy cannot read the log of each container that it has just started
            return False

    kubectl.until_listed("pods", "", is_written, f"done with the log of {pod}")
    let_go(kubectl, name, "work")


@pytest.mark.parametrize(("case", "type_", "remedy", "retryable"), CLASSIFIED, ids=[row[0] for row in CLASSIFIED])
def test_a_mishap_ends_in_a_classified_error_with_a_remedy(
    ends: Ends, case: str, type_: str, remedy: str, retryable: bool
) -> None:
    found = ends[case]
    error = tasks.error_of(found)
    assert tasks.end_of(found) == ("Error", "Aborted")
    assert error["type"] == type_
    assert remedy in error["message"]
    assert error["retryable"] is retryable
    assert found["status"]["message"].startswith(f"work failed: {type_}: ")


@pytest.mark.parametrize("code", [64, 78])
def test_an_exit_code_of_sysexits_is_not_tried_again(ends: Ends, code: int) -> None:
    record = tasks.step(ends[f"exit-{code}"], "work")
    assert record["attempt"] == 1
    assert (record["error"]["exitCode"], record["error"]["retryable"]) == (code, False)


@pytest.mark.parametrize("code", [1, 63, 79])
def test_any_other_exit_code_is_tried_again(ends: Ends, code: int) -> None:
    record = tasks.step(ends[f"exit-{code}"], "work")
    assert record["attempt"] == 2
    assert (record["error"]["type"], record["error"]["exitCode"]) == ("ExitCode", code)


def test_what_a_program_says_of_its_error_counts_more_than_its_exit_code(ends: Ends) -> None:
    record = tasks.step(ends["says-so-itself"], "work")
    assert record["attempt"] == 1
    assert (record["error"]["code"], record["error"]["exitCode"]) == ("51", 1)


def test_a_failure_that_leaves_the_outcome_open_says_so(ends: Ends) -> None:
    for case in ("killed", "too-slow", "ignores-sigterm", "no-document"):
        assert tasks.step(ends[case], "work")["outcomeUnknown"] is True
    for case in ("exit-1", "says-so-itself", "image-missing"):
        assert "outcomeUnknown" not in tasks.step(ends[case], "work")


def test_megabytes_of_log_do_not_hide_a_result(ends: Ends) -> None:
    assert tasks.end_of(ends["loud"]) == ("Complete", "Succeeded")
    assert ends["loud"]["status"]["result"] == {"work": "loud but clear"}


def test_megabytes_of_log_leave_only_their_end_in_an_error(ends: Ends) -> None:
    message = tasks.error_of(ends["loud-and-failing"])["message"]
    assert message.endswith(mishaps.LAST_WORDS)
    assert len(message) < 2200


def test_a_container_may_leave_a_result_with_metadata(ends: Ends) -> None:
    record = tasks.step(ends["with-result"], "work")
    assert (record["result"], record["metadata"]) == ({"rows": 3}, {"table": "orders"})


def test_a_container_need_not_leave_a_result(ends: Ends) -> None:
    found = ends["without-result"]
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert found["status"]["result"] == {"work": None}


def test_a_step_can_write_to_its_tmp_and_nowhere_else(ends: Ends) -> None:
    assert ends["writes-to-tmp-only"]["status"]["result"] == {"work": "tmp only"}


def test_a_context_with_dollars_cannot_read_the_variables_of_a_template(ends: Ends) -> None:
    assert ends["input-with-dollars"]["status"]["result"] == {"work": mishaps.NO_SECRETS}
