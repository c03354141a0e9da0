"""What the tests of the server share: servers on a model that is open, and clients that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Collection, Iterator
from typing import Any

import httpx2

from octavo.inference.server.app import create_app
from octavo.inference.server.gate import Standing
from octavo.inference.server.limits import Limits
from octavo.inference.server.listening import bound, host_names
from octavo.inference.server.served_model import ServedModel
from octavo.inference.server.serving import server_of

LOCAL = "127.0.0.1"


class Running:
    """A server that answers, and what a test asks of it."""

    def __init__(self, port: int, model: ServedModel, standing: Standing) -> None:
        self.port, self.model, self.standing = port, model, standing
        self.url = f"http://{LOCAL}:{port}"
        self.client = httpx2.Client(base_url=self.url, timeout=30, trust_env=False)

    def complete(self, **asked: Any) -> httpx2.Response:
        """The answer to a request for completions."""
        return self.client.post("/v1/completions", json=asked)

    def choice(self, **asked: Any) -> dict[str, Any]:
        """The one choice of an answer."""
        answer = self.complete(**asked)
        assert answer.status_code == 200, answer.text
        (choice,) = answer.json()["choices"]
        return choice

    def events(self, **asked: Any) -> list[dict[str, Any]]:
        """The events of a streamed answer, which `[DONE]` must end."""
        answer = self.complete(stream=True, **asked)
        assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
        *events, done, end = answer.text.split("\n\n")
        assert (done, end) == ("data: [DONE]", "")
        return [json.loads(event.removeprefix("data: ")) for event in events]

    def counts(self) -> dict[str, float]:
        """What /metrics tells, by name and labels."""
        lines = (line for line in self.client.get("/metrics").text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def busy_slots(self) -> int:
        """How many of llama.cpp's slots work, as it tells itself."""
        engine = self.model.engine
        headers = {"Authorization": f"Bearer {engine.key}"}
        with urllib.request.urlopen(urllib.request.Request(f"{engine.address}/slots", headers=headers)) as answer:
            return sum(slot["is_processing"] for slot in json.load(answer))

    def close(self) -> None:
        """Close the client."""
        self.client.close()

    def connect(self) -> socket.socket:
        """A connection of one's own."""
        return socket.create_connection((LOCAL, self.port), timeout=20)

    def raw(self, request: bytes) -> bytes:
        """All that comes back for some bytes until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            with contextlib.suppress(ConnectionResetError):
                return b"".join(iter(lambda: connection.recv(65536), b""))
        return b""


def head(length: int | None, path: str = "/v1/completions", more: str = "") -> bytes:
    """The line and headers of a request that posts JSON and wants the connection closed."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return f"{lines}{more}{size}\r\n\r\n".encode()


def until(holds: Any, seconds: float = 10.0) -> float:
    """Wait until something holds, and say how long that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "never came to hold"
        time.sleep(0.005)
    return time.monotonic() - began


@contextlib.contextmanager
def running(model: ServedModel, limits: Limits | None = None, keys: Collection[bytes] = ()) -> Iterator[Running]:
    """A server on a free port of this machine, in a thread."""
    limits = limits or Limits()
    standing, started = Standing(), threading.Event()
    with bound(LOCAL, 0) as listening:
        app = create_app(model, limits, keys, host_names(LOCAL), standing)
        server = server_of(app, limits, standing, started.set)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        assert started.wait(20)
        try:
            with contextlib.closing(Running(listening.getsockname()[1], model, standing)) as up:
                yield up
        finally:
            server.should_exit = True
            thread.join(20)
