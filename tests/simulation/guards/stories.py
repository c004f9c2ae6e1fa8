"""Stories that the tests of the guards begin with, and how they say what a story violates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.guarantees.breach import Violation
from tests.guarantees.identifiers import Guarantee
from tests.simulation.guards.forging import Forge
from tests.simulation.guards.moves import done, enqueue, move
from tests.simulation.plan import Obj

UNDO = "compensation"
FINALLY: Obj = {"finally": [{"name": "z", "handler": {"callable": "a:B"}}]}


@contextmanager
def breaks(guarantee: Guarantee) -> Iterator[None]:
    """What happens inside violates exactly this guarantee."""
    with pytest.raises(Violation) as caught:
        yield
    assert caught.value.guarantee == guarantee, caught.value


def step(name: str, *depends_on: str, **more: Any) -> Obj:
    """A handler step."""
    return {"name": name, "dependsOn": list(depends_on), **more}


def undone(name: str, *depends_on: str, **more: Any) -> Obj:
    """A handler step that can be undone."""
    return step(name, *depends_on, compensation={}, **more)


def failing(*steps: Obj, last: str = "c", **spec: Any) -> Forge:
    """A Task under Compensate whose last step has failed after all others were done."""
    forge = Forge(*steps, failureStrategy="Compensate", **spec)
    forge.start()
    for each in steps:
        (forge.fail if each["name"] == last else forge.do)(each["name"])
    return forge


def undo(forge: Forge, *plan: tuple[str, tuple[str, ...]]) -> None:
    """What is to be undone, and after what, is written down."""
    entries = [{"step": name, "after": list(after)} if after else {"step": name} for name, after in plan]
    forge.write(
        *(move(name, to="Pending", role=UNDO, silent=True) for name, _ in plan), state="Compensating",
        by=("StepFinished", "PermanentFailure", "GiveUp"), compensation={"trigger": "Failed", "plan": entries},
        ending=forge.ending("Failed", "Compensating", compensate=True),
    )  # fmt: skip


def undo_step(forge: Forge, name: str) -> None:
    """One step is undone."""
    forge.write(enqueue(name, role=UNDO))
    forge.work(name, role=UNDO)
    forge.write(done(name, role=UNDO))


CHAIN = (undone("a"), step("b", "a"), undone("c", "b"))
