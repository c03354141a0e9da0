"""What quantised.json of a release holds: what each GGUF file loses against the weights that were evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from octavo.lineage import write_atomically
from octavo.release.manifest import Facts

FILE: Final = "quantised.json"
MEAN: Final = "mean"
"""Beside the languages: of them all, each counting alike."""


class Text(Facts):
    """What was scored of a language, or of a pair of languages."""

    passages: int
    bytes: int


class GgufFile(Facts):
    """A GGUF file."""

    path: str
    """Relative to the release."""
    format: str
    """F32, F16, BF16, Q8_0 or Q4_K_M."""
    bytes: int
    tensors: dict[str, int]
    """How many are stored in each type."""
    bits_per_byte: dict[str, float]
    """By language, and their mean; empty where there is no held-out text."""
    lost: dict[str, float]
    """How many more these are than those of the weights in BF16; less than nothing where there are fewer."""
    same_tokens: int
    """Of the greedy texts' tokens, those that it writes too before it first writes another."""
    same_texts: int
    """Greedy texts that it writes to the last token."""

    @property
    def is_lossless(self) -> bool:
        """Whether no bit more or less was found; whether it writes the same as well, Quantised tells."""
        return all(value == 0 for value in self.lost.values())


class Quantised(Facts):
    """All GGUF files of a release on the same text, by octavo's own model in float32 on the numbers of each."""

    command: str
    """Measures it again."""
    blake3: str
    """Of the text, so that figures on the same text can be told."""
    held_out: dict[str, Text]
    """What was scored, by language."""
    bits_per_byte: dict[str, float]
    """Of the weights in BF16, as model.safetensors has them, by language, and their mean."""
    repetition_penalty: float
    """Of the greedy texts."""
    texts: int
    """Greedy texts, by the weights in BF16."""
    tokens: int
    """Of these texts in all."""
    files: list[GgufFile]

    @property
    def lossless(self) -> list[str]:
        """Formats of the files that lose nothing which was measured, where anything was."""
        measured = bool(self.held_out or self.tokens)
        return [
            file.format
            for file in self.files
            if measured and file.is_lossless and (file.same_tokens, file.same_texts) == (self.tokens, self.texts)
        ]


def write_quantised(home: Path, found: Quantised) -> None:
    """Write quantised.json into a release."""
    write_atomically(home / FILE, found.model_dump_json(indent=1).encode() + b"\n")


def read_quantised(home: Path) -> Quantised | None:
    """What was measured of the release in `home`; None where it has no GGUF file."""
    file = home / FILE
    return Quantised.model_validate_json(file.read_bytes()) if file.exists() else None
