"""Log lines as JSON objects, one a line, that say which attempt of which step they belong to.

Set up by the runner. The SDK's own lines always take this form; the handler's take it too, unless its module
configured logging while it was imported. Whatever a handler prints is left as it is.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

from kubesaga_sdk.contract import ENV_ATTEMPT, ENV_STEP, ENV_TASK

LOGGER = logging.getLogger("kubesaga_sdk")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: ts (RFC 3339, UTC), level, logger, message, the step's fields, `extra`."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__()
        self.fields = dict(fields)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self.fields,
        }
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line = {**extra, **line}  # Nobody's extra hides which attempt the line belongs to.
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return json.dumps(line, default=str, allow_nan=False)
        except (ValueError, TypeError):  # A field that JSON cannot hold, such as NaN, is no reason to lose the line.
            return json.dumps(
                {name: value if isinstance(value, (str, int)) else str(value) for name, value in line.items()}
            )


class AttemptLogger(logging.LoggerAdapter[logging.Logger]):
    """A handler's own logger: each line bears the attempt's fields beside those of the line."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__(logging.getLogger("kubesaga_sdk.handler"), dict(fields))

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the fields to the line's `extra`. A name that logging has for itself, such as `name`, gets a `_`."""
        given = {
            f"{name}_" if name in _STANDARD else name: value for name, value in (kwargs.get("extra") or {}).items()
        }
        return msg, {**kwargs, "extra": {**given, **(self.extra or {})}}


class StepLogging:
    """The process's logging: made from the environment, completed when the step's input is known."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._formatter = JsonFormatter(
            {
                "task": environ.get(ENV_TASK, ""),
                "step": environ.get(ENV_STEP, ""),
                "attempt": _number(environ.get(ENV_ATTEMPT, "")),
                "correlation_id": "",
            }
        )
        self._handler = logging.StreamHandler(sys.stderr)
        self._handler.setFormatter(self._formatter)
        LOGGER.handlers = [self._handler]
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False

    def describe(self, *, task: str, step: str, attempt: int, correlation_id: str) -> None:
        """Name the attempt in every line from now on."""
        self._formatter.fields.update(task=task, step=step, attempt=attempt, correlation_id=correlation_id)

    def adopt_root(self) -> None:
        """Format the handler's lines as well, unless it configured logging itself when it was imported."""
        root = logging.getLogger()
        if not root.handlers:
            root.addHandler(self._handler)
            root.setLevel(logging.INFO)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
