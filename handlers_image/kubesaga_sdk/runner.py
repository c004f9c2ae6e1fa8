"""Running one attempt of a step: read the input, call the handler, write the result, say how it went.

`run_step` is the entry point of a step's pod (`python -m kubesaga_sdk`); the command line uses it for a
handler run by hand. Everything that can go wrong on the way becomes an error document and an exit code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from kubesaga_sdk import loader, outcome
from kubesaga_sdk.attempt import perform
from kubesaga_sdk.context import StepContext
from kubesaga_sdk.contract import DEFAULT_RESULT_FILE, ENV_RESULT_FILE, EXIT_DONE, EXIT_RETRYABLE, RESULT_LIMIT
from kubesaga_sdk.errors import (
    CallableInvalid,
    CallableNotFound,
    InvalidInput,
    InvalidResult,
    ResultTooLarge,
    StepError,
)
from kubesaga_sdk.log import LOGGER, StepLogging
from kubesaga_sdk.outcome import Outcome
from kubesaga_sdk.step_input import Document
from kubesaga_sdk.termination import StepTerminated, Termination

SELF_EXPLAINING = (InvalidInput, CallableNotFound, CallableInvalid, InvalidResult, ResultTooLarge)
"""Raised by the SDK itself, in words that need no traceback beside them."""


def run_step(
    read_input: Callable[[], Document],
    environ: Mapping[str, str],
    write: Callable[[bytes], object] | None = None,
) -> int:
    """Run one attempt to its end.

    Arguments:
        read_input: gives the step's complete input document; may raise InvalidInput.
        environ: the process's environment.
        write: takes the result document; None writes it to the file that the contract names, or where it is too
            large for that, into the log.

    Returns the process's exit code.
    """
    process = os.getpid()
    end = _attempt(read_input, StepLogging(environ), Termination())
    if os.getpid() != process:
        return end.exit_code  # A process that the handler forked and that came back: its word is not the step's.
    LOGGER.info("step ended", extra={"exit_code": end.exit_code})
    try:
        (write or _result_writer(environ))(end.document)
    except OSError:
        LOGGER.exception("the result document could not be written")
        return end.exit_code if end.exit_code != EXIT_DONE else EXIT_RETRYABLE
    return end.exit_code


def _attempt(read_input: Callable[[], Document], logging: StepLogging, termination: Termination) -> Outcome:
    try:
        termination.install()
        return _run(read_input(), logging, termination)
    except BaseException as raised:
        termination.disarm()
        error = _told_to_stop(raised) if termination.requested else raised
        traceback = None if isinstance(error, SELF_EXPLAINING) else raised
        LOGGER.error("step failed: %s: %s", type(error).__name__, error, exc_info=traceback)
        return outcome.of_error(error)


def _run(document: Document, logging: StepLogging, termination: Termination) -> Outcome:
    step, context = document["step"], StepContext(document)
    logging.describe(
        task=context.task.name,
        step=context.step_name,
        attempt=context.attempt,
        correlation_id=context.correlation_id,
    )
    method = loader.load(step["callable"], step["method"])
    logging.adopt_root()
    LOGGER.info("step started", extra={"callable": step["callable"], "method": step["method"], "role": step["role"]})
    return perform(method, context, termination=termination)


def _told_to_stop(raised: BaseException) -> BaseException:
    """The error to report after SIGTERM: what tidying up raised is no verdict on the work itself."""
    if isinstance(raised, (StepTerminated, StepError)):
        return raised
    return StepTerminated(f"the step was told to stop (SIGTERM); on the way out {type(raised).__name__}: {raised}")


def _result_writer(environ: Mapping[str, str]) -> Callable[[bytes], object]:
    named = environ.get(ENV_RESULT_FILE)
    if named or os.path.exists(DEFAULT_RESULT_FILE):
        return partial(_write, named or DEFAULT_RESULT_FILE)
    return _report_unwritten


def _write(path: str, document: bytes) -> None:
    if len(document) > RESULT_LIMIT:
        from kubesaga_sdk import frames

        # Before the file, which must not tell of frames that never were written.
        document = frames.print_framed(document)
    with open(path, "wb") as file:
        file.write(document)


def _report_unwritten(document: bytes) -> None:
    LOGGER.warning(
        "%s is not set and %s does not exist: the result document goes nowhere but into this line",
        ENV_RESULT_FILE,
        DEFAULT_RESULT_FILE,
        extra={"document": document.decode()},
    )
