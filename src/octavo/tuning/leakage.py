"""Made pairs are kept apart from what is measured: from its documents, and from other copies of its texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa

from octavo.curation.decontamination import ngrams, overlap, texts_within
from octavo.curation.words import read_words
from octavo.tuning.pairs import LeftOut, P

SAME_DOCUMENT: Final = "of a document that is measured"
SAME_TEXT: Final = "holds a text that is measured"
_BATCH: Final = 256


def without_measured(pairs: Iterable[P], measured: Sequence[P], ngram: int, left_out: list[LeftOut]) -> Iterator[P]:
    """The pairs that share neither a document nor `ngram` words in a row with one of the measured ones.

    The others are added to `left_out`.
    """
    documents = {pair.doc for pair in measured}
    held = ngrams([text for pair in measured for text in texts_within(pair)], ngram)
    rest = iter(pairs)
    while some := list(islice(rest, _BATCH)):
        texts = [texts_within(pair) for pair in some]
        words = read_words(pa.array([text for found in texts for text in found], pa.large_string()))
        owner = np.repeat(np.arange(len(some)), [len(found) for found in texts])
        shared = np.bincount(owner, overlap(words, held, ngram), len(some))
        for pair, share in zip(some, shared, strict=True):
            if pair.doc in documents:
                left_out.append(LeftOut(pair.id, SAME_DOCUMENT, pair.doc))
            elif share:
                left_out.append(LeftOut(pair.id, SAME_TEXT, f"{ngram} words in a row"))
            else:
                yield pair
