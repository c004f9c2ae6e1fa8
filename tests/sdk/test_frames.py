"""Large results: framed in the log by the SDK, put together by the operator, whatever else is written there."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kubesaga.api import constants
from kubesaga.api.documents import Framed, read_framed
from kubesaga.api.frames import CHUNK, joined
from kubesaga_sdk import contract
from tests.sdk.support import Ended, run, start, step_input

pytestmark = pytest.mark.slow

EVERYTHING = "".join(map(chr, range(0x80))) + "Zoë \U0001f680\u2028\ufffe\U0010ffff" + "\r\n" * 40


def large(handler: str, **context: Any) -> dict[str, Any]:
    return step_input(f"sample_handlers:{handler}", context=context)


def read_back(ended: Ended) -> Any:
    """The result, as the operator reads it from the result file and the log."""
    assert ended.written is not None, ended.stderr
    assert len(ended.written) <= contract.RESULT_LIMIT
    note = json.loads(ended.written)["resultFrame"]
    document = joined(ended.stdout.encode(), Framed(note["bytes"], note["sha256"]))
    assert document is not None
    output = read_framed(document)
    assert output.error is None
    return output.result


def test_sdk_and_operator_agree_on_the_format() -> None:
    assert contract.RESULT_LIMIT == constants.RESULT_LIMIT_BYTES
    assert contract.FRAMED_LIMIT == constants.FRAMED_LIMIT_BYTES
    assert contract.FRAME_PREFIX == constants.FRAME_PREFIX
    assert contract.FRAME_CHUNK == CHUNK


def test_a_document_that_fits_stays_out_of_the_log(tmp_path: Path) -> None:
    ended = run(tmp_path, large("Grows", length=contract.RESULT_LIMIT - len('{"result":""}')))
    assert (ended.exit_code, len(ended.written or b"")) == (0, contract.RESULT_LIMIT)
    assert ended.stdout == ""


@pytest.mark.parametrize("over", [1, 1000, contract.FRAMED_LIMIT - contract.RESULT_LIMIT])
def test_one_that_does_not_is_read_back_from_the_log(tmp_path: Path, over: int) -> None:
    length = contract.RESULT_LIMIT - len('{"result":""}') + over
    ended = run(tmp_path, large("Grows", length=length))
    assert ended.exit_code == 0
    assert read_back(ended) == "x" * length


def test_any_text_survives(tmp_path: Path) -> None:
    value = {"text": EVERYTHING * 50, "key \n\x00": ["\x00", "kubesaga-result:0123456789abcdef:0:AAAA"]}
    assert read_back(run(tmp_path, large("Returns", value=value))) == value


def test_the_result_file_says_how_long_the_document_is_and_what_it_must_hash_to(tmp_path: Path) -> None:
    ended = run(tmp_path, large("Grows", length=5000))
    document = json.dumps({"result": "x" * 5000}, separators=(",", ":")).encode()
    assert ended.document == {"resultFrame": {"bytes": len(document), "sha256": hashlib.sha256(document).hexdigest()}}


def test_no_line_is_longer_than_a_pipe_takes_in_one_piece(tmp_path: Path) -> None:
    lines = run(tmp_path, large("Grows", length=100_000)).stdout.encode().split(b"\n")
    assert max(map(len, lines)) + 2 <= 4096


def test_other_writers_do_not_get_into_the_frames(tmp_path: Path) -> None:
    value = ["amid noise"] * 5000
    ended = run(tmp_path, large("ReturnsMuchAmidNoise", value=value))
    assert ended.stdout.count("noise noise") > 1
    assert read_back(ended) == value


def test_a_log_that_cannot_be_written_fails_the_attempt_retryably_and_announces_nothing(tmp_path: Path) -> None:
    ended = run(tmp_path, large("ReturnsMuchWithoutStandardOutput"))
    assert (ended.exit_code, ended.written) == (1, None)
    assert any(line["message"] == "the result document could not be written" for line in ended.log)


def test_a_reader_slower_than_the_writer_loses_nothing_even_of_a_pipe_left_non_blocking(tmp_path: Path) -> None:
    step = start(tmp_path, large("ReturnsMuchToASlowReader", length=200_000))
    assert step.process.stderr is not None
    for line in step.process.stderr:
        if line == "ready\n":
            break
    with pytest.raises(subprocess.TimeoutExpired):  # it waits for somebody to read
        step.process.wait(1)
    assert read_back(step.end()) == "x" * 200_000


def test_a_signal_amid_the_frames_does_not_cut_them(tmp_path: Path) -> None:
    step = start(tmp_path, large("ReturnsMuchToASlowReader", length=200_000))
    stdout = step.process.stdout
    assert stdout is not None
    first = os.read(stdout.fileno(), 1)  # the frames have begun, and do not fit into the pipe
    step.process.send_signal(signal.SIGTERM)
    ended = step.end()
    assert ended.exit_code == 0
    assert first == b"\n"
    assert read_back(ended) == "x" * 200_000
