"""What a step's container would run, as a command of this machine, with the environment that it would have.

What only a cluster has is found before anything runs: an image's own entry point, values out of Secrets and
ConfigMaps, files of volumes. What ``envFrom`` would bring is taken to be in this machine's environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from kubesaga.api.constants import ENV_PREFIX
from kubesaga.api.programs import Program, ProgramKind
from kubesaga.engine.vocabulary import Role
from kubesaga.local.templates import Template

_REFERENCE = re.compile(r"\$(\$|\([^)]*\))")


@dataclass(frozen=True)
class Machine:
    """This machine: Python and the folders with handlers, what stands for a container's paths, and the environment.

    ``mounts`` maps a path in a container to a folder here.
    """

    python: str
    handlers: tuple[Path, ...] = ()
    mounts: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def command(self, program: Program, environment: Mapping[str, str]) -> list[str]:
        """The words of the attempt's command; ``environment`` is the program's own, for $(VAR)."""
        if program.kind is ProgramKind.HANDLER:
            return [self.python, "-m", "kubesaga_sdk"]
        words = [*(program.command or ()), *(program.args or ())]
        return [self._mounted(expanded(word, environment)) for word in words]

    def environment_of(self, program: Program, variables: Mapping[str, str]) -> dict[str, str]:
        """The program's environment: this machine's, the step contract's ``variables``, the template's."""
        environment = {name: value for name, value in self.environment.items() if not name.startswith(ENV_PREFIX)}
        if program.kind is ProgramKind.HANDLER:
            path = [*map(str, self.handlers), *filter(None, [environment.get("PYTHONPATH")])]
            environment |= {"PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
        environment |= variables
        for each in program.env:
            if "valueFrom" not in each:
                environment[each["name"]] = self._mounted(expanded(str(each.get("value") or ""), environment))
        return environment

    def problems(self, templates: Iterable[Template]) -> list[str]:
        """Why programs of these templates cannot run here: sentences with the remedy."""
        found: dict[str, list[str]] = {}
        for template in templates:
            for step, role, program in template.programs():
                where = f"{template.called} {step}" + (" (compensation)" if role is Role.COMPENSATION else "")
                for problem in self._problems(program):
                    found.setdefault(problem, []).append(where)
        return [f"{', '.join(dict.fromkeys(where))}: {problem}" for problem, where in found.items()]

    def _problems(self, program: Program) -> Iterable[str]:
        yield from _missing_values(program.env, self.environment)
        if program.kind is ProgramKind.HANDLER:
            if not self._has_sdk:
                yield f"handlers need the SDK, which {self.python} does not have: let it pip install kubesaga-sdk"
            return
        if not program.command:
            yield "runs the entry point of its image, which is not here: give the step a command"
            return
        command = self._mounted(program.command[0])
        if shutil.which(command, path=self.environment.get("PATH")) is None:
            yield (
                f"its command {command!r} is no program of this machine: install it, or say with --mount PATH=DIR "
                "which folder stands for a path of the container"
            )
            return
        for word in (*program.command[1:], *(program.args or ())):
            mount = next((m for m in program.volume_mounts if _is_below(word, m["mountPath"])), None)
            if mount is not None and self._mounted(word) == word:
                at = mount["mountPath"]
                yield f"{word} is in a volume of its pod: say which folder it is here with --mount {at}=DIR"

    @cached_property
    def _has_sdk(self) -> bool:
        """Whether the Python that runs handlers has it; another than this one is asked."""
        path = [*map(str, self.handlers), *filter(None, self.environment.get("PYTHONPATH", "").split(os.pathsep))]
        if self.python == sys.executable:
            return PathFinder.find_spec("kubesaga_sdk", [*path, *sys.path]) is not None
        environment = {**self.environment, "PYTHONPATH": os.pathsep.join(path)}
        question = [self.python, "-c", "import kubesaga_sdk"]
        none = subprocess.DEVNULL
        try:
            asked = subprocess.run(question, env=environment, stdin=none, capture_output=True, check=False)
        except OSError:
            return False
        return asked.returncode == 0

    def _mounted(self, word: str) -> str:
        for path, folder in self.mounts.items():
            if _is_below(word, path):
                return folder.rstrip("/") + word[len(path.rstrip("/")) :]
        return word


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """The text with $(VAR) and $$ as the kubelet replaces them; an unknown variable stays as it is written."""

    def replacement(found: re.Match[str]) -> str:
        name = found[1]
        return "$" if name == "$" else environment.get(name[1:-1], found[0])

    return _REFERENCE.sub(replacement, text)


def _missing_values(env: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> Iterable[str]:
    for each in env:
        source = each.get("valueFrom")
        if not source or each["name"] in environment:
            continue
        kind, reference = next(iter(source.items()))
        if not (isinstance(reference, Mapping) and reference.get("optional")):
            yield f"{each['name']} comes from the cluster ({kind}): export a value for it"


def _is_below(word: str, path: str) -> bool:
    return word == path or word.startswith(path.rstrip("/") + "/")
