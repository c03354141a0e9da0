"""Which document a token of the corpus is from, with what a reader wants to know of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from octavo.errors import InputError
from octavo.recipe.training import OWN_TOKENS
from octavo.tokenization.index import open_documents
from octavo.training.data import Data
from octavo.training.sequences import Windows


class Source(NamedTuple):
    """A document of the corpus."""

    identifier: str
    """Of token files without documents, their folder."""
    title: str | None = None
    creator: str | None = None
    date: str | None = None
    licence: str | None = None
    """As an SPDX expression."""
    url: str | None = None


COLUMNS: Final = ("identifier", "title", "creator", "date", "spdx", "source_url")
"""Of corpus/kept, in the order of a Source."""


def read_sources(data: Data[Windows], kept: Path, tokens: Sequence[int]) -> dict[int, Source]:
    """The documents of tokens, numbered through all folders that training draws from."""
    firsts = np.cumsum([0, *(sequences.tokens for sequences in data.sequences)])
    found: dict[int, Source] = {}
    parts: dict[str, list[tuple[int, int]]] = {}
    for folder, (name, path) in enumerate(zip(data.names, data.folders, strict=True)):
        mine = [token for token in set(tokens) if firsts[folder] <= token < firsts[folder + 1]]
        if name != OWN_TOKENS:
            found |= dict.fromkeys(mine, Source(name))
            continue
        documents = open_documents(path)
        numbers = documents.of_tokens(np.array(mine, np.int64) - firsts[folder])
        for token, number in zip(mine, numbers.tolist(), strict=True):
            document = documents[number]
            parts.setdefault(document.part, []).append((token, document.row))
    for part, rows in parts.items():
        try:
            columns = pq.read_table(kept / part, columns=list(COLUMNS)).select(COLUMNS)
            taken = columns.take([row for _, row in rows]).to_pylist()
        except (pa.ArrowException, OSError, ValueError, LookupError) as error:
            reason = str(error).split("\n")[0]
            raise InputError(
                f"{kept / part}: found a file that cannot be read ({reason}), expected documents of the run"
            ) from None
        found |= {token: Source(*row.values()) for (token, _), row in zip(rows, taken, strict=True)}
    return found
