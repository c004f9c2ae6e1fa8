"""Local runs for tests: templates out of a few words, handlers in a module, state in a temporary folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kubesaga.api.constants import API_VERSION, TASK_KIND, TEMPLATE_KIND
from kubesaga.local.run import Answer, Run
from kubesaga.local.start import Settings, start
from kubesaga.local.store import Store
from kubesaga.local.templates import Templates

Manifest = dict[str, Any]

OPEN: list[Store] = []
WAIT_SECONDS = 60.0

HANDLERS = """\
import os
import time
from pathlib import Path

from kubesaga_sdk import PermanentError, RetryableError


def call(context):
    return {"step": context.step_name, "attempt": context.attempt, "saw": sorted(context.dependency_results)}


def compensate(context):
    return None


class Flaky:
    def call(self, context):
        if context.attempt < 2:
            raise RetryableError("not yet", "BUSY")
        return context.attempt


class Broken:
    def call(self, context):
        raise PermanentError("never", "BROKEN")


class Undoable:
    def call(self, context):
        return {"step": context.step_name}

    def compensate(self, context):
        return None


class Slow:
    \"\"\"Says that it runs, and goes on until a file tells it to end.\"\"\"

    def call(self, context):
        folder = Path(context.get_input("folder"))
        (folder / f"{context.step_name}-{context.attempt}-{os.getpid()}").touch()
        while not (folder / "go").exists():
            time.sleep(0.02)
        return context.attempt


class Sleepy:
    def call(self, context):
        time.sleep(context.step_config["seconds"])


class Where:
    def call(self, context):
        return context.step_config["where"]


class Careless:
    \"\"\"Leaves no result file where one should be.\"\"\"

    def call(self, context):
        file = Path(os.environ["KUBESAGA_RESULT_FILE"])
        file.unlink()
        if context.step_config["leaves"] == "a folder":
            file.mkdir()
        os._exit(0)


class Interrupting:
    def call(self, context):
        raise KeyboardInterrupt


class Large:
    def call(self, context):
        return "x" * 20_000

"""


def handler(name: str, callable_: str = "steps:Undoable", *depends_on: str, **more: Any) -> Manifest:
    """A step that runs a handler of ``HANDLERS``."""
    config = more.pop("config", None)
    program = {"callable": callable_, **({"config": config} if config else {})}
    return {"name": name, "handler": program, **({"dependsOn": list(depends_on)} if depends_on else {}), **more}


def shell(name: str, script: str, *depends_on: str, **more: Any) -> Manifest:
    """A step that runs a line of shell."""
    step = {"name": name, "container": {"command": ["sh", "-c", script]}, **more}
    return {**step, "dependsOn": list(depends_on)} if depends_on else step


def template(*steps: Manifest, name: str = "flow", **spec: Any) -> Manifest:
    """A TaskTemplate whose retries are quick."""
    retry = {"maxAttempts": 3, "backoff": "Fixed", "initialInterval": "10ms"}
    defaults = {"retry": retry, **spec.pop("defaults", {})}
    return {
        "apiVersion": API_VERSION,
        "kind": TEMPLATE_KIND,
        "metadata": {"name": name},
        "spec": {"version": "1.0.0", "defaults": defaults, "steps": list(steps), **spec},
    }


def task(template_name: str = "flow", name: str = "task", **spec: Any) -> Manifest:
    """A Task of that template."""
    return {
        "apiVersion": API_VERSION,
        "kind": TASK_KIND,
        "metadata": {"name": name},
        "spec": {"templateRef": {"name": template_name}, **spec},
    }


def started(
    folder: Path, *templates: Manifest, answers: Sequence[Answer] = (), of: Mapping[str, Any] | None = None, **how: Any
) -> Run:
    """A run of the first template, or of the Task ``of``, not yet driven. ``how`` are Settings."""
    (folder / "steps.py").write_text(HANDLERS, encoding="utf-8")
    known = Templates()
    for each in templates:
        known.add(each, "test")
    wanted = of or task(templates[0]["metadata"]["name"])
    settings = Settings(**{"python": sys.executable, "handlers": (str(folder),), **how})
    return start(wanted, known, opened(folder), settings, answers)


def opened(folder: Path) -> Store:
    """The folder's state file; closed after the test."""
    store = Store(folder / "runs.db")
    OPEN.append(store)
    return store


def finished(folder: Path, *templates: Manifest, **how: Any) -> Run:
    """The same at its end."""
    run = started(folder, *templates, **how)
    assert run.go()
    run.store.close()
    return run


def outcome(run: Run) -> str:
    return str(run.root.session.status.outcome)


def launched(run: Run) -> list[str]:
    """``step`` of each attempt in the order in which they were decided, ``-step`` of a compensation."""
    events = [t for t in run.root.session.history if t.event == "Enqueue"]
    return [f"{'-' if t.role == 'compensation' else ''}{t.step}" for t in events]


def eventually(there: Callable[[], object]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not there():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it goes while it is read
        return False
