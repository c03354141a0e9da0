"""Near duplicates: MinHash signatures, locality-sensitive hashing, and clusters of which the best copy stays.

A signature is the one-permutation MinHash (Li, Owen and Zhang, 2012) of a text's n-grams of words: each n-gram
is hashed once, falls into one of the bins, and each bin keeps its least hash. Empty bins of short texts
borrow from others at places that depend on the bin alone (Shrivastava, 2017), so that the share of equal bins
stays an unbiased estimate of the Jaccard similarity. Two texts become candidates where they agree in all
bins of a band, and are near duplicates where the estimate reaches the recipe's similarity.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from octavo.compiled import Hashes, Ints, compiled, joined, spread
from octavo.curation.words import Words

BINS = 128
BANDS = 32
ROWS = BINS // BANDS

Signatures = npt.NDArray[np.uint32]
EMPTY = np.uint32(0xFFFFFFFF)
"""A bin that holds no n-gram; of a text without words all are such."""


def signatures(words: Words, ngram: int) -> Signatures:
    """The signature of each text, (texts, BINS); a text with fewer words than an n-gram has one of its words."""
    return _signatures(words.cores.hash, words.cores.bounds(words.texts), ngram)


@compiled
def bands(found: Signatures) -> Hashes:
    """A hash of each band of each signature, (texts, BANDS)."""
    hashes = np.empty((len(found), BANDS), np.uint64)
    for text in range(len(found)):
        for band in range(BANDS):
            total = np.uint64(band)
            for place in range(band * ROWS, (band + 1) * ROWS):
                total = spread(total * np.uint64(0x100000001B3) + np.uint64(found[text, place]))
            hashes[text, band] = total
    return hashes


def similarity(left: Signatures, right: Signatures) -> npt.NDArray[np.float64]:
    """The estimated Jaccard similarity of signatures, pair by pair."""
    agree: npt.NDArray[np.float64] = (left == right).mean(axis=1)
    return agree


def candidate_pairs(rows: Any) -> pa.Table:
    """Pairs (row, other) of a Daft frame (row, bands) that share a band, each with the band's first row."""
    from daft import col

    exploded = rows.select("row", col("bands").explode().alias("band"))
    buckets = (
        exploded.groupby("band")
        .agg(col("row").min().alias("first"), col("row").count().alias("members"))
        .where("members > 1")
        .select("band", "first")
    )
    return exploded.join(buckets, on="band").where("row <> first").select("first", "row").distinct().to_arrow()


def clusters(first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """Connected components of pairs: the rows that occur, sorted, and the least row of each one's component."""
    rows = np.unique(np.concatenate([first, second]))
    left, right = np.searchsorted(rows, first), np.searchsorted(rows, second)
    label = np.arange(len(rows))
    while True:
        least = label.copy()
        np.minimum.at(least, left, label[right])
        np.minimum.at(least, right, label[left])
        least = least[least]
        if np.array_equal(least, label):
            return rows, rows[label]
        label = least


@compiled
def _signatures(hashes: Hashes, bounds: Ints, ngram: int) -> Signatures:
    """Signatures from the hashes of words, a text's between two neighbouring `bounds`."""
    found = np.full((len(bounds) - 1, BINS), EMPTY, np.uint32)
    for text in range(len(bounds) - 1):
        first, last = bounds[text], bounds[text + 1]
        length = ngram if last - first >= ngram else 1
        for place in range(first, last - length + 1):
            value = joined(hashes, place, place + length)
            at = value % np.uint64(BINS)
            found[text, at] = min(found[text, at], np.uint32((value >> np.uint64(32)) & np.uint64(0xFFFFFFFE)))
        _fill(found[text])
    return found


@compiled
def _fill(signature: Signatures) -> None:
    """Fill the empty bins of a text from its others, at places that are the same for every text."""
    taken = signature.copy()
    if (taken == EMPTY).all():
        return
    for place in range(BINS):
        attempt = 0
        while signature[place] == EMPTY:
            attempt += 1
            signature[place] = taken[spread(np.uint64(place * BINS * 97 + attempt)) % np.uint64(BINS)]
