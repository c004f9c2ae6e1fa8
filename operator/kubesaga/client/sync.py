"""The client for programs that block: the same methods as the asynchronous one, each waited for.

It adds nothing, so that there is one client to test and to read: what a method does in detail is said in
``AsyncKubesaga``. A test holds the two together.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Iterator
from typing import Any, Self, Unpack

from kubesaga.api.models import TemplateRef
from kubesaga.client.actions import UNSET, ActionOptions
from kubesaga.client.asynchronous import AsyncKubesaga
from kubesaga.client.base import USER_AGENT, Selector
from kubesaga.client.identity import Permission
from kubesaga.client.installation import Installation
from kubesaga.client.objects import Action, Event, LogLine, Template
from kubesaga.client.request import TaskRequest
from kubesaga.client.tasks import Tasks
from kubesaga.client.threads import LoopThread
from kubesaga.client.views import Task
from kubesaga.engine.vocabulary import ActionType, Role, RunningSteps, TaskOutcome, TaskState

# Written before the class has a method of the name ``list``.
Actions = list[Action]
Events = list[Event]
Obj = dict[str, Any]
Objs = list[Obj]
Templates = list[Template]


class Kubesaga:
    """A client for one cluster, for any number of threads.

    ::

        with Kubesaga.connect() as saga:
            task = saga.submit(TaskRequest("orders/fulfil@^1", {"order": 4711}))
            task = saga.wait(task.name, timeout=600)
            print(saga.result(task.name))
    """

    def __init__(self, saga: AsyncKubesaga, thread: LoopThread) -> None:
        self._saga = saga
        self._thread = thread
        atexit.register(self.close)  # a script that ends without closing it leaves no connection open

    @classmethod
    def connect(
        cls,
        kubeconfig: str | None = None,
        context: str | None = None,
        namespace: str | None = None,
        *,
        request_timeout: float = 30.0,
        user_agent: str = USER_AGENT,
    ) -> Self:
        """A client, found as kubectl finds its cluster; close it, or use it in a ``with``. Raises Misconfigured."""
        thread = LoopThread()
        opening = AsyncKubesaga.open(
            kubeconfig, context, namespace, request_timeout=request_timeout, user_agent=user_agent
        )
        try:
            return cls(thread.run(opening), thread)
        except BaseException:
            thread.close()
            raise

    def close(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        atexit.unregister(self.close)
        self._thread.close(self._saga.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def namespace(self) -> str:
        """Where methods work that are given no namespace."""
        return self._saga.namespace

    @property
    def server(self) -> str:
        """The API server's address."""
        return self._saga.server

    @property
    def context(self) -> str | None:
        """The kubeconfig's context; None in a pod."""
        return self._saga.context

    def submit(self, request: TaskRequest, *, namespace: str | None = None, dry_run: bool = False) -> Task:
        """Create a Task. The answer is the Task as it is stored; it has not started."""
        return self._thread.run(self._saga.submit(request, namespace=namespace, dry_run=dry_run))

    def get(self, name: str, *, namespace: str | None = None) -> Task:
        """A Task. Raises NotFound."""
        return self._thread.run(self._saga.get(name, namespace=namespace))

    def list(
        self,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        state: TaskState | None = None,
        outcome: TaskOutcome | None = None,
        template: str | TemplateRef | None = None,
        selector: Selector | None = None,
    ) -> Tasks:
        """The Tasks of a namespace, or of all, the oldest first."""
        return self._thread.run(
            self._saga.list(
                namespace=namespace,
                all_namespaces=all_namespaces,
                state=state,
                outcome=outcome,
                template=template,
                selector=selector,
            )
        )

    def watch(
        self,
        name: str | None = None,
        *,
        namespace: str | None = None,
        all_namespaces: bool = False,
        selector: Selector | None = None,
    ) -> Iterator[Task]:
        """Tasks as they are, then each of them whenever it changes; for ever, or until the named one is deleted."""
        return self._thread.iterate(
            self._saga.watch(name, namespace=namespace, all_namespaces=all_namespaces, selector=selector)
        )

    def wait(
        self, name: str, *, namespace: str | None = None, timeout: float | None = None, attention: bool = False
    ) -> Task:
        """The Task once it has ended, however it ended; see ``Task.raise_for_outcome``."""
        return self._thread.run(self._saga.wait(name, namespace=namespace, timeout=timeout, attention=attention))

    def cancel(
        self,
        name: str,
        *,
        namespace: str | None = None,
        mode: RunningSteps | None = None,
        compensate: bool | None = None,
    ) -> Task:
        """Have the Task end. The answer is the Task as it is asked to; wait for its end."""
        return self._thread.run(self._saga.cancel(name, namespace=namespace, mode=mode, compensate=compensate))

    def suspend(self, name: str, *, namespace: str | None = None) -> Task:
        """Have nothing new started, in the Task and its sub-workflows; steps that run finish."""
        return self._thread.run(self._saga.suspend(name, namespace=namespace))

    def resume(self, name: str, *, namespace: str | None = None) -> Task:
        """Take a suspension back. Raises Invalid for a Task that is cancelled."""
        return self._thread.run(self._saga.resume(name, namespace=namespace))

    def delete(self, name: str, *, namespace: str | None = None) -> None:
        """Delete the Task. One whose deletionPolicy is Compensate is cancelled and undone before it goes."""
        self._thread.run(self._saga.delete(name, namespace=namespace))

    def act(
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
        """Ask for an action on the Task ``name`` and wait for the operator's answer; see ActionOptions."""
        return self._thread.run(
            self._saga.act(
                name,
                type_,
                step=step,
                result=result,
                namespace=namespace,
                reason=reason,
                requested_by=requested_by,
                expected_attempt=expected_attempt,
                wait=wait,
                timeout=timeout,
            )
        )

    def retry(self, name: str, step: str | None = None, **options: Unpack[ActionOptions]) -> Action:
        """Run a failed step again; without a step, every failed one."""
        return self._thread.run(self._saga.retry(name, step, **options))

    def complete(self, name: str, step: str, result: Any = UNSET, **options: Unpack[ActionOptions]) -> Action:
        """Take the step for done, with this result."""
        return self._thread.run(self._saga.complete(name, step, result, **options))

    def resolve(
        self, name: str, step: str | None = None, result: Any = UNSET, **options: Unpack[ActionOptions]
    ) -> Action:
        """Take the step, or without one the Task, for resolved by other means."""
        return self._thread.run(self._saga.resolve(name, step, result, **options))

    def skip(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Leave the step out; its template must have it as skippable."""
        return self._thread.run(self._saga.skip(name, step, **options))

    def fail(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Have the step fail for good."""
        return self._thread.run(self._saga.fail(name, step, **options))

    def approve(self, name: str, step: str, result: Any = UNSET, **options: Unpack[ActionOptions]) -> Action:
        """Give the approval that the step waits for."""
        return self._thread.run(self._saga.approve(name, step, result, **options))

    def reject(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Refuse the approval that the step waits for."""
        return self._thread.run(self._saga.reject(name, step, **options))

    def retry_compensation(self, name: str, step: str | None = None, **options: Unpack[ActionOptions]) -> Action:
        """Try again to undo the step, or without one all where undoing is stuck."""
        return self._thread.run(self._saga.retry_compensation(name, step, **options))

    def mark_compensated(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Say that the step was undone by other means."""
        return self._thread.run(self._saga.mark_compensated(name, step, **options))

    def confirm_stopped(self, name: str, step: str, **options: Unpack[ActionOptions]) -> Action:
        """Say that nothing of the step runs any more, where the operator cannot see that."""
        return self._thread.run(self._saga.confirm_stopped(name, step, **options))

    def give_up(self, name: str, **options: Unpack[ActionOptions]) -> Action:
        """End a Task that is BlockedByFailures now."""
        return self._thread.run(self._saga.give_up(name, **options))

    def abandon(self, name: str, **options: Unpack[ActionOptions]) -> Action:
        """End a Task that is Compensating with what is not undone."""
        return self._thread.run(self._saga.abandon(name, **options))

    def actions(self, name: str, *, namespace: str | None = None) -> Actions:
        """The TaskActions on the Task that are there, the oldest first, answered or not."""
        return self._thread.run(self._saga.actions(name, namespace=namespace))

    def result(
        self, name: str, step: str | None = None, *, role: Role = Role.FORWARD, namespace: str | None = None
    ) -> Any:
        """What the Task yielded, or one of its steps, or that step's compensation; large ones are fetched."""
        return self._thread.run(self._saga.result(name, step, role=role, namespace=namespace))

    def history(self, name: str, *, namespace: str | None = None) -> Objs:
        """Every transition of the Task and its steps, the oldest first, as ``status.transitions`` has them."""
        return self._thread.run(self._saga.history(name, namespace=namespace))

    def events(self, name: str, *, namespace: str | None = None) -> Events:
        """The Kubernetes Events of the Task that are still there (an hour, usually), the oldest first."""
        return self._thread.run(self._saga.events(name, namespace=namespace))

    def children(self, name: str, *, namespace: str | None = None) -> Tasks:
        """The Tasks that are sub-workflows of this one, the oldest first."""
        return self._thread.run(self._saga.children(name, namespace=namespace))

    def dead_letters(self, *, namespace: str | None = None, all_namespaces: bool = False) -> Tasks:
        """The Tasks that wait for longer than their template's lifecycle allows."""
        return self._thread.run(self._saga.dead_letters(namespace=namespace, all_namespaces=all_namespaces))

    def templates(
        self, *, domain: str | None = None, namespace: str | None = None, all_namespaces: bool = False
    ) -> Templates:
        """The TaskTemplates of a namespace, or of all, by domain, name and object."""
        return self._thread.run(self._saga.templates(domain=domain, namespace=namespace, all_namespaces=all_namespaces))

    def template(self, reference: str | TemplateRef, *, namespace: str | None = None) -> Template:
        """The template that a Task with this reference would get now: ``orders/fulfil@^1``. Raises NotFound."""
        return self._thread.run(self._saga.template(reference, namespace=namespace))

    def revision(self, task: Task) -> Obj | None:
        """The content of the template that the Task runs, as it was pinned; None before the Task has started."""
        return self._thread.run(self._saga.revision(task))

    def logs(
        self,
        name: str,
        step: str,
        *,
        namespace: str | None = None,
        attempt: int | None = None,
        role: Role = Role.FORWARD,
        follow: bool = False,
        tail: int | None = None,
    ) -> Iterator[LogLine]:
        """What a step's attempts wrote, the first attempt first; or only that one ``attempt``."""
        return self._thread.iterate(
            self._saga.logs(name, step, namespace=namespace, attempt=attempt, role=role, follow=follow, tail=tail)
        )

    def whoami(self) -> str:
        """The user name that the API server knows us by; asked once."""
        return self._thread.run(self._saga.whoami())

    def can_i(self, permissions: Iterable[Permission]) -> dict[Permission, bool]:
        """Which of these things we may do, by RBAC and whatever else authorizes."""
        return self._thread.run(self._saga.can_i(permissions))

    def server_version(self) -> str:
        """The API server's version: ``v1.34.1``."""
        return self._thread.run(self._saga.server_version())

    def installation(self) -> Installation:
        """What is there of Kubesaga, as far as we may see it."""
        return self._thread.run(self._saga.installation())
