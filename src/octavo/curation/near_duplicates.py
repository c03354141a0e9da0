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

from octavo.curation.words import Hashes, Ints, Words, mixed

BINS = 128
BANDS = 32
ROWS = BINS // BANDS

Signatures = npt.NDArray[np.uint32]
_EMPTY = np.uint32(0xFFFFFFFF)


def signatures(words: Words, ngram: int) -> Signatures:
    """The signature of each text, (texts, BINS); a text with fewer words than an n-gram has one of its words."""
    first, hashes = words.plain_ngrams(ngram)
    doc = words.cores.doc[first]
    short = np.flatnonzero(np.bincount(doc, minlength=words.texts) == 0)
    if len(short):
        alone = np.isin(words.cores.doc, short)
        doc = np.concatenate([doc, words.cores.doc[alone]])
        hashes = np.concatenate([hashes, mixed(words.core_hash[alone])])
    found = np.full(words.texts * BINS, _EMPTY, np.uint32)
    if len(hashes):
        # Bin of a text in the high bits, hash in the low ones: sorted, the first of each bin is its least.
        place = doc.astype(np.uint64) * np.uint64(BINS) + (hashes >> np.uint64(57))
        ordered = np.sort((place << np.uint64(32)) | (hashes & np.uint64(0xFFFFFFFE)))
        bins = ordered >> np.uint64(32)
        least = np.flatnonzero(np.diff(bins, prepend=bins[:1] + np.uint64(1)))
        found[bins[least].astype(np.int64)] = ordered[least].astype(np.uint32)
    return _densified(found.reshape(words.texts, BINS))


def bands(found: Signatures) -> Hashes:
    """A hash of each band of each signature, (texts, BANDS)."""
    total = np.tile(np.arange(BANDS, dtype=np.uint64), (len(found), 1))
    for row in range(ROWS):
        total = mixed(total * np.uint64(0x100000001B3) + found.reshape(len(found), BANDS, ROWS)[:, :, row])
    return total


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


def _densified(found: Signatures) -> Signatures:
    """Fill empty bins from others of the same text, at places that are the same for every text."""
    empty = found == _EMPTY
    bare = empty.all(axis=1)
    if not empty.any():
        return found
    source = found.copy()
    text, place = np.nonzero(empty & ~bare[:, None])
    for attempt in range(1, 10_000):
        if not len(text):
            break
        draw = mixed(place.astype(np.uint64) * np.uint64(BINS * 97) + np.uint64(attempt))
        at = (draw >> np.uint64(57)).astype(np.int64)
        filled = source[text, at] != _EMPTY
        found[text[filled], place[filled]] = source[text[filled], at[filled]]
        text, place = text[~filled], place[~filled]
    return found
