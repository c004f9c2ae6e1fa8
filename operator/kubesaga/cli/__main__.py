"""The program ``kubesaga``, which is ``kubectl saga`` and ``python -m kubesaga.cli`` too: loads ``main``, and runs it.

Apart from it, so that a Ctrl-C while it is loaded, which takes the first moment of every command, ends like any other.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command of this process; returns its exit code."""
    try:
        from kubesaga.cli.main import main as run
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
