"""All scenarios, by name, and how one is played."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.contract import builtin, deleting, reading, writing
from tests.simulation.contract.script import Script
from tests.simulation.contract.server import Server
from tests.simulation.contract.transcript import Entry

_ALL: tuple[Callable[[Script], None], ...] = (
    writing.creating,
    writing.creating_templates,
    writing.changing_a_task,
    writing.keeping_status_apart,
    writing.changing_nothing,
    writing.standing_on_an_old_version,
    writing.patching,
    writing.changing_what_the_server_keeps,
    deleting.conditions,
    deleting.finalizers,
    deleting.background,
    deleting.foreground,
    deleting.foreground_that_waits_for_nobody,
    deleting.foreground_through_generations,
    deleting.orphans,
    deleting.changing_the_way,
    deleting.collections,
    deleting.pods,
    deleting.a_namespace,
    reading.reading,
    reading.selecting,
    reading.listing,
    reading.watching,
    reading.watching_built_in_kinds,
    reading.bookmarks,
    reading.history_that_is_gone,
    builtin.sealed_config_maps,
    builtin.revisions,
    builtin.jobs,
    builtin.leases,
    builtin.events,
)
SCENARIOS = {scenario.__name__: scenario for scenario in _ALL}


def play(name: str, server: Server) -> list[Entry]:
    """What a server says in a scenario."""
    script = Script(server)
    SCENARIOS[name](script)
    return script.transcript.entries()
