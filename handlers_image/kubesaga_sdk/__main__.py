"""`python -m kubesaga_sdk`: the entry point of a handlers image, and a developer's way to run a handler."""

from __future__ import annotations

import io
import os
import sys

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

        return cli.main(sys.argv[1:])
    return run_step(lambda: step_input.from_environment(os.environ), os.environ)


if __name__ == "__main__":
    sys.exit(main())
