"""What ``python -m tests.simulation`` prints: progress on one line, failures with how to see them again, the tally."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import Any, TextIO

from tests.simulation.driving.shrink import Shrunk
from tests.simulation.driving.tally import Failure, Tally
from tests.simulation.plan import Mishap, Obj, Outcome, Plan

_SECONDS_BETWEEN_LINES = 10.0
_WIDEST = 120
_PROGRAM = ".venv/bin/python -m tests.simulation"


class Progress:
    """How far the runs have come: one line that changes on a terminal, else one every few seconds."""

    def __init__(self, total: int, out: TextIO = sys.stderr) -> None:
        self._total = total
        self._out = out
        self._began = time.monotonic()
        self._said_at = self._began
        self._is_terminal = out.isatty()

    @property
    def elapsed(self) -> float:
        """Real seconds since the beginning."""
        return time.monotonic() - self._began

    def tell(self, tally: Tally) -> None:
        """Say it, if it is time to."""
        now = time.monotonic()
        if self._is_terminal:
            self._out.write(f"\r\x1b[K{self._line(tally)[:_WIDEST]}")
            self._out.flush()
        elif now - self._said_at >= _SECONDS_BETWEEN_LINES:
            self._said_at = now
            print(self._line(tally), file=self._out, flush=True)

    def close(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            self._out.write("\r\x1b[K")
            self._out.flush()

    def _line(self, tally: Tally) -> str:
        rate = tally.runs / self.elapsed if self.elapsed else 0.0
        left = (self._total - tally.runs) / rate if rate else 0.0
        faults = ", ".join(f"{count} {name}" for name, count in tally.mishaps.most_common(4))
        failed = f", {len(tally.failures)} FAILED" if tally.failures else ""
        return (
            f"{tally.runs}/{self._total} runs{failed}, {rate:.1f}/s, {_clock(self.elapsed)} of about "
            f"{_clock(self.elapsed + left)}, {tally.mishaps.total()} faults ({faults}, …)"
        )


def summary(tally: Tally, elapsed: float) -> str:
    """The closing figures, for readers."""
    rate = tally.runs / elapsed if elapsed else 0.0
    kinds = ", ".join(f"{name} {count}" for name, count in tally.mishaps.most_common())
    return (
        f"{tally.runs} runs in {elapsed:.0f} s ({rate:.1f}/s): {tally.seconds / 3600:.1f} virtual hours, "
        f"{tally.calls} calls, {tally.mishaps.total()} faults; {len(tally.failures)} runs failed\n"
        f"faults: {kinds or 'none'}\nTasks: {_counted(tally.ends)}"
    )


def as_json(tally: Tally, elapsed: float) -> str:
    """The closing figures, for programs."""
    return json.dumps(
        {
            "runs": tally.runs,
            "seconds": round(elapsed, 1),
            "virtualSeconds": round(tally.seconds),
            "calls": tally.calls,
            "faults": dict(sorted(tally.mishaps.items())),
            "ends": dict(sorted(tally.ends.items())),
            "seen": dict(sorted(tally.seen.items())),
            "failures": [vars(failure) for failure in tally.failures],
        },
        indent=1,
    )


def failure_text(failure: Failure) -> str:
    """What was violated, and the line that shows it again."""
    return (
        f"seed {failure.seed} breaks {failure.guarantee} at {failure.at:.3f} s: {failure.message}\n"
        f"  again:  make fuzz SEEDS=1 FIRST={failure.seed}\n"
        f"  traced: {_PROGRAM} {failure.seed} --trace"
    )


def shrunk_text(seed: int, shrunk: Shrunk) -> str:
    """The line that shows it with fewer mishaps, and the smallest plan."""
    kept = ",".join(map(str, shrunk.kept)) or "none"
    return (
        f"  shrunk: {_PROGRAM} {seed} --only {kept} --trace   (found in {shrunk.runs} runs)\n"
        f"  the smallest plan that was found:\n{plan_text(shrunk.plan)}"
    )


def plan_text(plan: Plan) -> str:
    """A plan, to be read."""
    lines = [
        f"Plan {plan.name}",
        f"  operators={plan.operators} flags={' '.join(plan.flags) or '-'} feed={plan.feed} decisive={plan.decisive}",
    ]
    for template in plan.templates:
        lines += _template_lines(template)
    for submit in plan.submits:
        lines.append(f"  at {submit.at:g}: Task {submit.task['metadata']['name']} {_flow(submit.task['spec'])}")
    lines += [f"  script {name}: {'; '.join(map(_outcome, each))}" for name, each in plan.script.items()]
    lines += [f"  mishap {i}: {_mishap(mishap)}" for i, mishap in enumerate(plan.mishaps)]
    return "\n".join(lines)


def _template_lines(template: Obj) -> list[str]:
    spec = template["spec"]
    rest = {key: value for key, value in spec.items() if key not in ("steps", "finally")}
    lines = [f"  template {template['metadata']['name']} {_flow(rest)}"]
    lines += [f"    step {_flow(step)}" for step in spec["steps"]]
    lines += [f"    finally {_flow(step)}" for step in spec.get("finally", ())]
    return lines


def _outcome(outcome: Outcome) -> str:
    plain: Any = Outcome()
    told = [
        f"{name}={_short(getattr(outcome, name))}"
        for name in outcome.__dataclass_fields__
        if getattr(outcome, name) != getattr(plain, name)
    ]
    return ", ".join(told) or "nothing left behind"


def _mishap(mishap: Mishap) -> str:
    return _short(mishap, 300)


def _short(value: Any, most: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= most else text[:most] + "…"


def _flow(value: Any) -> str:
    """As YAML's flow style."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_flow, value)) + "]"
    return _short(value) if isinstance(value, str) and not value.isidentifier() else str(value)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"
