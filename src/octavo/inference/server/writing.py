"""The texts of one request, written side by side as slots come free, and told as they come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple, Protocol

from octavo.inference.llama_cpp import LlamaCppEngine, finish_of, pieces_of
from octavo.inference.server.limits import Turns
from octavo.inference.server.metrics import Metrics
from octavo.inference.server.upstream import Upstream
from octavo.modeling.decoding import Decoding, Finish, Piece, Stopping


class Job(NamedTuple):
    """A text to write."""

    number: int
    tokens: list[int]
    decoding: Decoding


class Told(NamedTuple):
    """What has come of a text: certain pieces, and at its end why it ended and how many tokens were written."""

    number: int
    pieces: list[Piece]
    finish: Finish | None = None
    written: int = 0


Tell = Callable[[Told], None]


class Writes(Protocol):
    """What writes a text, and tells of it."""

    def __call__(self, job: Job, tell: Tell) -> Awaitable[None]:
        """Write it."""
        ...


class Writer:
    """Writes one text at a time in each of llama.cpp's slots."""

    def __init__(self, engine: LlamaCppEngine, upstream: Upstream, turns: Turns, metrics: Metrics) -> None:
        self.engine, self.upstream, self.turns, self.metrics = engine, upstream, turns, metrics

    async def write(self, job: Job, alternatives: int, began: float, tell: Tell) -> None:
        """Write a text once there is a slot, with so many alternatives to each token.

        `began` is when its request did, by time.perf_counter(). Cancelling frees the slot at once.
        """
        if not job.decoding.max_tokens:  # llama.cpp writes one token at least
            tell(Told(job.number, [], "length"))
            return
        async with self.turns:
            first = last = 0.0
            written = 0
            stopping = Stopping(job.decoding.stop)
            request = self.engine.request(job.tokens, job.decoding, alternatives)
            try:
                async with aclosing(self.upstream.stream(request)) as answers:
                    async for answer in answers:
                        pieces = pieces_of(answer, alternatives)
                        written += len(pieces)
                        last = time.perf_counter()
                        if pieces and not first:
                            first = last
                            self.metrics.first_token.observe(first - began)
                        for piece in pieces:
                            if certain := stopping.take(piece) if stopping.stop else [piece]:
                                tell(Told(job.number, certain))
                            if stopping.ended:
                                tell(Told(job.number, [], "stop", written))
                                return
                        if reason := answer["choices"][0]["finish_reason"]:
                            finish = finish_of(reason, answer["usage"]["completion_tokens"], job.decoding)
                            tell(Told(job.number, stopping.held, finish, written))
            finally:
                self.metrics.read.inc(len(job.tokens))
                self.metrics.written.inc(written)
                if written > 1:
                    self.metrics.token.observe((last - first) / (written - 1))


async def together(jobs: Sequence[Job], write: Writes, side_by_side: int, deadline: float) -> AsyncGenerator[Told]:
    """What comes of all texts, as it comes; closing the iterator ends the writing.

    A request's texts take turns with those of others, so no more of them ask for a slot than there are slots.
    What comes is kept until it is taken: a slow reader keeps no slot. Raises OctavoError where the work fails,
    and TimeoutError at the deadline, by the event loop's clock.
    """
    told: asyncio.Queue[Told | None] = asyncio.Queue()
    left: Iterator[Job] = iter(jobs)

    async def work() -> None:
        for job in left:
            await write(job, told.put_nowait)

    async def all_of_it() -> None:
        async with asyncio.timeout_at(deadline), asyncio.TaskGroup() as group:
            for _ in range(min(side_by_side, len(jobs))):
                group.create_task(work())

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            task.exception()  # seen: it is raised below, unless nobody reads any more
        told.put_nowait(None)

    task = asyncio.create_task(all_of_it())
    task.add_done_callback(ended)
    try:
        while (one := await told.get()) is not None:
            yield one
        try:
            task.result()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
    finally:
        task.cancel()
