"""Two texts are aligned by the fewest edits, and long ones in pieces, nearly so."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from octavo.tuning.ocr import alignment as ocr_alignment
from octavo.tuning.ocr.alignment import changes, matches
from tests.tuning.ocr.stand_ins import prose, scanned

texts = st.text("ab c\nſ", max_size=60)


def put_together(text, other, found):
    parts, at = [], 0
    for change in found:
        parts += [text[at : change.start], other[change.other_start : change.other_end]]
        at = change.end
    return "".join([*parts, text[at:]])


def cost(found):
    return sum(max(c.end - c.start, c.other_end - c.other_start) for c in found)


@given(texts, texts)
def test_the_changes_make_one_text_the_other_with_the_fewest_edits(text, other):
    found = changes(text, other)
    assert put_together(text, other, found) == other
    assert all(a.end < b.start or a.other_end < b.other_start for a, b in pairwise(found))
    replaced = sum(Levenshtein.distance(text[c.start : c.end], other[c.other_start : c.other_end]) for c in found)
    assert replaced == Levenshtein.distance(text, other)


@given(texts, texts)
def test_matches_are_in_both_texts_and_in_order(text, other):
    at = there = 0
    for match in matches(text, other):
        assert match.length > 0
        assert match.start >= at
        assert match.other >= there
        at, there = match.start + match.length, match.other + match.length
        assert text[match.start : at] == other[match.other : there]


@given(texts, texts)
def test_texts_in_pieces_are_aligned_too(text, other):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ocr_alignment, "PIECE", 8)
        patch.setattr(ocr_alignment, "GRAM", 2)
        patch.setattr(ocr_alignment, "_LONGEST", 16)
        assert put_together(text, other, changes(text, other)) == other


def numbered(sentences):
    return " ".join(f"{n} {prose(n, 1)}" for n in range(sentences))


def test_a_long_text_is_aligned_as_well_as_a_short_one():
    printed = numbered(300)
    recognised = scanned(printed, 1, 0.2)
    assert len(printed) > 8 * ocr_alignment.PIECE
    found = changes(recognised, printed)
    assert put_together(recognised, printed, found) == printed
    assert cost(found) <= 1.01 * Levenshtein.distance(recognised, printed)


def test_a_lost_page_is_one_change():
    printed = numbered(200)
    start, end = 5000, 11000
    (loss,) = changes(printed[:start] + printed[end:], printed)
    assert loss.other_end - loss.other_start == end - start


def test_a_book_takes_seconds_whatever_is_in_it():
    start = time.monotonic()
    changes("a" * 100_000, numbered(1100)[:100_000])
    changes(numbered(1100), scanned(numbered(1100), 2, 0.3))
    assert time.monotonic() - start < 30  # one product of 100,000 by 100,000 characters alone takes seconds


def test_without_a_text_there_is_one_change_or_none():
    assert changes("", "") == []
    assert changes("", "ab") == [(0, 0, 0, 2)]
    assert changes("ab", "") == [(0, 2, 0, 0)]
