"""Identity claims: one of any number of racing Tasks gets it, and a claim dies with its holder."""

from __future__ import annotations

import asyncio

import pytest

from kubesaga.engine.plan import Plan, Step
from kubesaga.engine.records import PinnedTemplate
from kubesaga.engine.vocabulary import DeletionPolicy, IdentityStrategy
from kubesaga.kube.client import KubeError, configmaps_path, jobs_path, pods_path, tasks_path
from kubesaga.runtime.cache import Obj
from kubesaga.runtime.claims import Claims, NoClaim, StillWorks, claim_name
from kubesaga.runtime.identities import identity_labels

from .api_server import ApiServer
from .objects import NS, child_of, job, task

NAME = "kubesaga-claim-x"
DELETE = DeletionPolicy.DELETE


def plan(identity: IdentityStrategy) -> Plan:
    return Plan(steps=(Step("a"),), identity=identity, domain="shop", name="order")


def named(identity: IdentityStrategy, context: Obj | None = None, version: str = "1.0.0", **spec: str) -> str | None:
    return claim_name(task("t", spec=spec), plan(identity), PinnedTemplate("order", version, "r"), context or {})


def test_a_strict_identity_is_that_of_version_and_context_whatever_the_order_of_keys() -> None:
    strict = IdentityStrategy.STRICT
    assert named(strict, {"a": 1, "b": 2}) == named(strict, {"b": 2, "a": 1})
    assert named(strict, {"a": 1}) != named(strict, {"a": 2})
    assert named(strict, {"a": 1}) != named(strict, {"a": 1}, version="1.0.1")


def test_an_identity_by_key_is_that_of_the_key_alone() -> None:
    keyed = IdentityStrategy.CALLER_PROVIDED
    assert named(keyed, {"a": 1}, idempotencyKey="k") == named(keyed, {"a": 2}, version="2.0.0", idempotencyKey="k")
    assert named(keyed, idempotencyKey="k") != named(keyed, idempotencyKey="l")
    assert named(keyed) is None


def test_a_template_without_duplicates_needs_no_claim() -> None:
    assert named(IdentityStrategy.ALWAYS_UNIQUE, {"a": 1}, idempotencyKey="k") is None


def test_one_of_a_hundred_racing_tasks_gets_the_claim_and_the_others_see_whose_it_is() -> None:
    async def main() -> None:
        kube = ApiServer()
        claims = Claims(kube)
        tasks = [kube.add(tasks_path(NS), task(f"t{i}")) for i in range(100)]
        await asyncio.gather(*(claims.take(each, NAME, DELETE) for each in tasks))
        seen = [await claims.look(each, NAME) for each in tasks]
        assert sum(claim is not None and claim.mine for claim in seen) == 1
        assert {claim.holder for claim in seen if claim} == {
            each["metadata"]["name"] for each, claim in zip(tasks, seen, strict=True) if claim and claim.mine
        }

    asyncio.run(main())


def test_nobody_holds_an_identity_that_was_not_claimed() -> None:
    assert asyncio.run(Claims(ApiServer()).look(task("t", metadata={"uid": "u"}), NAME)) is None


@pytest.mark.parametrize("followed_by_a_namesake", [False, True])
def test_a_claim_whose_holder_is_gone_is_free_again(followed_by_a_namesake: bool) -> None:
    async def main() -> None:
        kube = ApiServer()
        claims = Claims(kube)
        first, second = (kube.add(tasks_path(NS), task(name)) for name in ("first", "second"))
        await claims.take(first, NAME, DeletionPolicy.COMPENSATE)
        await kube.delete(tasks_path(NS, "first"))
        if followed_by_a_namesake:
            kube.add(tasks_path(NS), task("first"))
        assert await claims.look(second, NAME) is None
        await claims.take(second, NAME, DELETE)
        claim = await claims.look(second, NAME)
        assert claim is not None
        assert claim.mine

    asyncio.run(main())


def test_a_claim_that_was_taken_anew_meanwhile_is_not_deleted() -> None:
    async def main() -> None:
        kube = ApiServer()
        claims = Claims(kube)
        gone, second, third = (kube.add(tasks_path(NS), task(name)) for name in ("gone", "second", "third"))
        await claims.take(gone, NAME, DeletionPolicy.COMPENSATE)
        await kube.delete(tasks_path(NS, "gone"))

        def overtaken(method: str, _path: str) -> KubeError | None:
            if method == "DELETE":
                kube.broken = lambda _method, _path: None
                kube.objects.pop(configmaps_path(NS, NAME))
                data = {"task": "third", "uid": third["metadata"]["uid"]}
                kube.add(configmaps_path(NS), {"metadata": {"name": NAME}, "data": data})
            return None

        kube.broken = overtaken
        await claims.look(second, NAME)
        assert kube.at(configmaps_path(NS, NAME))["data"]["task"] == "third"

    asyncio.run(main())


