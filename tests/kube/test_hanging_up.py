"""A connection that is given up in the middle of an answer leaves no socket behind, however quickly its loop ends."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest

from hack.cluster.pki import Authority
from kubesaga.kube.client import Kube

BEGINNING = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n"


@contextmanager
def taciturn(authority: Authority) -> Iterator[tuple[str, threading.Event]]:
    """A TLS server that begins an answer and then hears nothing any more, not even a farewell.

    Yields its address, and what tells that the answer has begun.
    """
    authority.issue_server("api", "kube-apiserver", ["IP:127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "api.crt", authority.folder / "api.key")
    begun, enough = threading.Event(), threading.Event()

    def answer(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        with context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(65536)
            connection.sendall(BEGINNING)
            begun.set()
            enough.wait()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=[listening])
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}", begun
        finally:
            enough.set()
            thread.join()


async def broken_off(kube: Kube, _: threading.Event) -> None:
    """Read the beginning of a long answer."""
    async with aclosing(kube.lines("/lines", {"watch": "true"}, 10)) as lines:
        assert await anext(lines) == b"first"


async def cancelled(kube: Kube, begun: threading.Event) -> None:
    """Ask for something, and wait no longer once it has begun to come."""
    asking = asyncio.create_task(kube.get("/something"))
    assert await asyncio.to_thread(begun.wait, 60)
    await asyncio.sleep(0.05)  # in which the beginning is read
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize("give_up", [broken_off, cancelled])
def test_a_request_that_is_given_up_leaves_no_socket(
    tmp_path: Path, give_up: Callable[[Kube, threading.Event], Awaitable[None]]
) -> None:
    authority = Authority.create(tmp_path / "pki")
    authority.issue_client("admin", "somebody")

    async def main(server: str, begun: threading.Event) -> None:
        config = tmp_path / "kubeconfig"
        config.write_text(authority.kubeconfig("admin", server))
        kube = await Kube.connect(str(config))
        await give_up(kube, begun)
        await kube.close()

    with taciturn(authority) as server, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(main(*server))
        gc.collect()
        assert [str(each.message) for each in warned] == []
