"""Bits per byte on the held-out works, by language, beside two floors on the same text.

A bit per byte is comparable between tokenizers, as a loss per token is not. Each text is read in windows
of the model's context that overlap by half, so that all but a text's beginning is predicted from at least
half a context.
"""

from __future__ import annotations

import contextlib
import lzma
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer

from octavo.modeling.llama import Llama
from octavo.modeling.loss import IGNORE
from octavo.progress import Progress
from octavo.tokenization.shards import Shard

BATCH_WINDOWS = 16


@dataclass(frozen=True)
class HeldOutText:
    """The held-out text of a language."""

    lang: str
    texts: list[str]
    documents: int

    @property
    def bytes(self) -> int:
        """Length in UTF-8."""
        return sum(len(text.encode()) for text in self.texts)


def read_held_out(kept: Path, max_bytes: int) -> list[HeldOutText]:
    """The held-out documents of each language, in the corpus's order, up to `max_bytes` of each."""
    texts: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    for part in sorted(kept.glob("*.parquet")):
        for batch in pq.ParquetFile(part).iter_batches(1024, columns=["text", "lang", "split"]):
            table = pa.Table.from_batches([batch]).filter(pc.field("split") == "held-out")
            rows = zip(table.column("lang").to_pylist(), table.column("text").to_pylist(), strict=True)
            for lang, text in rows:
                if sizes.get(lang, 0) < max_bytes:
                    texts.setdefault(lang, []).append(text)
                    sizes[lang] = sizes.get(lang, 0) + len(text.encode())
    return [HeldOutText(lang, found, len(found)) for lang, found in sorted(texts.items())]


def measure(
    model: Llama,
    tokenizer: Tokenizer,
    begin: int,
    held_out: list[HeldOutText],
    shards: list[Shard],
    bfloat16: bool,
    progress: Progress,
) -> dict[str, Any]:
    """Bits per byte of the model and of both floors, by language and in all."""
    unigram = unigram_bits(shards, model.config.vocab_size)
    languages: dict[str, Any] = {}
    for number, part in enumerate(held_out):
        progress.check()
        progress.update(number, len(held_out), part.lang)
        encoded = [e.ids for e in tokenizer.encode_batch_fast(part.texts, add_special_tokens=False)]
        bits = {
            "model": text_bits(model, encoded, begin, bfloat16),
            "unigram": float(sum(unigram[np.array(ids, np.int64)].sum() for ids in encoded)),
            "xz": 8.0 * len(lzma.compress("\n".join(part.texts).encode(), preset=9)),
        }
        languages[part.lang] = {
            "documents": part.documents,
            "bytes": part.bytes,
            "tokens": sum(map(len, encoded)),
            "bits_per_byte": {name: round(value / part.bytes, 4) for name, value in bits.items()},
        }
    return {"languages": languages, "mean": _mean(languages)}


def text_bits(model: Llama, encoded: list[list[int]], begin: int, bfloat16: bool) -> float:
    """Bits that the model needs for texts, each read after a begin-of-text token."""
    device = next(model.parameters()).device
    context = torch.autocast(device.type, torch.bfloat16) if bfloat16 else contextlib.nullcontext()
    nats = 0.0
    with torch.inference_mode(), context:
        for tokens, targets in _batches(encoded, begin, model.config.max_position_embeddings):
            nats += float(model.loss(tokens.to(device), targets.to(device)))
    return nats / math.log(2)


def _batches(encoded: list[list[int]], begin: int, context: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Windows of all texts as (tokens, targets), of like lengths together; padding comes after, so is not seen."""
    windows = sorted(
        (window for ids in encoded for window in _windows([begin, *ids], context)),
        key=lambda window: len(window[0]),
    )
    for start in range(0, len(windows), BATCH_WINDOWS):
        batch = windows[start : start + BATCH_WINDOWS]
        length = max(len(tokens) for tokens, _ in batch)
        tokens = torch.zeros(len(batch), length, dtype=torch.int64)
        targets = torch.full((len(batch), length), IGNORE)
        for row, (window, first) in enumerate(batch):
            count = len(window) - 1
            tokens[row, :count] = torch.tensor(window[:-1])
            targets[row, first:count] = torch.tensor(window[first + 1 :])
        yield tokens, targets


def _windows(ids: list[int], context: int) -> Iterator[tuple[list[int], int]]:
    """Windows of up to context + 1 tokens, and the first position of each whose next token counts."""
    stride = max(context // 2, 1)
    start, counted = 0, 0
    while counted < len(ids) - 1:
        window = ids[start : start + context + 1]
        yield window, counted - start
        counted = start + len(window) - 1
        start += stride


def unigram_bits(shards: list[Shard], vocab_size: int) -> np.ndarray:
    """Bits of each entry by its frequency in the training tokens, with one added to each count."""
    counts = np.ones(vocab_size, np.float64)
    for shard in shards:
        for start in range(0, len(shard.tokens), 1 << 24):
            counts += np.bincount(shard.tokens[start : start + (1 << 24)], minlength=vocab_size)
    bits: np.ndarray = -np.log2(counts / counts.sum())
    return bits


def _mean(languages: dict[str, Any]) -> dict[str, float]:
    """Mean over the languages, each counting alike."""
    if not languages:
        return {}
    names = next(iter(languages.values()))["bits_per_byte"]
    return {
        name: round(sum(v["bits_per_byte"][name] for v in languages.values()) / len(languages), 4) for name in names
    }
