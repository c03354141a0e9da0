"""What a stage has made so far, with its hashes: by it the stage goes on after an interruption.

A file that is there and not noted, or not as it was noted, may be what a kill, a loss of power or a fault of the
disk has left: it is made again. The journal lies in the stage's home while the stage is at work, and is gone when
that is done.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ValidationError

from octavo.lineage import JOURNAL_FILE, FileRecord, hash_file, write_atomically


class _Entry(BaseModel):
    """A file that was made, the first, and those that belong to it, by their paths from the stage's home."""

    made: dict[str, FileRecord]


class Journal:
    """The journal of the stage in `home`; `message` is told of files that are not as they were made."""

    def __init__(self, home: Path, message: Callable[[str], None]) -> None:
        self.home, self.message = home, message
        self.file = home / JOURNAL_FILE
        self.entries: dict[str, _Entry] = {}
        lines = self.file.read_bytes().splitlines(keepends=True) if self.file.exists() else []
        whole = [line for line in lines if self._read(line)]
        if whole != lines:
            write_atomically(self.file, b"".join(whole))

    def _read(self, line: bytes) -> bool:
        """Take an entry in; False for a line that was cut short, or is damaged."""
        try:
            entry = _Entry.model_validate_json(line)
        except ValidationError:
            return False
        if line.endswith(b"\n") and entry.made:
            self.entries[next(iter(entry.made))] = entry
            return True
        return False

    def has(self, file: Path) -> bool:
        """Whether a file was made before, and it and all that belongs to it are as they were made."""
        entry = self.entries.pop(self._name(file), None)
        for name, made in entry.made.items() if entry else ():
            path = self.home / name
            if not path.is_file() or hash_file(path, made).blake3 != made.blake3:
                self.message(f"{path}: {'not as it was made' if path.is_file() else 'gone'}, and made again")
                return False
        if entry:
            self.entries[self._name(file)] = entry
        return entry is not None

    def made(self, file: Path, *others: Path) -> None:
        """Note a file that was made to its end, and others that belong to it."""
        for path in (file, *others):
            _sync(path)
        entry = _Entry(made={self._name(path): hash_file(path) for path in (file, *others)})
        with self.file.open("ab") as journal:
            journal.write(entry.model_dump_json().encode() + b"\n")
            journal.flush()
            os.fsync(journal.fileno())
        self.entries[self._name(file)] = entry

    def _name(self, path: Path) -> str:
        return os.path.relpath(path, self.home)


def _sync(path: Path) -> None:
    """Have a file on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
