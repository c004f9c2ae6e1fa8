"""The steps of the example workflows sensor-report and publication (examples/data-pipeline)."""

from __future__ import annotations

import statistics
from typing import Any

from kubesaga_sdk import ServiceUnavailableError, StepContext, StepHandler


class FetchReadings(StepHandler):
    """Get the day's readings; here they are made up from the Task's context."""

    def call(self, context: StepContext) -> list[dict[str, Any]]:
        values: list[Any] = context.get_input("celsius")
        return [{"sensor": f"s{number}", "celsius": value} for number, value in enumerate(values, start=1)]


class FetchWeather(StepHandler):
    """Ask a service that is at times not there."""

    def call(self, context: StepContext) -> dict[str, Any]:
        if context.get_input("weather") == "unknown":
            raise ServiceUnavailableError("the weather service does not answer", "WEATHER_DOWN")
        return {"weather": context.get_input("weather")}


class FindOutliers(StepHandler):
    """Name the sensors that are too hot."""

    def call(self, context: StepContext) -> dict[str, Any]:
        readings: list[dict[str, Any]] = context.get_dependency_result("fetch_readings")
        limit = context.get_input("limit")
        return {"sensors": [each["sensor"] for each in readings if each["celsius"] > limit]}


class Alert(StepHandler):
    """Tell somebody."""

    def call(self, context: StepContext) -> dict[str, Any]:
        return {"told": f"too hot: {', '.join(context.get_dependency_field('find_outliers', 'sensors'))}"}


class Summarise(StepHandler):
    """One line for the day, with the weather if it is known."""

    def call(self, context: StepContext) -> dict[str, Any]:
        readings: list[dict[str, Any]] = context.get_dependency_result("fetch_readings")
        # The step fetch_weather may have failed (continueOnError): then it has an error and no result. An error that
        # no program reported, such as a Timeout, has no code.
        failure = context.dependency_errors.get("fetch_weather")
        weather = (
            (failure.code or failure.type) if failure else context.get_dependency_field("fetch_weather", "weather")
        )
        return {"mean": statistics.fmean(each["celsius"] for each in readings), "weather": weather}


class Publish(StepHandler):
    """Put a report where readers find it."""

    def call(self, context: StepContext) -> dict[str, Any]:
        return {"channel": context.get_input("channel"), "headline": context.get_input("headline")}
