"""Inputs of every size: a variable, a file, or a refusal that says what is large."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from kubesaga.api.constants import INLINE_INPUT_BYTES, INPUT_LIMIT_BYTES
from kubesaga.api.input_text import InputTooLarge
from kubesaga.engine.vocabulary import DeletionPolicy
from kubesaga.kube.client import KubeError
from kubesaga.runtime.configmaps import NameTaken, put_config_map
from kubesaga.runtime.inputs import Delivery, deliver
from kubesaga.runtime.refusals import refusal_of
from tests.runtime.memory import MemoryKube

TASK = {"metadata": {"name": "order-1", "namespace": "shop", "uid": "uid-1"}, "spec": {}}
MIB = 1024 * 1024


def delivered(document: Any) -> Delivery:
    return deliver(TASK, DeletionPolicy.DELETE, "job-1", document, {})


def of_size(size: int, character: str = "x") -> dict[str, Any]:
    """A document whose JSON takes this many bytes."""
    return {"context": character * ((size - len('{"context":""}')) // len(character.encode()))}


def test_the_limit_of_a_variable_is_exact() -> None:
    at, over = delivered(of_size(INLINE_INPUT_BYTES)), delivered(of_size(INLINE_INPUT_BYTES + 1))
    assert (at.variable, at.config_map, at.volumes, at.mounts) == ("KUBESAGA_INPUT", None, [], [])
    assert (over.variable, over.value) == ("KUBESAGA_INPUT_FILE", "/run/kubesaga/input.json")


def test_even_a_variable_of_dollars_stays_below_what_the_kernel_takes() -> None:
    value = delivered(of_size(INLINE_INPUT_BYTES, "$")).value
    assert len(f"KUBESAGA_INPUT={value.replace('$', '$$')}".encode()) < 128 * 1024


@pytest.mark.parametrize("character", ["x", '"', "\\", "é", "語", "\U0001f680", "\x00"])
def test_the_largest_input_of_any_text_fits_into_a_request_and_arrives_exactly(character: str) -> None:
    # What JSON spells in several bytes.
    spelled = len(json.dumps(character, ensure_ascii=False).encode()) - 2
    document = {"context": character * ((INPUT_LIMIT_BYTES - 20) // spelled)}
    config_map = delivered(document).config_map
    assert config_map is not None
    text = config_map["data"]["input.json"]
    assert json.loads(text) == document
    assert len(text.encode()) < MIB  # the data of a ConfigMap
    assert len(json.dumps(config_map)) < 3 * MIB  # the body of a request, as the client writes it


def test_a_lone_surrogate_arrives_exactly() -> None:
    document = {"context": "\ud800" * 10_000}
    config_map = delivered(document).config_map
    assert config_map is not None
    assert json.loads(config_map["data"]["input.json"].encode().decode()) == document


def test_what_does_not_fit_is_refused_with_its_largest_parts_and_the_remedy() -> None:
    document = {"context": {}, "trace": [], "results": {"fetch": "x" * 700_000, "parse": "x" * 400_000, "c": 1}}
    with pytest.raises(InputTooLarge) as raised:
        delivered(document)
    said = str(raised.value)
    assert "1100065 bytes" in said
    assert "1000000" in said
    assert "result of fetch: 700002, result of parse: 400002" in said
    assert "pass a reference" in said


def test_an_input_that_an_earlier_pass_has_stored_stands_whatever_it_says() -> None:
    kube = MemoryKube()
    for size in (40_000, 50_000):
        config_map = delivered(of_size(size)).config_map
        assert config_map is not None
        asyncio.run(put_config_map(kube, config_map))
    (stored,) = kube.objects.values()
    assert json.loads(stored["data"]["input.json"]) == of_size(40_000)
    assert stored["immutable"] is True


def test_an_input_under_the_name_of_a_strangers_config_map_is_refused() -> None:
    kube = MemoryKube()
    config_map = delivered(of_size(40_000)).config_map
    assert config_map is not None
    kube.put("/api/v1/namespaces/shop/configmaps/job-1-input", {"metadata": {"name": "job-1-input"}})
    with pytest.raises(NameTaken, match="job-1-input in namespace shop"):
        asyncio.run(put_config_map(kube, config_map))


def test_an_input_that_grows_beyond_a_request_on_its_way_is_refused_for_good() -> None:
    refusal = refusal_of(KubeError(413, "RequestEntityTooLarge", "limit is 3145728"))
    assert refusal is not None
    assert (refusal.error.type, refusal.error.retryable, refusal.hopeless) == ("InputTooLarge", False, True)
