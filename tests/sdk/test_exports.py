"""What `import kubesaga_sdk` promises."""

from __future__ import annotations

import subprocess
import sys

import kubesaga_sdk
from tests.sdk.support import PYTHON_PATH

PROMISED = {
    "AuthenticationError", "AuthorizationError", "BusinessLogicError", "ConfigurationError", "ErrorType",
    "ExecutionContext", "NetworkError", "NotFoundError", "PermanentError", "RateLimitError", "ResourceContentionError",
    "RetryableError", "ServiceUnavailableError", "StepContext", "StepError", "StepFailure", "StepHandler",
    "StepHandlerResult", "StepTerminated", "StepTimeoutError", "StepValidationError", "TaskInfo",
}  # fmt: skip


def test_exactly_the_promised_names_are_exported() -> None:
    assert set(kubesaga_sdk.__all__) == PROMISED
    assert [name for name in kubesaga_sdk.__all__ if not hasattr(kubesaga_sdk, name)] == []


def test_a_step_starts_without_the_slow_parts_of_the_standard_library() -> None:
    slow = ["asyncio", "argparse", "dataclasses", "inspect", "pathlib", "urllib.request"]
    code = f"import sys, kubesaga_sdk.__main__; print([m for m in {slow} if m in sys.modules])"
    # -S: what this environment's site packages import is none of the SDK's doing.
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": PYTHON_PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
