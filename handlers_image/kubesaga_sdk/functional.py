"""Handlers as functions: `@step_handler` with `@inputs` and `@depends_on`, as Tasker's Python package has them.

    @step_handler("charge_payment")
    @depends_on(cart="validate_cart")
    @inputs("card")
    def charge_payment(cart, card, context): ...

    @charge_payment.compensate
    def refund_payment(context): ...

Used by handlers' authors. The loader, the registry and `list` take the `handler_class` of what the decorator makes: an
ordinary StepHandler. What fills which parameter is worked out in `wiring`.
"""

from __future__ import annotations

import functools
from abc import ABCMeta
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

from kubesaga_sdk.contract import METHOD_CALL, METHOD_COMPENSATE
from kubesaga_sdk.handler import StepHandler
from kubesaga_sdk.wiring import FromService, Wiring, is_async, refuse_unusable, wiring_of

P = ParamSpec("P")
R = TypeVar("R")
H = TypeVar("H", bound=type[StepHandler])
F = TypeVar("F", bound=Callable[..., Any])


class FunctionalHandler(Generic[P, R]):
    """A function that is a handler. Called as a function it is the plain function, which is how to test it."""

    __name__: str
    __qualname__: str

    def __init__(self, function: Callable[P, R], name: str, version: str, namespace: str) -> None:
        functools.update_wrapper(self, function)
        self.name = name
        self.version = version
        self.namespace = namespace
        self.wiring = wiring_of(function)
        self.undo: Callable[..., Any] | None = None
        self._function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function as it is written, with arguments of one's own."""
        return self._function(*args, **kwargs)

    def compensate(self, function: F) -> F:
        """Decorate the function that undoes this step: what a template's `compensation: {}` runs.

        Its parameters are filled as the handler's own are; `context.forward_result` is what there is to undo.
        """
        refuse_unusable(function)
        if function.__name__ == self.__name__:
            raise TypeError(f"give the compensation of {self.__name__} another name: this one would hide the handler")
        self.undo = function
        return function

    @functools.cached_property
    def handler_class(self) -> type[StepHandler]:
        """The same as a class with the methods `call` and, where there is one, `compensate`.

        Raises CallableInvalid where a parameter is filled by nothing.
        """
        members: dict[str, Any] = {
            "__module__": self.__module__,
            "__doc__": self.__doc__,
            "handler_name": self.name,
            "handler_version": self.version,
            "handler_namespace": self.namespace,
            METHOD_CALL: _method(self._function, self.wiring),
        }
        if self.undo is not None:
            members[METHOD_COMPENSATE] = _method(self.undo, wiring_of(self.undo))
        return cast("type[StepHandler]", ABCMeta(self.__name__, (StepHandler,), members))

    def __repr__(self) -> str:
        return f"<step handler {self.name} ({self.__module__}:{self.__qualname__})>"


class _Decorator:
    """What `step_handler(...)` returns: it decorates a function or a class."""

    def __init__(self, name: str, version: str, namespace: str) -> None:
        self._identity = (name, version, namespace)

    @overload
    def __call__(self, decorated: H) -> H: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, decorated: Callable[P, R]) -> FunctionalHandler[P, R]: ...
    def __call__(self, decorated: Any) -> Any:
        from kubesaga_sdk.registry import HandlerRegistry

        name, version, namespace = self._identity
        handler: Any = decorated
        if isinstance(decorated, type):
            handler.handler_name, handler.handler_version, handler.handler_namespace = name, version, namespace
        else:
            refuse_unusable(decorated)
            handler = FunctionalHandler(decorated, name, version, namespace)
        HandlerRegistry.instance().register(name, handler, namespace=namespace, version=version)
        return handler


def step_handler(name: str, version: str = "1.0.0", *, namespace: str = "") -> _Decorator:
    """Make a function, or a StepHandler class, a handler that templates name by `callable: name`.

    Arguments:
        name: a letter or `_`, then letters, digits, `_`, `-` and `.`
        version: of the handler; a template may ask for one by `name@1.2.0`, and gets the highest else.
        namespace: a template names it as `namespace/name`; needed only where two have the same name.
    """
    if not isinstance(name, str):
        raise TypeError('write @step_handler("name") with the name that templates use')
    return _Decorator(name, version, namespace)


def inputs(*keys: str | type) -> Callable[[F], F]:
    """Fill parameters with the fields of the Task's context that have their names; None where absent.

    A dataclass or a pydantic model in place of the names fills the parameter `inputs` with one, made of the context.
    """
    return functools.partial(_wire, Wiring.of_inputs(keys))


def depends_on(**steps: str | tuple[str, type]) -> Callable[[F], F]:
    """Fill parameters with the results of steps before this one: `cart="validate_cart"`; None where there is none.

    `cart=("validate_cart", Cart)` makes a dataclass or a pydantic model of the result. The order of the steps is the
    template's affair: it has to have `dependsOn`, or a chain of it, as well.
    """
    return functools.partial(_wire, Wiring.of_steps(steps))


def _wire(wiring: Wiring, decorated: F) -> F:
    wiring_of(decorated).add(wiring)
    return decorated


def _method(function: Callable[..., Any], wiring: Wiring) -> Callable[..., Any]:
    parameters = wiring.parameters(function)
    if not is_async(function):

        def call(_self: StepHandler, context: Any) -> Any:
            return function(**{name: fill(context) for name, fill in parameters.items()})

        return call

    async def acall(_self: StepHandler, context: Any) -> Any:
        arguments = {}
        for name, fill in parameters.items():
            arguments[name] = await fill.later(context) if isinstance(fill, FromService) else fill(context)
        return await function(**arguments)

    return acall
