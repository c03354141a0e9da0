"""Pairs of texts in one language with what a lexicon makes of them word by word."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octavo.tuning.translation.pairs import TranslationPair
from octavo.tuning.translation.word_pairs import word_pairs
from tests.tuning.small_tunes import ENGLISH, GERMAN

GIVEN = [
    TranslationPair(f"p{n}", f"d{n}", "de", "en", german, english)
    for n, (german, english) in enumerate([*zip(GERMAN, ENGLISH, strict=True)] * 4)
]


@pytest.fixture
def books(tmp_path):
    """A German, an English and a French document, and one held out."""
    texts = {"de": GERMAN, "en": ENGLISH, "fr": ["Il ne dit rien de ce qu'il avait vu."] * 6}
    rows = [
        {"identifier": f"b-{lang}-{split}", "lang": lang, "text": "\n".join([*some] * 8), "split": split}
        for lang, some in texts.items()
        for split in ("train", "held-out")
    ]
    file = tmp_path / "books.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file


def test_the_translation_is_real_text_and_the_source_is_made_of_it(books):
    found = list(word_pairs([books], GIVEN, 1, 1000))
    assert found
    german = " ".join([*GERMAN] * 8)
    for pair in found:
        assert (pair.src_lang, pair.tgt_lang, pair.doc) == ("de", "en", "b-en-train")
        assert pair.target in " ".join([*ENGLISH] * 8)
        assert pair.source not in german
    words = Counter(word for pair in found for word in pair.source.split())
    assert words["1868"]
    known = Counter(" ".join(GERMAN).split())
    assert sum(words[word] for word in known) > 0.5 * words.total()


def test_pairs_go_in_the_directions_that_were_given(books):
    both = [*GIVEN, *(pair.reversed() for pair in GIVEN)]
    assert {pair.languages for pair in word_pairs([books], both, 1, 1000)} == {"de-en", "en-de"}
    assert list(word_pairs([books], [], 1, 1000)) == []
    assert list(word_pairs([], both, 1, 1000)) == []


def test_the_same_seed_makes_the_same(books):
    assert list(word_pairs([books], GIVEN, 1, 1000)) == list(word_pairs([books], GIVEN, 1, 1000))
    assert list(word_pairs([books], GIVEN, 1, 1000)) != list(word_pairs([books], GIVEN, 2, 1000))
