"""Token files in the layout of datatrove and nanotron's Nanoset.

NAME.ds holds the tokens of all documents one after the other, little-endian uint16 (uint32 where an id does not
fit); NAME.ds.index the position after each document's last token, uint64; and NAME.ds.metadata the tokenizer and
bytes a token in one line, the number of tokens in the next.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from octavo.errors import InputError
from octavo.lineage import write_atomically
from octavo.tokenization.entries import UNUSED_ID

_CHUNK = 1 << 24
"""Ends of documents that are looked at together."""

TokenType = np.dtype[np.uint16] | np.dtype[np.uint32]


def token_dtype(highest: int) -> TokenType:
    """The type of a token in a file, by the highest id that a token can have."""
    return np.dtype("<u2") if highest < UNUSED_ID else np.dtype("<u4")


def shard_files(path: Path) -> tuple[Path, ...]:
    """The files of a shard; the first, which is written last, says that it was written to its end."""
    return _beside(path, "metadata"), _beside(path, "index"), path


def write_shard(path: Path, batches: Iterator[list[np.ndarray]], dtype: TokenType, tokenizer: str) -> int:
    """Write documents' tokens to `path` (ending in .ds) with index and metadata; returns the number of tokens.

    The metadata is written last: a shard that has it is complete.
    """
    ends: list[np.ndarray] = []
    total = 0
    partial = path.with_suffix(".ds.partial")
    with partial.open("wb") as file:
        for documents in batches:
            lengths = np.fromiter((len(d) for d in documents), np.uint64, len(documents))
            ends.append(np.cumsum(lengths, dtype=np.uint64) + np.uint64(total))
            total += int(lengths.sum())
            tokens = np.concatenate(documents)
            if dtype.itemsize == 2 and tokens.max(initial=0) >= UNUSED_ID:
                raise ValueError(f"{path}: found id {tokens.max()}, expected ids below {UNUSED_ID} in uint16")
            file.write(tokens.astype(dtype).tobytes())
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    index = np.concatenate(ends) if ends else np.empty(0, np.uint64)
    write_atomically(_beside(path, "index"), index.astype("<u8").tobytes())
    metadata = f"{tokenizer}|{dtype.itemsize}\n{total}\n{_in_words(total)}"
    write_atomically(_beside(path, "metadata"), metadata.encode())
    return total


@dataclass(frozen=True)
class Shard:
    """A token file, opened without reading it."""

    path: Path
    tokens: np.ndarray
    """All tokens, memory-mapped."""
    document_ends: np.ndarray
    """Position after each document's last token, memory-mapped."""


def open_shard(path: Path) -> Shard:
    """Open NAME.ds; InputError where its index is missing, or does not fit it.

    Without metadata, which not all programs write, the index tells how many bytes a token has.
    """
    index = _beside(path, "index")
    try:
        ends = _mapped(index, np.dtype("<u8"))
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise InputError(f"{path}: found no {Path(error.filename).name} beside it, expected one") from None
    except ValueError:
        raise InputError(f"{index}: found {index.stat().st_size} bytes, expected eight for each document") from None
    stated = read_metadata(path)
    last = int(ends[-1]) if len(ends) else 0
    width = stated[1] if stated else 4 if size == 4 * last else 2
    if size % width:
        raise InputError(f"{path}: found {size} bytes, expected a multiple of {width}; is it cut short?")
    if size != last * width:
        raise InputError(
            f"{path}: found {size // width} tokens, expected {last}, where its index ends; is it cut short?"
        )
    return Shard(path, _mapped(path, np.dtype("<u2") if width == 2 else np.dtype("<u4")), ends)


def check_ends(shard: Shard) -> None:
    """Raise InputError where a token file's index goes backwards; reads the whole of it."""
    for start in range(0, len(shard.document_ends), _CHUNK):
        ends = shard.document_ends[max(start - 1, 0) : start + _CHUNK]
        if (ends[1:] < ends[:-1]).any():
            raise InputError(f"{shard.path}.index: found ends that go backwards, expected them in order")


def read_metadata(path: Path) -> tuple[str, int] | None:
    """What made NAME.ds by its metadata: the tokenizer's name, and the bytes a token; None where it has none."""
    metadata = _beside(path, "metadata")
    try:
        tokenizer, _, width = metadata.read_text(encoding="utf-8").split("\n")[0].rpartition("|")
    except FileNotFoundError:
        return None
    except (UnicodeDecodeError, OSError):
        tokenizer, width = "", ""
    if width not in ("2", "4"):
        raise InputError(f"{metadata}: expected 'TOKENIZER|BYTES A TOKEN' in its first line, with 2 or 4 bytes")
    return tokenizer, int(width)


def open_shards(folder: Path) -> list[Shard]:
    """All token files of a folder, in the order of their names."""
    return [open_shard(path) for path in sorted(folder.glob("*.ds"))]


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}.{ending}")


def _mapped(path: Path, dtype: np.dtype[np.unsignedinteger]) -> np.ndarray:
    # An empty file cannot be mapped.
    return np.memmap(path, dtype, "r") if path.stat().st_size else np.empty(0, dtype)


def _in_words(count: int) -> str:
    for size, name in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= size:
            return f"{count / size:.2f} {name} tokens"
    return f"{count} tokens"
