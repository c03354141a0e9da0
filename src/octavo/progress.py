"""How a stage tells how far it is, and learns that it should stop; run.py shows it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass


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

    def check(self) -> None:
        """Raise StoppedError where the stage should leave; called where nothing is half done."""
        if self.stopping():
            raise StoppedError
