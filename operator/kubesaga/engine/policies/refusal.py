"""Why an action does not fit: raised by the policies of actions before anything has changed."""

from __future__ import annotations


class Refused(Exception):
    """The action is rejected; the message says why, and what would fit."""
