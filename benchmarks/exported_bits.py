"""Bits per byte of exported models, by transformers alone: the same pieces of text, each with its own tokenizer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

PIECE = 1_000
"""Characters that a model reads at once, before which it knows nothing."""


class Measured(NamedTuple):
    """Bits per byte of each model by language, the bytes measured, and the pieces that did not fit."""

    bits: dict[str, dict[str, float]]
    sizes: dict[str, int]
    left_out: int


def measure(folders: Mapping[str, Path], passages: Mapping[str, Sequence[str]]) -> Measured:
    """Measure models as Hugging Face directories on passages by language.

    Passages are cut at spaces into pieces, and each piece is read from its model's beginning of a text. A piece
    that is longer in tokens than one of the models' contexts is left out for all of them.
    """
    models = {
        name: AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        for name, folder in folders.items()
    }
    tokenizers = {name: Tokenizer.from_file(str(folder / "tokenizer.json")) for name, folder in folders.items()}
    found: dict[str, dict[str, float]] = {name: {} for name in folders}
    sizes, left_out = {}, 0
    for lang, texts in passages.items():
        rows: dict[str, list[list[int]]] = {name: [] for name in folders}
        size = 0
        for piece in (piece for text in texts for piece in pieces(text)):
            tokens = {name: _tokens(tokenizers[name], piece) for name in folders}
            if any(len(ids) >= models[name].config.max_position_embeddings for name, ids in tokens.items()):
                left_out += 1
                continue
            size += len(piece.encode())
            for name, ids in tokens.items():
                rows[name].append([models[name].config.bos_token_id, *ids])
        sizes[lang] = size
        for name, model in models.items():
            found[name][lang] = _bits(model, rows[name]) / size
    return Measured(found, sizes, left_out)


def pieces(text: str) -> Iterator[str]:
    """The text in pieces of at most PIECE characters, each but the last as long as whole words allow."""
    while len(text) > PIECE:
        cut = max(text.rfind(" ", 1, PIECE), text.rfind("\n", 1, PIECE))
        cut = cut if cut > 0 else PIECE
        yield text[:cut]
        text = text[cut:]
    if text:
        yield text


def _tokens(tokenizer: Tokenizer, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    if tokenizer.decode(ids, skip_special_tokens=False) != text:
        raise ValueError(f"a tokenizer does not give back what it read: {text[:80]!r}")
    return ids


@torch.inference_mode()
def _bits(model: torch.nn.Module, rows: Sequence[Sequence[int]]) -> float:
    total = 0.0
    ordered = sorted(rows, key=len)
    for first in range(0, len(ordered), 8):
        batch = ordered[first : first + 8]
        longest = len(batch[-1])
        tokens = torch.tensor([[*row, *[0] * (longest - len(row))] for row in batch])
        targets = torch.tensor([[*row[1:], *[-100] * (longest - len(row))] for row in batch])
        logits = model(tokens[:, :-1]).logits
        total += float(F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum"))
    return total / math.log(2)
