"""How the operator logs: one line per record on stderr, JSON for machines or text for people.

``__main__`` calls ``configure`` first of all. What a record is about comes through ``extra``:
``log.info("…", extra={"namespace": …, "task": …, "step": …, "attempt": …})``.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

SUBJECT = ("namespace", "task", "step", "attempt")

# aiohttp reports every request and kopf every event. kopf also repeats every failed request as an error, each
# second; what it cannot overcome it raises, and the feed reports that. Only what handlers raise it just logs.
QUIET = {
    "aiohttp": logging.WARNING,
    "asyncio": logging.WARNING,
    "kubernetes": logging.WARNING,
    "kopf": logging.CRITICAL,
    "kopf.objects": logging.WARNING,
}


def configure(form: str, level: str, stream: TextIO = sys.stderr) -> None:
    """Log at ``level`` (debug, info, warning, error) in that form (json, text), in place of what was set."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))


class JsonFormatter(logging.Formatter):
    """``ts`` (RFC 3339, UTC), ``level``, ``logger``, ``message``, what of the subject is set, and ``error``."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object, without a line break."""
        line: dict[str, object] = {
            "ts": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {field: getattr(record, field) for field in SUBJECT if hasattr(record, field)}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """``time level namespace/task/step#attempt message``, then the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, but for tracebacks."""
        parts = [str(getattr(record, field)) for field in SUBJECT[:3] if getattr(record, field, None)]
        subject = "/".join(parts)
        if getattr(record, "attempt", None):
            subject += f"#{record.attempt}"  # type: ignore[attr-defined]
        line = f"{_time(record)} {record.levelname:7} {subject + ' ' if subject else ''}{record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
