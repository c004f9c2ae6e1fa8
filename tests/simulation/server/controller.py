"""What the API server's own controllers have in common: woken by a change, they act on one thing a moment later.

Level-triggered: what is woken twice before its moment is looked at once. While nobody reaches the API server they wait.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

Later = Callable[[float, Callable[[], None]], object]
"""Runs a callback in so many seconds."""
Delay = Callable[[], float]
"""Draws how many seconds a controller takes to act."""


class Controller(ABC):
    """Acts on what is woken, by its name."""

    def __init__(self, later: Later, delay: Delay) -> None:
        self._later = later
        self._delay = delay
        self._queued: dict[str, None] = {}
        self._held: dict[str, None] = {}
        self._is_away = False

    @property
    def is_away(self) -> bool:
        """Whether the API server cannot be reached."""
        return self._is_away

    @is_away.setter
    def is_away(self, away: bool) -> None:
        self._is_away = away
        if not away:
            held, self._held = self._held, {}
            for item in held:
                self.wake(item)

    def wake(self, item: str) -> None:
        """Have an item looked at soon."""
        if item not in self._queued:
            self._queued[item] = None
            self._later(self._delay(), lambda: self._look(item))

    def _look(self, item: str) -> None:
        self._queued.pop(item, None)
        if self._is_away:
            self._held[item] = None
        else:
            self.act(item)

    @abstractmethod
    def act(self, item: str) -> None:
        """Look at an item as it is now, and do what is due."""
