"""Services: what handlers work with (a connection, a client), built when first asked for and closed at the end.

A module says how one is made by `@provider(Type)`; a handler asks for it by `context.service(Type)`, or a functional
handler by a parameter annotated with the type. The runner has one `Services` per process, and tests make their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import GeneratorType
from typing import Any, TypeVar

from kubesaga_sdk.errors import ConfigurationError

T = TypeVar("T")
Factory = TypeVar("Factory", bound=Callable[..., Any])

_FACTORIES: dict[type, Callable[..., Any]] = {}
_BEING_BUILT: ContextVar[tuple[type, ...]] = ContextVar("being_built", default=())


def provider(type_: type) -> Callable[[Factory], Factory]:
    """Say how the service of a type is made.

    The decorated function takes nothing, or the `Services` to ask for others. It returns the service, or yields it
    once: what stands after the `yield` runs at the end. Where the handler failed, the `yield` raises its error, so that
    a transaction is not committed. Either kind may be `async`; then the service is for asynchronous handlers.

    Raises ValueError where another function provides the type already.
    """

    def decorate(factory: Factory) -> Factory:
        there = _FACTORIES.setdefault(type_, factory)
        if _place(there) != _place(factory):
            raise ValueError(f"{_name(type_)} is provided by {_place(there)} already, not by {_place(factory)} as well")
        _FACTORIES[type_] = factory
        return factory

    return decorate


def is_provided(type_: object) -> bool:
    """Whether a provider of this type is known."""
    return isinstance(type_, type) and type_ in _FACTORIES


class Services:
    """Services by type, each built once. Safe to use from several threads, and from tasks of one event loop."""

    def __init__(self, given: Mapping[type, object] | None = None) -> None:
        """`given`: services that are there already, and are not closed: a test's stand-ins."""
        self._there: dict[type, Any] = dict(given or {})
        self._to_close: list[tuple[type, Any, bool]] = []  # the context manager, and whether it is asynchronous
        self._pending: dict[type, Any] = {}
        self._lock = threading.RLock()

    def get(self, type_: type[T]) -> T:
        """The service of this type, built now if this is the first time.

        Raises ConfigurationError where nothing provides it, where it needs itself, or where its provider is
        asynchronous (and `aget` was not called before), and what the provider raises.
        """
        with self._lock:
            if type_ not in self._there:
                self._there[type_] = self._built(type_)
            service: T = self._there[type_]
            return service

    async def aget(self, type_: type[T]) -> T:
        """The same in an event loop, for synchronous and asynchronous providers alike."""
        import asyncio

        _refuse_circle(type_)
        while (pending := self._pending.get(type_)) is not None:
            await asyncio.wait([pending])
        if type_ in self._there:
            return self.get(type_)
        self._pending[type_] = done = asyncio.get_running_loop().create_future()
        try:
            await self._abuilt(type_)
        finally:
            done.set_result(None)
            del self._pending[type_]
        return self.get(type_)

    def close(self, error: BaseException | None = None) -> None:
        """Close what was built, the latest first.

        Arguments:
            error: what the handler failed with; raised at the providers' `yield`.

        Raises what the first provider raised while it closed, where there is no other error; the others are logged.
        """
        closing = _Closing(error)
        while self._to_close:
            type_, manager, asynchronous = self._forget_latest()
            with closing:
                if asynchronous:
                    raise RuntimeError(f"{_name(type_)} was built in an event loop: call aclose() before that ends")
                manager.__exit__(*closing.facts)
        closing.finish()

    async def aclose(self, error: BaseException | None = None) -> None:
        """Close what was built, the latest first, down to the first asynchronous service: the event loop ends."""
        closing = _Closing(error)
        while any(asynchronous for _, _, asynchronous in self._to_close):
            _, manager, asynchronous = self._forget_latest()
            with closing:
                if asynchronous:
                    await manager.__aexit__(*closing.facts)
                else:
                    manager.__exit__(*closing.facts)
        closing.finish()

    def _forget_latest(self) -> tuple[type, Any, bool]:
        with self._lock:
            latest = self._to_close.pop()
            del self._there[latest[0]]
            return latest

    def _built(self, type_: type) -> Any:
        made, token = self._made(type_)
        try:
            if hasattr(made, "__await__") or hasattr(made, "asend"):
                getattr(made, "close", lambda: None)()
                raise ConfigurationError(
                    f"the provider of {_name(type_)} is asynchronous: ask for it by `await context.aservice(...)` in "
                    "an `async def` handler",
                    "ProviderIsAsynchronous",
                )
            return self._entered(type_, made) if isinstance(made, GeneratorType) else made
        finally:
            _BEING_BUILT.reset(token)

    async def _abuilt(self, type_: type) -> None:
        with self._lock:  # `get` may be building the same in another thread.
            if type_ in self._there:
                return
            made, token = self._made(type_)
            try:
                later = hasattr(made, "__await__") or hasattr(made, "asend")
                if not later:
                    self._there[type_] = self._entered(type_, made) if isinstance(made, GeneratorType) else made
                    return
            finally:
                _BEING_BUILT.reset(token)
        token = _BEING_BUILT.set((*_BEING_BUILT.get(), type_))
        try:
            self._there[type_] = await (self._aentered(type_, made) if hasattr(made, "asend") else made)
        finally:
            _BEING_BUILT.reset(token)

    def _made(self, type_: type) -> tuple[Any, Any]:
        """What the provider gives: a service, a generator or a coroutine; and the token that ends the building."""
        _refuse_circle(type_)
        factory = _FACTORIES.get(type_)
        if factory is None:
            raise ConfigurationError(_nobody_provides(type_), "NoProvider")
        code = getattr(factory, "__code__", None)
        token = _BEING_BUILT.set((*_BEING_BUILT.get(), type_))
        try:
            return factory(*([self] if code and code.co_argcount else [])), token
        except BaseException:
            _BEING_BUILT.reset(token)
            raise

    async def _aentered(self, type_: type, generator: Any) -> Any:
        from contextlib import asynccontextmanager

        manager = asynccontextmanager(lambda: generator)()
        service = await manager.__aenter__()
        self._to_close.append((type_, manager, True))
        return service

    def _entered(self, type_: type, generator: Any) -> Any:
        from contextlib import contextmanager

        manager = contextmanager(lambda: generator)()
        service = manager.__enter__()
        self._to_close.append((type_, manager, False))
        return service


