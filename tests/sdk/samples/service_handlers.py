"""Services and handlers that use them; every step of their life is a line on standard output."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

from kubesaga_sdk import PermanentError, Services, StepContext, StepHandler, provider


class Settings:
    """Needs no closing."""

    url = "bank:1"


class Connection:
    """Closed at the end."""

    def __init__(self, url: str) -> None:
        self.url = url


class Session:
    """Asynchronous, on a connection."""


class Stubborn:
    """Cannot be closed."""


@provider(Settings)
def settings() -> Settings:
    """A plain function."""
    print("settings made")
    return Settings()


@provider(Connection)
def connection(services: Services) -> Iterator[Connection]:
    """A generator that asks for another service."""
    made = Connection(services.get(Settings).url)
    print("connected")
    try:
        yield made
    except BaseException as error:
        print(f"rolled back: {type(error).__name__}")
        raise
    else:
        print("committed")
    finally:
        print("disconnected")


@provider(Session)
async def session(services: Services) -> AsyncIterator[Session]:
    """An asynchronous generator."""
    await services.aget(Connection)
    print("session begun")
    yield Session()
    await asyncio.sleep(0)
    print("session ended")


@provider(Stubborn)
def stubborn() -> Iterator[Stubborn]:
    """Fails when it is closed."""
    yield Stubborn()
    raise ConnectionResetError("the bank hung up before the commit")


class Uses(StepHandler):
    """Uses a connection, twice."""

    def call(self, context: StepContext) -> bool:
        assert context.service(Connection) is context.service(Connection)
        if context.get_input("fail"):
            raise PermanentError("declined")
        if context.get_input("wait"):
            print("ready")
            time.sleep(600)
        return True


class UsesLater(StepHandler):
    """Uses a session, and then what it stands on."""

    async def call(self, context: StepContext) -> bool:
        assert await context.aservice(Session) is await context.aservice(Session)
        if context.get_input("wait"):
            print("ready")
            await asyncio.sleep(600)
        return context.service(Connection).url == "bank:1"


class UsesWhatNobodyMakes(StepHandler):
    """Asks for a type without a provider."""

    def call(self, context: StepContext) -> None:
        context.service(Connexion)


class Connexion:
    """Misspelt."""


class UsesAStubbornOne(StepHandler):
    """Succeeds, or fails, and then a service cannot be closed."""

    def call(self, context: StepContext) -> str:
        context.service(Connection)
        context.service(Stubborn)
        if context.get_input("fail"):
            raise PermanentError("declined")
        return "done"


class ReturnsNoJson(StepHandler):
    """Returns what is no result, after it used a connection."""

    def call(self, context: StepContext) -> object:
        context.service(Connection)
        return object()


class AsksTooEarly(StepHandler):
    """Asks for an asynchronous service from a synchronous handler."""

    def call(self, context: StepContext) -> None:
        context.service(Session)
