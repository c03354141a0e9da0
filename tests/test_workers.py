"""Work on many things at once: all is done, and what goes wrong is told as it was said."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from octavo.errors import InputError, OctavoError
from octavo.workers import in_processes, in_threads

Spread = Callable[[Callable[[Any], object], Sequence[Any]], Iterator[Any]]


def write(folder: Path, name: str) -> None:
    if name == "bad":
        raise InputError("bad: found nothing, expected something")
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
@pytest.mark.parametrize(("name", "kind"), [("bad", InputError), ("broken", OctavoError)])
def test_an_error_is_told_as_it_was_raised(
    spread: Spread, name: str, kind: type[OctavoError], tmp_path: Path
) -> None:
    with pytest.raises(kind, match=f"^{name}: ") as caught:
        list(spread(functools.partial(write, tmp_path), ["a", name]))
    assert type(caught.value) is kind