class _Closing:
    """Closes one after the other: an error of one keeps no other from being closed, nor hides the handler's own."""

    def __init__(self, error: BaseException | None) -> None:
        self._given = error
        self.facts = (type(error), error, error.__traceback__) if error else (None, None, None)
        self._first: BaseException | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, raised: BaseException | None, _traceback: object) -> bool:
        if raised is None or raised is self._given:
            return True
        if self._given or self._first:
            from kubesaga_sdk.log import LOGGER

            LOGGER.error("a service could not be closed: %s: %s", type(raised).__name__, raised, exc_info=raised)
        else:
            self._first = raised
        return True

    def finish(self) -> None:
        if self._first:
            raise self._first


def _refuse_circle(type_: type) -> None:
    chain = _BEING_BUILT.get()
    if type_ in chain:
        circle = " → ".join(_name(each) for each in (*chain[chain.index(type_) :], type_))
        raise ConfigurationError(f"a service needs itself: {circle}", "ProvidersInACircle")


def _nobody_provides(type_: type) -> str:
    import difflib

    near = difflib.get_close_matches(type_.__name__, [each.__name__ for each in _FACTORIES], n=3)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    return (
        f"nothing provides {_name(type_)}{hint}: decorate a function that makes one with @provider({type_.__name__}), "
        "in a module that the handler's module imports"
    )


def _name(type_: type) -> str:
    return f"{type_.__module__}.{type_.__qualname__}"


def _place(factory: Callable[..., Any]) -> str:
    return f"{factory.__module__}.{factory.__qualname__}"
