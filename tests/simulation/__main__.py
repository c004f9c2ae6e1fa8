"""``python -m tests.simulation``: runs seeds until one breaks a guarantee, and shrinks its plan (``make fuzz``)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation.driving.crew import cores, run_all
from tests.simulation.driving.shrink import Shrunk, only, shrink
from tests.simulation.driving.tally import Failure, Tally, run
from tests.simulation.driving.telling import Progress, as_json, failure_text, plan_text, shrunk_text, summary
from tests.simulation.plan import Plan
from tests.simulation.plans.sowing import sow
from tests.simulation.simulation import play

HELD, VIOLATED, USAGE, INTERRUPTED = 0, 1, 2, 130
_EPILOG = f"""
Exit codes: {HELD} all guarantees held, {VIOLATED} one was broken, {USAGE} wrong usage, {INTERRUPTED} Ctrl-C.

Examples:
  python -m tests.simulation --seeds 10000              ten thousand runs, on all cores
  python -m tests.simulation 123                        one seed
  python -m tests.simulation 123 --only 2,5 --trace     with two of its mishaps, and a line for every change
"""


@dataclass(frozen=True)
class Wishes:
    """The command line."""

    seeds: Sequence[int]
    jobs: int
    only: tuple[int, ...] | None
    keep_going: bool
    shrinks: bool
    trace: bool
    json: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit code."""
    wishes = _read(arguments)
    if wishes.only is not None or wishes.trace:
        return _look_closely(wishes)
    return _run_many(wishes)


def _read(arguments: Sequence[str] | None) -> Wishes:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="Plays the operator on a simulated cluster that breaks, one run for each seed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "seed", nargs="*", type=_seed, metavar="SEED", help="these seeds, instead of --first and --seeds"
    )
    parser.add_argument("--seeds", type=_count, default=1000, metavar="N", help="how many seeds (1000)")
    parser.add_argument("--first", type=_seed, default=0, metavar="N", help="the first of them (0)")
    parser.add_argument("--jobs", type=_jobs, default=cores(), metavar="N", help="processes, or auto: one a core")
    parser.add_argument("--only", type=_places, metavar="I,J", help="of the plans' mishaps only these; none for none")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    parser.add_argument("--no-shrink", action="store_true", help="do not look for a smaller plan that fails")
    parser.add_argument("--trace", action="store_true", help="print the plan and a line for every change")
    parser.add_argument("--json", action="store_true", help="print the tally as JSON on standard output")
    read = parser.parse_args(arguments)
    seeds = read.seed or range(read.first, read.first + read.seeds)
    return Wishes(seeds, read.jobs, read.only, read.keep_going, not read.no_shrink, read.trace, read.json)


def _run_many(wishes: Wishes) -> int:
    tally, progress, is_interrupted = Tally(), Progress(len(wishes.seeds)), False
    try:
        for part in run_all(wishes.seeds, min(wishes.jobs, len(wishes.seeds))):
            tally.add(part or Tally())
            progress.tell(tally)
            if tally.failures and not wishes.keep_going:
                break
    except KeyboardInterrupt:
        is_interrupted = True
    progress.close()
    if not is_interrupted:
        _tell_failures(tally, shrinks=wishes.shrinks)
    print(summary(tally, progress.elapsed), file=sys.stderr)
    if wishes.json:
        print(as_json(tally, progress.elapsed))
    return INTERRUPTED if is_interrupted else VIOLATED if tally.failures else HELD


def _tell_failures(tally: Tally, *, shrinks: bool) -> None:
    """All of them; shrunk the first that breaks each guarantee."""
    known: set[str] = set()
    for failure in sorted(tally.failures, key=lambda each: each.seed):
        print(failure_text(failure), file=sys.stderr)
        if shrinks and failure.guarantee not in known:
            print(shrunk_text(failure.seed, _shrunk(failure)), file=sys.stderr)
        known.add(failure.guarantee)


def _shrunk(failure: Failure) -> Shrunk:
    def fails(plan: Plan) -> bool:
        return any(each.guarantee == failure.guarantee for each in run(plan).failures)

    return shrink(sow(failure.seed), fails)


def _look_closely(wishes: Wishes) -> int:
    """Seed by seed, in this process."""
    is_broken = False
    for seed in wishes.seeds:
        plan = sow(seed)
        if wishes.only is not None:
            if missing := [i for i in wishes.only if i >= len(plan.mishaps)]:
                print(f"seed {seed} has {len(plan.mishaps)} mishaps, counted from 0: no {missing}", file=sys.stderr)
                return USAGE
            plan = only(plan, wishes.only)
        if wishes.trace:
            print(plan_text(plan))
        report = play(plan, trace=wishes.trace)
        print("\n".join(report.trace))
        print(f"seed {seed}: {report.violation or 'every guarantee held'}; {dict(sorted(report.ends.items()))}")
        is_broken |= report.violation is not None
    return VIOLATED if is_broken else HELD


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: seeds are the whole numbers from 0 on")
    return int(text)


def _jobs(text: str) -> int:
    return cores() if text == "auto" else _count(text)


def _places(text: str) -> tuple[int, ...]:
    if text == "none":
        return ()
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 2,5, nor none")
    return tuple(map(int, parts))


if __name__ == "__main__":
    sys.exit(main())
