"""What `import kubesaga_sdk` promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import kubesaga_sdk
from kubesaga_sdk import errors
from tests.sdk.support import PYTHON_PATH, ROOT

PROMISED = {
    "APIMixin", "ApiHandler", "ApiResponse", "AuthenticationError", "AuthorizationError", "BusinessLogicError",
    "ConfigurationError", "ErrorType", "ExecutionContext", "FunctionalHandler", "HandlerRegistry", "NetworkError",
    "NotFoundError", "PermanentError", "RateLimitError", "ResourceContentionError", "RetryableError",
    "ServiceUnavailableError", "Services", "StepContext", "StepError", "StepFailure", "StepHandler",
    "StepHandlerResult", "StepTerminated", "StepTimeoutError", "StepValidationError", "TaskInfo", "depends_on",
    "inputs", "provider", "step_handler",
}  # fmt: skip
ERRORS = {
    "AuthenticationError", "AuthorizationError", "BusinessLogicError", "CallableInvalid", "CallableNotFound",
    "ConfigurationError", "HandlerImportError", "InvalidInput", "InvalidResult", "NetworkError", "NotFoundError",
    "PermanentError", "RateLimitError", "ResourceContentionError", "ResultTooLarge", "RetryableError",
    "ServiceUnavailableError", "StepError", "TaskerError", "TimeoutError", "ValidationError",
}  # fmt: skip


def test_exactly_the_promised_names_are_exported() -> None:
    assert set(kubesaga_sdk.__all__) == PROMISED
    assert [name for name in kubesaga_sdk.__all__ if not hasattr(kubesaga_sdk, name)] == []


def test_every_promised_name_is_in_the_handlers_guide() -> None:
    page = (ROOT / "docs" / "handlers.md").read_text("utf-8")
    assert [name for name in sorted(PROMISED) if not re.search(rf"\b{name}\b", page)] == []


def test_the_error_tree_is_whole() -> None:
    assert {
        name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)
    } == ERRORS
    assert errors.TaskerError is errors.StepError
    for name in ERRORS - {"StepError", "TaskerError"}:
        raised = getattr(errors, name)("sentence", "CODE", 2.5, metadata={"a": 1}, context={"b": 2})
        assert isinstance(raised, errors.StepError)
        assert (str(raised), raised.error_code, raised.retry_after, raised.metadata) == (
            "sentence", "CODE", 2.5, {"a": 1, "b": 2},
        )  # fmt: skip
        assert raised.retryable is isinstance(raised, errors.RetryableError)
        assert raised.retryable is not isinstance(raised, errors.PermanentError)


def test_the_types_are_shipped() -> None:
    assert (Path(kubesaga_sdk.__file__).parent / "py.typed").exists()


def test_a_step_starts_without_the_slow_parts_of_the_standard_library() -> None:
    slow = ["asyncio", "argparse", "copy", "dataclasses", "email", "http", "inspect", "pathlib", "pkgutil", "urllib"]
    slow += [f"kubesaga_sdk.{name}" for name in ("api", "functional", "registry", "services", "execution_context")]
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
