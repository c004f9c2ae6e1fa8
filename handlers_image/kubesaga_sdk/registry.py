"""The registry: which handlers there are, and which of them a template's `callable` means by a name without a module.

    charge_payment            the handler registered under this name
    payments/charge_payment   the same in a namespace, where two have the name
    charge_payment@1.2.0      a version of it; without, the highest release
    ChargePayment             a class, where only one of the image has the name

Asked by the loader and by `python -m kubesaga_sdk list`; `@step_handler` registers, and so does looking into modules
(see `discovery`). One per process, safe to use from several threads.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from types import ModuleType
from typing import Any, NamedTuple

from kubesaga_sdk.errors import CallableInvalid, CallableNotFound
from kubesaga_sdk.handler import StepHandler

REFERENCE = re.compile(
    r"((?P<namespace>[A-Za-z_][\w-]*)/)?"
    r"(?P<name>[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*)"
    r"(@(?P<version>\d+\.\d+\.\d+([+-][\w.+-]*)?))?",
    re.ASCII,
)
_LISTED = 20


class Registration(NamedTuple):
    """A handler under a name."""

    namespace: str
    name: str
    version: str
    handler: Any
    """A StepHandler class, or what `@step_handler` made of a function."""

    @property
    def place(self) -> str:
        """Where it is: `package.module:Class`."""
        return f"{self.handler.__module__}:{self.handler.__qualname__}"

    @property
    def reference(self) -> str:
        """What a template may write."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def handler_class(self) -> type[StepHandler]:
        """The handler as a class. Raises CallableInvalid where a function's parameter is filled by nothing."""
        found: type[StepHandler] = getattr(self.handler, "handler_class", self.handler)
        return found


