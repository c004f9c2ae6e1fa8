"""Where a function or class is found by name: what a step's pod needs, and a closure has not.

Used by `template` (from the object to its path) and by `steps` (back, in the step's pod).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

from kubesaga_sdk.errors import CallableNotFound, HandlerImportError
from kubesaga_sdk.workflow.errors import NoImportPath

_REMEDY = (
    "a step on a cluster is found by its import path. Define it with def at the top level of a module (not in the "
    "script that is run), and give it what it needs by the context's data or by importing it"
)


def import_path(thing: Any, purpose: str, unwrap: Callable[[Any], Any] = lambda found: found) -> str:
    """`package.module:name` of a function or class.

    Arguments:
        purpose: what it is, for the error, such as "the undo of task charge".
        unwrap: gets from what stands under the name to the thing itself, for one that a decorator wrapped.

    Raises NoImportPath for what has none: a lambda, a closure, a method of an object, anything in `__main__`.
    """
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        raise NoImportPath(f"{purpose} is an object of {type(thing).__qualname__}, not a function or class: {_REMEDY}")
    if "<lambda>" in name:
        raise NoImportPath(f"{purpose} is a lambda: {_REMEDY}")
    if "<locals>" in name:
        raise NoImportPath(f"{purpose} is {name.replace('.<locals>', '')}, which exists only inside a call: {_REMEDY}")
    if module == "__main__":
        raise NoImportPath(f"{purpose} is defined in the script that is run (__main__): {_REMEDY}")
    try:
        found = unwrap(_walk(sys.modules[module], name))
    except (KeyError, AttributeError):
        found = None
    if found != thing:
        raise NoImportPath(
            f"{purpose} is not what {module}:{name} names (a method of an object, or replaced): {_REMEDY}"
        )
    return f"{module}:{name}"


def load(path: str) -> Any:
    """What `import_path` named. Raises CallableNotFound, HandlerImportError."""
    module, _, name = path.partition(":")
    found = _imported(module, path)
    try:
        return _walk(found, name)
    except AttributeError as error:
        raise CallableNotFound(
            f"{path}: {error}; the template was made of other code than this image has: make both anew",
            "CallableNotFound",
        ) from error


def _imported(module: str, path: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not error.name or not f"{module}.".startswith(f"{error.name}."):
            raise _import_failed(module, error) from error
        raise CallableNotFound(
            f"{path}: there is no module {error.name} (in a pod: is it in the image? and its folder on PYTHONPATH?)",
            "CallableNotFound",
        ) from error
    except (Exception, SystemExit) as error:
        raise _import_failed(module, error) from error


def _import_failed(module: str, error: BaseException) -> HandlerImportError:
    return HandlerImportError(f"importing {module} raised {type(error).__name__}: {error}", "HandlerImportError")


def _walk(module: object, name: str) -> Any:
    found = module
    for part in name.split("."):
        found = getattr(found, part)
    return found
