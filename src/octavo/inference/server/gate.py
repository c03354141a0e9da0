"""The server's gate: what every request passes before it is answered, and every answer before it is sent.

It stands around the whole application, so that its errors, too, have the headers, and it knows nothing of models.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from octavo.inference.server.limits import BusyError, Limits, Turns
from octavo.inference.server.listening import is_key, name_of
from octavo.inference.server.metrics import Metrics

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
"""Of every answer that does not state its own."""
WORK: Final = frozenset({"/v1/completions", "/tokenize", "/trace"})
"""What takes a place in the queue."""
_OPEN_WHILE_CLOSING: Final = frozenset({"/health", "/metrics"})
_ENDPOINTS: Final = WORK | {"/", "/about", "/v1/models", "/health", "/metrics", "/openapi.json"}


@dataclass
class Standing:
    """Whether the server still takes requests."""

    closing: bool = False


def refusal(
    status: int,
    message: str,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that tells an error."""
    return JSONResponse(error_body(message, kind, param, code), status, headers)


def error_body(
    message: str, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> dict[str, dict[str, str | None]]:
    """An error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


class Gate:
    """Lets requests in by name of host, key and number, bounds how long a body takes, and counts."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] | None,
        keys: Collection[bytes],
        limits: Limits,
        turns: Turns,
        metrics: Metrics,
        standing: Standing,
    ) -> None:
        self.app, self.hosts, self.keys, self.limits = app, hosts, keys, limits
        self.turns, self.metrics, self.standing = turns, metrics, standing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(receive, send, self.limits)
        answer: ASGIApp = self._refused(scope) or self.app
        try:
            if answer is self.app and scope["path"] in WORK and scope["method"] == "POST":
                try:
                    with self.turns.admission():
                        await answer(scope, exchange.receive, exchange.send)
                except BusyError as error:
                    wait = {"retry-after": str(error.seconds)}
                    busy = refusal(429, str(error), "rate_limit_error", code="queue_full", headers=wait)
                    await busy(scope, exchange.receive, exchange.send)
            else:
                await answer(scope, exchange.receive, exchange.send)
        finally:
            self.metrics.requests.labels(endpoint_of(scope["path"]), str(exchange.status)).inc()
            if exchange.gone:
                self.metrics.cancelled.inc()

    def _refused(self, scope: Scope) -> Response | None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        path = scope["path"]
        if self.hosts is not None and name_of(headers.get(b"host", b"").decode("latin-1")) not in self.hosts:
            return refusal(421, f"found another host's name, expected one of {', '.join(sorted(self.hosts))}")
        if self.standing.closing and path not in _OPEN_WHILE_CLOSING:
            wait = {"retry-after": "5"}
            return refusal(503, "the server is shutting down", "server_error", code="shutting_down", headers=wait)
        length = headers.get(b"content-length", b"0")  # that it is a number, the protocol has seen to
        if int(length) > self.limits.body:
            return refusal(413, f"found a body of {int(length):,} bytes, expected at most {self.limits.body:,}")
        guarded = path in WORK or path.startswith("/v1/")
        if self.keys and guarded and not is_key(headers.get(b"authorization", b""), self.keys):
            found = "no key" if b"authorization" not in headers else "a key that is none of this server's"
            return refusal(
                401,
                f"found {found}, expected Authorization: Bearer KEY",
                "authentication_error",
                code="invalid_api_key",
                headers={"www-authenticate": "Bearer"},
            )
        return None


class _Exchange:
    """A request and its answer on their way through the gate."""

    def __init__(self, receive: Receive, send: Send, limits: Limits) -> None:
        self._receive, self._send = receive, send
        self._deadline = asyncio.get_running_loop().time() + limits.body_read
        self._most = limits.body
        self._read = 0
        self._reading = True
        self._complete = False
        self.status = 499
        """What was answered; 499, as nginx has it, where the client went away before."""
        self.gone = False
        """Whether the client went away before it had its answer."""

    async def receive(self) -> Message:
        if not self._reading:
            return self._seen(await self._receive())
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "found a body that comes too slowly, expected all of it by now") from None
        self._reading = bool(message.get("more_body", False))
        self._read += len(message.get("body", b""))
        if self._read > self._most:
            raise HTTPException(413, f"found a body of over {self._most:,} bytes, expected at most so many")
        return self._seen(message)

    def _seen(self, message: Message) -> Message:
        if message["type"] == "http.disconnect" and not self._complete:
            self.gone = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers: Any = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        elif not message.get("more_body", False):
            self._complete = True
        await self._send(message)


def endpoint_of(path: str) -> str:
    """A path as the counts name it: of those that a client may invent there is one."""
    if path in _ENDPOINTS:
        return path
    return next((f"{folder}NAME" for folder in ("/web/", "/papers/") if path.startswith(folder)), "other")
