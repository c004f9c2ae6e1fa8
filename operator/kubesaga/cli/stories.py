"""From the client's Tasks to the stories that pages are made of: with template, history and sub-workflows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubesaga.api.constants import LABEL_PARENT_STEP
from kubesaga.cli import output
from kubesaga.cli.views.story import Story

if TYPE_CHECKING:
    from kubesaga.client import AsyncKubesaga, Task


class Stories:
    """Makes stories of Tasks; what never changes (a revision's content) is read once."""

    def __init__(self, saga: AsyncKubesaga) -> None:
        self._saga = saga
        self._contents: dict[tuple[str, str], Mapping[str, Any] | None] = {}
        self._told = False

    async def of(self, task: Task, *, whole: bool = False, family: bool = True) -> Story:
        """One Task's story; ``whole``: with the history that has moved out of its status, ``family``: with its
        sub-workflows, and theirs."""
        history = await self._history(task) if whole else None
        children: dict[str, Story] = {}
        if family and any(step.child_name for step in task.steps):
            for child in await self._children(task):
                children[child.labels.get(LABEL_PARENT_STEP, "")] = await self.of(child, whole=whole)
        return Story.of(task.raw, history=history, template=await self._content(task), children=children)

    async def below(self, task: Task) -> Story:
        """The story of one Task alone, which knows whether its parent, if it has one, can still make use of it."""
        story = await self.of(task, family=False)
        return replace(story, parent_over=await self._parent_is_over(task))

    async def _parent_is_over(self, task: Task) -> bool:
        from kubesaga.client import Forbidden, NotFound

        if task.parent is None:
            return False
        try:
            parent = await self._saga.get(task.parent.name, namespace=task.namespace)
        except NotFound:
            return True
        except Forbidden:
            return False
        return parent.uid != task.parent.uid or parent.finished or parent.ending is not None

    async def _children(self, task: Task) -> list[Task]:
        """Its sub-workflows; none, with a word about it, where they may not be listed."""
        from kubesaga.client import Forbidden

        try:
            return await self._saga.children(task.name, namespace=task.namespace)
        except Forbidden as error:
            if not self._told:
                output.note(f"sub-workflows are not shown: {error}")
            self._told = True
            return []

    async def _history(self, task: Task) -> list[Mapping[str, Any]] | None:
        """The whole history; None, with a word about it, where its older part cannot be read."""
        from kubesaga.client import Forbidden, NoResult

        try:
            return [*await self._saga.history(task.name, namespace=task.namespace)]
        except (Forbidden, NoResult) as error:
            output.note(f"only the newest part of the history of Task {task.name} is shown: {error}")
            return None

    async def _content(self, task: Task) -> Mapping[str, Any] | None:
        """The content of the revision that it runs; None where there is none, or it may not be read."""
        from kubesaga.client import Forbidden, NotFound

        if task.template is None:
            return None
        key = (task.namespace, task.template.revision)
        if key not in self._contents:
            try:
                self._contents[key] = await self._saga.revision(task)
            except (Forbidden, NotFound):
                self._contents[key] = None
        return self._contents[key]
