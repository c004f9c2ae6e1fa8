"""Who answers: the name that stands in a Task's record of its actions."""

from __future__ import annotations

import getpass


def user_name() -> str | None:
    """The user of this machine; None where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None
