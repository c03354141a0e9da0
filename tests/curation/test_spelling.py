"""Words in the form in which old and new spelling meet; test_ocr.py has examples of what meets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation import ocr, spelling
from octavo.curation.ocr_measures import GRAM_SIDE, grams

WORD = st.lists(st.integers(1, 26), min_size=1, max_size=20)


def form(text: str, language: str) -> spelling.Spelling:
    return spelling.normal_form(spelling.code_points(text), language)


def letters(codes: list[int]) -> str:
    return "".join(" abcdefghijklmnopqrstuvwxyz"[code] for code in codes)


@pytest.mark.parametrize(
    ("language", "text", "codes"),
    [
        ("en", "  The  quick—brown foxe\u0301s, ", " te quic broun foxes "),
        ("de", "Daß Statt", "das stat"),
        ("en", "3 + 4", " "),
        ("en", "", ""),
    ],
)
def test_words_are_folded_and_stand_one_sign_apart(language: str, text: str, codes: str) -> None:
    assert letters(form(text, language).codes.tolist()) == codes


@given(st.lists(st.text(max_size=12), max_size=8).map(" ".join), st.sampled_from(ocr.LANGUAGES))
def test_each_word_says_where_it_stands(text: str, language: str) -> None:
    found = form(text, language)
    assert len(found.starts) == len(found.ends) == len(found.places)
    assert sorted(found.places) == list(found.places)
    inside = [at for start, end in zip(found.starts, found.ends, strict=True) for at in range(start, end)]
    assert inside == [at for at, code in enumerate(found.codes) if code]
    assert all(a != b for a, b in zip(found.codes, found.codes[1:], strict=False))


@given(WORD, WORD)
def test_the_hash_of_a_words_first_letters_comes_from_those_of_all_and_of_the_rest(
    first: list[int], rest: list[int]
) -> None:
    whole, alone = (spelling.rest_sums(np.array(codes, np.uint8)) for codes in (first + rest, [*first, 0, *rest]))
    assert spelling.sum_before(whole[0], whole[len(first)], len(first)) == alone[0]
    assert whole[len(first)] == alone[len(first) + 1]
    assert 0 <= spelling.hash_of(whole[0]) < 1 << spelling.HASH_BITS


def test_a_gram_is_a_letter_or_end_after_three_others_of_its_word() -> None:
    found = grams(np.array([1, 2, 3, 4, 5, 0, 6], np.uint8)).tolist()
    side = GRAM_SIDE
    assert found[:3] == [1, 2 + 1 * side, 3 + 2 * side + 1 * side**2]
    assert found[4:6] == [5 + 4 * side + 3 * side**2 + 2 * side**3, 5 * side + 4 * side**2 + 3 * side**3]
    assert found[6:] == [6, 6 * side]
