"""State files are closed after each test, as the process that had them would."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.support import OPEN


@pytest.fixture(autouse=True)
def _closed_stores() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()
