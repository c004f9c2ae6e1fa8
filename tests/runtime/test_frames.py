"""Results in the log: read once, read again while that may help, and given up with the outcome unknown."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from kubesaga.api.documents import Framed
from kubesaga.api.frames import joined
from kubesaga.engine.snapshot import Observation, Phase
from kubesaga.kube.client import KubeError
from kubesaga.runtime.frames import PATIENCE, PATIENCE_WITH_GAPS, Frames
from tests.runtime.framing import announced, frames_of, log_of, note_of
from tests.runtime.memory import MemoryKube, refusing, well

T0 = "2026-01-01T00:00:00Z"
LARGE = {"result": {"rows": ["Zoë \u0000 \U0001f680 \ud800 \n"] * 500}, "metadata": {"n": 500}}
DOCUMENT = json.dumps(LARGE).encode()


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def job(*conditions: str) -> dict[str, Any]:
    listed = [{"type": type_, "status": "True"} for type_ in conditions]
    return {"metadata": {"name": "j", "namespace": "shop"}, "spec": {}, "status": {"conditions": listed}}


def pod(document: bytes = DOCUMENT, exit_code: int = 0, name: str = "p") -> dict[str, Any]:
    note = json.dumps(note_of(document))
    state = {"terminated": {"exitCode": exit_code, "message": note, "startedAt": T0, "finishedAt": T0}}
    return {
        "metadata": {"name": name, "creationTimestamp": T0},
        "status": {"phase": "Succeeded", "containerStatuses": [{"name": "step", "state": state}]},
    }


def observed(frames: Frames, a_pod: dict[str, Any], *conditions: str) -> Observation:
    return asyncio.run(frames.observe(job(*conditions), [a_pod], expects_document=True))


def error_type(observation: Observation) -> str:
    assert observation.error is not None
    return observation.error.type


def test_a_framed_result_is_read_from_the_log_once() -> None:
    kube = MemoryKube()
    kube.logs["p"] = log_of(frames_of(DOCUMENT))
    frames = Frames(kube)
    for _ in range(3):
        seen = observed(frames, pod())
        assert (seen.phase, seen.result, seen.metadata) == (Phase.SUCCEEDED, LARGE["result"], {"n": 500})
    assert kube.calls == [("GET", "/api/v1/namespaces/shop/pods/p/log")]


def test_without_a_frame_no_log_is_read() -> None:
    kube = MemoryKube()
    plain = pod()
    plain["status"]["containerStatuses"][0]["state"]["terminated"]["message"] = '{"result": 1}'
    assert observed(Frames(kube), plain).result == 1
    assert observed(Frames(kube), pod(exit_code=1)).phase is Phase.WAITING
    assert kube.calls == []


def test_a_framed_error_is_the_attempts_error_once_its_job_is_terminal() -> None:
    document = json.dumps({"error": {"type": "Declined", "message": "m" * 5000, "retryable": False}}).encode()
    kube = MemoryKube()
    kube.logs["p"] = log_of(frames_of(document))
    frames = Frames(kube)
    assert observed(frames, pod(document)).phase is Phase.RUNNING
    assert error_type(observed(frames, pod(document), "Complete")) == "Declined"


def test_a_framed_document_that_is_none_of_the_contract_is_an_invalid_result() -> None:
    for document in (b"[" * 5000, b'{"answer": 42}', b'{"result": "\xff"}', b'{"result": NaN}'):
        kube = MemoryKube()
        kube.logs["p"] = log_of(frames_of(document))
        assert error_type(observed(Frames(kube), pod(document), "Complete")) == "InvalidResult"


def test_a_log_that_cannot_be_had_is_asked_for_until_patience_is_over() -> None:
    kube, clock = MemoryKube(), Clock()
    kube.broken = refusing(KubeError(500, "InternalError", "dial tcp 10.0.0.7:10250: connection refused"))
    frames = Frames(kube, clock)
    for _ in range(3):
        with pytest.raises(KubeError, match="connection refused"):
            observed(frames, pod(), "Complete")
        clock.now += PATIENCE / 3
    seen = observed(frames, pod(), "Complete")
    assert seen.error is not None
    assert (seen.error.type, seen.error.retryable, seen.error.outcome_unknown) == ("ResultUnreadable", True, True)
    assert "connection refused" in seen.error.message
    assert "pod p" in seen.error.message
    calls = len(kube.calls)
    observed(frames, pod(), "Complete")
    assert len(kube.calls) == calls  # given up for good


NOT_HEARD_OF = "the server could not find the requested resource ( pods/log p)"


@pytest.mark.parametrize("fault", [KubeError(0, "NoAnswer", "away"), KubeError(404, "NotFound", NOT_HEARD_OF)])
def test_a_kubelet_that_comes_back_costs_nothing(fault: KubeError) -> None:
    kube, clock = MemoryKube(), Clock()
    kube.logs["p"] = log_of(frames_of(DOCUMENT))
    kube.broken = refusing(fault)
    frames = Frames(kube, clock)
    with pytest.raises(KubeError):
        observed(frames, pod())
    clock.now += PATIENCE * 10  # nobody asked in between
    kube.broken = well
    assert observed(frames, pod()).phase is Phase.SUCCEEDED


def test_a_pod_that_is_gone_is_not_waited_for() -> None:
    assert error_type(observed(Frames(MemoryKube()), pod(), "Complete")) == "ResultUnreadable"


def test_missing_frames_are_waited_for_a_little() -> None:
    kube, clock = MemoryKube(), Clock()
    frames = Frames(kube, clock)
    kube.logs["p"] = log_of(frames_of(DOCUMENT)[:-1])
    with pytest.raises(KubeError, match="frames are missing"):
        observed(frames, pod())
    kube.logs["p"] = log_of(frames_of(DOCUMENT))
    assert observed(frames, pod()).phase is Phase.SUCCEEDED


def test_frames_that_stay_missing_leave_the_outcome_unknown() -> None:
    kube, clock = MemoryKube(), Clock()
    frames = Frames(kube, clock)
    kube.logs["p"] = b"unable to retrieve container logs for containerd://0123\n"
    with pytest.raises(KubeError):
        observed(frames, pod(), "Complete")
    clock.now += PATIENCE_WITH_GAPS
    seen = observed(frames, pod(), "Complete")
    assert seen.error is not None
    assert (seen.error.type, seen.error.outcome_unknown) == ("ResultUnreadable", True)


def test_an_attempt_whose_log_was_given_up_fails_only_once_its_job_is_terminal() -> None:
    frames = Frames(MemoryKube())
    assert observed(frames, pod()).phase is Phase.RUNNING
    assert observed(frames, pod(), "Complete").phase is Phase.FAILED


def test_a_long_noise_after_the_frames_makes_a_longer_tail_be_read() -> None:
    kube = MemoryKube()
    kube.logs["p"] = log_of([*frames_of(DOCUMENT), *[b"noise"] * 5000])
    assert observed(Frames(kube), pod()).phase is Phase.SUCCEEDED
    assert len(kube.calls) == 2


@pytest.mark.parametrize("size", [1, 1536, 1537, 4097, 262_144])
def test_frames_of_any_number_make_up_the_document(size: int) -> None:
    document = bytes(i * 7919 % 256 for i in range(size))
    assert joined(log_of(frames_of(document)), announced(document)) == document


def test_order_repetition_empty_lines_and_carriage_returns_do_not_matter() -> None:
    lines = [b"", *reversed(frames_of(DOCUMENT)), b"noise", *frames_of(DOCUMENT)]
    assert joined(b"\r\n".join(lines), announced(DOCUMENT)) == DOCUMENT


def test_frames_of_another_document_are_passed_over() -> None:
    other = frames_of(b"x" * 5000)
    assert joined(log_of([*other, *frames_of(DOCUMENT), *other]), announced(DOCUMENT)) == DOCUMENT


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: lines[1:],
        lambda lines: [*lines[:1], *lines[2:]],
        lambda lines: [lines[0][:-4], *lines[1:]],
        lambda lines: [lines[0] + b"!", *lines[1:]],
        lambda lines: [b"x" + lines[0], *lines[1:]],
        lambda lines: [lines[0].replace(b":0:", b":0:AAAA"), *lines[1:]],
        lambda lines: [*lines, lines[0].replace(b":0:", b":99:")],
        lambda lines: [lines[0].replace(b":0:", b":0:=")[:-1], *lines[1:]],
        lambda _: [],
    ],
)
def test_spoilt_frames_are_never_taken_for_a_result(spoil: Any) -> None:
    assert joined(log_of(spoil(frames_of(DOCUMENT))), announced(DOCUMENT)) is None


def test_a_wrong_checksum_or_length_is_never_taken_for_a_result() -> None:
    true = announced(DOCUMENT)
    assert joined(log_of(frames_of(DOCUMENT)), Framed(true.size + 1, true.sha256)) is None
    assert joined(log_of(frames_of(DOCUMENT)), Framed(true.size, true.sha256[:16] + "0" * 48)) is None
