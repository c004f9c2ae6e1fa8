"""When a failed attempt is tried again, as a step, a compensation, the defaults or an environment may say it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from kubesaga.api.constants import MAX_ATTEMPTS, MAX_MATCHERS, MAX_RULES
from kubesaga.api.models.base import Duration, Model, Timeout, cel
from kubesaga.engine.vocabulary import Backoff, Jitter, RuleAction

MATCHERS = ("onExitCodes", "onErrorTypes", "onErrorCodes", "onPodReasons")
_HIGHEST_EXIT_CODE = 255


def _check_exit_code(code: int) -> int:
    if not 1 <= code <= _HIGHEST_EXIT_CODE:
        raise PydanticCustomError(
            "InvalidRetry",
            "{code} is no exit code of a failure",
            {"code": code, "remedy": "write 1 to 255: 0 is success, and a program killed by signal n exits with 128+n"},
        )
    return code


ExitCode = Annotated[
    int,
    AfterValidator(_check_exit_code),
    Field(json_schema_extra={"minimum": 1, "maximum": _HIGHEST_EXIT_CODE}),
]
_Word = Annotated[str, Field(min_length=1, max_length=256)]
_Words = Annotated[tuple[_Word, ...], Field(min_length=1, max_length=MAX_MATCHERS)]


class RetryRule(Model):
    """What to do with a failed attempt that one of the lists names."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                " || ".join(f"has(self.{name})" for name in MATCHERS),
                f"a rule names what it is for: {', '.join(MATCHERS)}",
            )
        )
    )

    on_exit_codes: Annotated[tuple[ExitCode, ...], Field(min_length=1, max_length=MAX_MATCHERS)] | None = None
    """Exit codes of the program, 1 to 255."""
    on_error_types: _Words | None = None
    """Classes of errors, or base classes of theirs; `*` is any error."""
    on_error_codes: _Words | None = None
    """Codes that the program gives its errors."""
    on_pod_reasons: _Words | None = None
    """Kubernetes' words for how the pod or its container ended, such as OOMKilled, Evicted or DeadlineExceeded."""
    action: RuleAction
    """Retry: tried again. Fail: failed for good. Ignore: tried again, and not counted."""


class RetrySettings(Model):
    """When a failed attempt is tried again. What is absent here comes from the defaults."""

    max_attempts: Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None = None
    """Attempts in total, the first included; 3 if neither the step nor the defaults say."""
    backoff: Backoff | None = None
    """How the delay grows from retry to retry; Exponential if neither the step nor the defaults say."""
    initial_interval: Duration | None = None
    """Delay before the second attempt; 1s if neither the step nor the defaults say."""
    factor: Annotated[float, Field(ge=1, le=100)] | None = None
    """By how much an Exponential delay grows each time; 2 if neither the step nor the defaults say."""
    max_interval: Duration | None = None
    """No delay is longer; 30s if neither the step nor the defaults say."""
    jitter: Jitter | None = None
    """How much of the delay is random: None (the default), Full, or Equal (its second half)."""
    max_duration: Timeout | None = None
    """No retry starts later than this after the first attempt was enqueued; default: no limit."""
    rules: Annotated[tuple[RetryRule, ...], Field(max_length=MAX_RULES)] | None = None
    """The first rule that matches a failed attempt decides. Without one the program's own word does (retryable or
    not), else its exit code: 64 to 78 fail for good. The whole list is replaced, not merged."""
