"""The record of a training: metrics.jsonl, one line a logged step, and the same for TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from octavo.lineage import write_atomically


class Metrics:
    """Writes the record; on resuming, what lies past the checkpoint is taken back."""

    def __init__(self, run: Path, first_step: int) -> None:
        self.file = run / "metrics.jsonl"
        kept = [line for line in self.read(run) if line["step"] <= first_step]
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

    def close(self) -> None:
        """Close both records."""
        self.stream.close()
        self.board.close()

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


def _by_language(line: dict[str, Any]) -> dict[str, Any]:
    return {f"held_out/{lang}": value for lang, value in line.get("held_out", {}).items()}
