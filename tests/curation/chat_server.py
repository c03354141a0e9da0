"""A chat-completions server of our own that behaves, and misbehaves, as a test tells it."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What the server does with a request."""

    text: str | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Sent as it is, in the place of a completion."""
    finish_reason: str | None = "stop"
    usage: tuple[int, int] | None = (100, 50)
    wait: float = 0.0
    reset: bool = False
    """Break the connection off instead of answering."""
    cut: int | None = None
    """Bytes of the body after which the connection ends, short of what was announced."""


@dataclass
class Server:
    """What a server was asked, and how many requests it had open at once."""

    address: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    most_open: int = 0
    paid: list[str] = field(default_factory=list)
    """The passage of each completion that was sent."""


def passage_of(request: dict[str, Any]) -> str:
    """The passage of a request, without the lines around it."""
    return "\n".join(request["messages"][-1]["content"].split("\n")[1:-1])


@contextmanager
def serving(reply: Callable[[dict[str, Any], int], Reply | str]) -> Iterator[Server]:
    """A server on a free port; `reply` is given each request and how many came before."""
    lock = threading.Lock()
    still_open = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            nonlocal still_open
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(server.requests)
                server.requests.append(request)
                server.times.append(time.monotonic())
                server.keys.append(self.headers.get("Authorization"))
                still_open += 1
                server.most_open = max(server.most_open, still_open)
            try:
                self.answer(request, number)
            finally:
                with lock:
                    still_open -= 1

        def answer(self, request: dict[str, Any], number: int) -> None:
            said = reply(request, number) if self.path == "/v1/chat/completions" else Reply(status=404)
            said = Reply(said) if isinstance(said, str) else said
            if said.wait:
                stopped.wait(said.wait)
            if said.reset:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                self.close_connection = True
                return
            body = said.body
            if body is None:
                content: dict[str, Any] = {"error": {"message": f"status {said.status}"}}
                if said.status == 200:
                    choice = {
                        "message": {"role": "assistant", "content": said.text},
                        "finish_reason": said.finish_reason,
                    }
                    content = {"model": "served", "choices": [choice]}
                    if said.usage:
                        content["usage"] = dict(
                            zip(("prompt_tokens", "completion_tokens"), said.usage, strict=True)
                        )
                    with lock:
                        server.paid.append(passage_of(request))
                body = json.dumps(content).encode()
            try:
                self.send_response(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: said.cut])
                if said.cut is not None:
                    self.close_connection = True
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            pass

    stopped = threading.Event()
    http = Quiet(("127.0.0.1", 0), Handler)
    server = Server(f"http://127.0.0.1:{http.server_address[1]}/v1")
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stopped.set()
        http.shutdown()
        http.server_close()
        thread.join()
