"""TaskActions: what a human, or a program in their name, has done to a Task, and whether the operator did it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final, TypedDict, Unpack

from kubesaga.api.constants import ACTION_KIND, API_VERSION
from kubesaga.api.findings import check_action
from kubesaga.client.errors import ActionRejected, Cause, Invalid, NotFound, WaitTimeout, translated
from kubesaga.client.identity import IdentityCalls
from kubesaga.client.objects import Action
from kubesaga.client.request import made_name
from kubesaga.client.tasks import TaskCalls
from kubesaga.client.views import Task
from kubesaga.client.watching import Selection
from kubesaga.engine.vocabulary import ActionPhase, ActionType
from kubesaga.kube.client import actions_path
from kubesaga.kube.errors import KubeError


class Unset:
    """The type of UNSET."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()
"""No result: null would be one."""


class ActionOptions(TypedDict, total=False):
    """What every action takes beside its Task, step and result.

    ``requested_by`` is by default who the API server says that we are, and the chart's admission policy lets nobody say
    anything else. ``expected_attempt``: the action is rejected if the step has gone on since. ``wait``: until the
    operator has answered, for ``timeout`` seconds (60).
    """

    namespace: str | None
    reason: str | None
    requested_by: str | None
    expected_attempt: int | None
    wait: bool
    timeout: float | None


class ActionCalls(TaskCalls, IdentityCalls):
    """What is done by TaskActions. All raise NotFound, ActionRejected, Forbidden, Invalid, and WaitTimeout."""

    async def act(
        self,
        name: str,
        type_: ActionType,
        *,
        step: str | None = None,
        result: Any = UNSET,
        namespace: str | None = None,
        reason: str | None = None,
        requested_by: str | None = None,
        expected_attempt: int | None = None,
        wait: bool = True,
        timeout: float | None = 60.0,
    ) -> Action:
        """Ask for an action on the Task ``name`` and wait for the operator's answer; see ActionOptions.

        It is meant for the Task that has the name now, and for no later one.
        """
        task = await self.get(name, namespace=namespace)
        spec: dict[str, Any] = {
            "taskRef": {"name": name, "uid": task.uid},
            "type": str(type_),
            "requestedBy": requested_by or await self.whoami(),
        }
        given = {"step": step, "reason": reason, "expectedAttempt": expected_attempt}
        spec |= {field: value for field, value in given.items() if value is not None}
        if result is not UNSET:
            spec["result"] = result
        action = await self._create_action(task, spec)
        return await self._answered(action, timeout) if wait else action

    async def retry(self, name: str, step: str | None = None, **options: Unpack[ActionOptions]) -> Action:
        """Run a failed step again; without a step, every failed one."""
        return await self.act(name, ActionType.RETRY, step=step, **options)

    async def complete(self, name: str, step: str, result: Any = UNSET, **options: Unpack[ActionOptions]) -> Action:
        """Take the step for done, with this result."""
        return await self.act(name, ActionType.COMPLETE, step=step, result=result, **options)

    async def resolve(
        self, name: str, step: str | None = None, result: Any = UNSET, **options: Unpack[ActionOptions]
    ) -> Action:
        """Take the step, or without one the Task, for resolved by other means."""
        return await self.act(name, ActionType.RESOLVE, step=step, result=result, **options)

    async def skip(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Leave the step out; its template must have it as skippable."""
        return await self.act(name, ActionType.SKIP, step=step, **options)

    async def fail(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Have the step fail for good."""
        return await self.act(name, ActionType.FAIL, step=step, **options)

    async def approve(self, name: str, step: str, result: Any = UNSET, **options: Unpack[ActionOptions]) -> Action:
        """Give the approval that the step waits for."""
        return await self.act(name, ActionType.APPROVE, step=step, result=result, **options)

    async def reject(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Refuse the approval that the step waits for."""
        return await self.act(name, ActionType.REJECT, step=step, **options)

    async def retry_compensation(self, name: str, step: str | None = None, **options: Unpack[ActionOptions]) -> Action:
        """Try again to undo the step, or without one all where undoing is stuck."""
        return await self.act(name, ActionType.RETRY_COMPENSATION, step=step, **options)

    async def mark_compensated(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Say that the step was undone by other means."""
        return await self.act(name, ActionType.MARK_COMPENSATED, step=step, **options)

    async def confirm_stopped(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Say that nothing of the step runs any more, where the operator cannot see that."""
        return await self.act(name, ActionType.CONFIRM_STOPPED, step=step, **options)

    async def give_up(self, name: str, **options: Unpack[ActionOptions]) -> Action:
        """End a Task that is BlockedByFailures now."""
        return await self.act(name, ActionType.GIVE_UP, **options)

    async def abandon(self, name: str, **options: Unpack[ActionOptions]) -> Action:
        """End a Task that is Compensating with what is not undone."""
        return await self.act(name, ActionType.ABANDON, **options)

    async def actions(self, name: str, *, namespace: str | None = None) -> list[Action]:
        """The TaskActions on the Task that are there, the oldest first, answered or not.

        What was applied stays in ``status.actions`` of the Task, also when its TaskAction is deleted.
        """
        task = await self.get(name, namespace=namespace)
        found = [Action(each) for each in await self._list(Selection(actions_path(task.namespace)), "TaskActions")]
        ours = [each for each in found if each.task == name and each.spec["taskRef"].get("uid") in (None, task.uid)]
        return sorted(ours, key=lambda action: (action.created_at, action.name))

    async def _create_action(self, task: Task, spec: Mapping[str, Any]) -> Action:
        what = f"{spec['type']} of Task {task.name}"
        causes = tuple(Cause(each.path, f"{each.message}; {each.remedy}") for each in check_action(spec))
        if causes:
            raise Invalid(f"{what}: " + "; ".join(map(str, causes)), "correct the action", causes)
        name = made_name(task.name, spec["type"])
        manifest = {
            "apiVersion": API_VERSION,
            "kind": ACTION_KIND,
            "metadata": {"name": name, "namespace": task.namespace},
            "spec": dict(spec),
        }
        with translated(what):
            try:
                return Action(await self.kube.create(actions_path(task.namespace), manifest))
            except KubeError as error:
                if not error.already_exists:  # else the try that got no answer has done it
                    raise
                return Action(await self.kube.get(actions_path(task.namespace, name)))

    async def _answered(self, action: Action, timeout: float | None) -> Action:
        if action.phase is not None:  # answered while the create was repeated: nothing new will be told of it
            return _applied(action)
        path = actions_path(action.namespace)
        selection = Selection(path, None, f"metadata.name={action.name}")
        try:
            async with (
                asyncio.timeout(timeout),
                aclosing(self._changes(selection, f"TaskAction {action.name}", [action.raw])) as told,
            ):
                async for type_, obj in told:
                    if type_ == "DELETED":
                        raise NotFound(
                            f"TaskAction {action.name} was deleted before it was answered", "ask for it again"
                        )
                    if Action(obj).phase is not None:
                        return _applied(Action(obj))
        except TimeoutError as error:
            raise WaitTimeout(
                f"TaskAction {action.name} has not been answered within {timeout:g} s",
                "check that the operator runs and serves this namespace; the TaskAction stays, and will be answered",
            ) from error
        raise AssertionError("a watch ends by an error only")


def _applied(action: Action) -> Action:
    if action.phase is ActionPhase.REJECTED:
        raise ActionRejected(action)
    return action
