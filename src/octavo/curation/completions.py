"""The client of an OpenAI-compatible endpoint: pace, timeouts, retries, and what each failure means.

A failure is of one of three kinds. The request's own (too long, filtered) is an answer without a text. What the
settings or the account cause ends the work at once. What may pass (429, 5xx, silence, a broken connection, a
status 200 without a completion) is tried again after an exponential wait with full jitter, or the wait that the
server asks for.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

import httpx2
import orjson

from octavo.errors import InputError, OctavoError
from octavo.recipe.rewriting import Rewriting

Sleep = Callable[[float], Awaitable[None]]

LONGEST_WAIT: Final = 60.0
"""Seconds between two tries, at most, unless the server asks for more."""
LONGEST_ASKED: Final = 600.0
"""Seconds that a server may ask to wait; beyond, the work stops."""
LARGEST_ANSWER: Final = 4 * 1024**2
"""Bytes of an answer that are read."""

_PASSING: Final = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529))
_BUSY: Final = frozenset((429, 503, 529))
_TOO_LONG: Final = re.compile(
    r"context[ _](?:length|size|window)|exceed\w*[ _]context|maximum context|too long", re.I
)
_FILTERED: Final = re.compile(r"content[ _](?:filter|policy|management)|moderation|safety", re.I)
_FLAGGED: Final = re.compile(r"\b(?:input|prompt)\b.{0,40}\b(?:flagged|blocked|filtered)\b", re.I)
"""What a 403 must say to be about the passage and not about the key."""
_NO_MODEL: Final = re.compile(r"model\W+(?:\S+ )?(?:not found|does not exist)", re.I)
_NO_CREDIT: Final = re.compile(r"insufficient[ _](?:quota|funds|credit)|billing|exceeded your current quota", re.I)
_AROUND: Final = 12
"""Characters beside a word by which it is told whether the server says it, or says the passage again."""
_NO_TEXT: Final = "a completion whose content is no text"


class Completion(NamedTuple):
    """A model's answer."""

    text: str | None
    """None where the answer has none: then `problem` says why."""
    finish_reason: str | None
    model: str | None
    """The name that the server gives."""
    tokens_in: int
    tokens_out: int
    problem: str | None = None

    @property
    def is_unreadable(self) -> bool:
        """Whether the model answered with something else than text."""
        return self.problem == _NO_TEXT

    @property
    def may_be_kept(self) -> bool:
        """Whether it would be the same another time.

        A rejection is not: the server's context may have grown. Neither is a failure told with status 200, which
        earlier versions kept as an answer.
        """
        return self.is_unreadable or (self.text is not None and self.finish_reason != "error")


class NoAnswerError(Exception):
    """A request was not answered, however often it was sent; others may be."""

    def __init__(self, last: str, tries: int, busy: bool) -> None:
        super().__init__(f"{last}, after {tries} {'try' if tries == 1 else 'tries'}")
        self.busy = busy
        """Whether the server has too much to do, is too slow, or was not there: no fault of the request."""


@dataclass
class _Sent:
    at: float
    tokens: int


