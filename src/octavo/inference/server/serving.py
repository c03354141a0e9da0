"""Running a server: its socket, its clients' connections, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import os
import resource
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from octavo.inference.server.app import create_app
from octavo.inference.server.gate import HEADERS, Standing, refusal
from octavo.inference.server.limits import Limits
from octavo.inference.server.listening import BACKLOG, host_names
from octavo.inference.server.served_model import open_served_model

_HEAD_BYTES = 32 * 1024
"""A request's line and headers may have."""


def serve(
    model: Path,
    listening: socket.socket,
    host: str,
    keys: Collection[bytes],
    trace: Path | None,
    slots: int,
    ready: Callable[[], None],
) -> None:
    """Serve a model on a socket of the host until SIGINT or SIGTERM; `ready` is called once it answers.

    Requests that are being answered then get to end, within a time; a second signal ends at once. Raises InputError
    where the model or its index cannot be opened.
    """
    limits, standing = Limits(), Standing()
    opened = open_served_model(model, slots, trace)
    app = create_app(opened, limits, keys, host_names(host), standing)
    _raise_file_limit()
    gc.freeze()  # what is open now stays, and need not be looked through while requests are read
    server_of(app, limits, standing, ready).run([listening])


def server_of(app: Any, limits: Limits, standing: Standing, ready: Callable[[], None]) -> Server:
    """The server of an application; nothing is logged but what breaks."""

    def protocol(**given: Any) -> Connection:
        return Connection(limits, **given)

    config = uvicorn.Config(
        app,
        http=protocol,  # type: ignore[arg-type]
        ws="none",
        access_log=False,
        log_config=None,
        log_level="error",
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=_HEAD_BYTES,
    )
    return Server(config, limits, standing, ready)


class Server(uvicorn.Server):
    """uvicorn's, with an end in two steps: no new requests, and, once the running ones have ended, none at all."""

    def __init__(
        self, config: uvicorn.Config, limits: Limits, standing: Standing, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.limits, self.standing, self.ready = limits, standing, ready
        self._closing: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Close at the first signal, and end the process at the second."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        try:
            for number in numbers:
                loop.add_signal_handler(number, self._told, number)
        except (ValueError, RuntimeError):  # not in the main thread, as in tests: nobody signals to it
            yield
            return
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _told(self, number: int) -> None:
        if self._closing is not None:
            os._exit(128 + number)  # threads of the model would be waited for
        self._closing = asyncio.create_task(self.close())

    async def close(self) -> None:
        """Take no more requests, let the running ones end, and stop."""
        self.standing.closing = True
        deadline = asyncio.get_running_loop().time() + self.limits.closing
        while self.server_state.tasks and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        self.should_exit = True


class Connection(H11Protocol):
    """A client's connection. One that is slow to ask, or takes nothing of its answer, is closed."""

    def __init__(self, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self.limits = limits
        self._asking: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come: it is to ask for something."""
        super().connection_made(transport)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before and self._asking is not None and not self.cycle.response_complete:
            self._asking.cancel()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused as all else is."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            headers = {**HEADERS, "connection": "close"}
            answer = refusal(400, "found no request that can be read, expected one of HTTP/1.1", headers=headers)
            lines = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in answer.raw_headers)]
            self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()

    def on_response_complete(self) -> None:
        """An answer is sent: the next request may come."""
        self._await_request()
        before = self.cycle
        super().on_response_complete()
        if self.cycle is not before and self._asking is not None:  # it was here already
            self._asking.cancel()

    def pause_writing(self) -> None:
        """What is sent is not taken as fast as it comes."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.stalled, self._check_taken, self._unsent())

    def resume_writing(self) -> None:
        """It is taken again."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        for timer in (self._asking, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def _check_taken(self, before: int) -> None:
        left = self._unsent()
        if left >= before:
            self.transport.abort()
        else:
            self._stalled = self.loop.call_later(self.limits.stalled, self._check_taken, left)

    def _await_request(self, before: float = math.inf) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._asking = self.loop.call_later(self.limits.head, self._check_asked, before)

    def _check_asked(self, before: float) -> None:
        left = self._unsent()
        if left and left < before:  # the last answer is still being taken
            self._await_request(left)
        else:
            self.transport.abort()

    def _unsent(self) -> int:
        """Bytes of answers that the client has not taken, past those that the system keeps."""
        return self.transport.get_write_buffer_size()


def _raise_file_limit() -> None:
    """Let the process have as many connections as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
