"""`python -m kubesaga_sdk`: the entry point of a handlers image, and a developer's way to run a handler."""

from __future__ import annotations

import io
import os
import sys
import threading

from kubesaga_sdk import step_input
from kubesaga_sdk.runner import run_step


def main() -> int:
    """Run the step that the environment describes, or what the command line asks for."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A process that is killed loses what it has not written, and its last words matter most.
            stream.reconfigure(line_buffering=True)
    if len(sys.argv) > 1:
        from kubesaga_sdk import cli

        code = cli.main(sys.argv[1:])
    else:
        code = run_step(lambda: step_input.from_environment(os.environ), os.environ)
    if threading.active_count() > 1 or "multiprocessing" in sys.modules:
        from kubesaga_sdk import leftovers

        leftovers.watch(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
