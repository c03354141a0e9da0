"""Token files in the layout of datatrove and nanotron's Nanoset.

NAME.ds holds the tokens of all documents one after the other, little-endian uint16 (uint32 for a vocabulary
of over 65,536 entries); NAME.ds.index the position after each document's last token, uint64; and
NAME.ds.metadata the tokenizer and bytes a token in one line, the number of tokens in the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from octavo.errors import InputError
from octavo.lineage import write_atomically


def token_dtype(vocab_size: int) -> np.dtype[np.uint16] | np.dtype[np.uint32]:
    """The type of a token in a file, by the size of the vocabulary."""
    return np.dtype("<u2") if vocab_size <= 65_536 else np.dtype("<u4")


def write_shard(path: Path, batches: Iterator[list[np.ndarray]], vocab_size: int, tokenizer: str) -> int:
    """Write documents' tokens to `path` (ending in .ds) with index and metadata; returns the number of tokens.

    The metadata is written last: a shard that has it is complete.
    """
    dtype = token_dtype(vocab_size)
    ends: list[np.ndarray] = []
    total = 0
    partial = path.with_suffix(".ds.partial")
    with partial.open("wb") as file:
        for documents in batches:
            lengths = np.fromiter((len(d) for d in documents), np.uint64, len(documents))
            ends.append(np.cumsum(lengths, dtype=np.uint64) + np.uint64(total))
            total += int(lengths.sum())
            file.write(np.concatenate(documents).astype(dtype, copy=False).tobytes())
    partial.rename(path)
    index = np.concatenate(ends) if ends else np.empty(0, np.uint64)
    write_atomically(path.with_name(path.name + ".index"), index.astype("<u8").tobytes())
    metadata = f"{tokenizer}|{dtype.itemsize}\n{total}\n{_in_words(total)}"
    write_atomically(path.with_name(path.name + ".metadata"), metadata.encode())
    return total


@dataclass(frozen=True)
class Shard:
    """A token file, opened without reading it."""

    path: Path
    tokens: np.ndarray
    """All tokens, memory-mapped."""
    document_ends: np.ndarray
    """Position after each document's last token."""


def open_shard(path: Path) -> Shard:
    """Open NAME.ds; InputError where its index or metadata is missing or does not fit it."""
    metadata = path.with_name(path.name + ".metadata")
    index = path.with_name(path.name + ".index")
    try:
        width = int(metadata.read_text().split("\n")[0].rpartition("|")[2])
        ends = np.fromfile(index, "<u8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: found no {Path(error.filename).name} beside it, expected one") from None
    except ValueError:
        raise InputError(f"{metadata}: expected 'TOKENIZER|BYTES A TOKEN' in its first line") from None
    size = path.stat().st_size
    if width not in (2, 4) or size % width or (int(ends[-1]) if len(ends) else 0) != size // width:
        raise InputError(f"{path}: found {size} bytes, which do not fit its index; is it cut short?")
    dtype = np.dtype("<u2") if width == 2 else np.dtype("<u4")
    tokens = np.memmap(path, dtype, "r") if size else np.empty(0, dtype)
    return Shard(path, tokens, ends)


def open_shards(folder: Path) -> list[Shard]:
    """All token files of a folder, in the order of their names."""
    return [open_shard(path) for path in sorted(folder.glob("*.ds"))]


def _in_words(count: int) -> str:
    for size, name in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= size:
            return f"{count / size:.2f} {name} tokens"
    return f"{count} tokens"
