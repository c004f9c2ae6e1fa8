"""What ``wait --for`` can be told to wait for."""

from __future__ import annotations

import pytest

from kubesaga.cli.commands.wait import condition
from kubesaga.cli.errors import CliError
from kubesaga.client import Task
from tests.cli import stories
from tests.cli.recorded import recorded

BLOCKED = Task(recorded(stories.blocked()))


@pytest.mark.parametrize("written", ["state=BlockedByFailures", "state=blockedbyfailures", "step=ship=Error"])
def test_what_has_come_is_met(written: str) -> None:
    assert condition(written)(BLOCKED)


@pytest.mark.parametrize("written", ["finished", "state=Complete", "step=ship=Complete", "step=nothing=Error"])
def test_what_has_not_come_is_not(written: str) -> None:
    assert not condition(written)(BLOCKED)


def test_an_end_is_an_end() -> None:
    assert condition("finished")(Task(recorded(stories.compensated())))


@pytest.mark.parametrize(
    "written", ["", "end", "state", "state=", "state=Good", "step=ship", "step==Error", "step=a=b"]
)
def test_anything_else_is_refused_with_what_could_be_meant(written: str) -> None:
    with pytest.raises(CliError) as caught:
        condition(written)
    assert caught.value.hint