class Pace:
    """Holds requests back, so that no minute has more of them, or of their tokens, than is allowed."""

    def __init__(self, requests: int | None, tokens: int | None, now: Callable[[], float] = time.monotonic) -> None:
        self.requests = requests
        self.tokens = tokens
        self.now = now
        self._sent: deque[_Sent] = deque()
        self._not_before = 0.0

    async def take(self, tokens: int, sleep: Sleep) -> _Sent:
        """Wait until a request of so many tokens may go, and count it."""
        while (wait := self._wait(tokens)) > 0:
            await sleep(wait)
        sent = _Sent(self.now(), tokens)
        if self.requests or self.tokens:
            self._sent.append(sent)
        return sent

    def hold(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._not_before = max(self._not_before, self.now() + seconds)

    def _wait(self, tokens: int) -> float:
        now = self.now()
        while self._sent and self._sent[0].at <= now - 60:
            self._sent.popleft()
        wait = self._not_before - now
        if self._sent:
            in_turn = self._sent[0].at + 60 - now
            if self.requests and len(self._sent) >= self.requests:
                wait = max(wait, in_turn)
            if self.tokens and sum(sent.tokens for sent in self._sent) + tokens > self.tokens:
                wait = max(wait, in_turn)
        return wait


class Endpoint:
    """An OpenAI-compatible server; opened in the event loop that uses it."""

    def __init__(self, settings: Rewriting, pace: Pace, sleep: Sleep = asyncio.sleep) -> None:
        self.settings = settings
        self.pace = pace
        self.sleep = sleep
        self.address = settings.endpoint.rstrip("/") + "/chat/completions"
        self._key = key_of(settings)
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx2.AsyncClient(
            headers=headers,
            timeout=settings.timeout,
            limits=httpx2.Limits(max_connections=settings.concurrency),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def complete(self, request: Mapping[str, Any]) -> Completion:
        """The answer to a request.

        Raises NoAnswerError where no try was answered, InputError where key, model or address are wrong, and
        OctavoError where the account or the server refuses all further work.
        """
        most_in, most_out = most_tokens(request)
        failure, busy = "", False
        for number in range(1, self.settings.tries + 1):
            sent = await self.pace.take(most_in + most_out, self.sleep)
            asked = 0.0
            try:
                async with asyncio.timeout(self.settings.timeout):
                    status, headers, body = await self._send(request)
            except (TimeoutError, httpx2.TimeoutException):
                failure, busy = f"no answer within {self.settings.timeout:g} seconds", True
            except httpx2.ConnectError as error:
                failure, busy = f"no connection ({error})", True
            except httpx2.RequestError as error:
                failure, busy = f"a broken connection ({error or type(error).__name__})", False
            else:
                said = _message(body, self._key)
                if status == 200:
                    if answer := _read(body, request):
                        sent.tokens = answer.tokens_in + answer.tokens_out
                        return answer
                    failure, busy = f"status 200 without a completion ({said})", False
                elif own := self._own_failure(status, body, request):
                    return own
                else:
                    failure, busy = f"status {status} ({said})", status in _BUSY
                asked = _retry_after(headers.get("retry-after"))
            if asked > LONGEST_ASKED:
                raise OctavoError(
                    f"rewriting.endpoint: found {self.address} asking to wait {asked:,.0f} seconds, expected at"
                    f" most {LONGEST_ASKED:,.0f}"
                )
            if number < self.settings.tries:
                self.pace.hold(asked)
                most = min(LONGEST_WAIT, self.settings.first_wait * 2 ** (number - 1))
                await self.sleep(asked + random.uniform(0, most))
        raise NoAnswerError(failure, self.settings.tries, busy)

    async def _send(self, request: Mapping[str, Any]) -> tuple[int, httpx2.Headers, bytes]:
        body = orjson.dumps(request)
        kind = {"Content-Type": "application/json"}
        async with self._client.stream("POST", self.address, content=body, headers=kind) as response:
            read = bytearray()
            async for piece in response.aiter_bytes():
                read += piece
                if len(read) > LARGEST_ANSWER:
                    break
            return response.status_code, response.headers, bytes(read[:LARGEST_ANSWER])

    def _own_failure(self, status: int, body: bytes, request: Mapping[str, Any]) -> Completion | None:
        """What a request's own content is answered with; None where another try may help.

        Raises InputError or OctavoError where none will, whatever the request.
        """
        said = _message(body, self._key)
        _, words = _error(body)

        def says(pattern: re.Pattern[str]) -> bool:
            return _says(pattern, words, request)

        flagged = status == 403 and says(_FLAGGED)
        if status in (401, 403) and not flagged:
            named = self.settings.key_variable
            found = f"the key in {named}" if named else "no key (key_variable is null)"
            raise InputError(
                f"rewriting.key_variable: found {found}, which {self.address} refuses ({status}: {said}),"
                " expected one that it takes"
            )
        if status == 404 or (status == 400 and says(_NO_MODEL)):
            raise InputError(
                f"rewriting.model: found {self.settings.model!r} at {self.address}, which the server does not have"
                f" ({status}: {said}), expected a model and an address that it has"
            )
        if status == 402 or (status == 429 and says(_NO_CREDIT)):
            raise OctavoError(f"rewriting.endpoint: found no credit left at {self.address} ({status}: {said})")
        if status in (400, 413, 422) and says(_TOO_LONG):
            return Completion(None, None, None, 0, 0, f"too long for the model: {said}")
        if flagged or (status in (400, 422, 451) and says(_FILTERED)):
            return Completion(None, None, None, 0, 0, f"filtered by the server: {said}")
        if status not in _PASSING:
            raise InputError(
                f"rewriting.endpoint: found {self.address} answering {status} ({said}), expected an"
                " OpenAI-compatible server that takes the request"
            )
        return None


def key_of(settings: Rewriting) -> str | None:
    """The key that the settings name, or None where they name none; InputError where there is none to find."""
    if settings.key_variable is None:
        return None
    key = os.environ.get(settings.key_variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        found = "characters that no key has" if key else "nothing"
        raise InputError(
            f"rewriting.key_variable: found {found} in the environment variable {settings.key_variable},"
            " expected the endpoint's key"
        )
    return key


def most_tokens(request: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens that a request and its answer may take: one for each two bytes, which few tokenizers exceed."""
    sent = sum(len(message["content"].encode()) // 2 + 16 for message in request["messages"])
    return sent, int(request["max_tokens"])


def _read(body: bytes, request: Mapping[str, Any]) -> Completion | None:
    """The completion in an answer's body; None where there is none, as gateways tell of an outage behind them."""
    try:
        said = orjson.loads(body)
        choice = said["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content"), message.get("refusal")
        failed = choice.get("error")
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError):
        return None
    reason = _text(choice.get("finish_reason"))
    if failed or reason == "error" or not (text or refusal or reason):
        return None
    most_in, most_out = most_tokens(request)
    usage = said.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    counted = _count(usage.get("completion_tokens"), -1)
    readable = isinstance(text, str | None)
    words = text if isinstance(text, str) else refusal if isinstance(refusal, str) else ""
    return Completion(
        text=words if readable else None,
        finish_reason="refusal" if refusal else "length" if counted >= request["max_tokens"] else reason,
        model=_text(said.get("model")),
        tokens_in=_count(usage.get("prompt_tokens"), most_in),
        tokens_out=counted if counted >= 0 else len(words.encode()) // 2 if readable else most_out,
        problem=None if readable else _NO_TEXT,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object, otherwise: int) -> int:
    return value if type(value) is int and value >= 0 else otherwise


def _message(body: bytes, key: str | None) -> str:
    """What the server says of an error, in a line, without the key: some servers say again what they were sent."""
    words, _ = _error(body)
    line = " ".join((words.replace(key, "[key]") if key else words).split())
    return line[:200] or "no message"


def _error(body: bytes) -> tuple[str, str]:
    """What the server says of an error, and what of that tells its kind: the message, the code and the type."""
    try:
        said = orjson.loads(body)
        error = said.get("error", said)
    except (orjson.JSONDecodeError, AttributeError):
        error = body[:2000].decode(errors="replace")
    if not isinstance(error, dict):
        return str(error), str(error)
    kind = [str(error[name]) for name in ("message", "code", "type") if name in error]
    return str(error.get("message", error)), " ".join(kind)


def _says(pattern: re.Pattern[str], words: str, request: Mapping[str, Any]) -> bool:
    """Whether a server says something in words of its own: some say again what they were sent."""
    contents = [message["content"] for message in request["messages"]]
    sent = "\n".join([*contents, repr(request), json.dumps(request)])
    words = f"\0{words}\0"
    return any(
        words[max(0, found.start() - _AROUND) : found.end()] not in sent
        and words[found.start() : found.end() + _AROUND] not in sent
        for found in pattern.finditer(words)
    )


def _retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks for: a number, or a date (RFC 9110); 0 where it says nothing."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return 0.0
        seconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if seconds < float("inf") else 0.0
