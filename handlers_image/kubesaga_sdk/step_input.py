"""Reading the step's input document, and refusing what is none with a sentence that says what is wrong.

Called by the runner (document in the environment, or in a file where it is large) and by the command line
(a file that a developer wrote). What comes out has every field of the contract, with defaults filled in,
so that StepContext need not ask twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kubesaga_sdk.contract import API_VERSION, ENV_INPUT, ENV_INPUT_FILE, INPUT_KIND
from kubesaga_sdk.errors import InvalidInput

Document = dict[str, Any]

_JSON_NAMES: dict[type, str] = {
    dict: "an object", list: "an array", str: "a string", int: "an integer", float: "a number",
    bool: "a boolean", type(None): "null",
}  # fmt: skip

# Field → its type and what stands in for an absent field or null (None: the field may be null).
_FIELDS: dict[str, tuple[type, Any]] = {
    "task": (dict, {}),
    "step": (dict, {}),
    "attempt": (int, 1),
    "retryCount": (int, 0),
    "context": (dict, {}),
    "options": (dict, {}),
    "metadata": (dict, {}),
    "trace": (list, []),
    "results": (dict, {}),
    "resultRefs": (dict, {}),
    "errors": (dict, {}),
    "config": (dict, {}),
    "idempotencyKey": (str, ""),
    "compensationKey": (str, None),
    "correlationId": (str, ""),
    "parentCorrelationId": (str, None),
    "deadline": (str, None),
    "forward": (dict, {}),
}
FIELDS = frozenset(_FIELDS)
"""The document's fields, but for `apiVersion` and `kind`."""
_STEP_FIELDS: dict[str, tuple[type, Any]] = {
    "name": (str, ""),
    "role": (str, "forward"),
    "callable": (str, ""),
    "method": (str, "call"),
    "maxAttempts": (int, 3),
}


def from_environment(environ: Mapping[str, str]) -> Document:
    """The document that the operator gave to this pod.

    Raises InvalidInput.
    """
    path, text = environ.get(ENV_INPUT_FILE), environ.get(ENV_INPUT)
    if path:
        return from_operator(_read(path), f"{path} (from {ENV_INPUT_FILE})")
    if text:
        return from_operator(text, ENV_INPUT)
    raise InvalidInput(
        f"neither {ENV_INPUT} nor {ENV_INPUT_FILE} is set: the Kubesaga operator sets one of them in a "
        "step's pod; to run a handler by hand: python -m kubesaga_sdk run package.module:Class --input FILE",
        "InvalidInput",
    )


def from_operator(text: str, source: str) -> Document:
    """Parse a document that must say which version of the contract it follows."""
    raw = _parse(text, source)
    version, kind = raw.get("apiVersion"), raw.get("kind")
    if (version, kind) != (API_VERSION, INPUT_KIND):
        raise InvalidInput(
            f"{source} is {kind!r} of {version!r}, this image's kubesaga_sdk reads {INPUT_KIND!r} of "
            f"{API_VERSION!r}: build the image with an SDK that fits the operator",
            "InvalidInput",
        )
    return complete(raw, source)


def from_file(path: str) -> Document:
    """Parse a document that a developer wrote; every field is optional."""
    return complete(_parse(_read(path), path), path)


def complete(raw: Document, source: str) -> Document:
    """Check the fields' types and fill in what is absent; all faults are reported at once."""
    faults: list[str] = []
    document = _checked(raw, _FIELDS, "", faults)
    document["step"] = _checked(document["step"], _STEP_FIELDS, "step.", faults)
    if faults:
        raise InvalidInput(f"{source} is not a step's input: {'; '.join(faults)}", "InvalidInput")
    return document


def _checked(raw: Document, fields: dict[str, tuple[type, Any]], prefix: str, faults: list[str]) -> Document:
    checked = dict(raw)
    for name, (wanted, default) in fields.items():
        value = raw.get(name)
        if value is None:
            checked[name] = default
        elif not isinstance(value, wanted) or isinstance(value, bool):
            faults.append(f"{prefix}{name} must be {_JSON_NAMES[wanted]}, not {_named(value)}")
            checked[name] = default
    return checked


def _named(value: object) -> str:
    return _JSON_NAMES.get(type(value)) or f"a {type(value).__name__}"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the step's input cannot be read from {path}: {error}", "InvalidInput") from error


def _parse(text: str, source: str) -> Document:
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"{source} is not JSON: {error}", "InvalidInput") from error
    if not isinstance(raw, dict):
        raise InvalidInput(f"{source} must be a JSON object, not {_named(raw)}", "InvalidInput")
    return raw
