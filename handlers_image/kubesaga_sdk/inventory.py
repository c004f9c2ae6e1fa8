"""`python -m kubesaga_sdk list`: the handlers of an image or of a project, as a table or as JSON.

Called by the command line; the JSON is for programs.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from types import FunctionType, MethodType
from typing import Any, cast

from kubesaga_sdk.contract import METHOD_CALL, METHOD_COMPENSATE
from kubesaga_sdk.registry import HandlerRegistry, Registration
from kubesaga_sdk.wiring import is_async

_PACKAGE = __name__.partition(".")[0]


def main(packages: Sequence[str], *, as_json: bool) -> int:
    """Print what there is; 1 where something could not be loaded, so that it is missing."""
    registry = HandlerRegistry.instance()
    with contextlib.redirect_stdout(sys.stderr):  # What a module prints while it is imported is no part of the list.
        registry.discover_handlers(*packages)
    handlers = [described(each) for each in registry.registrations()]
    if as_json:
        failures = [{"module": module, "error": why} for module, why in sorted(registry.failures.items())]
        print(json.dumps({"handlers": handlers, "failures": failures}, indent=2, ensure_ascii=False))
    else:
        _print_table(handlers)
    for what, why in sorted(registry.failures.items()):
        print(f"error: {what} could not be loaded: {why}", file=sys.stderr)
    return 1 if registry.failures else 0


def described(registration: Registration) -> dict[str, Any]:
    """One handler: `name, namespace, version, callable, class, module, kind, methods, async, depends_on, inputs, doc`.

    `callable` is what works in any template; `kind` is "class" or "function"; `depends_on` is parameter → step, and
    `inputs` the fields of the Task's context, both as far as decorators say them.
    """
    handler = registration.handler
    if isinstance(handler, type):
        methods = [name for name in dir(handler) if _is_method(handler, name)]
        call, wiring, kind = cast("Any", handler).call, None, "class"
    else:
        methods = [METHOD_CALL, METHOD_COMPENSATE] if handler.undo else [METHOD_CALL]
        call, wiring, kind = handler, handler.wiring, "function"
    return {
        "name": registration.name,
        "namespace": registration.namespace,
        "version": registration.version,
        "callable": registration.place,
        "class": handler.__qualname__,
        "module": handler.__module__,
        "kind": kind,
        "methods": methods,
        "async": is_async(call),
        "depends_on": wiring.steps if wiring else {},
        "inputs": wiring.inputs if wiring else [],
        "doc": (handler.__doc__ or "").strip().partition("\n")[0],
    }


def _is_method(handler: type, name: str) -> bool:
    """Whether a template may name it: not what is private, nor the base classes' own helpers."""
    found = getattr(handler, name)
    if name.startswith("_") or not isinstance(found, (FunctionType, MethodType)):
        return False
    return name in (METHOD_CALL, METHOD_COMPENSATE) or found.__module__.partition(".")[0] != _PACKAGE


def _print_table(handlers: Sequence[dict[str, Any]]) -> None:
    rows = [("NAME", "VERSION", "METHODS", "CALLABLE", "")]
    for each in handlers:
        name = f"{each['namespace']}/{each['name']}" if each["namespace"] else each["name"]
        rows.append((name, each["version"], ",".join(each["methods"]), each["callable"], each["doc"]))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip())
