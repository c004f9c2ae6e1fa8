"""Plans of one Task that is met by what a test says, on a cluster where nothing else goes wrong.

For the tests of what broke a guarantee once: ``test_found`` and its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api import constants as c
from tests.simulation.plan import Mishap, Obj, Outcome, Plan, Submit
from tests.simulation.simulation import Report, play

WORK: Obj = {"handler": {"callable": "shop.handlers:Work"}}
SHORTEST = ("--job-retention", "120")
UNDONE: Obj = {"desiredState": "Cancelled", "cancellation": {"mode": "Terminate", "compensate": True}}
DECLINED = Outcome(0.5, {"error": {"type": "Declined", "retryable": False}}, 1)


def played(
    steps: list[Obj],
    script: Mapping[str, tuple[Outcome, ...]],
    *mishaps: Mishap,
    seed: int = 1,
    flags: tuple[str, ...] = (),
    operators: int = 1,
    template: Obj | None = None,
    part: Obj | None = None,
    **of_task: Any,
) -> Report:
    """A Task ``t`` of these steps, under Compensate; ``part`` is a template of one step, ``p``.

    ``template`` and ``part`` change the specs of the two. A mishap before second 1.1 finds no operator yet.
    """
    head: Obj = {"apiVersion": c.API_VERSION}
    spec = {"version": "1.0.0", "failureStrategy": "Compensate", "defaults": {"image": "shop:1"}}
    work = {**spec, "steps": steps, **(template or {})}
    of_part = {**spec, "steps": [{"name": "p", **WORK}], **(part or {})}
    templates = tuple(
        {**head, "kind": c.TEMPLATE_KIND, "metadata": {"name": name}, "spec": each}
        for name, each in (("work", work), ("part", of_part))
    )
    wanted = {"templateRef": {"name": "work"}, **of_task}
    task = {**head, "kind": c.TASK_KIND, "metadata": {"name": "t"}, "spec": wanted}
    return play(Plan("found", seed, templates, (Submit(0.0, task),), script, mishaps, flags=flags, operators=operators))
