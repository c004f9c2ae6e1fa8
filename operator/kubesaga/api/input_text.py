"""A step's input document as text, unless it is too large for any way to the step.

Called by whoever delivers it: the runtime's ``inputs``, the local engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubesaga.api.constants import INPUT_LIMIT_BYTES
from kubesaga.engine.encoding import to_text


class InputTooLarge(ValueError):
    """No object of the API server could hold the input document; the message says what to do."""


def input_text(document: Mapping[str, Any]) -> str:
    """The document's JSON. Raises InputTooLarge."""
    text = to_text(document)
    size = len(text.encode())
    if size > INPUT_LIMIT_BYTES:
        raise InputTooLarge(
            f"the input of this step has {size} bytes, more than the {INPUT_LIMIT_BYTES} that fit into a ConfigMap "
            f"({_largest_parts(document)}); store large data elsewhere and pass a reference to it"
        )
    return text


def _largest_parts(document: Mapping[str, Any]) -> str:
    """Where the bytes are: the three largest of the document's parts, each step's result by itself."""
    parts = {name: value for name, value in document.items() if name != "results"}
    parts |= {f"result of {name}": value for name, value in (document.get("results") or {}).items()}
    sizes = sorted(((len(json.dumps(value)), name) for name, value in parts.items()), reverse=True)
    return ", ".join(f"{name}: {size}" for size, name in sizes[:3])
