"""How a request for completions is answered: whole, or streamed as server-sent events."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import orjson
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Send

from octavo.errors import InputError, OctavoError
from octavo.inference.server.completions import (
    CompletionRequest,
    Part,
    Usage,
    logprobs_json,
    new_answer,
    shown,
)
from octavo.inference.server.gate import error_body, refusal
from octavo.inference.server.limits import MOST_SEED, Limits, Turns
from octavo.inference.server.metrics import Metrics
from octavo.inference.server.prompt_logprobs import PromptReader, as_given
from octavo.inference.server.served_model import ServedModel
from octavo.inference.server.upstream import Upstream
from octavo.inference.server.writing import Job, Tell, Told, Writer, together
from octavo.modeling.decoding import Piece

T = TypeVar("T")

_LATE: Final = error_body(
    "found the time that a request may take passed, expected an end within it", "server_error", code="timeout"
)


class _Prompt(NamedTuple):
    """A prompt's tokens, and what an answer repeats of it where it is to."""

    tokens: list[int]
    text: str
    pieces: Sequence[Piece]


class ClientGoneError(Exception):
    """Nobody waits for the answer any more."""


class Completions:
    """Answers requests for completions."""

    def __init__(
        self, model: ServedModel, upstream: Upstream, turns: Turns, metrics: Metrics, limits: Limits
    ) -> None:
        self.model, self.turns, self.metrics, self.limits = model, turns, metrics, limits
        self.writer = Writer(model.engine, upstream, turns, metrics)
        self.reader = PromptReader(model.engine.gguf, model.vocabulary)
        self.encoding = ThreadPoolExecutor(2, "encode")
        self.reading = ThreadPoolExecutor(1, "read")  # the reader's model is for one at a time

    def close(self) -> None:
        """Let go of the threads; what waits for one is not done any more."""
        for pool in (self.encoding, self.reading):
            pool.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: Request, asked: CompletionRequest) -> Response:
        """The answer; InputError where the request cannot be followed."""
        if asked.model not in (None, self.model.name):
            message = f"model: found {shown(asked.model)}, expected {self.model.name!r}"
            return refusal(404, message, param="model", code="model_not_found")
        deadline = asyncio.get_running_loop().time() + self.limits.request
        try:
            if not asked.stream:
                return await unless_gone(request, self._whole(asked, deadline))
            events = self._events(asked, deadline)
            # With the first one at hand it is known that there is an answer.
            first = await unless_gone(request, anext(events))
            return EventStream(first, events)
        except ClientGoneError:
            return Response(status_code=499)
        except TimeoutError:
            return Response(orjson.dumps(_LATE), 504, media_type="application/json")

    async def _whole(self, asked: CompletionRequest, deadline: float) -> Response:
        answer = new_answer(self.model.name)
        texts: dict[int, list[Part]] = {}
        usage = Usage(0, 0)
        async with aclosing(self._parts(asked, deadline)) as parts:
            async for part in parts:
                if isinstance(part, Usage):
                    usage = part
                else:
                    texts.setdefault(part.number, []).append(part)
        choices = [_joined(texts[index]) for index in sorted(texts)]
        whole = answer.as_json(choices) | {"usage": usage.as_json()}
        return Response(orjson.dumps(whole), media_type="application/json")

    async def _events(self, asked: CompletionRequest, deadline: float) -> AsyncGenerator[bytes]:
        answer = new_answer(self.model.name)
        counts = bool(asked.stream_options and asked.stream_options.include_usage)
        async with aclosing(self._parts(asked, deadline)) as parts:
            async for part in parts:
                if not isinstance(part, Usage):
                    yield _event(answer.as_json([part]) | ({"usage": None} if counts else {}))
                elif counts:
                    yield _event(answer.as_json([]) | {"usage": part.as_json()})
        yield b"data: [DONE]\n\n"

    async def _parts(self, asked: CompletionRequest, deadline: float) -> AsyncGenerator[Part | Usage]:
        """All choices' parts as they come, and at last what they took."""
        began = time.perf_counter()
        prompts = await self._prompts(asked, deadline)
        n, drawn = asked.n or 1, random.randrange(MOST_SEED)
        jobs = [
            Job(place * n + number, prompt.tokens, asked.decoding(self.model.defaults, drawn, number))
            for place, prompt in enumerate(prompts)
            for number in range(n)
        ]
        lengths = dict.fromkeys(range(len(jobs)), 0)
        """Characters told of each choice."""

        def part(number: int, text: str, pieces: Sequence[Piece], told: Told | None = None) -> Part:
            logprobs = None
            if asked.logprobs is not None:
                logprobs = logprobs_json(pieces, lengths[number], asked.logprobs, self.model.vocabulary)
            lengths[number] += len(text)
            return Part(number, text, logprobs, told.finish if told else None)

        if asked.echo:
            for job in jobs:
                prompt = prompts[job.number // n]
                yield part(job.number, prompt.text, prompt.pieces)
        alternatives = 0 if asked.logprobs is None else max(1, asked.logprobs)
        written = 0

        async def write(job: Job, tell: Tell) -> None:
            await self.writer.write(job, alternatives, began, tell)

        async with aclosing(together(jobs, write, self.turns.slots, deadline)) as all_told:
            async for told in all_told:
                written += told.written
                yield part(told.number, "".join(piece.text for piece in told.pieces), told.pieces, told)
        yield Usage(sum(len(prompt.tokens) for prompt in prompts), written)

    async def _prompts(self, asked: CompletionRequest, deadline: float) -> list[_Prompt]:
        """The prompts, none too long; InputError where they cannot be read."""
        given = asked.prompts()
        if not given or len(given) * (asked.n or 1) > self.limits.choices:
            raise InputError(
                f"prompt: found {len(given):,} prompts and n = {asked.n or 1}, expected 1 to {self.limits.choices} "
                "texts to write in all"
            )
        context = self.model.engine.context
        most = context - (asked.max_tokens != 0)
        if (asked.max_tokens or 0) > context:
            raise InputError(
                f"max_tokens: found {asked.max_tokens:,}, expected at most {context:,}, as many as the "
                "model's context holds"
            )
        weighs = asked.echo and asked.logprobs is not None
        found = []
        async with asyncio.timeout_at(deadline):
            read = []
            for prompt in given:
                read.append(prompt if isinstance(prompt, list) else await self.encode(prompt))
                self._check(read[-1], most)
            weighed = sum(map(len, read)) * (asked.n or 1)
            if weighs and weighed > self.limits.weighed:
                raise InputError(
                    f"prompt: found {weighed:,} tokens to repeat with log-probabilities, expected at most "
                    f"{self.limits.weighed:,} in one request"
                )
            for prompt, tokens in zip(given, read, strict=True):
                text = prompt if isinstance(prompt, str) else self.model.vocabulary.text(prompt)
                pieces: Sequence[Piece] = ()
                if weighs:
                    pieces = await in_thread(self.reading, self.reader.read, tokens, asked.logprobs)
                    if isinstance(prompt, str):
                        pieces = as_given(pieces, prompt, self.model.vocabulary)
                found.append(_Prompt(tokens, text, pieces))
        return found

    async def encode(self, text: str) -> list[int]:
        """A text's tokens, the begin-of-text token before them; InputError where llama.cpp cannot read it."""
        most = self.model.engine.context * self.model.vocabulary.longest
        if len(text) > most:  # no need to count: this is more than the context's tokens can hold
            raise InputError(f"prompt: found {len(text):,} characters, expected at most {most:,}")
        return await in_thread(self.encoding, self.model.engine.encode, text)

    def _check(self, tokens: Sequence[int], most: int) -> None:
        if not 0 < len(tokens) <= most:
            raise InputError(f"prompt: found {len(tokens):,} tokens, expected 1 to {most:,}")
        if (highest := max(tokens)) >= len(self.model.vocabulary):
            raise InputError(
                f"prompt: found the token {highest:,}, expected those of {len(self.model.vocabulary):,} entries"
            )


class EventStream(StreamingResponse):
    """Server-sent events whose source ends as soon as the client has gone."""

    media_type = "text/event-stream"

    def __init__(self, first: bytes, events: AsyncGenerator[bytes]) -> None:
        self.first, self.events = first, events
        super().__init__(events, headers={"x-accel-buffering": "no"})

    async def stream_response(self, send: Send) -> None:
        """Send all of it."""
        async with aclosing(self.events):
            head = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(head)
            await send({"type": "http.response.body", "body": self.first, "more_body": True})
            try:
                async for event in self.events:
                    await send({"type": "http.response.body", "body": event, "more_body": True})
            except (OctavoError, TimeoutError) as error:
                told = _LATE if isinstance(error, TimeoutError) else error_body(str(error), "server_error")
                await send({"type": "http.response.body", "body": _event(told), "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; ClientGoneError, and the work is given up, where the client leaves before."""

    async def leave() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(leave())
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientGoneError
        return doing.result()
    finally:
        doing.cancel()
        leaving.cancel()


async def in_thread(pool: ThreadPoolExecutor, work: Callable[..., T], *given: Any) -> T:
    """What the work gives, done in a thread of the pool."""
    return await asyncio.get_running_loop().run_in_executor(pool, partial(work, *given))


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(content) + b"\n\n"


def _joined(parts: Sequence[Part]) -> Part:
    """A choice as a whole."""
    logprobs: dict[str, list[Any]] | None = None
    for part in parts:
        if part.logprobs is not None:
            logprobs = logprobs or {name: [] for name in part.logprobs}
            for name, values in part.logprobs.items():
                logprobs[name] += values
    return Part(parts[0].number, "".join(part.text for part in parts), logprobs, parts[-1].finish)
