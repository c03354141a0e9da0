"""The margins take what helps and leave what harms clean texts: the more there is to change, the less they ask."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.evaluation.task_metrics import edits as distance
from octavo.tuning.ocr.edits import Edit, settled
from octavo.tuning.ocr.margin import MARGINS, MOST_HARM, RATES, Tried, clean_copies, fit_margins, margin_of
from octavo.tuning.ocr.pairs import OcrPair

NOISY = OcrPair("n", "d", "en", "tbe cat fat", "the cat sat")
"""Two of its three words are edited: with the spare ones, 0.154 edits a word."""
CLEAN = OcrPair("c", "e", "en", "the cat sat " * 100, "the cat sat " * 100)
RIGHT = [Edit(0, 3, "tbe", "the", gain=7.0), Edit(8, 11, "fat", "sat", gain=3.5)]


def wrong(gain, new):
    """Edits of the clean text that are as many a word as those of NOISY."""
    return [Edit(at, at + 3, "the", new, gain=gain) for at in range(0, 4 * 13 * 12, 12)]


def test_all_is_taken_where_nothing_harms():
    found = fit_margins([Tried(NOISY, RIGHT)], [Tried(CLEAN, [])])
    assert margin_of(found.margins, NOISY.source, RIGHT) == 3.0  # the largest that takes both
    assert (found.before, found.after) == (2 / 11, 0)
    assert (found.clean_before, found.clean_after) == (0, 0)


def test_texts_with_as_many_edits_have_a_margin_above_what_harms_clean_ones():
    found = fit_margins([Tried(NOISY, RIGHT)], [Tried(CLEAN, wrong(5.0, "tho"))])
    assert margin_of(found.margins, NOISY.source, RIGHT) == 6.0
    assert found.after == 1 / 11
    assert found.clean_after == 0


def test_a_bad_text_needs_less_than_a_clean_one_with_few_edits():
    few = [Edit(0, 3, "the", "thoxxx", gain=15.0)]
    found = fit_margins([Tried(NOISY, RIGHT)], [Tried(CLEAN, few)])
    assert margin_of(found.margins, NOISY.source, RIGHT) == 3.0
    assert margin_of(found.margins, CLEAN.source, few) > 15.0
    assert (found.after, found.clean_after) == (0, 0)


def test_a_little_harm_is_borne():
    spoilt, only = [Edit(0, 3, "tbe", "the", gain=5.0)], [Edit(0, 3, "the", "tho", gain=5.0)]
    found = fit_margins([Tried(CLEAN._replace(source=f"tbe{CLEAN.source[3:]}"), spoilt)], [Tried(CLEAN, only)])
    assert margin_of(found.margins, CLEAN.source, only) == 5.0
    assert found.clean_after == 1 / 1200 < MOST_HARM


def test_a_model_that_only_harms_is_not_heard():
    found = fit_margins([Tried(NOISY, [Edit(4, 7, "cat", "rat", gain=20.0)])], [Tried(CLEAN, [])])
    assert set(found.margins) == {math.inf}
    assert found.after == found.before


def test_what_the_limits_refuse_is_no_sign_of_a_bad_text():
    margins = tuple(float(10 - n) for n in range(len(RATES)))
    refused = [edit._replace(refused="adds too much") for edit in RIGHT]
    assert margin_of(margins, NOISY.source, RIGHT) < margin_of(margins, NOISY.source, refused) == 10
    assert margin_of(margins, "", []) == 10


@st.composite
def texts(draw):
    """A text of words of one letter, some of them edited for better or worse."""
    size = draw(st.integers(1, 40))
    target = " ".join("a" * size)
    source, edits = [*target], []
    for word in draw(st.sets(st.integers(0, size - 1))):
        right, gain = draw(st.booleans()), draw(st.sampled_from(MARGINS[:-1]))
        source[2 * word] = draw(st.sampled_from("ab")) if right else "a"
        edits.append(Edit(2 * word, 2 * word + 1, source[2 * word], "a" if right else "b", gain=gain))
    return Tried(OcrPair("p", "d", "en", "".join(source), target), sorted(edits))


@given(st.lists(texts(), min_size=1, max_size=8), st.lists(texts(), max_size=8))
def test_margins_never_harm_more_than_they_may(noisy, some):
    clean = [Tried(one.pair._replace(source=one.pair.target), one.edits) for one in some]
    found = fit_margins(noisy, clean)
    assert found.after <= found.before
    assert found.clean_after - found.clean_before <= MOST_HARM
    left = sum(
        distance(settled(p.source, e, margin_of(found.margins, p.source, e)).text, p.target) for p, e in noisy
    )
    assert found.after == pytest.approx(left / sum(len(pair.target) for pair, _ in noisy))


def test_a_clean_copy_has_nothing_to_correct():
    (copy,) = clean_copies([NOISY])
    assert copy.source == copy.target == NOISY.target
    assert (copy.doc, copy.id != NOISY.id) == (NOISY.doc, True)
