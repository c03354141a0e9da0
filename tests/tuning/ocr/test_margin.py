"""The margin takes what helps and leaves what harms clean texts."""

from __future__ import annotations

import math

from octavo.tuning.ocr.edits import Edit
from octavo.tuning.ocr.margin import Tried, clean_copies, fit_margin
from octavo.tuning.ocr.pairs import OcrPair

NOISY = OcrPair("n", "d", "en", "tbe cat fat", "the cat sat")
CLEAN = OcrPair("c", "e", "en", "the cat sat " * 100, "the cat sat " * 100)
RIGHT = [Edit(0, 3, "tbe", "the", gain=7.0), Edit(8, 11, "fat", "sat", gain=3.5)]


def wrong(gain, new):
    return Edit(0, 3, "the", new, gain=gain)


def test_all_is_taken_where_nothing_harms():
    found = fit_margin([Tried(NOISY, RIGHT)], [Tried(CLEAN, [])])
    assert found.margin == 3.0  # the largest that takes both
    assert (found.before, found.after) == (2 / 11, 0)
    assert (found.clean_before, found.clean_after) == (0, 0)


def test_a_margin_lies_above_what_harms_clean_texts():
    found = fit_margin([Tried(NOISY, RIGHT)], [Tried(CLEAN, [wrong(5.0, "thoxxx")])])
    assert found.margin == 6.0
    assert found.after == 1 / 11
    assert found.clean_after == 0


def test_a_little_harm_is_borne():
    found = fit_margin([Tried(NOISY, RIGHT)], [Tried(CLEAN, [wrong(5.0, "tho")])])
    assert found.margin == 3.0
    assert found.clean_after == 1 / 1200


def test_a_model_that_only_harms_is_not_heard():
    found = fit_margin([Tried(NOISY, [Edit(4, 7, "cat", "rat", gain=20.0)])], [Tried(CLEAN, [])])
    assert found.margin == math.inf
    assert found.after == found.before


def test_a_clean_copy_has_nothing_to_correct():
    (copy,) = clean_copies([NOISY])
    assert copy.source == copy.target == NOISY.target
    assert (copy.doc, copy.id != NOISY.id) == (NOISY.doc, True)
