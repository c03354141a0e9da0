"""What goes into each step, read by a thread while the step before is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
import torch
from torch import Tensor


class Input:
    """The sequences of the steps in `steps`, in order: one step's are ready while the one before is computed."""

    def __init__(self, read: Callable[[int], np.ndarray], steps: Iterator[int], device: torch.device) -> None:
        """`read` gives a step's sequences, (B, S + 1) in int64; they are put into pinned memory for a GPU."""
        self.read = read
        self.steps = steps
        self.device = device
        self.thread = ThreadPoolExecutor(1, "input", self._use_device)
        self.ahead: Future[Tensor] | None = None
        self._go_ahead()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thread.shutdown()

    def next(self) -> Tensor:
        """The next step's sequences in the machine's memory; whatever went wrong in reading them is raised here."""
        assert self.ahead is not None
        tokens = self.ahead.result()
        self._go_ahead()
        return tokens

    def _use_device(self) -> None:
        if self.device.type == "cuda":  # which one is in use is a thread's own, and pinned memory belongs to it
            torch.cuda.set_device(self.device)

    def _go_ahead(self) -> None:
        step = next(self.steps, None)
        self.ahead = None if step is None else self.thread.submit(self._made, step)

    def _made(self, step: int) -> Tensor:
        tokens = torch.from_numpy(self.read(step))
        return tokens.pin_memory() if self.device.type == "cuda" else tokens
