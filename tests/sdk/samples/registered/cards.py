"""Handlers under names of their own, in namespaces and versions."""

from __future__ import annotations

from kubesaga_sdk import StepContext, StepHandler, step_handler


class OnlyOnce(StepHandler):
    """The only class of its name."""

    def call(self, context: StepContext) -> str:
        return f"OnlyOnce for {context.handler_name}"


class InTwoModules(StepHandler):
    """One of two classes of this name."""

    def call(self, _context: StepContext) -> str:
        return "cards"


class Named(StepHandler):
    """Has a name beside its class's."""

    handler_name = "named_by_attribute"
    handler_version = "2.1.0"

    def call(self, _context: StepContext) -> str:
        return "named"


class AlsoNamed(Named):
    """Does not inherit the name."""


@step_handler("charge_card", version="1.9.0")
def charge_card_1() -> str:
    """The older one."""
    return "1.9.0"


@step_handler("charge_card", version="1.10.0")
def charge_card() -> str:
    """The newer one.

    Whose second line nobody lists.
    """
    return "1.10.0"


@step_handler("charge_card", version="2.0.0-rc.1")
def charge_card_2() -> str:
    """The next one, not released."""
    return "2.0.0-rc.1"


@step_handler("refund", namespace="cards")
def refund_card() -> str:
    """In a namespace."""
    return "cards"


@step_handler("with.dots")
def with_dots() -> str:
    """Looks like something to import."""
    return "dots"


@step_handler("of_a_class", version="3.0.0")
class Decorated(StepHandler):
    """A class under a name that a decorator gives it."""

    async def call(self, _context: StepContext) -> str:
        return "decorated"

    def refund(self, _context: StepContext) -> None:
        """Another method."""
