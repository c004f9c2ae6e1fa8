"""What judges generated code: ruff, mypy and pytest of this checkout, as processes in the folder that has the code."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
_SOURCES = (ROOT / "operator", ROOT / "handlers_image")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python module run in a folder that knows the SDK and this project, and nothing else of the checkout."""
    path = os.pathsep.join(map(str, (folder, *_SOURCES)))
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "MYPYPATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def ruff_findings(folder: Path) -> str:
    """What the project's own rules of ruff have to say, empty if nothing."""
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    found = [
        run(folder, "ruff", *command, *config, ".")
        for command in (("check", "--quiet"), ("format", "--check", "--quiet", "--diff"))
    ]
    return "".join(each.stdout + each.stderr for each in found)


def mypy_findings(folder: Path, *paths: str) -> str:
    """What mypy in strict mode has to say about the code, empty if nothing.

    One after the other: its cache, in which modules of many tests have the same names, is not for two at once.
    """
    cache = ROOT / ".cache" / "mypy-generated"
    cache.mkdir(parents=True, exist_ok=True)
    options = ["--strict", "--no-error-summary", "--explicit-package-bases", "--cache-dir", str(cache)]
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = run(folder, "mypy", *options, *paths)
    return found.stdout + found.stderr
