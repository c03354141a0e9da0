"""Scores of translations stand beside what copying and a lexicon would reach."""

from __future__ import annotations

import pytest
from sacrebleu.metrics.bleu import BLEU as SACREBLEU

from octavo.progress import Progress
from octavo.tuning.scores import MODEL, Score
from octavo.tuning.translation.measures import (
    BLEU,
    CHRF,
    COPY,
    LIMITED,
    NOTHING,
    RIGHT_LANGUAGE,
    WORDS,
    Answer,
    measure,
    translate_pairs,
)
from octavo.tuning.translation.pairs import TranslationPair
from octavo.tuning.translation.parallel_lexicon import Lexicon
from tests.tuning.translation.test_pairs import ENGLISH, FRENCH
from tests.tuning.translation.translators import VOCABULARY, Stand

PAIRS = [
    TranslationPair(f"p{n}", f"d{n}", "fr", "en", source, target, century=18 + n % 2)
    for n, (source, target) in enumerate(zip(FRENCH, ENGLISH, strict=True))
]
RIGHT = [Answer(pair.target) for pair in PAIRS]


def value(scores: list[Score], system: str, metric: str, by: str = "all", group: str = "all") -> float | None:
    (found,) = [s for s in scores if (s.system, s.metric, s.by, s.group) == (system, metric, by, group)]
    return found.estimate.value


def test_right_answers_have_full_marks_and_copies_have_few() -> None:
    scores = measure(PAIRS, RIGHT, {})
    assert value(scores, MODEL, CHRF) == value(scores, MODEL, BLEU) == 100
    assert value(scores, MODEL, RIGHT_LANGUAGE) == 1
    assert value(scores, MODEL, NOTHING) == value(scores, MODEL, LIMITED) == 0
    assert value(scores, COPY, RIGHT_LANGUAGE) == 0
    copied = SACREBLEU().corpus_score(FRENCH, [ENGLISH]).score
    assert value(scores, COPY, BLEU) == round(copied, 2)
    assert {(s.by, s.group) for s in scores} == {
        ("all", "all"),
        ("lang", "fr-en"),
        ("century", "18"),
        ("century", "19"),
    }


def test_how_far_a_model_is_ahead_is_told() -> None:
    [lead] = [s.lead for s in measure(PAIRS, RIGHT, {}) if (s.system, s.metric, s.by) == (COPY, CHRF, "all")]
    assert lead is not None
    copied = value(measure(PAIRS, RIGHT, {}), COPY, CHRF)
    assert copied is not None
    assert lead.value == pytest.approx(100 - copied, abs=0.01)
    same = measure(PAIRS, [Answer(pair.source) for pair in PAIRS], {})
    [none] = [s.lead for s in same if (s.system, s.metric, s.by) == (COPY, CHRF, "all")]
    assert none is not None
    assert none.value == 0


def test_a_lexicon_is_a_baseline() -> None:
    lexicon = Lexicon({"lampe": {"lamp": 0.9}, "nuit": {"night": 0.8}}, {"lamp": "lamp", "night": "night"})
    scores = measure(PAIRS, RIGHT, {"fr-en": lexicon})
    words, copied = value(scores, WORDS, CHRF), value(scores, COPY, CHRF)
    assert words is not None
    assert copied is not None
    assert words > copied


def test_what_is_empty_or_cut_is_counted() -> None:
    endless = " ".join(str(n * n) for n in range(999))
    stand = Stand(lambda source: "" if source == FRENCH[0] else endless if source == FRENCH[1] else source)
    answers = translate_pairs(stand, VOCABULARY, [*PAIRS, PAIRS[2].reversed()], Progress())
    scores = measure([*PAIRS, PAIRS[2].reversed()], answers, {})
    assert value(scores, MODEL, NOTHING, "lang", "fr-en") == round(1 / 6, 4)
    assert value(scores, MODEL, LIMITED, "lang", "fr-en") == round(1 / 6, 4)
    assert value(scores, MODEL, NOTHING, "lang", "en-fr") == 0
    assert answers[-1].text == ENGLISH[2]
