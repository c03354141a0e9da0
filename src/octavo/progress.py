"""How a stage tells how far it is, and learns that it should stop; display.py shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

QUIET_SECONDS = 15.0
"""Between two lines where there is no terminal to show a bar on."""


class StoppedError(Exception):
    """The person asked the run to stop; what is done is kept, and the next call goes on from there."""


@dataclass
class Progress:
    """Handed to each stage; the defaults show nothing and never stop, as tests want it."""

    update: Callable[[float, float, str], None] = lambda done, total, note: None
    """Takes what is done, of how much, and a note."""
    message: Callable[[str], None] = lambda text: None
    """Takes a line for the person."""
    stopping: Callable[[], bool] = lambda: False
    """Whether the stage should save and leave."""
    saving: Callable[[], AbstractContextManager[object]] = nullcontext
    """Entered while the stage saves before it leaves, so that it is given the time."""
    joules: Callable[[], float | None] = lambda: None
    """The energy that the stage has taken so far, where it is metered."""
    has: Callable[[Path], bool] = Path.exists
    """Whether an earlier attempt has made a file, so that the stage can go on from it: journal.py keeps that."""
    made: Callable[..., None] = lambda *files: None
    """Takes a file that is there whole, and others that belong to it."""

    def check(self) -> None:
        """Raise StoppedError where the stage should leave; called where nothing is half done."""
        if self.stopping():
            raise StoppedError


def now_and_then(stage: str, message: Callable[[str], None]) -> Callable[[float, float, str], None]:
    """A stage's `update` that tells a line every QUIET_SECONDS at most."""
    said = 0.0

    def tell(done: float, total: float, note: str) -> None:
        nonlocal said
        if time.perf_counter() - said > QUIET_SECONDS:
            said = time.perf_counter()
            message(f"{stage}: {done / max(total, 1):.0%} {note}")

    return tell