def test_a_claim_goes_with_its_task_unless_that_is_undone_first() -> None:
    async def main(policy: DeletionPolicy) -> list[Obj]:
        kube = ApiServer()
        await Claims(kube).take(kube.add(tasks_path(NS), task("t")), NAME, policy)
        return list(kube.at(configmaps_path(NS, NAME))["metadata"]["ownerReferences"])

    assert len(asyncio.run(main(DeletionPolicy.DELETE))) == 1
    assert asyncio.run(main(DeletionPolicy.COMPENSATE)) == []


def test_a_strangers_configmap_under_the_claims_name_is_left_alone_and_named() -> None:
    kube = ApiServer()
    kube.add(configmaps_path(NS), {"metadata": {"name": NAME}, "data": {"colour": "blue"}})
    with pytest.raises(NoClaim, match=NAME):
        asyncio.run(Claims(kube).look(task("t", metadata={"uid": "u"}), NAME))
    assert kube.writes() == 0


def labelled(kind: Obj, claim: str = NAME) -> Obj:
    labels = {**(kind["metadata"].get("labels") or {}), **identity_labels(task("gone"), claim)}
    return {**kind, "metadata": {**kind["metadata"], "labels": labels}}


OVER = {"conditions": [{"type": "Complete", "status": "True"}]}
POD: Obj = {"metadata": {"name": "left"}}
LEFT = [
    ("Task", tasks_path(NS), task("left", "StepsInProcess"), task("left", "Complete")),
    ("Job", jobs_path(NS), job("left", "u"), {**job("left", "u"), "status": OVER}),
    ("Pod", pods_path(NS), {**POD, "status": {"phase": "Running"}}, None),
    ("Pod", pods_path(NS), POD, {**POD, "status": {"phase": "Failed"}}),
]


def looked_at_beside(path: str, left: Obj | None) -> str | None:
    """What keeps the holder of a claim from starting beside what is left of an earlier one."""

    async def main() -> str | None:
        kube = ApiServer()
        claims = Claims(kube)
        mine = kube.add(tasks_path(NS), task("t"))
        await claims.take(mine, NAME, DELETE)
        if left is not None:
            kube.add(path, left)
        try:
            claim = await claims.look(mine, NAME)
        except StillWorks as error:
            return str(error)
        assert claim is not None
        assert claim.mine
        return None

    return asyncio.run(main())


@pytest.mark.parametrize(("kind", "path", "works", "over"), LEFT)
def test_an_identity_waits_for_all_that_still_works_for_it(kind: str, path: str, works: Obj, over: Obj | None) -> None:
    assert f"{kind} left" in (looked_at_beside(path, labelled(works)) or "")
    assert looked_at_beside(path, labelled(works, "kubesaga-claim-y")) is None
    assert looked_at_beside(path, works) is None
    assert looked_at_beside(path, labelled(over) if over else None) is None


def test_who_is_a_duplicate_asks_for_nothing_but_the_holder() -> None:
    async def main() -> list[tuple[str, str]]:
        kube = ApiServer()
        claims = Claims(kube)
        first, second = (kube.add(tasks_path(NS), task(name)) for name in ("first", "second"))
        await claims.take(first, NAME, DELETE)
        kube.calls.clear()
        await claims.look(second, NAME)
        return kube.calls

    assert [path for _, path in asyncio.run(main())] == [configmaps_path(NS, NAME), tasks_path(NS, "first")]


def test_a_child_works_for_its_own_identity_and_for_those_above() -> None:
    parent = task("p", metadata={"uid": "p"})
    child = child_of(parent, "s", "child")
    child["metadata"]["labels"] |= identity_labels(parent, "kubesaga-claim-p")
    assert {*identity_labels(child, "kubesaga-claim-c")} == {
        *identity_labels(parent, "kubesaga-claim-p"),
        *identity_labels(parent, "kubesaga-claim-c"),
    }


def test_what_a_human_writes_on_a_task_of_theirs_is_not_inherited() -> None:
    assert identity_labels(labelled(task("t")), None) == {}
