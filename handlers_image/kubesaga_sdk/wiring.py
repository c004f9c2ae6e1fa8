"""Which parameter of a functional handler is filled with what: inputs, results, services, the context.

Used by `functional`. A parameter that nothing fills is an error when the handler is loaded, not a None in production.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kubesaga_sdk.context import StepContext
from kubesaga_sdk.errors import CallableInvalid, ValidationError

if TYPE_CHECKING:
    from types import CodeType

Fill = Callable[[StepContext], Any]

_ATTRIBUTE = "__kubesaga_wiring__"
_HAS_KEYWORDS = 0x08  # CO_VARKEYWORDS, CO_COROUTINE and a default are read off the code: `inspect` would take 10 ms
_IS_COROUTINE = 0x80


class Wiring:
    """What the decorators of one function say."""

    def __init__(self, fills: Mapping[str, Fill] | None = None) -> None:
        self._fills: dict[str, Fill] = dict(fills or {})
        self.inputs: list[str] = []
        """Fields of the Task's context, in order; of a model its fields, as far as they are known."""
        self.steps: dict[str, str] = {}
        """Parameter → step."""

    @classmethod
    def of_inputs(cls, keys: Sequence[str | type]) -> Wiring:
        """What `@inputs(*keys)` says. Raises TypeError for anything but names, or one model."""
        models = [key for key in keys if isinstance(key, type)]
        if models and len(keys) > 1:
            raise TypeError("@inputs takes names, or one model: @inputs('card', 'amount') or @inputs(Order)")
        if models:
            refuse_model(models[0])
            wiring = cls({"inputs": FromModel(models[0], lambda context: context.input_data, "the Task's context")})
            wiring.inputs = list(_fields(models[0]))
            return wiring
        if not all(isinstance(key, str) for key in keys):
            raise TypeError("@inputs takes names, with brackets even where there is one: @inputs('card')")
        names = [str(key) for key in keys]
        wiring = cls({name: FromInput(name) for name in names})
        wiring.inputs = names
        return wiring

    @classmethod
    def of_steps(cls, steps: Mapping[str, str | tuple[str, type]]) -> Wiring:
        """What `@depends_on(**steps)` says. Raises TypeError for anything but a step, or a step and a model."""
        wiring = cls()
        for parameter, said in steps.items():
            step, model = _step_and_model(parameter, said)
            wiring.steps[parameter] = step
            wiring._fills[parameter] = FromStep(step)
            if model is not None:
                refuse_model(model)
                wiring._fills[parameter] = FromModel(model, FromStep(step), f"the result of {step}")
        return wiring

    def add(self, other: Wiring) -> None:
        """Take over what another decorator says."""
        self._fills = {**self._fills, **other._fills}
        self.inputs = [*other.inputs, *self.inputs]  # Decorators run from the lowest up.
        self.steps = {**other.steps, **self.steps}

    def parameters(self, function: Callable[..., Any]) -> dict[str, Fill]:
        """Parameter → what fills it. Raises CallableInvalid where that is nothing, or a parameter is not there."""
        plain = _unwrapped(function)
        code: CodeType = plain.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if unnamed := names[: code.co_posonlyargcount]:
            raise CallableInvalid(
                f"{_place(plain)} has parameters that take no name ({', '.join(unnamed)}), and all are filled by name: "
                "leave out the `/`",
                "CallableInvalid",
            )
        if not code.co_flags & _HAS_KEYWORDS:
            for name in self._fills.keys() - set(names):
                raise CallableInvalid(
                    f"{_place(plain)} has no parameter {name!r}, which its decorators fill", "CallableInvalid"
                )
        filled = {name: fill for name in names if (fill := self._fill(name, plain)) is not None}
        for name in [name for name in names if name not in filled and name not in _with_default(plain)]:
            raise CallableInvalid(
                f"nothing fills the parameter {name!r} of {_place(plain)}: add @inputs({name!r}), or "
                f'@depends_on({name}="step"), or annotate it with a type that has a @provider',
                "CallableInvalid",
            )
        return {**self._fills, **filled}

    def _fill(self, name: str, function: Callable[..., Any]) -> Fill | None:
        if name in self._fills:
            return self._fills[name]
        if name == "context":
            return _the_context
        annotated = _annotation(name, function)
        if annotated is StepContext:
            return _the_context
        return FromService(annotated) if _is_service(annotated) else None


