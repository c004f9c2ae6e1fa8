"""The handlers of the example data-pipeline, where its own Tasks do not lead."""

from __future__ import annotations

from typing import Any

import pytest

from readings import Summarise
from tests.sdk.support import context

READINGS = [{"sensor": "s1", "celsius": 20}, {"sensor": "s2", "celsius": 22}]
REPORTED = {"type": "ServiceUnavailableError", "code": "WEATHER_DOWN", "message": "the weather service does not answer"}
UNREPORTED = {"type": "Timeout", "code": None, "message": "not done within 10s"}


@pytest.mark.parametrize(("error", "weather"), [(REPORTED, "WEATHER_DOWN"), (UNREPORTED, "Timeout")])
def test_the_summary_names_why_the_weather_is_not_known_whoever_reported_it(
    error: dict[str, Any], weather: str
) -> None:
    made = context(results={"fetch_readings": READINGS}, errors={"fetch_weather": error})
    assert Summarise().call(made) == {"mean": 21, "weather": weather}
