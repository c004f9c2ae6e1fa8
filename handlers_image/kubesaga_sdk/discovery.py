"""Which modules may define handlers, and importing them: how a name without a module finds its handler.

Called by the registry, where a template's `callable` has no module, and for `python -m kubesaga_sdk list`. A step whose
callable names its module never comes here.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

SETTING = "KUBESAGA_HANDLERS"
"""Environment: packages or modules to look into, separated by commas; see `default_units` for what holds without."""

_NEVER = ("kubesaga_sdk", "kubesaga", "__main__", "setup", "conftest", "tests", "test")


class Source(NamedTuple):
    """A module that has not been imported: its name, and its source where there is one."""

    module: str
    path: Path | None

    def mentions(self, text: str) -> bool:
        """Whether the text stands in the source; True where there is none to look at."""
        try:
            return self.path is None or text.encode() in self.path.read_bytes()
        except OSError:
            return True  # To import it fails as well, and says why.


def modules(packages: Sequence[str], failures: dict[str, str], text: str | None = None) -> Iterator[ModuleType]:
    """Import what may define handlers.

    Arguments:
        packages: what to look into; empty for the default.
        failures: gets each module that could not be imported, and why.
        text: only modules that have this in their source.
    """
    for source in _sources(packages, failures):
        if text is None or source.mentions(text):
            try:
                yield importlib.import_module(source.module)
            except (Exception, SystemExit) as error:
                failures[source.module] = f"{type(error).__name__}: {error}"
            else:
                failures.pop(source.module, None)


def default_units() -> list[list[Source]]:
    """Top-level modules and packages that mention the SDK, in the folders of PYTHONPATH and the current one.

    What is installed is passed over; what a program adds to `sys.path` is looked into as well.
    """
    units = []
    for folder in _folders():
        for found in pkgutil.iter_modules([folder]):
            unit = list(_walk(found.name, Path(folder) / found.name)) if _is_candidate(found.name) else []
            if any(each.path is not None and each.mentions("kubesaga_sdk") for each in unit):
                units.append(unit)
    return units


def looked_into() -> str:
    """Where the default looks, for an error message."""
    return os.environ.get(SETTING) or ", ".join(_folders()) or "no folder"


def _sources(packages: Sequence[str], failures: dict[str, str]) -> Iterator[Source]:
    named = list(packages) or [name.strip() for name in os.environ.get(SETTING, "").split(",") if name.strip()]
    if not named:
        for unit in default_units():
            yield from unit
    for name in named:
        try:
            spec = importlib.util.find_spec(name)
        except (Exception, SystemExit) as error:  # The package around a module is imported, and may raise anything.
            failures[name] = f"{type(error).__name__}: {error}"
            continue
        if spec is None:
            failures[name] = "there is no such module (is its folder on PYTHONPATH?)"
            continue
        yield Source(name, _source_file(Path(spec.origin)) if spec.origin else None)
        for folder in spec.submodule_search_locations or ():
            yield from _inside(name, Path(folder))


def _folders() -> list[str]:
    """Where modules are imported from, but for the standard library and installed packages."""
    installed = {os.path.realpath(path) for path in sysconfig.get_paths().values()}
    folders = dict.fromkeys(os.path.realpath(each or os.curdir) for each in sys.path)
    return [folder for folder in folders if os.path.isdir(folder) and not _is_installed(folder, installed)]


def _is_installed(folder: str, installed: set[str]) -> bool:
    named = os.path.basename(folder) in ("site-packages", "dist-packages", "lib-dynload")
    return named or folder in installed


def _walk(name: str, place: Path) -> Iterator[Source]:
    """A module, and where it is a package, all below it."""
    if place.is_dir():
        yield Source(name, _source_file(place / "__init__.py"))
        yield from _inside(name, place)
    else:
        yield Source(name, _source_file(place.with_suffix(".py")))


def _inside(package: str, folder: Path) -> Iterator[Source]:
    for found in pkgutil.iter_modules([str(folder)]):
        if _is_candidate(found.name):
            yield from _walk(f"{package}.{found.name}", folder / found.name)


def _source_file(path: Path) -> Path | None:
    return path if path.suffix == ".py" and path.is_file() else None


def _is_candidate(name: str) -> bool:
    return name not in _NEVER and not name.startswith("test_")
