"""``python -m tests.simulation``: what it prints, and by which exit code it ends."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.guarantees.breach import Violation
from tests.simulation import __main__ as command
from tests.simulation.driving import tally as tallies
from tests.simulation.driving.tally import BROKEN, EndlessRun, run
from tests.simulation.plan import Crash, Plan
from tests.simulation.plans.sowing import sow
from tests.simulation.simulation import Report


def _dies_of_crashes(plan: Plan, **_: Any) -> Report:
    """A play in which each crash breaks a guarantee."""
    report = Report(plan, calls=7, mishaps=Counter(Crash=1), seconds=60.0)
    if any(isinstance(each, Crash) for each in plan.mishaps):
        report.violation = Violation("one-live-attempt", "two of them", 3.5)
    return report


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> int:
    """Every run fails that has a crash; the first seed that does. Worker processes are forked, and play alike."""
    monkeypatch.setattr(tallies, "play", _dies_of_crashes)
    return next(seed for seed in range(100) if any(isinstance(each, Crash) for each in sow(seed).mishaps))


def test_seeds_without_a_violation_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--seeds", "2", "--jobs", "2", "--json"]) == command.HELD
    told = capsys.readouterr()
    figures = json.loads(told.out)
    assert (figures["runs"], figures["failures"]) == (2, [])
    assert figures["calls"] > 20
    assert "2 runs" in told.err


def test_a_violation_is_told_with_the_lines_that_show_it_again(
    crashing: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([str(crashing), "--jobs", "1"]) == command.VIOLATED
    told = capsys.readouterr().err
    assert f"seed {crashing} breaks one-live-attempt at 3.500 s: " in told
    assert told.count("one-live-attempt") == 1
    assert f"make fuzz SEEDS=1 FIRST={crashing}\n" in told
    assert f".venv/bin/python -m tests.simulation {crashing} --trace\n" in told
    places = [i for i, each in enumerate(sow(crashing).mishaps) if isinstance(each, Crash)]
    assert any(f"python -m tests.simulation {crashing} --only {i} " in told for i in places)
    assert "mishap 0: Crash(nth=1" in told


def test_it_stops_at_the_first_violation_unless_told_to_go_on(
    crashing: int, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--seeds", "80", "--jobs", "1", "--no-shrink", "--json"]
    runs = []
    for more in ([], ["--keep-going"]):
        assert command.main([*few, *more]) == command.VIOLATED
        runs.append(json.loads(capsys.readouterr().out)["runs"])
    assert runs[0] < runs[1] == 80


def test_only_some_mishaps_of_a_seed_are_played(capsys: pytest.CaptureFixture[str]) -> None:
    seed = next(seed for seed in range(100) if len(sow(seed).mishaps) > 3)
    assert command.main([str(seed), "--only", "none", "--trace"]) == command.HELD
    told = capsys.readouterr().out
    assert "mishap" not in told
    assert f"seed {seed}: every guarantee held" in told
    assert "tasks t1" in told


def test_a_mishap_that_the_seed_does_not_have_is_no_run_in_which_all_is_well(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed = next(seed for seed in range(100) if len(sow(seed).mishaps) == 3)
    assert command.main([str(seed), "--only", "1,3"]) == command.USAGE
    told = capsys.readouterr()
    assert f"seed {seed} has 3 mishaps, counted from 0: no [3]" in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    "wrong",
    [
        *(["--seeds", text] for text in ("none", "0", "-3", "1e5", "")),
        *(["--first", text] for text in ("x", "-1", "")),
        *(["--only", text] for text in ("a", "-1", "1,,2", "")),
        ["--jobs", "0"],
        ["x"],
        ["--nothing"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        command.main(wrong)
    assert exited.value.code == command.USAGE
    assert "usage:" in capsys.readouterr().err


def test_the_exit_codes_are_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    told = capsys.readouterr().out
    for code in (command.HELD, command.VIOLATED, command.USAGE, command.INTERRUPTED):
        assert f"{code} " in told


def test_interrupted_it_tells_what_was_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def some_and_then_none(*_: Any) -> Any:
        yield tallies.Tally(runs=3)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_all", some_and_then_none)
    assert command.main(["--seeds", "9"]) == command.INTERRUPTED
    assert "3 runs" in capsys.readouterr().err


@pytest.mark.parametrize("error", [RuntimeError("oh"), EndlessRun("on and on")])
def test_a_run_that_cannot_be_played_is_a_failure(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(tallies, "play", breaks)
    (failure,) = run(sow(0)).failures
    assert (failure.seed, failure.guarantee) == (0, BROKEN)
    assert str(error) in failure.message
