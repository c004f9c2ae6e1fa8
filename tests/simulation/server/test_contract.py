"""The simulated API server does in every scenario what a kube-apiserver did when it was recorded."""

from __future__ import annotations

import pytest

from tests.simulation.contract.comparison import differences
from tests.simulation.contract.record import recorded
from tests.simulation.contract.scenarios import SCENARIOS, play
from tests.simulation.contract.simulated import SimulatedServer


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_simulated_api_server_says_what_a_real_one_said(name: str) -> None:
    told = differences(play(name, SimulatedServer()), recorded()[name])
    assert not told, "\n".join(told)


def test_nothing_is_recorded_that_is_no_longer_played() -> None:
    assert list(recorded()) == list(SCENARIOS)


def test_the_simulated_api_server_says_the_same_every_time() -> None:
    for name in SCENARIOS:
        assert play(name, SimulatedServer()) == play(name, SimulatedServer())


def test_a_difference_is_named_with_its_place() -> None:
    one = {"what": "get", "status": 200, "body": {"items": [{"name": "a"}], "more": {}}}
    other = {"what": "get", "status": 404, "body": {"items": [{"name": "b"}]}}
    assert differences([one], [other, other]) == [
        "1 entries, in reality 2",
        "get: body.items[0].name is 'a', in reality 'b'",
        "get: body.more is {}, in reality 'nothing'",
        "get: status is 200, in reality 404",
    ]
