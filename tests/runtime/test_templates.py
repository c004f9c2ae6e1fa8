"""Templates: which are accepted, which are Stalled and why, and which of them a starting Task gets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubesaga.api import constants as c
from kubesaga.engine.records import PinnedTemplate
from kubesaga.engine.snapshot import TemplateProblem
from kubesaga.kube.client import KubeError, revisions_path
from kubesaga.runtime.cache import Kind
from kubesaga.runtime.catalog import identity_of

from .templating import NS, Shop, play, template


async def pinned(shop: Shop, wanted: str | None = None) -> str:
    """The version that a Task gets which is made now."""
    found = await shop.templates.find(shop.task(f"task-{wanted or 'latest'}".replace(" ", ""), wanted))
    assert isinstance(found, PinnedTemplate), found
    return found.version


async def refused(shop: Shop, wanted: str | None = None) -> TemplateProblem:
    found = await shop.templates.find(shop.task("refused", wanted))
    assert isinstance(found, TemplateProblem), found
    return found


def test_a_good_template_is_ready_and_names_its_revision() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        await shop.settle()
        assert shop.reason("one") == "Accepted"
        ((name, revision),) = shop.revision_objects().items()
        assert shop.status("one")["revision"] == name
        assert revision["metadata"]["labels"][c.LABEL_TEMPLATE_VERSION] == "1.0.0"
        assert len(revision["metadata"]["annotations"][c.ANNOTATION_WRITTEN]) == 64

    play(act)


def test_looking_at_a_checked_template_again_writes_nothing() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        await shop.settle()
        before = shop.kube.writes()
        await shop.templates.reconcile(NS, "one")
        assert shop.kube.writes() == before

    play(act)


# --- a version that was used before -------------------------------------------------------------------------------


def test_a_released_version_that_comes_back_with_other_content_is_stalled_and_says_what_is_recorded() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one", says="echo old"))
        await shop.settle()
        (recorded,) = shop.revision_objects()
        shop.delete("one")
        shop.apply(template("one", says="echo new"))
        await shop.settle()
        assert shop.reason("one") == "!VersionReused"
        (finding,) = shop.status("one")["findings"]
        assert (finding["code"], finding["path"]) == ("VersionReused", "spec.version")
        assert recorded in finding["message"]
        assert "default/work@1.0.0" in finding["message"]
        assert "new spec.version" in finding["remedy"]
        assert "revision" not in shop.status("one")
        assert list(shop.revision_objects()) == [recorded]

    play(act)


def test_a_reused_version_is_ready_again_once_its_content_is_what_was_recorded() -> None:
    async def act(shop: Shop) -> None:
        for says in ("old", "new"):
            shop.apply(template("one", says=says))
            await shop.settle()
            if says == "old":
                shop.delete("one")
        shop.apply(template("one", says="old"))
        await shop.settle()
        assert shop.reason("one") == "Accepted"
        assert list(shop.revision_objects()) == [shop.status("one")["revision"]]

    play(act)


def test_a_pre_release_may_change() -> None:
    async def act(shop: Shop) -> None:
        for says in ("old", "new"):
            shop.apply(template("one", version="1.0.0-rc.1", says=says))
            await shop.settle()
            assert shop.reason("one") == "Accepted"
        assert len(shop.revision_objects()) == 2

    play(act)


@pytest.mark.parametrize(
    ("environment", "default_image"), [("production", None), (None, "other:1"), ("production", "other:1")]
)
def test_what_the_operators_settings_make_of_a_template_does_not_reuse_its_version(
    environment: str | None, default_image: str | None
) -> None:
    overrides = {"production": {"steps": [{"name": "ALL", "timeout": "5s"}]}}

    async def act(shop: Shop) -> None:
        one = template("one", environments=overrides, defaults={"retry": {"maxAttempts": 2}})
        one["spec"]["steps"][0]["container"]["image"] = "busybox"
        shop.apply(one)
        await shop.settle()
        later = shop.restarted(environment, default_image)
        await later.settle()
        assert later.reason("one") == "Accepted"
        assert later.status("one")["revision"] in later.revision_objects()
        assert len(later.revision_objects()) == 2

    play(act)


def test_defaults_written_out_and_another_order_of_steps_are_not_another_content() -> None:
    async def act(shop: Shop) -> None:
        steps = [{"name": name, "container": {"command": ["true"]}} for name in ("a", "b")]
        shop.apply(template("one", steps=steps))
        await shop.settle()
        shop.delete("one")
        shop.apply(template("one", steps=steps[::-1], failureStrategy="Abort", domain="default"))
        await shop.settle()
        assert shop.reason("one") == "Accepted"

    play(act)


# --- two objects with one identity --------------------------------------------------------------------------------


def test_of_two_objects_with_one_identity_the_older_counts_until_it_goes() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("older"))
        shop.apply(template("newer"))
        await shop.settle()
        assert (shop.reason("older"), shop.reason("newer")) == ("Accepted", "!DuplicateVersion")
        (finding,) = shop.status("newer")["findings"]
        assert "TaskTemplate older is default/work@1.0.0 too" in finding["message"]
        shop.delete("older")
        await shop.settle()
        assert shop.reason("newer") == "Accepted"

    play(act)


def test_a_version_that_another_object_moves_to_makes_the_newer_one_stalled_and_free_again() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("older", version="1.0.0-rc.1"))
        shop.apply(template("newer", version="1.0.0-rc.2"))
        await shop.settle()
        shop.apply(template("older", version="1.0.0-rc.2"))
        await shop.settle()
        assert (shop.reason("older"), shop.reason("newer")) == ("Accepted", "!DuplicateVersion")
        shop.apply(template("older", version="1.0.0-rc.3"))
        await shop.settle()
        assert (shop.reason("older"), shop.reason("newer")) == ("Accepted", "Accepted")

    play(act)


def test_of_three_objects_with_one_identity_each_names_the_one_that_counts_now() -> None:
    async def act(shop: Shop) -> None:
        for name in ("c", "b", "a"):
            shop.apply(template(name))
        await shop.settle()
        shop.delete("c")
        await shop.settle()
        assert shop.reason("b") == "Accepted"
        assert "TaskTemplate b is" in shop.status("a")["findings"][0]["message"]

    play(act)


def test_a_template_with_findings_of_its_own_is_told_those_first() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("older"))
        wrong = template("newer")
        wrong["spec"]["steps"][0]["dependsOn"] = ["nowhere"]
        shop.apply(wrong)
        await shop.settle()
        assert shop.reason("newer") == "!Findings"

    play(act)


# --- what a Task gets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "got"),
    [("1.0.0", "1.0.0"), ("^1.0", "1.10.0"), ("~1.0", "1.0.0"), (None, "2.0.0"), ("3.0.0-rc.1", "3.0.0-rc.1")],
)
def test_a_task_gets_the_version_that_it_asks_for(wanted: str | None, got: str) -> None:
    async def act(shop: Shop) -> None:
        for version in ("1.0.0", "1.10.0", "2.0.0", "3.0.0-rc.1"):
            shop.apply(template(f"work-{version}", version=version))
        await shop.settle()
        assert await pinned(shop, wanted) == got

    play(act)


def test_a_release_that_the_watch_has_not_told_yet_is_found_by_a_task_that_is_younger() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one", version="1.0.0"))
        await shop.settle()
        shop.put(template("two", version="2.0.0"))
        assert await pinned(shop) == "2.0.0"

    play(act)


def test_one_live_list_serves_all_the_tasks_that_are_older_than_it() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        await shop.settle()
        tasks = [shop.task(f"task-{i}") for i in range(20)]
        shop.kube.calls.clear()
        for task in tasks:
            assert isinstance(await shop.templates.find(task), PinnedTemplate)
        assert len(shop.kube.calls) == 1

    play(act)


def test_a_task_with_an_exact_version_asks_the_api_server_nothing() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        await shop.settle()
        shop.kube.calls.clear()
        assert await pinned(shop, "1.0.0") == "1.0.0"
        assert shop.kube.calls == []

    play(act)


def test_what_another_version_of_the_operator_accepted_is_checked_again_before_a_task_pins_it() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        await shop.settle()
        ((name, recorded),) = shop.revision_objects().items()
        shop.kube.put(revisions_path(NS, name), {**recorded, "data": {**recorded["data"], "sinceTheFuture": True}})
        shop.template("one")["spec"]["sinceTheFuture"] = True
        later = shop.restarted()
        assert "Stalled (Findings)" in (await refused(later)).message

    play(act)


def test_a_template_that_was_deleted_unseen_is_not_taken_for_the_highest() -> None:
    async def act(shop: Shop) -> None:
        for version in ("1.0.0", "2.0.0"):
            shop.apply(template(f"work-{version}", version=version))
        await shop.settle()
        shop.kube.objects.pop(next(path for path in shop.kube.objects if path.endswith("work-2.0.0")))
        assert await pinned(shop) == "1.0.0"

    play(act)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("1.5.0", "there is no TaskTemplate default/work@1.5.0 in namespace shop (versions there: 2.0.0-rc.1, 1.0.0)"),
        ("^2", "there is no version of TaskTemplate default/work in the range '^2' in namespace shop (versions there:"),
        ("^2", "a pre-release is taken only where it is asked for"),
    ],
)
def test_a_version_that_is_not_there_is_told_with_those_that_are(wanted: str, said: str) -> None:
    async def act(shop: Shop) -> None:
        for version in ("1.0.0", "2.0.0-rc.1"):
            shop.apply(template(f"work-{version}", version=version))
        await shop.settle()
        problem = await refused(shop, wanted)
        assert problem.reason == "TemplateNotFound"
        assert said in problem.message
        assert problem.message.endswith("the Task starts once it is created")

    play(act)


def test_without_any_template_the_message_says_so() -> None:
    async def act(shop: Shop) -> None:
        problem = await refused(shop)
        assert "there is no released version of TaskTemplate default/work" in problem.message
        assert "(versions there: none)" in problem.message

    play(act)


def test_a_task_waits_for_a_stalled_template_and_is_told_why_it_is() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one", says="old"))
        await shop.settle()
        shop.delete("one")
        shop.apply(template("one", says="new"))
        await shop.settle()
        problem = await refused(shop, "1.0.0")
        assert problem.reason == "TemplateNotReady"
        assert "TaskTemplate one (default/work@1.0.0) is Stalled (VersionReused)" in problem.message
        assert "new spec.version" in problem.message

    play(act)


def test_a_task_that_meets_a_template_before_its_check_has_it_checked() -> None:
    async def act(shop: Shop) -> None:
        shop.put(template("one"))
        assert await pinned(shop) == "1.0.0"
        assert shop.reason("one") == "Accepted"

    play(act)


def test_a_revision_that_was_deleted_is_recorded_again_before_a_task_pins_it() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        await shop.settle()
        name = shop.status("one")["revision"]
        later = shop.restarted()
        await later.kube.delete(revisions_path(NS, name))
        assert await pinned(later, "1.0.0") == "1.0.0"
        assert list(later.revision_objects()) == [name]

    play(act)


def test_a_template_whose_namespace_is_going_away_is_nobodys_problem() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        refusal = KubeError(403, "Forbidden", "namespace shop is being terminated")
        shop.kube.broken = lambda method, _path: refusal if method == "POST" else None
        await shop.settle()
        assert shop.cache.get(Kind.TEMPLATE, NS, "one") is not None
        assert shop.revision_objects() == {}

    play(act)


def test_one_template_whose_check_gets_no_answer_holds_up_no_other() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("slow", logical="slow"))
        shop.apply(template("quick", logical="quick"))
        answers, lists = asyncio.Event(), shop.kube.list

        async def unanswered(path: str, **query: Any) -> Any:
            if "=slow" in (query.get("label_selector") or ""):
                await answers.wait()
            return await lists(path, **query)

        shop.kube.list = unanswered  # type: ignore[method-assign, assignment]
        waiting = [asyncio.create_task(shop.templates.reconcile(NS, "slow")) for _ in range(2)]
        await asyncio.sleep(1)
        await shop.templates.reconcile(NS, "quick")
        assert (shop.reason("quick"), "status" in shop.template("slow")) == ("Accepted", False)
        answers.set()
        await asyncio.gather(*waiting)
        assert shop.reason("slow") == "Accepted"
        assert len(shop.revision_objects()) == 2

    play(act)


def test_a_template_that_becomes_another_version_while_it_waits_is_checked_as_that() -> None:
    async def act(shop: Shop) -> None:
        shop.apply(template("one"))
        async with shop.templates._checking.setdefault(identity_of(shop.template("one")), asyncio.Lock()):
            waiting = asyncio.create_task(shop.templates.reconcile(NS, "one"))
            await asyncio.sleep(1)
            shop.apply(template("one", "1.0.1-dev"))
        await waiting
        (revision,) = shop.revision_objects().values()
        assert revision["metadata"]["labels"][c.LABEL_TEMPLATE_VERSION] == "1.0.1-dev"

    play(act)
