"""``kubectl_complete-saga``: what kubectl runs to complete the words after ``kubectl saga``.

Its protocol: the words come as arguments, the last one unfinished or empty; candidates go to stdout, one to a line with
a tab before the description, and after them a line with a number that says whether files are candidates too.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress

from kubesaga.cli.main import KUBECTL_PLUGIN
from kubesaga.cli.main import main as run

_FILES_TOO = ":0"
_NO_FILES = ":4"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the candidates; always 0."""
    words = list(sys.argv[1:] if arguments is None else arguments) or [""]
    # typer's candidates for fish have the very form that kubectl wants.
    os.environ |= {
        "_KUBECTL_SAGA_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": f"{shlex.join([KUBECTL_PLUGIN, *words[:-1]])} {words[-1]}",
    }
    found = io.StringIO()
    with redirect_stdout(found), suppress(SystemExit):
        run([], program=KUBECTL_PLUGIN)
    candidates = [line for line in found.getvalue().splitlines() if line]
    for line in (*candidates, _NO_FILES if candidates else _FILES_TOO):
        print(line)
    return 0
