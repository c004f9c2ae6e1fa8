"""StepContext: all that a handler may know about the step it runs.

Made by the runner from the step's input document (see `step_input`), handed to every handler. Method names
are those of the Tasker Python package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from kubesaga_sdk.errors import ConfigurationError
from kubesaga_sdk.facts import StepFailure, TaskInfo

if TYPE_CHECKING:
    from datetime import datetime
    from logging import Logger, LoggerAdapter

    from kubesaga_sdk.execution_context import ExecutionContext
    from kubesaga_sdk.services import Services

T = TypeVar("T")


class StepContext:
    """What one attempt of one step works with. Read it; changes go nowhere but into the handler's result."""

    def __init__(self, document: Mapping[str, Any], services: Services | None = None) -> None:
        """Wrap a complete input document, as `step_input.complete` returns it; `services`: see `service`."""
        self._document = document
        self._services = services
        self._published = 0

    # What the Task asks for.

    @property
    def input_data(self) -> dict[str, Any]:
        """The Task's context: what the workflow is about."""
        return self._object("context")

    @property
    def options(self) -> dict[str, Any]:
        """The Task's options: how it is to be done."""
        return self._object("options")

    @property
    def metadata(self) -> dict[str, Any]:
        """The Task's metadata, and its execution id, initiator, tags, times and correlation ids."""
        return self._object("metadata")

    def get_input(self, key: str) -> Any:
        """A field of the Task's context, None where it is absent."""
        return self.input_data.get(key)

    def get_input_or(self, key: str, default: Any = None) -> Any:
        """A field of the Task's context, the default where it is absent or null."""
        value = self.input_data.get(key)
        return default if value is None else value

    # What the template says about the step.

    @property
    def config(self) -> dict[str, Any]:
        """The step's `handler.config`."""
        return self._object("config")

    @property
    def step_config(self) -> dict[str, Any]:
        """Tasker's name for `config`."""
        return self.config

    def get_config(self, key: str) -> Any:
        """A field of the step's `handler.config`, None where it is absent."""
        return self.config.get(key)

    # What came before.

    @property
    def dependency_results(self) -> dict[str, Any]:
        """Ancestor step → its result; None where it was skipped, failed, or was resolved without one.

        Without those that `get_dependency_result` refuses to give.
        """
        return self._object("results")

    @property
    def dependency_errors(self) -> dict[str, StepFailure]:
        """Ancestor step → why it failed, for those that failed under `continueOnError`."""
        return {name: StepFailure.read(error) for name, error in self._object("errors").items()}

    @property
    def left_out_results(self) -> list[str]:
        """The ancestor steps whose results are too large to be given beside those of nearer steps."""
        return list(self._object("resultRefs"))

    def get_dependency_result(self, step_name: str) -> Any:
        """The result of an ancestor step; None where it has none, or is not an ancestor.

        Raises ConfigurationError where it is too large to be given beside those of nearer steps.
        """
        reference = self._object("resultRefs").get(step_name)
        if reference:
            raise ConfigurationError(
                f"the result of {step_name} ({reference.get('size')} bytes) did not fit into this step's input beside "
                f"those of nearer steps: name {step_name} in dependsOn of {self.step_name}, or have it return a "
                "reference instead of the data",
                "ResultNotGiven",
            )
        return self.dependency_results.get(step_name)

    def get_dependency_field(self, step_name: str, *path: str) -> Any:
        """A field inside an ancestor's result, None where anything on the path is absent."""
        value = self.get_dependency_result(step_name)
        for key in path:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    def get_dependency_result_keys(self) -> list[str]:
        """The ancestor steps that have a result."""
        return list(self.dependency_results)

    def get_all_dependency_results(self, prefix: str) -> list[Any]:
        """The results, other than None, of the ancestor steps whose names begin with the prefix."""
        found = (self.get_dependency_result(name) for name in self.dependency_results if name.startswith(prefix))
        return [result for result in found if result is not None]

    @property
    def trace(self) -> list[dict[str, Any]]:
        """What happened last: `{timestamp, level, source, kind, message}`, oldest first.

        `kind` is start, end, error or retry; `source` a step, its undoing (`charge.compensation`) or `Task`.
        """
        trace: list[dict[str, Any]] = self._document["trace"]
        return trace

    @property
    def execution_context(self) -> ExecutionContext[dict[str, Any]]:
        """Data (context and results), trace and metadata together, to be kept or passed on as one JSON."""
        import copy

        from kubesaga_sdk.execution_context import ExecutionContext

        data = {"context": self.input_data, "results": self.dependency_results}
        return ExecutionContext(*copy.deepcopy((data, self.trace, self.metadata)))

    @property
    def task_outcome(self) -> str | None:
        """In a step of `finally`: how the Task ends (Succeeded, Aborted, Compensated, ...). None elsewhere."""
        return _text(self._object("task").get("outcome"))

    @property
    def forward_result(self) -> Any:
        """In a compensation: the result of the step to undo; None where it is not known or was null."""
        return self._object("forward").get("result")

    @property
    def forward_error(self) -> StepFailure | None:
        """In a compensation: why the step to undo failed, None where it did not."""
        error = self._object("forward").get("error")
        return StepFailure.read(error) if error else None

    # Who and when.

    @property
    def task(self) -> TaskInfo:
        """The Task that this step belongs to."""
        return TaskInfo.read(self._object("task"))

    @property
    def task_uuid(self) -> str:
        """Tasker's name for `task.uid`."""
        return self.task.uid

    @property
    def step_name(self) -> str:
        """The step's name in its template."""
        return str(self._object("step")["name"])

    @property
    def handler_name(self) -> str:
        """The step's `handler.callable`, as the template names it."""
        return str(self._object("step")["callable"])

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step, and for its compensation: give it to what you call."""
        return str(self._document["idempotencyKey"])

    @property
    def step_uuid(self) -> str:
        """Tasker's name for `idempotency_key`: what is the same for every attempt of the step."""
        return self.idempotency_key

    @property
    def compensation_key(self) -> str | None:
        """In a compensation: the same for every attempt of the undoing. None in a forward step."""
        return _text(self._document["compensationKey"])

    @property
    def correlation_id(self) -> str:
        """What joins the log lines of one request across systems."""
        return str(self._document["correlationId"])

    @property
    def parent_correlation_id(self) -> str | None:
        """The correlation id of the request that caused this one."""
        return _text(self._document["parentCorrelationId"])

    @property
    def deadline(self) -> datetime | None:
        """When the Task's forward work must be done; None where it has no limit, and in a compensation."""
        from datetime import datetime

        deadline = _text(self._document["deadline"])
        return datetime.fromisoformat(deadline) if deadline else None

    # Retries.

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1; it never goes back, even when a human resets the step."""
        return int(self._document["attempt"])

    @property
    def retry_count(self) -> int:
        """Attempts made before this one since the last reset: 0 on the first run.

        Without those that a retry rule ignores, so that it can be compared with `max_retries`.
        """
        return int(self._document["retryCount"])

    @property
    def max_retries(self) -> int:
        """The step's `retry.maxAttempts` (Tasker's name): most attempts, the first one included."""
        return int(self._object("step")["maxAttempts"])

    def is_retry(self) -> bool:
        """Whether an attempt has been made before, before a reset too: its work may have been done."""
        return self.attempt > 1 or self.retry_count > 0

    def is_last_retry(self) -> bool:
        """Whether no attempt will follow this one."""
        return self.retry_count >= self.max_retries - 1

    # What it can use.

    def service(self, type_: type[T]) -> T:
        """The service of this type, built once and closed at the attempt's end; see `provider`.

        Raises ConfigurationError where nothing provides it, or only an asynchronous provider.
        """
        return self.services.get(type_)

    async def aservice(self, type_: type[T]) -> T:
        """The same in an `async def` handler, where providers may be asynchronous."""
        return await self.services.aget(type_)

    @property
    def services(self) -> Services:
        """All services of this attempt; whoever made the context closes them."""
        if self._services is None:
            from kubesaga_sdk.services import Services

            self._services = Services()
        return self._services

    def has_services(self) -> bool:
        """Whether there may be services to close."""
        return self._services is not None

    @property
    def logger(self) -> LoggerAdapter[Logger]:
        """Writes log lines that say which attempt they belong to; `extra={...}` adds fields."""
        from kubesaga_sdk.log import AttemptLogger

        return AttemptLogger(self._fields())

    def publish(self, name: str, payload: Mapping[str, Any] | None = None) -> None:
        """Tell others that something happened: a line of the log, of the form that docs/step-contract.md says.

        Raises ValueError for a name of another form than "order.charged", and for a payload that is no JSON object.
        """
        from kubesaga_sdk import events

        self._published += 1
        events.publish(name, payload or {}, self._published, self._fields())

    def _fields(self) -> dict[str, Any]:
        return {
            "task": self.task.name,
            "step": self.step_name,
            "attempt": self.attempt,
            "correlation_id": self.correlation_id,
        }

    def _object(self, name: str) -> dict[str, Any]:
        value: dict[str, Any] = self._document[name]
        return value


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
