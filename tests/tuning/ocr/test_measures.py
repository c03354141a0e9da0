"""Error rates before and after, against jiwer, and what a correction broke."""

from __future__ import annotations

import jiwer
import pytest

from octavo.tuning.ocr.dictionary import dictionaries
from octavo.tuning.ocr.measures import (
    BANDS,
    CHARACTERS,
    DICTIONARY,
    HARMED,
    LEFT,
    NOTHING,
    WORDS,
    band,
    baselines,
    measure,
    starts,
)
from octavo.tuning.ocr.noise_table import ANY, Confusions, Noise
from octavo.tuning.ocr.pairs import OcrPair
from octavo.tuning.scores import MODEL
from tests.tuning.ocr.stand_ins import pairs

NOISE = Noise({ANY: Confusions({"e": {"c": 0.02}, "h": {"b": 0.02}}, {}, {}, 1.0, 1.0, [0.0], [(1.0, 0.1)])})


def value(scores, system, metric, by="all", group="all"):
    (found,) = [s.estimate for s in scores if (s.system, s.metric, s.by, s.group) == (system, metric, by, group)]
    return found


def test_error_rates_are_jiwers():
    given = pairs(40, 0.2)
    scores = measure(given, {NOTHING: [pair.source for pair in given]})
    targets, sources = [pair.target for pair in given], [pair.source for pair in given]
    assert value(scores, NOTHING, CHARACTERS).value == round(jiwer.cer(targets, sources), 4)
    assert value(scores, NOTHING, WORDS).value == round(jiwer.wer(targets, sources), 4)
    found = value(scores, NOTHING, CHARACTERS)
    assert found.low < found.value < found.high
    assert found.works == 10
    assert value(scores, NOTHING, LEFT)[:3] == (1, 1, 1)
    assert value(scores, NOTHING, HARMED).value == 0


def test_a_right_answer_leaves_nothing():
    given = pairs(20, 0.2)
    scores = measure(given, {MODEL: [pair.target for pair in given]})
    assert [value(scores, MODEL, metric).value for metric in (CHARACTERS, WORDS, LEFT, HARMED)] == [0, 0, 0, 0]


def test_over_correction_counts_what_was_right_and_is_wrong():
    pair = OcrPair("a", "d", "en", "tbe cat sat", "the cat sat")
    broken = measure([pair], {MODEL: ["the rat sat"]})
    assert value(broken, MODEL, HARMED).value == round(1 / 10, 4)
    assert value(broken, MODEL, CHARACTERS).value == round(1 / 11, 4)
    only_right = measure([pair], {MODEL: ["the cat sat"]})
    assert value(only_right, MODEL, HARMED).value == 0
    lost = measure([pair], {MODEL: [""]})
    assert value(lost, MODEL, HARMED).value == 1


def test_figures_are_told_by_language_century_and_start():
    noisy, clean = (
        pairs(10, 0.3),
        [p._replace(source=p.target, doc="clean", lang="de", century=17) for p in pairs(5, 0)],
    )
    unknown = [p._replace(century=None, doc="undated") for p in pairs(2, 0.3)]
    given = [*noisy, *clean, *unknown]
    scores = measure(given, {NOTHING: [pair.source for pair in given]})
    groups = {(score.by, score.group) for score in scores}
    assert groups == {
        ("all", "all"),
        ("lang", "en"),
        ("lang", "de"),
        ("century", "17"),
        ("century", "19"),
        ("start", BANDS[0]),
        ("start", BANDS[2]),
    }
    assert value(scores, NOTHING, CHARACTERS, "start", BANDS[0]).value == 0
    assert value(scores, NOTHING, CHARACTERS, "lang", "de").works == 1
    assert value(scores, NOTHING, LEFT, "lang", "de").value is None  # there is nothing to correct
    assert value(scores, NOTHING, CHARACTERS, "century", "19").works == 10


@pytest.mark.parametrize(("rate", "name"), [(0, 0), (0.0099, 0), (0.01, 1), (0.05, 1), (0.0501, 2), (2, 2)])
def test_documents_are_grouped_by_where_they_start(rate, name):
    assert band(rate) == BANDS[name]


def test_a_document_starts_with_all_its_pairs():
    given = [
        OcrPair("1", "d", "en", "abcdefghij", "abcdefghij"),
        OcrPair("2", "d", "en", "abcdefghiX", "abcdefghij"),
    ]
    assert starts(given) == {"d": 0.05}


def test_the_baselines_answer_every_pair():
    given = pairs(60, 0.05)
    found = baselines(given, dictionaries([(pair.lang, pair.target) for pair in given], NOISE))
    assert found[NOTHING] == [pair.source for pair in given]
    scores = measure(given, found)
    assert value(scores, DICTIONARY, CHARACTERS).value < value(scores, NOTHING, CHARACTERS).value
    assert list(baselines(given, {})) == [NOTHING]


def test_how_far_a_model_is_ahead_is_told_document_by_document():
    """Here it makes half of the errors of each, however many a document has."""
    given = [pair._replace(source="#" * 2 * n + pair.target) for n, pair in enumerate(pairs(20, 0, docs=20))]
    half = ["#" * n + pair.target for n, pair in enumerate(given)]
    scores = measure(given, {MODEL: half, NOTHING: [pair.source for pair in given]})
    leads = {s.metric: s.lead for s in scores if s.system == NOTHING and s.by == "all" and s.lead}
    assert set(leads) == {CHARACTERS}
    lead, ours = leads[CHARACTERS], value(scores, MODEL, CHARACTERS)
    assert lead.value == pytest.approx(ours.value - value(scores, NOTHING, CHARACTERS).value, abs=1e-4)
    assert lead.low < lead.value < lead.high < 0
    assert all(s.lead is None for s in scores if s.system == MODEL)
