"""``python -m tests.contract [--callable package.module:Class] -- COMMAND…``: put the contract to a program.

The command is run once for each case, with the input that docs/step-contract.md describes; the exit code is 0 if it
does in all of them what a step has to do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.contract.cases import CASES


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for each case; 0 if all are well, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__)
    parser.add_argument("--callable", help="the input's step.callable, for programs that run handlers by name")
    parser.add_argument("command", nargs="+", help="the program and its arguments, as `container.command` has them")
    chosen = parser.parse_args(arguments)
    faults = 0
    for case in CASES:
        fault = case.fault(chosen.command, chosen.callable)
        faults += fault is not None
        print(f"{'FAILED' if fault else 'ok':6}  {case.name}" + (f"\n        {fault}" if fault else ""), flush=True)
    print(f"{len(CASES) - faults} of {len(CASES)} cases")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
