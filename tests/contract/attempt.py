"""One attempt of a step as a local process: the environment that a pod would give it, and what a pod would keep of it.

Used by the cases. The process gets the input in a variable or in a file, as the operator does by its size, and is told
to stop by SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubesaga.api import constants as c

PATIENCE = 60.0
"""Seconds until a program that does not end is killed; a pod's grace is 30."""
_TAIL = 2048
"""What the kubelet takes from the end of a log where a failed program left no document."""

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """A program after its end; ``late``: it had to be killed."""

    exit_code: int
    written: str
    """What is in the result file, without what the kubelet cuts off."""
    log: bytes
    late: bool = False

    @property
    def terminated(self) -> dict[str, Any]:
        """The container's ``state.terminated``, as the kubelet reports it."""
        message = self.written
        if not message and self.exit_code != 0:
            message = self.log[-_TAIL:].decode("utf-8", "replace")
        return {"exitCode": self.exit_code, "message": message, "reason": "Error" if self.exit_code else "Completed"}


def run(
    command: Sequence[str],
    document: Document,
    stop_at: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Ended:
    """Run a command to its end; with ``stop_at`` it gets SIGTERM once its log holds these words.

    ``environment`` is what it has beside the contract's variables.
    """
    with tempfile.TemporaryDirectory(prefix="kubesaga-contract-") as folder:
        return _run(command, document, Path(folder), stop_at, environment)


def _run(
    command: Sequence[str], document: Document, folder: Path, stop_at: str | None, environment: Mapping[str, str]
) -> Ended:
    result, log = folder / "result", folder / "log"
    result.touch()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            list(command),
            env=_environment(document, folder, result, environment),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        if stop_at is not None:
            _await_words(process, log, stop_at)
            process.terminate()
        process.wait(PATIENCE)
        late = False
    except subprocess.TimeoutExpired:
        late = True
    finally:
        _end_all_of(process)
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return Ended(code, _kept(result), log.read_bytes(), late)


def _environment(document: Document, folder: Path, result: Path, given: Mapping[str, str]) -> dict[str, str]:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    environment = {name: value for name, value in given.items() if not name.startswith(c.ENV_PREFIX)}
    if len(text.encode()) > c.INLINE_INPUT_BYTES:
        file = folder / c.INPUT_KEY
        file.write_text(text, "utf-8")
        environment[c.ENV_INPUT_FILE] = str(file)
    else:
        environment[c.ENV_INPUT] = text
    return environment | {
        c.ENV_TASK: document["task"]["name"],
        c.ENV_STEP: document["step"]["name"],
        c.ENV_ATTEMPT: str(document["attempt"]),
        c.ENV_IDEMPOTENCY_KEY: document["idempotencyKey"],
        c.ENV_RESULT_FILE: str(result),
    }


def _await_words(process: subprocess.Popen[bytes], log: Path, words: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while words not in log.read_text("utf-8", "replace") and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def _end_all_of(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of its session: as the pod's sandbox would go, so do its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _kept(result: Path) -> str:
    return result.read_bytes()[-c.RESULT_LIMIT_BYTES :].decode("utf-8", "replace")
