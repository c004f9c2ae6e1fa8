"""Events of a handler's own: `context.publish("order.charged", {...})` is a line of the step's log, of a fixed form.

Called by StepContext. The line is a JSON object as every line of the SDK, and has one field more, `kubesaga.dev/event`;
whoever collects the pod's log can tell events by it. See docs/step-contract.md.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from kubesaga_sdk import json_value
from kubesaga_sdk.contract import EVENT_FIELD, EVENT_LIMIT

LOGGER = logging.getLogger("kubesaga_sdk.events")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")


def publish(name: str, payload: Mapping[str, Any], sequence: int, fields: Mapping[str, Any]) -> None:
    """Write the line.

    Arguments:
        name: what happened, such as "order.charged".
        payload: a JSON object; one of more than EVENT_LIMIT bytes is left out, and its size is told instead.
        sequence: the number of the event within its attempt, from 1.
        fields: which attempt it is of.

    Raises ValueError for a name of another form and for a payload that is no JSON object.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no event's name: a letter, then letters, digits, `_`, `.` and `-`, 100 at most")
    plain = json_value.plain(payload)
    fault = json_value.fault(plain, "payload") if isinstance(plain, dict) else "payload: it has to be a dict"
    if fault:
        raise ValueError(f"the event {name} cannot be written as JSON: {fault}")
    event: dict[str, Any] = {"name": name, "sequence": sequence}
    size = len(json.dumps(plain).encode())
    if size <= EVENT_LIMIT:
        event["payload"] = plain
    else:
        event["omittedBytes"] = size
    level = logging.INFO if size <= EVENT_LIMIT else logging.WARNING
    LOGGER.log(level, "event %s", name, extra={**fields, EVENT_FIELD: event})
