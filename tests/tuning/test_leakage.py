"""Made pairs are kept apart from what is measured."""

from __future__ import annotations

from octavo.tuning.leakage import SAME_DOCUMENT, SAME_TEXT, without_measured
from octavo.tuning.ocr.pairs import OcrPair
from tests.tuning.ocr.stand_ins import SENTENCES

MEASURED = OcrPair("m", "measured", "en", "Thc o1d kccper of thc 1ight", f"{SENTENCES[0]} {SENTENCES[1]}")


def kept(*pairs):
    left_out = []
    found = [pair.id for pair in without_measured(pairs, [MEASURED], 13, left_out)]
    return found, {one.id: one.reason for one in left_out}


def made(id, text, doc="other", source=""):
    return OcrPair(id, doc, "en", source or text, text)


def test_a_pair_of_a_measured_document_is_left_out():
    assert kept(made("a", SENTENCES[2]), made("b", SENTENCES[3], doc="measured")) == (["a"], {"b": SAME_DOCUMENT})


def test_a_pair_with_a_measured_text_in_it_is_left_out_wherever_it_is_from():
    copy = f"It is told that {SENTENCES[1]} {SENTENCES[4]}"
    assert kept(made("a", copy), made("b", SENTENCES[4]), made("c", "x", source=copy.upper())) == (
        ["b"],
        {"a": SAME_TEXT, "c": SAME_TEXT},
    )


def test_fewer_words_in_a_row_are_a_phrase_that_many_texts_have():
    words = SENTENCES[1].split()
    assert kept(made("a", " ".join(words[:12])), made("b", " ".join(words[:13]))) == (["a"], {"b": SAME_TEXT})


def test_many_pairs_stay_in_order():
    pairs = [made(str(n), SENTENCES[2 + n % 6], source=f"{n}") for n in range(600)]
    pairs[300] = made("300", SENTENCES[0])
    assert kept(*pairs) == ([str(n) for n in range(600) if n != 300], {"300": SAME_TEXT})
