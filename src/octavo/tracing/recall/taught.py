"""The pairs of a tune that are meant: by their own names, and by the documents that they are of or were made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from octavo.tracing.finding import IDENTIFIER, Found, Wanted
from octavo.tracing.recall.sightings import Occurrences, in_packed
from octavo.training.data import Data
from octavo.tuning.packing import Packed
from octavo.tuning.preparing import COPIES, GIVEN, HELD_OUT, LEFT_OUT, MADE, PAIRS, TEST, TRAINING

_FILES: Final = {
    TRAINING: "train",
    f"{MADE}/{PAIRS}": "train",
    f"{COPIES}/{PAIRS}": "train",
    HELD_OUT: "held-out",
    TEST: "test",
}
"""By file, what its pairs are for."""
_FOLDERS: Final = {GIVEN: TRAINING, MADE: f"{MADE}/{PAIRS}", COPIES: f"{COPIES}/{PAIRS}"}
"""By folder of sequences, the pairs in them."""


def find_pairs(home: Path, wanted: Wanted) -> tuple[list[Found], set[str]]:
    """The pairs in a run's `pairs` that are asked for by identifier, and which of the identifiers any pair has.

    An identifier stands for the pair of that id, for the pairs of the document of that name, and for what was made
    of either. `part` is the file that a pair is in.
    """
    found: list[Found] = []
    asked, known = set(wanted.identifiers), set[str]()
    for name, split in _FILES.items():
        for row in _lines(home / name):
            if meant := asked & names_of(row):
                known |= meant
                found.append(Found(row["id"], (IDENTIFIER,), split=split, part=name))
    for row in _lines(home / LEFT_OUT):
        if row["id"] in asked:
            known.add(row["id"])
            found.append(Found(row["id"], (IDENTIFIER,), fate="removed", rule=row["reason"], part=LEFT_OUT))
    return found, known


def names_of(row: dict[str, Any]) -> set[str]:
    """What a pair answers to: its id and its document, and those that it was made of."""
    own, of = row["id"], re.sub(r"-again-\d+$", "", row["doc"])
    if "src_lang" in row:  # in the other direction, or word by word
        own = own.removesuffix(f"-{row['src_lang']}-{row['tgt_lang']}").removesuffix(f"-{row['src_lang']}")
    own = re.sub(r"(?:-again-\d+|#without)$", "", own)  # printed once more with other noise; without its source
    own = re.sub(r":\d+$", "", own)  # a stretch of a document
    return {row["id"], own, row["doc"], of, of.partition("#")[0]}


def all_names(home: Path) -> Iterator[pa.Array]:
    """What the pairs of a run answer to, file by file."""
    for name in _FILES:
        yield pa.array(sorted({known for row in _lines(home / name) for known in names_of(row)}), pa.large_string())


def in_examples(data: Data[Packed], found: list[Found], begin: int) -> tuple[Occurrences, np.ndarray]:
    """The sequences that hold pairs, and how many tokens each pair has in them."""
    tokens = np.zeros(len(found), np.int64)
    some = []
    for number, (name, packed) in enumerate(zip(data.names, data.sequences, strict=True)):
        places = {one.identifier: place for place, one in enumerate(found) if one.part == _FOLDERS[name]}
        ids = packed.places["id"].combine_chunks()
        rows = np.flatnonzero(pc.is_in(ids, pa.array(list(places), ids.type)).to_numpy(zero_copy_only=False))
        which = np.array([places[one] for one in ids.take(pa.array(rows)).to_pylist()], np.int64)
        np.add.at(tokens, which, packed.places["tokens"].to_numpy()[rows])
        some.append(in_packed(rows, which, packed, int(data.order.first_numbers[number]), begin))
    return Occurrences.join(some), tokens


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if file.exists():
        with file.open("rb") as lines:
            yield from map(orjson.loads, lines)
