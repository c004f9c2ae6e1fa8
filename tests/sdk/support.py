"""What the SDK's tests share: input documents, and a step run as the real process that a pod would run."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kubesaga_sdk import StepContext
from kubesaga_sdk.step_input import complete

ROOT = Path(__file__).resolve().parents[2]
PYTHON_PATH = os.pathsep.join(
    str(ROOT / part) for part in ("handlers_image", "handlers_image/examples", "tests/sdk/samples")
)
WAIT_SECONDS = 60
"""Long enough for a busy machine; a test that gets here has failed."""


def step_input(callable_name: str, method: str = "call", **fields: Any) -> dict[str, Any]:
    """An input document as the operator makes it."""
    step = {
        "name": "charge_payment",
        "role": "compensation" if method == "compensate" else "forward",
        "callable": callable_name,
        "method": method,
        "maxAttempts": 3,
    }
    return {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "StepInput",
        "task": {"name": "order-1", "namespace": "shop", "uid": "u-1", "tags": []},
        "step": step,
        "attempt": 1,
        "retryCount": 0,
        "context": {},
        "idempotencyKey": "key-1",
        "correlationId": "corr-1",
        **fields,
    }


def context(**fields: Any) -> StepContext:
    """A context as a handler gets it."""
    return StepContext(complete(step_input("module:Handler", **fields), "the test's input"))


class Ended(NamedTuple):
    """A step's process after its end."""

    exit_code: int
    written: bytes | None
    """What is in the result file; None where there is none."""
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The result document."""
        assert self.written is not None, self.stderr
        return json.loads(self.written)

    @property
    def error(self) -> Any:
        """The result document's error."""
        return self.document["error"]

    @property
    def log(self) -> list[dict[str, Any]]:
        """Those lines of standard error that are JSON objects."""
        return [json.loads(line) for line in self.stderr.splitlines() if line.startswith("{")]


class StepProcess:
    """A running `python -m kubesaga_sdk` with its result file in `folder`."""

    def __init__(self, folder: Path, environ: Mapping[str, str], arguments: tuple[str, ...] = ()) -> None:
        self._result = folder / "result.json"
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "kubesaga_sdk", *arguments],
            env={"PYTHONPATH": PYTHON_PATH, "KUBESAGA_RESULT_FILE": str(self._result), **environ},
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read_line(self) -> str:
        """The next line of standard output, which the handler must write before it waits for anything."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], WAIT_SECONDS)[0]:
            self.process.kill()
            raise AssertionError(f"no line on standard output; {self.end().stderr}")
        return self.process.stdout.readline().rstrip()

    def interrupt(self) -> None:
        """SIGTERM, once the process waits in a blocking call.

        Python runs signal handlers between two instructions: of one that comes just before a blocking call nothing is
        heard until that call ends, and a busy machine makes that moment long.
        """
        stat = Path(f"/proc/{self.process.pid}/stat")
        deadline = time.monotonic() + WAIT_SECONDS
        while stat.read_text().rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < deadline, "the handler never waits"
            time.sleep(0.001)
        self.process.send_signal(signal.SIGTERM)

    def end(self, line: str = "") -> Ended:
        """Give the process a last line of input and wait for its end; it is killed where there is none."""
        try:
            stdout, stderr = self.process.communicate(line, timeout=WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        written = self._result.read_bytes() if self._result.exists() else None
        return Ended(self.process.returncode, written, stdout, stderr)


def start(folder: Path, document: Mapping[str, Any], **environ: str) -> StepProcess:
    """Start a step with this input document."""
    return StepProcess(folder, {"KUBESAGA_INPUT": json.dumps(document), **environ})


def run(folder: Path, document: Mapping[str, Any], **environ: str) -> Ended:
    """Run a step with this input document to its end."""
    return start(folder, document, **environ).end()
