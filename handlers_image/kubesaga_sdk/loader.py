"""From the name of a callable in a template to the method to run.

Called by the runner. A wrong name is the commonest mistake in a template, so the errors say what is there.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kubesaga_sdk.contract import METHOD_CALL
from kubesaga_sdk.errors import CallableInvalid, CallableNotFound, HandlerImportError

if TYPE_CHECKING:
    from kubesaga_sdk.registry import HandlerRegistry

Method = Callable[[Any], object]

_NAME = re.compile(r"(?P<module>\w+(\.\w+)*)(?P<separator>[.:])(?P<attribute>\w+)")
_LISTED = 20


def load(callable_name: str, method: str) -> Method:
    """The method to call with the context.

    Arguments:
        callable_name: `package.module:Class`, `package.module.Class`, or the name of a handler without its module (see
            `registry`); a function in the class's place stands for a handler whose only method is `call`.
        method: the handler's method; a class is instantiated without arguments first.

    Raises CallableNotFound, CallableInvalid, HandlerImportError, and what the class's constructor raises.
    """
    target = _target(callable_name)
    return _method(getattr(target, "handler_class", target), callable_name, method)


def _target(callable_name: str) -> Any:
    match = _NAME.fullmatch(callable_name)
    if match is None:
        return _registered(callable_name)
    try:
        return _attribute(_import(match["module"]), match["attribute"], callable_name)
    except CallableNotFound:
        # A registered name may have dots, too.
        found = [] if match["separator"] == ":" else _registry().search(callable_name, everywhere=False)
        if not found:
            raise
        return _registry().get_handler_class(callable_name)


def _registered(name: str) -> Any:
    from kubesaga_sdk.registry import REFERENCE

    if not REFERENCE.fullmatch(name):
        raise CallableNotFound(
            f"{name!r} names no callable: write package.module:Class or package.module.Class, or the name of a "
            "registered handler",
            "CallableNotFound",
        )
    return _registry().get_handler_class(name)


def _registry() -> HandlerRegistry:
    from kubesaga_sdk.registry import HandlerRegistry

    return HandlerRegistry.instance()


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise CallableNotFound(_no_module(error.name), "CallableNotFound") from error
        raise _import_failed(name, error) from error
    except (Exception, SystemExit) as error:
        raise _import_failed(name, error) from error


def _import_failed(name: str, error: BaseException) -> HandlerImportError:
    return HandlerImportError(
        f"importing {name} raised {type(error).__name__}: {error} (traceback in the pod's log)",
        "HandlerImportError",
    )


def _no_module(name: str) -> str:
    import pkgutil

    package, _, last = name.rpartition(".")
    path = list(importlib.import_module(package).__path__) if _is_package(package) else None
    if package and path is None:
        return f"this image has no module {name}: {package} is a module, not a package"
    where = f"package {package}" if package else "this image"
    there = [module.name for module in pkgutil.iter_modules(path)]
    hint = _suggestion(last, there, f"{package} contains" if package else "")
    return f"{where} has no module {last}{hint} (is it in the image, and its folder on PYTHONPATH?)"


def _is_package(name: str) -> bool:
    return bool(name) and hasattr(importlib.import_module(name), "__path__")


def _attribute(module: ModuleType, name: str, callable_name: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        there = [each for each, value in vars(module).items() if _is_own(module, each, value)]
        raise CallableNotFound(
            f"{callable_name}: {module.__name__} has no {name}{_suggestion(name, there, 'it defines')}",
            "CallableNotFound",
        ) from None


def _is_own(module: ModuleType, name: str, value: object) -> bool:
    return callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == module.__name__


def _method(target: Any, callable_name: str, method: str) -> Method:
    handler = _instance(target, callable_name) if isinstance(target, type) else target
    found = getattr(handler, method, None)
    if callable(found):
        return found  # type: ignore[no-any-return]
    if method == METHOD_CALL and callable(handler):
        return handler  # type: ignore[no-any-return]
    there = [name for name in dir(handler) if not name.startswith("_") and callable(getattr(handler, name))]
    raise CallableInvalid(
        f"{callable_name} has no method {method}{_suggestion(method, there, 'it has')}", "CallableInvalid"
    )


def _instance(cls: Any, callable_name: str) -> object:
    try:
        return cls()
    except TypeError as error:
        fault = _why_not_made(cls)
        if fault is None:
            raise  # The constructor's own.
        raise CallableInvalid(f"{callable_name} {fault}", "CallableInvalid") from error


def _why_not_made(cls: Any) -> str | None:
    import inspect

    if inspect.isabstract(cls):
        return f"is abstract: define {', '.join(sorted(cls.__abstractmethods__))}"
    try:
        inspect.signature(cls).bind()
    except TypeError as error:
        return f"cannot be made without arguments ({error}): give its constructor's parameters defaults"
    except ValueError:  # A class written in C need not tell its signature.
        return None
    return None


def _suggestion(wanted: str, there: Iterable[str], intro: str) -> str:
    """What was probably meant, and what there is: "; did you mean X? it defines: X, Y"."""
    import difflib

    names = sorted(set(there))
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    if not intro:
        return hint
    listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    return f"{hint or ';'} {intro}: {listed or 'nothing'}"
