"""Work on many things at once: all is done, and what goes wrong is told as it was said."""

from __future__ import annotations

import errno
import functools
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from octavo.errors import InputError, OctavoError
from octavo.progress import StoppedError
from octavo.workers import all_rows, in_processes, in_threads

Spread = Callable[[Callable[[Any], object], Sequence[Any]], Iterator[Any]]


class OddError(Exception):
    """One that cannot be sent from one process to another."""

    def __init__(self, one: str, other: int) -> None:
        super().__init__(f"{one} {other}")


def write(folder: Path, name: str) -> None:
    if name == "bad":
        raise InputError("bad: found nothing, expected something")
    if name == "full":
        raise OSError(errno.ENOSPC, "full: No space left on device", "a.parquet")
    if name == "odd":
        raise OddError("odd", 1)
    if name == "broken":
        raise OctavoError("broken: it broke")
    (folder / name).write_text(str(os.getpid()))


@pytest.mark.parametrize("spread", [in_threads, in_processes])
def test_all_is_done_and_each_is_told(spread: Spread, tmp_path: Path) -> None:
    names = [f"{n}" for n in range(5)]
    assert sorted(spread(functools.partial(write, tmp_path), names)) == names
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    assert list(spread(functools.partial(write, tmp_path), [])) == []


def test_processes_are_others_than_this_one_but_for_a_single_thing(tmp_path: Path) -> None:
    list(in_processes(functools.partial(write, tmp_path), ["a", "b"]))
    assert str(os.getpid()) not in {(tmp_path / name).read_text() for name in ("a", "b")}
    list(in_processes(functools.partial(write, tmp_path), ["c"]))
    assert (tmp_path / "c").read_text() == str(os.getpid())


@pytest.mark.parametrize("spread", [in_threads, in_processes])
@pytest.mark.parametrize(("name", "kind"), [("bad", InputError), ("broken", OctavoError), ("full", OSError)])
def test_an_error_is_told_as_it_was_raised(
    spread: Spread, name: str, kind: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(kind, match=f"{name}: ") as caught:
        list(spread(functools.partial(write, tmp_path), ["a", name]))
    assert type(caught.value) is kind


def test_an_error_that_cannot_be_sent_is_told_with_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="OddError: odd 1"):
        list(in_processes(functools.partial(write, tmp_path), ["a", "odd"]))


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """Signals that the process itself has heard of, as it does while it watches for a wish to stop."""
    found: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: found.append(number))
    yield found
    signal.signal(signal.SIGINT, before)


def interrupted(names: Sequence[str], folder: Path) -> Iterator[str]:
    for name in in_processes(functools.partial(write, folder), names):
        os.kill(os.getpid(), signal.SIGINT)
        yield name


def test_processes_that_are_interrupted_do_not_pass_for_all_done(tmp_path: Path, heard: list[int]) -> None:
    """Daft ends its work at a SIGINT and says nothing."""
    with pytest.raises(StoppedError):
        list(interrupted([f"{n}" for n in range(8)], tmp_path))
    assert heard


def ask(then: Exception | None) -> None:
    with all_rows():
        os.kill(os.getpid(), signal.SIGINT)
        if then:
            raise then


@pytest.mark.parametrize("then", [None, KeyError("a row that was not there")])
def test_what_a_query_that_was_interrupted_led_to_counts_for_nothing(
    then: Exception | None, heard: list[int]
) -> None:
    with pytest.raises(StoppedError):
        ask(then)
    assert heard == [signal.SIGINT]
    with pytest.raises(KeyError), all_rows():
        raise KeyError("another mistake")
