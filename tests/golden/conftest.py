"""The option that writes the golden files."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """What only these tests take."""
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden histories anew, to be read before they count"
    )