class FromInput:
    """A field of the Task's context."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, context: StepContext) -> Any:
        return context.get_input(self._key)


class FromStep:
    """The result of a step."""

    def __init__(self, step: str) -> None:
        self._step = step

    def __call__(self, context: StepContext) -> Any:
        return context.get_dependency_result(self._step)


class FromService:
    """A service; where its provider is asynchronous, only `later`."""

    def __init__(self, type_: type) -> None:
        self._type = type_

    def __call__(self, context: StepContext) -> Any:
        return context.service(self._type)

    async def later(self, context: StepContext) -> Any:
        """The same in an event loop."""
        return await context.aservice(self._type)


class FromModel:
    """A dataclass or a pydantic model made of what another fill gives; None of None."""

    def __init__(self, model: type, source: Fill, what: str) -> None:
        self._model, self._source, self._what = model, source, what

    def __call__(self, context: StepContext) -> Any:
        value, model = self._source(context), self._model
        if value is None:
            return None
        validate = getattr(model, "model_validate", None)
        if validate is not None:
            return validate(value)
        if not isinstance(value, dict):
            raise ValidationError(f"{self._what} is no object, which {model.__name__} is made of", "INPUT_MISMATCH")
        missing = [name for name, required in _fields(model).items() if required and name not in value]
        if missing:
            raise ValidationError(f"{self._what} lacks {', '.join(missing)}, for {model.__name__}", "INPUT_MISMATCH")
        return model(**{name: value[name] for name in _fields(model) if name in value})


def wiring_of(decorated: Any) -> Wiring:
    """The wiring of a function, or of the handler that was made of it."""
    wiring = getattr(decorated, "wiring", None) or getattr(decorated, _ATTRIBUTE, None)
    if wiring is None:
        wiring = Wiring()
        setattr(decorated, _ATTRIBUTE, wiring)
    return wiring


def is_async(function: Callable[..., Any]) -> bool:
    """Whether the function is an `async def`."""
    code = getattr(_unwrapped(function), "__code__", None)
    return code is not None and bool(code.co_flags & _IS_COROUTINE)


def refuse_unusable(function: Any) -> None:
    """Raises TypeError for what is no function written with `def`."""
    if getattr(_unwrapped(function), "__code__", None) is None:
        raise TypeError(
            f"{function!r} is no function: these decorators are for functions, @step_handler for classes too"
        )


def refuse_model(model: Any) -> None:
    """Raises TypeError for what is neither a dataclass nor a pydantic model."""
    if not (hasattr(model, "model_validate") or hasattr(model, "__dataclass_fields__")):
        raise TypeError(f"{model!r} is neither a dataclass nor a pydantic model")


def _step_and_model(parameter: str, said: Any) -> tuple[str, Any]:
    match said:
        case str(step) | (str(step), None):
            return step, None
        case (str(step), model):
            return step, model
    raise TypeError(
        f'@depends_on takes a step, or a step and a model: {parameter}="price", {parameter}=("price", Price)'
    )


def _the_context(context: StepContext) -> StepContext:
    return context


def _fields(model: Any) -> dict[str, bool]:
    """Field → whether it has to be given."""
    if hasattr(model, "model_fields"):
        return {name: field.is_required() for name, field in model.model_fields.items()}
    import dataclasses

    missing = dataclasses.MISSING
    return {
        field.name: field.default is missing and field.default_factory is missing
        for field in dataclasses.fields(model)
        if field.init
    }


def _annotation(name: str, function: Any) -> Any:
    """A parameter's annotation, evaluated; None where there is none, or it names what only a type checker sees."""
    try:
        said = function.__annotations__.get(name)
        for _ in range(2):  # What its author put into quotes is in two where annotations are not evaluated.
            said = eval(said, function.__globals__) if isinstance(said, str) else said
        return said
    except (NameError, AttributeError, TypeError, SyntaxError):
        return None


def _is_service(annotated: Any) -> bool:
    from kubesaga_sdk.services import is_provided

    return is_provided(annotated)


def _with_default(function: Any) -> Iterator[str]:
    code, defaults = function.__code__, function.__defaults__ or ()
    yield from code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    yield from function.__kwdefaults__ or ()


def _unwrapped(function: Any) -> Any:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _place(function: Any) -> str:
    return f"{function.__module__}:{function.__qualname__}"
