"""Repeated passages are found by their hash and cut out of all texts but the first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from octavo.curation.passages import long_passages, to_cut
from octavo.curation.words import read_words

NOTICE = "This copy was made for the reading room, and is lent to readers on the ſtrength of their word alone."


def test_long_paragraphs_are_found_with_their_place_in_the_text() -> None:
    texts = [f"Überſchrift\n\n{NOTICE}\n\nshort", "", None, NOTICE.replace("This", "THIS")]
    found = long_passages(read_words(pa.array(texts)), 60).to_pylist()
    assert [len(passages) for passages in found] == [1, 0, 0, 1]
    (passage,) = found[0]
    assert texts[0].encode()[passage["start"] : passage["end"]].decode() == NOTICE
    assert found[3][0]["hash"] == passage["hash"]


def test_a_repeated_passage_is_cut_but_for_its_first_copy() -> None:
    texts = pa.array(
        [f"Erſter Text.\n\n{NOTICE}", f"{NOTICE}\n\nZweiter Text. é", "Dritter Text."], pa.large_string()
    )
    passages = long_passages(read_words(texts), 60)
    repeated = np.unique(passages.flatten().field("hash").to_numpy())
    assert to_cut(passages, repeated, np.array([True, False])) == {1: [(0, len(NOTICE.encode()))]}
    assert to_cut(passages, repeated[:0], np.array([False, False])) == {}
