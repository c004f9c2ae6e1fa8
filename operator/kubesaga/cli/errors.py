"""The error that a user is to see: what is wrong, what to do about it, and the exit code.

A command raises it (or what a layer below raises becomes one where the command calls that layer); ``main`` prints it.
"""

from __future__ import annotations

import sys

from kubesaga.cli.exits import ExitCode


class CliError(Exception):
    """Something that is not a bug: one line for the user, a line with the remedy, an exit code."""

    def __init__(self, message: str, hint: str | None = None, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


def print_error(message: str, hint: str | None = None) -> None:
    """Two lines on stderr at most: ``error: …`` and ``hint: …``."""
    print(f"error: {one_line(message)}", file=sys.stderr)
    if hint:
        print(f"hint: {one_line(hint)}", file=sys.stderr)


def one_line(text: str) -> str:
    """The text without line breaks, and without what would steer the terminal that shows it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in _joined(text))


def _joined(text: str) -> str:
    return " ".join(text.split())
