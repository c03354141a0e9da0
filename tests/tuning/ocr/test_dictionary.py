"""The dictionary corrects what is unknown and near, and leaves the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from octavo.tuning.ocr.dictionary import _candidates, corrected, dictionaries
from octavo.tuning.ocr.noise_table import ANY, Confusions, Noise
from tests.tuning.ocr.stand_ins import SENTENCES, prose, scanned

RATES = {"e": {"c": 0.02}, "h": {"b": 0.02}, "rn": {"m": 0.02}, "s": {"f": 0.02}, "n": {"u": 0.02}}
NOISE = Noise({ANY: Confusions(RATES, {}, {}, 1.0, 1.0, [0.0, 0.1], [(1.0, 0.1)])})
WORDS = dictionaries([("en", text) for text in SENTENCES * 100], NOISE)["en"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("barbour", "harbour"),
        ("moming", "morning"),
        ("kccper", "keeper"),
        ("Tbe", "The"),
        ("Keepcr", "Keeper"),
        ("(lanteru),", "(lantern),"),
        ("tbe  fea\n", "the  sea\n"),
    ],
)
def test_unknown_words_give_way_to_known_ones(wrong, right):
    assert corrected(WORDS, wrong) == right


@pytest.mark.parametrize(
    "text", ["harbour", "Harbour", "HARBOUR", "312", "l8", "xyzzy", "he", "bc", "", " \n", "— ."]
)
def test_what_is_known_or_far_from_all_stays(text):
    assert corrected(WORDS, text) == text


def test_the_learnt_confusions_and_the_frequency_decide():
    texts = [("en", "hat " * 10 + "cat " * 10), ("en", "rat " * 5)]
    assert corrected(dictionaries(texts, NOISE)["en"], "bat") == "hat"  # h is read as b
    assert corrected(dictionaries([("en", "hat " * 2 + "net nut")], NOISE)["en"], "nut") == "nut"


@given(st.text("abcd", min_size=3, max_size=7), st.text("abcd", min_size=3, max_size=7))
def test_every_word_that_is_near_enough_is_a_candidate(word, other):
    found = dictionaries([("en", f"{other} {other}")], NOISE)["en"]
    most = 2 if min(len(word), len(other)) >= 5 else 1
    if Levenshtein.distance(word, other) <= most:
        assert _candidates(found, word) == [0]


def test_it_lowers_the_error_rate_of_noisy_text():
    printed = prose(99, 40)
    recognised = scanned(printed, 99, 0.05)
    before, after = (Levenshtein.distance(text, printed) for text in (recognised, corrected(WORDS, recognised)))
    assert after < 0.7 * before
    assert corrected(WORDS, printed) == printed


def test_each_language_has_its_own_words():
    found = dictionaries([("en", "the sea the sea"), ("de", "die See die See"), ("en", "a ship")], NOISE)
    assert found["en"].words == ["sea", "the"]
    assert found["de"].words == ["See", "die"]
    assert corrected(found["de"], "tbe") == "tbe"
