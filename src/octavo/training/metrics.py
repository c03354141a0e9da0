"""The record of a training: metrics.jsonl, one line a logged step, and the same for TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter


class Metrics:
    """Writes the record; on resuming, what lies past the checkpoint is taken back."""

    def __init__(self, run: Path, first_step: int) -> None:
        self.file = run / "metrics.jsonl"
        kept = [line for line in self.read(run) if line["step"] <= first_step]
        self.stream = self.file.open("w")
        for line in kept:
            self._write(line)
        self.board = SummaryWriter(str(run / "tensorboard"), purge_step=first_step + 1)

    def log(self, line: dict[str, Any]) -> None:
        """Write one logged step."""
        self._write(line)
        for name, value in line.items():
            if name != "step" and value is not None:
                self.board.add_scalar(name, value, line["step"])

    def close(self) -> None:
        """Close both records."""
        self.stream.close()
        self.board.close()

    def _write(self, line: dict[str, Any]) -> None:
        self.stream.write(json.dumps(line) + "\n")
        self.stream.flush()

    @staticmethod
    def read(run: Path) -> list[dict[str, Any]]:
        """The logged steps of a run; a last line that a kill cut short is left out."""
        lines = []
        file = run / "metrics.jsonl"
        for text in file.read_text().splitlines() if file.exists() else []:
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                break
        return lines
