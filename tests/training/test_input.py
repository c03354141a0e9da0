"""The input of the steps comes in their order, a step ahead of what is computed."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np
import pytest
import torch

from octavo.training.input import Input

CPU = torch.device("cpu")


class Reader:
    """Reads a step's number as its sequences, and tells which steps were read."""

    def __init__(self) -> None:
        self.read: list[int] = []
        self.one_more = threading.Semaphore(0)

    def __call__(self, step: int) -> np.ndarray:
        self.read.append(step)
        self.one_more.release()
        return np.full((2, 3), step, np.int64)


def taken(steps: Iterable[int]) -> list[int]:
    steps = list(steps)
    with Input(Reader(), iter(steps), CPU) as ready:
        return [int(ready.next()[0, 0]) for _ in steps]


def test_steps_come_in_their_order_and_those_left_out_never() -> None:
    assert taken([3, 4, 7, 8]) == [3, 4, 7, 8]


def test_the_next_step_is_read_before_it_is_asked_for_and_no_other() -> None:
    read = Reader()
    with Input(read, iter(range(5)), CPU) as ready:
        assert read.one_more.acquire(timeout=10)
        assert read.read == [0]
        ready.next()
        assert read.one_more.acquire(timeout=10)
        assert read.read == [0, 1]


def test_what_goes_wrong_in_reading_is_raised_where_the_step_is_taken() -> None:
    def read(step: int) -> np.ndarray:
        if step == 1:
            raise OSError("the disk is gone")
        return np.zeros((1, 2), np.int64)

    with Input(read, iter(range(3)), CPU) as ready:
        ready.next()
        with pytest.raises(OSError, match="the disk is gone"):
            ready.next()


def test_leaving_early_leaves_no_thread() -> None:
    with Input(Reader(), iter(range(100)), CPU) as ready:
        ready.next()
    assert not any(thread.name.startswith("input") for thread in threading.enumerate())
