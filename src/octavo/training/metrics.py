"""The record of a training: metrics.jsonl, one line a logged step, and the same for TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from octavo.lineage import write_atomically


class Metrics:
    """Writes the record; on resuming, what lies past the checkpoint is taken back, and lost lines are told of."""

    def __init__(self, run: Path, first_step: int, message: Callable[[str], None]) -> None:
        self.file = run / "metrics.jsonl"
        kept = [line for line in self.read(run) if line["step"] <= first_step]
        lost = _lines(run)[:-1].count(None)  # the last may be what a kill cut short
        if lost:
            message(f"training: {self.file}: {lost} of its lines cannot be read, and are left out")
        write_atomically(self.file, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self.stream = self.file.open("a")
        self.board = SummaryWriter(str(run / "tensorboard"), purge_step=first_step + 1)

    def log(self, line: dict[str, Any]) -> None:
        """Write one logged step."""
        self.stream.write(json.dumps(line) + "\n")
        self.stream.flush()
        for name, value in (line | _by_language(line)).items():
            if name != "step" and isinstance(value, int | float):
                self.board.add_scalar(name, value, line["step"])

    def sync(self) -> None:
        """Have the record on the disk, as it must be before the checkpoint that it leads to."""
        os.fsync(self.stream.fileno())

    def close(self) -> None:
        """Close both records."""
        self.stream.close()
        self.board.close()

    @staticmethod
    def read(run: Path) -> list[dict[str, Any]]:
        """The logged steps of a run, without lines that were cut short or damaged."""
        return [line for line in _lines(run) if line]


def _lines(run: Path) -> list[dict[str, Any] | None]:
    """The lines of the record; None for one that cannot be read."""
    file = run / "metrics.jsonl"
    return [_line(text) for text in file.read_bytes().splitlines()] if file.exists() else []


def _line(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("step"), int) else None


def _by_language(line: dict[str, Any]) -> dict[str, Any]:
    return {f"held_out/{lang}": value for lang, value in line.get("held_out", {}).items()}
