"""Repeated passages: a paragraph that stands in many works, such as a notice or a formula, is kept once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from octavo.compiled import Hashes
from octavo.curation.words import Words

PASSAGE = pa.struct([("hash", pa.uint64()), ("start", pa.int64()), ("end", pa.int64())])
"""A paragraph by its hash and its place in the UTF-8 bytes of its text."""

PASSAGES = pa.large_list(PASSAGE)


def long_passages(words: Words, min_characters: int) -> pa.Array:
    """The paragraphs of at least so many characters of each text."""
    spans = words.paragraphs
    long = np.flatnonzero(spans.characters >= min_characters)
    doc = spans.doc[long]
    begins = words.offsets[doc]
    fields = {
        "hash": spans.hash[long],
        "start": spans.start[long] - begins,
        "end": spans.end[long] - begins,
    }
    passages = pa.StructArray.from_arrays([pa.array(values) for values in fields.values()], fields=list(PASSAGE))
    offsets = np.searchsorted(doc, np.arange(words.texts + 1))
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), passages).cast(PASSAGES)


def to_cut(
    passages: pa.Array, repeated: Hashes, first_copies: npt.NDArray[np.bool_]
) -> dict[int, list[tuple[int, int]]]:
    """The passages whose hash is among `repeated` (sorted), by the number of their text and their bytes in it.

    Passages lie as `long_passages` gives them; `first_copies` marks, of all passages of the batch in order,
    those that stay because they are the first of their kind.
    """
    flat = passages.flatten()
    hashes = flat.field("hash").to_numpy()
    taken = np.isin(hashes, repeated, assume_unique=False) & ~first_copies
    starts, ends = flat.field("start").to_numpy(), flat.field("end").to_numpy()
    counts = pc.fill_null(pc.list_value_length(passages), 0).to_numpy()
    doc = np.repeat(np.arange(len(passages)), counts)
    found: dict[int, list[tuple[int, int]]] = {}
    for place, start, end in zip(doc[taken].tolist(), starts[taken].tolist(), ends[taken].tolist(), strict=True):
        found.setdefault(place, []).append((start, end))
    return found
