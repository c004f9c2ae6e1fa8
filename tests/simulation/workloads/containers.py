"""A container on a node, as it truly runs: until it ends by itself, or for as long as it takes to stop it.

The container runtime of the kubelets. It knows nothing of the API server, so that programs run on where it is away.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.plan import Outcome
from tests.simulation.workloads.handlers import Execution, LastWords, said, termination_message
from tests.simulation.workloads.work_queue import Later

_KILLED = 137
_TERMINATED = 143
_LEAST_GRACE = 1.0


class Container:
    """One run of a program; ``ended`` is called once, when it is over."""

    def __init__(
        self, execution: Execution, outcome: Outcome, later: Later, ended: Callable[[Container], None]
    ) -> None:
        self.execution = execution
        self.last_words: LastWords | None = None
        self.log = b""
        self._outcome = outcome
        self._later = later
        self._ended = ended
        self._is_told = False
        if outcome.seconds is not None:
            later(outcome.seconds, self._reach_its_end)

    def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after the grace. Told once more, only a shorter grace matters."""
        if not self._is_told and self._outcome.grace is not None:
            self._later(self._outcome.grace, lambda: self._end(_TERMINATED))
        self._is_told = True
        self._later(max(grace, _LEAST_GRACE), lambda: self._end(_KILLED))

    def _reach_its_end(self) -> None:
        written, log = said(self._outcome)
        self._end(self._outcome.code, written, log)

    def _end(self, code: int, written: bytes = b"", log: bytes = b"") -> None:
        if self.last_words is not None:
            return
        self.log = log
        reason = "Completed" if code == 0 else self._outcome.reason or "Error"
        self.last_words = LastWords(code, termination_message(written, log, code), reason)
        self.execution.code = code
        self.execution.document = self._outcome.document if written else None
        self._ended(self)
