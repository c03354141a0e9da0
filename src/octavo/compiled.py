"""Loops over bytes, words and hashes, compiled to machine code by Numba.

A compiled function takes and returns NumPy arrays. It is compiled on its first call, in seconds, and kept on disk
for all processes after that. Unsigned and signed numbers must not meet in it: their sum would be a float.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Work = TypeVar("Work", bound=Callable[..., Any])

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def _own_folder(shared: Path) -> Path:
    """A folder in a shared one that nobody else may write to: what Numba finds in it, it runs."""
    own = shared / f"octavo-{os.geteuid()}"
    with contextlib.suppress(OSError):
        own.mkdir(mode=0o700, exist_ok=True)
        status = own.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077:
            return own
    return Path(tempfile.mkdtemp(prefix="octavo-", dir=shared))


def _cache() -> str:
    """The folder for the machine code of these very sources, as Numba asks only for a function's own file."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if not os.access(home if home.exists() else home.parent, os.W_OK):
        home = _own_folder(Path(tempfile.gettempdir()))
    files = sorted(Path(__file__).parent.rglob("*.py"))
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return str(home / "octavo" / "compiled" / blake2b(repr(stamps).encode(), digest_size=8).hexdigest())


numba.config.CACHE_DIR = numba.config.CACHE_DIR or _cache()  # type: ignore[attr-defined]


def compiled(work: Work) -> Work:
    """The function as machine code, with the interpreter's lock released while it runs."""
    return cast(Work, numba.njit(cache=True, nogil=True)(work))


@compiled
def spread(value: np.uint64) -> np.uint64:
    """A hash whose every bit depends on all bits of the value (the finalizer of MurmurHash3, Appleby, 2011)."""
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@compiled
def joined(hashes: Hashes, first: int, last: int) -> np.uint64:
    """The hash of a row of hashes in order: those from `first` up to `last`."""
    total = np.uint64(0)
    for place in range(first, last):
        total = total * np.uint64(0x9E3779B97F4A7C15) + hashes[place]
    return spread(total)


@compiled
def table_for(members: int) -> Hashes:
    """An empty hash table with room for so many members; 0 marks a free place."""
    size = 8
    while size < 2 * members:
        size *= 2
    return np.zeros(size, np.uint64)


@compiled
def place_of(key: np.uint64, table: Hashes) -> int:
    """The place of a key in a hash table, or the free one that it would take. The key is odd (`key | 1`)."""
    last = np.uint64(len(table) - 1)
    at = (key >> np.uint64(8)) & last
    while table[at] != np.uint64(0) and table[at] != key:
        at = (at + np.uint64(1)) & last
    return int(at)


@compiled
def came_before(hashes: Hashes, bounds: Ints) -> Flags:
    """Which hashes occurred before within their text; a text's lie between two neighbouring `bounds`."""
    again = np.zeros(len(hashes), np.bool_)
    for text in range(len(bounds) - 1):
        table = table_for(bounds[text + 1] - bounds[text])
        for place in range(bounds[text], bounds[text + 1]):
            key = hashes[place] | np.uint64(1)
            at = place_of(key, table)
            again[place] = table[at] == key
            table[at] = key
    return again


@compiled
def are_among(hashes: Hashes, listed: Hashes) -> Flags:
    """Which hashes are in a list."""
    table = table_for(len(listed))
    for value in listed:
        table[place_of(value | np.uint64(1), table)] = value | np.uint64(1)
    found = np.zeros(len(hashes), np.bool_)
    for place in range(len(hashes)):
        key = hashes[place] | np.uint64(1)
        found[place] = table[place_of(key, table)] == key
    return found
