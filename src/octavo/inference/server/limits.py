"""What a server lets through: sizes, times, and how many requests at once.

A request is admitted before its body is read, so that what waits in memory is bounded. Of those admitted, as many
choices are written at once as the model has slots; the others wait for one in the order in which they came.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

LONGEST_STOP: Final = 256
"""Characters of a stop string."""
MOST_STOPS: Final = 16
MOST_ALTERNATIVES: Final = 20
"""Likeliest tokens told beside each token written."""
MOST_CHOICES: Final = 128
"""Texts to write for one request: prompts by `n`."""
MOST_SEED: Final = 2**31 - 1
MOST_FIELDS: Final = 64
"""Fields of a request, known or not."""


@dataclass(frozen=True)
class Limits:
    """What one request may have, and one client may take; times in seconds."""

    body: int = 4 * 1024**2
    """Bytes of a request's body."""
    choices: int = MOST_CHOICES
    weighed: int = 32_768
    """Tokens of prompts, as often as they are repeated, whose log-probabilities are told: 5 KiB each in memory."""
    trace: int = 100_000
    """Characters of a text to trace."""
    queue: int = 64
    """Requests that may wait beside those that are being answered."""
    request: float = 600.0
    """To answer a request, its time in the queue included."""
    head: float = 10.0
    """For a client to send a request's line and headers."""
    body_read: float = 30.0
    """For a client to send the body."""
    stalled: float = 30.0
    """Without a client taking anything of what waits to be sent to it."""
    closing: float = 30.0
    """For running requests to end once the server is told to."""


class BusyError(Exception):
    """As many requests wait as may."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"found as many requests waiting as may wait, expected fewer: try again in {seconds} s")
        self.seconds = seconds
        """After which another try may be let in."""


class Turns:
    """Who is let in, and whose turn it is for a slot."""

    def __init__(self, slots: int, queue: int) -> None:
        self.slots = slots
        self.queue = queue
        self.admitted = 0
        self.running = 0
        self.waiting = 0
        """Choices that wait for a slot."""
        self.free = asyncio.Semaphore(slots)
        self._seconds = 1.0
        """That a request took lately, the last ones counting most."""

    @contextmanager
    def admission(self) -> Iterator[None]:
        """Let a request in, for as long as it is being answered; BusyError where too many are in already."""
        if self.admitted >= self.slots + self.queue:
            expected = self._seconds * (self.admitted - self.slots) / self.slots
            raise BusyError(max(1, min(60, math.ceil(expected))))
        self.admitted += 1
        began = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self.admitted -= 1
            self._seconds += 0.2 * (asyncio.get_running_loop().time() - began - self._seconds)

    async def __aenter__(self) -> None:
        self.waiting += 1
        try:
            await self.free.acquire()
        finally:
            self.waiting -= 1
        self.running += 1

    async def __aexit__(self, *_: object) -> None:
        self.running -= 1
        self.free.release()
