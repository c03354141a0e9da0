"""The answers that a model gave, kept in a file so that none is paid for twice.

One line of JSON an answer, appended in a single write as soon as it is there. A line that a killed process left
half written is skipped.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
from blake3 import blake3

from octavo.curation.completions import Completion
from octavo.errors import OctavoError

FILE = "answers.jsonl"


class Answers:
    """The answers in a folder, by request; one process at a time has them open."""

    def __init__(self, folder: Path) -> None:
        """Open the folder's answers, or begin it. Raises OctavoError where another process has them open."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise OctavoError(f"{self.path}: found it in use by another process, expected one at a time") from None
        self.tokens_in = 0
        self.tokens_out = 0
        self._places: dict[bytes, tuple[int, int]] = {}
        self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def __contains__(self, key: bytes) -> bool:
        return key in self._places

    def get(self, key: bytes) -> Completion | None:
        """The answer to a request, or None."""
        place = self._places.get(key)
        return _completion(os.pread(self._file, place[1], place[0])) if place else None

    def put(self, key: bytes, answer: Completion) -> None:
        """Keep an answer; it is on the disk when this returns."""
        line = orjson.dumps({"key": key.hex(), **answer._asdict()}) + b"\n"
        start = os.lseek(self._file, 0, os.SEEK_END)
        done = 0
        while done < len(line):
            done += os.write(self._file, line[done:])
        os.fdatasync(self._file)
        self._count(key, answer, start, len(line))

    def _read(self) -> None:
        place = 0
        with self.path.open("rb") as lines:
            for line in lines:
                answer = _completion(line)
                if answer is not None:
                    self._count(bytes.fromhex(orjson.loads(line)["key"]), answer, place, len(line))
                place += len(line)
                if not line.endswith(b"\n"):
                    os.write(self._file, b"\n")

    def _count(self, key: bytes, answer: Completion, place: int, length: int) -> None:
        self.tokens_in += answer.tokens_in
        self.tokens_out += answer.tokens_out
        self._places[key] = (place, length)


def key_of(request: Mapping[str, Any]) -> bytes:
    """BLAKE3 of a request: its model, messages (template and passage) and sampling settings."""
    return blake3(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).digest(16)


def _completion(line: bytes) -> Completion | None:
    """The answer in a line, or None where it is none, as when the line was not written to its end."""
    try:
        held = orjson.loads(line)
        bytes.fromhex(held.pop("key"))
        answer = Completion(**held)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        return None
    counts = (answer.tokens_in, answer.tokens_out)
    return answer if all(type(count) is int and count >= 0 for count in counts) else None
