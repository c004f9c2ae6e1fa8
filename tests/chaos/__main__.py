"""`python -m tests.chaos`: run the examples under chaos, print one JSON document, leave nothing behind.

Progress goes to standard error. The exit code is 0 when nothing deviates from what must be, 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from hack.cluster.progress import say
from tests.chaos.cluster import connected
from tests.chaos.errors import ChaosError
from tests.chaos.examples import examples
from tests.chaos.plan import IN_FIVE_MINUTES, draw
from tests.chaos.report import Document
from tests.chaos.run import play

DESCRIPTION = f"""\
Runs copies of the examples' Tasks on this checkout's test cluster while parts of it are killed at random, waits in calm
until all have ended, and compares the warehouse's ledger with what the Tasks say. Prints JSON.

faults: {", ".join(IN_FIVE_MINUTES)}
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--tasks", type=_positive, default=200, metavar="N", help="how many Tasks (default: 200)")
    made.add_argument(
        "--minutes", type=float, default=5.0, metavar="M", help="how long chaos lasts at least (default: 5)"
    )
    made.add_argument("--seed", type=int, metavar="S", help="which faults and which Tasks, when (default: a new one)")
    made.add_argument(
        "--at-once", type=_positive, default=24, metavar="N", help="Tasks under way (default: at most 24)"
    )
    made.add_argument(
        "--patience", type=float, default=30.0, metavar="M", help="minutes until it gives up (default: 30)"
    )
    made.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="write all that was seen there (default: to .cache/chaos, if something deviates or a Task has not ended)",
    )
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run once; returns the process's exit status."""
    options = parser().parse_args(words)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    try:
        document = asyncio.run(_run(seed, options))
    except ChaosError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    say(summary(document))
    print(json.dumps(document, indent=2))
    return int(bool(document["deviations"]))


def summary(document: Document) -> str:
    """The end for a person: how it went, what deviates, and how to have it again."""
    tasks, attempts = document["tasks"], document["attempts"]
    lines = [
        f"{sum(document['faults']['done'].values())} faults, {tasks['ended']} of {tasks['submitted']} Tasks ended "
        f"({tasks['asDesigned']} as designed), {attempts['repeated']} of {attempts['all']} attempts repeated, "
        f"tail {document['seconds']['tail']:.0f} s, {document['books']['stepsCompared']} steps compared with "
        f"{document['books']['entries']} entries of the ledger",
        *(f"DEVIATION {each['kind']}: {each['where']}: {each['what']}" for each in document["deviations"]),
    ]
    if document["evidence"]:
        lines.append(f"all that was seen is in {document['evidence']}")
    if document["deviations"]:
        lines.append(f"again, as far as the machine plays along: --seed {document['seed']}")
    return "\n".join(lines)


async def _run(seed: int, options: argparse.Namespace) -> Document:
    plan = draw(seed, options.minutes, options.tasks, examples())
    async with connected() as cluster:
        return await play(cluster, plan, options.at_once, options.patience * 60, options.keep)


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word} is not above 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
