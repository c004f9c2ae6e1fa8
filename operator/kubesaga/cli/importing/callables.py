"""From the class that a step names in Tasker to the callable that it names here.

| Tasker | Kubesaga | with `--package shop` |
| --- | --- | --- |
| ``orders.handlers.ShipOrder`` (Python, also with ``:``) | ``orders.handlers:ShipOrder`` | the same |
| ``Order::Steps::ShipOrder`` (Ruby) | ``order.steps:ShipOrder`` | ``shop.order.steps:ShipOrder`` |
| ``ShipOrder``, a class without a module | ``ShipOrder``: the image's only class of this name | ``shop:ShipOrder`` |
| ``ship_order``, a key of the registry | ``ship_order``: the handler registered under it | ``shop:ship_order`` |
| ``orders:stripe:ship``, for a resolver of one's own | ``orders_stripe_ship`` | ``shop:orders_stripe_ship`` |

`--map A=B` replaces a whole name or its beginning. The longest mapping wins.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping

from kubesaga.cli.importing.notes import Notes
from kubesaga.cli.importing.words import snake_case

_PYTHON = re.compile(r"(?P<module>[a-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*)[.:](?P<attribute>[A-Za-z_]\w*)")
_RUBY = re.compile(r"(::)?[A-Z]\w*(::[A-Z]\w*)*")
_REGISTERED = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SEPARATORS = ("::", ".", ":")


class Callables:
    """The rule, with what the user has said about it."""

    def __init__(self, package: str | None = None, mapping: Mapping[str, str] | None = None) -> None:
        self._package = package
        self._mapping = {name.removeprefix("::"): target for name, target in (mapping or {}).items()}

    def convert(self, name: str, path: str, notes: Notes) -> str:
        """The callable for a class or key of Tasker; a change is noted."""
        found, why = self._find(name.strip().removeprefix("::"))
        if found.replace(":", ".") != name:
            notes.changed(path, f"{name} is {found}{why}")
        return found

    def _find(self, name: str) -> tuple[str, str]:
        mapped = self._mapped(name)
        if mapped:
            return mapped, " (as --map says)"
        python = _PYTHON.fullmatch(name)
        if python and ("." in name or python["attribute"][:1].isupper()):
            return f"{python['module']}:{python['attribute']}", ""
        if _RUBY.fullmatch(name):
            *modules, last = name.split("::")
            return self._below_package(modules, last), ": port the class to Python, or name another one by --map"
        if _REGISTERED.fullmatch(name) and not self._package:
            return name, ""
        key = snake_case(name)
        key = key if key.isidentifier() and not keyword.iskeyword(key) else f"handler_{key}"
        return self._below_package([], key), ": register the handler under this name, or name it by --map"

    def _mapped(self, name: str) -> str | None:
        for known in sorted(self._mapping, key=len, reverse=True):
            target = self._mapping[known]
            if name == known:
                return target
            rest = next((name[len(known + each) :] for each in _SEPARATORS if name.startswith(known + each)), None)
            if rest:
                *modules, last = re.split(r"::|[.:]", rest)
                return ".".join([target.rstrip(":"), *map(snake_case, modules)]) + f":{last}"
        return None

    def _below_package(self, modules: list[str], attribute: str) -> str:
        own = [snake_case(each) for each in modules]
        safe = [f"{each}_" if keyword.iskeyword(each) else each for each in own]
        if safe and not self._package and safe[0] in sys.stdlib_module_names:
            safe[0] += "_"  # A module `email` of one's own would hide Python's.
        module = ".".join([self._package, *safe] if self._package else safe)
        return f"{module}:{attribute}" if module else attribute
