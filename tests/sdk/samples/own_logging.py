"""A handlers' module that configures logging its own way."""

from __future__ import annotations

import logging

from kubesaga_sdk import StepContext

logging.basicConfig(format="own format: %(message)s", level=logging.INFO)


def handler(context: StepContext) -> None:
    """Logs a line."""
    logging.getLogger("shop").info("charged")
