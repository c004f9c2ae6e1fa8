"""Handlers that publish events and write log lines."""

from __future__ import annotations

import logging

from kubesaga_sdk import StepContext, StepHandler


class Publishes(StepHandler):
    """Publishes events: an ordinary one, one without a payload, one that is too large."""

    def call(self, context: StepContext) -> None:
        context.publish("order.charged", {"amount": 5, "by": "Zoë"})
        context.publish("order.noted")
        context.publish("order.dumped", {"blob": "x" * 9000})


class Logs(StepHandler):
    """Writes a line."""

    def call(self, context: StepContext) -> None:
        context.logger.debug("not shown")
        context.logger.warning("charged %d", 5, extra={"amount": 5, "step": "mine"})


class ConfiguresLogging(StepHandler):
    """Sets logging up its own way in the middle of the step."""

    def call(self, context: StepContext) -> None:
        logging.basicConfig(format="own format: %(message)s", level=logging.INFO, force=True)
        context.publish("order.charged")
        context.logger.info("charged")
        logging.getLogger("shop").info("mine")
