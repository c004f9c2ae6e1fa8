"""Running other programs: one place that turns a failed command into an error a person can act on."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster.errors import ClusterError

SHOWN_LINES = 25
Word = str | Path


def run(
    command: Sequence[Word],
    *,
    environment: Mapping[str, str] | None = None,
    remedy: str = "",
    stdin: Path | None = None,
) -> str:
    """Run a command to its end and return its standard output.

    `environment` is added to the caller's own; `stdin` is a file to read from, by default none. Raises ClusterError
    with the command, its last lines of output and the remedy when it cannot be started or ends with another status
    than zero.
    """
    words = [str(word) for word in command]
    try:
        with (stdin or Path(os.devnull)).open("rb") as source:
            ended = subprocess.run(
                words,
                env={**os.environ, **(environment or {})},
                stdin=source,
                capture_output=True,
                text=True,
                check=False,
            )
    except FileNotFoundError as missing:
        raise ClusterError(f"{words[0]} is not installed. {remedy}".strip()) from missing
    if ended.returncode:
        output = (ended.stdout + ended.stderr).strip().splitlines()
        raise ClusterError(
            "\n".join(
                [
                    f"command failed with status {ended.returncode}: {shlex.join(words)}",
                    *(f"  {line}" for line in output[-SHOWN_LINES:]),
                    *([remedy] if remedy else []),
                ]
            )
        )
    return ended.stdout


def succeeds(command: Sequence[Word]) -> bool:
    """Whether a command can be started and ends with status zero; its output is dropped."""
    try:
        ended = subprocess.run([str(word) for word in command], capture_output=True, check=False)
    except OSError:
        return False
    return ended.returncode == 0