class HandlerRegistry:
    """Handlers by name."""

    _instance: HandlerRegistry | None = None
    _instance_lock = threading.Lock()

    def __init__(self) -> None:
        self._registrations: dict[tuple[str, str, str, str], Registration] = {}
        self._lock = threading.Lock()
        self.failures: dict[str, str] = {}
        """What could not be looked into → why: a module, or a handler (`module:Class`) whose name is none."""

    @classmethod
    def instance(cls) -> HandlerRegistry:
        """The process's registry."""
        with cls._instance_lock:
            if cls._instance is None:
                cls._instance = cls()
            return cls._instance

    def register(self, name: str, handler: Any, *, namespace: str = "", version: str | None = None) -> None:
        """Add a handler: a StepHandler class, or what `@step_handler` made of a function.

        The same handler again, after its module was loaded anew, takes its own place. Another one under the same name,
        namespace and version is an error for the template that asks for it, whichever was first.

        Raises ValueError for a name that no template could write, TypeError for what is no handler.
        """
        if not is_handler(handler):
            raise TypeError(f"{handler!r} is neither a StepHandler class nor made by @step_handler")
        version = version or _identity(handler)[2]
        reference = f"{namespace}/{name}@{version}" if namespace else f"{name}@{version}"
        if not REFERENCE.fullmatch(reference):
            raise ValueError(f"{reference!r} is no handler's name: write [namespace/]name with a version such as 1.0.0")
        registration = Registration(namespace, name, version, handler)
        with self._lock:
            self._registrations[namespace, name, version, registration.place] = registration

    def unregister(self, name: str, *, namespace: str = "") -> bool:
        """Forget every version of a handler; whether there was one."""
        with self._lock:
            gone = [key for key in self._registrations if key[:2] == (namespace, name)]
            for key in gone:
                del self._registrations[key]
        return bool(gone)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._registrations.clear()
            self.failures.clear()

    def registrations(self) -> list[Registration]:
        """All there are, by namespace, name, version and place."""
        with self._lock:
            return [self._registrations[key] for key in sorted(self._registrations)]

    def list_handlers(self) -> list[str]:
        """The names that templates may write, each once."""
        return sorted({each.reference for each in self.registrations()})

    def is_registered(self, reference: str) -> bool:
        """Whether there is a handler of this name, among those known so far."""
        return bool(self.find(reference))

    def scan(self, module: ModuleType) -> int:
        """Add the handlers that a module defines; how many. One that no template could name is in `failures`."""
        own = [each for each in vars(module).values() if is_handler(each) and each.__module__ == module.__name__]
        added = 0
        for handler in own:
            namespace, name, version = _identity(handler)
            try:
                self.register(name, handler, namespace=namespace, version=version)
                added += 1
            except ValueError as error:
                self.failures[f"{handler.__module__}:{handler.__qualname__}"] = str(error)
        return added

    def discover_handlers(self, *packages: str) -> int:
        """Import packages or modules with all that is in them, and add the handlers; how many there are.

        Without names, what `discovery.default_units` finds. What cannot be imported or named is in `failures`.
        """
        from kubesaga_sdk import discovery

        return sum(self.scan(module) for module in discovery.modules(packages, self.failures))

    def get_handler_class(self, reference: str) -> type[StepHandler]:
        """The handler that a template's `callable` without a module means.

        Raises CallableNotFound and CallableInvalid, with what is there.
        """
        found = self.search(reference)
        if len({each.place for each in found}) > 1:
            places = ", ".join(f"{each.place} ({each.reference}@{each.version})" for each in found)
            raise CallableInvalid(
                f"{reference} means {len(found)} handlers: {places}; name one of these", "CallableInvalid"
            )
        if not found:
            raise CallableNotFound(self._not_found(reference), "CallableNotFound")
        return found[0].handler_class

    def search(self, reference: str, *, everywhere: bool = True) -> list[Registration]:
        """`find`, and where nothing is known yet, again after importing the modules that have the name in their source.

        If that is not enough, all modules are imported, unless `everywhere` is False.
        """
        from kubesaga_sdk import discovery

        name = reference.rpartition("/")[2].partition("@")[0]
        found = self.find(reference)
        for text in (name, None) if everywhere else (name,):
            if not found:
                for module in discovery.modules((), self.failures, text=text):
                    self.scan(module)
                found = self.find(reference)
        return found

    def find(self, reference: str) -> list[Registration]:
        """Those that the reference means, of what is known so far: more than one where it is ambiguous."""
        match = REFERENCE.fullmatch(reference)
        if match is None:
            return []
        there = self.registrations()
        named = [each for each in there if each.name == match["name"]] or [
            each for each in there if each.handler.__name__ == match["name"]
        ]
        if match["namespace"]:
            named = [each for each in named if each.namespace == match["namespace"]]
        if match["version"]:
            return [each for each in named if each.version == match["version"]]
        highest: dict[str, tuple[Any, ...]] = {}
        for each in named:
            highest[each.namespace] = max(highest.get(each.namespace, ()), _order(each.version))
        return [each for each in named if _order(each.version) == highest[each.namespace]]

    def _not_found(self, reference: str) -> str:
        import difflib

        from kubesaga_sdk import discovery

        there = self.registrations()
        names = sorted({each.reference for each in there} | {each.handler.__name__ for each in there})
        versions = sorted({each.version for each in there if each.reference == reference.partition("@")[0]})
        near = [f"{reference.partition('@')[0]}@{version}" for version in versions] or difflib.get_close_matches(
            reference, names, n=3
        )
        hint = f"; did you mean {' or '.join(near)}?" if near else ";"
        listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
        failed = "".join(f"; {what} could not be loaded: {why}" for what, why in sorted(self.failures.items()))
        return (
            f"this image has no handler {reference}{hint} it has: {listed or 'none'}{failed} "
            f"(looked into {discovery.looked_into()}; {discovery.SETTING} names other packages)"
        )


def is_handler(value: object) -> bool:
    """Whether this is a StepHandler class that can be made, or what `@step_handler` made of a function."""
    if isinstance(value, type):
        return issubclass(value, StepHandler) and not getattr(value, "__abstractmethods__", None)
    return hasattr(type(value), "handler_class")


def _identity(handler: Any) -> tuple[str, str, str]:
    """Namespace, name and version that a handler gives itself; a class's own, not its base's."""
    if not isinstance(handler, type):
        return handler.namespace, handler.name, handler.version
    own: Any = handler
    return own.handler_namespace, vars(own).get("handler_name") or own.__name__, own.handler_version


def _order(version: str) -> tuple[Any, ...]:
    """What sorts versions: every release after every pre-release."""
    release, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in release.split(".") if part.isdecimal())
    parts: Iterable[tuple[bool, int, str]] = (
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in pre.split(".")
    )
    return (not pre, numbers, tuple(parts))
