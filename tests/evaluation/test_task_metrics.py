import random

import jiwer
import pytest
from sacrebleu import corpus_bleu, corpus_chrf

from octavo.errors import InputError
from octavo.evaluation import task_metrics as metrics

TRUTHS = [
    "The cat sat on the mat by the old door.",
    "In the beginning was the word, and the word was with them.",
    "She sells shells by the shore of the northern sea.",
    "A keeper of the light never sleeps at night.",
    "Seven ships came sailing in on a cold grey morning.",
    "Nobody knew the way to the mill in the valley.",
]
DOCS = ["a", "b", "c", "d", "e", "a"]


def spoilt(text, seed):
    lot = random.Random(seed)
    return "".join("x" if lot.random() < 0.15 else letter for letter in text)


SAID = [spoilt(text, n) for n, text in enumerate(TRUTHS)]


def test_bleu_and_chrf_are_sacrebleus():
    assert metrics.bleu(SAID, TRUTHS, DOCS).value == round(corpus_bleu(SAID, [TRUTHS]).score, 2)
    assert metrics.chrf(SAID, TRUTHS, DOCS).value == round(corpus_chrf(SAID, [TRUTHS]).score, 2)
    assert metrics.chrf(TRUTHS, TRUTHS, DOCS)[:3] == (100, 100, 100)
    assert metrics.bleu([""] * 6, TRUTHS, DOCS)[:3] == (0, 0, 0)


def test_bounds_are_over_documents():
    found = metrics.chrf(SAID, TRUTHS, DOCS)
    assert found.works == 5
    assert found.low < found.value < found.high
    assert metrics.chrf(SAID * 20, TRUTHS * 20, DOCS * 20)[1:] == found[1:]  # more of a document makes it no surer
    assert metrics.chrf(SAID, TRUTHS, ["a"] * 6)[1:] == (None, None, 1)


def test_the_error_rate_is_jiwers():
    errors = [metrics.edits(said, truth) for said, truth in zip(SAID, TRUTHS, strict=True)]
    found = metrics.error_rate(errors, TRUTHS, DOCS)
    assert found.value == round(jiwer.cer(TRUTHS, SAID), 4)
    assert found.works == 5
    assert metrics.edits("kitten", "sitting") == 3


@pytest.mark.parametrize(
    ("answer", "truth", "lang", "exact", "f1"),
    [
        ("The Denver Broncos!", "denver broncos", "en", 1, 1),
        ("Denver", "the Denver Broncos", "en", 0, 2 / 3),
        ("a a cat", "cat cat", "en", 0, 2 / 3),  # articles go; each word counts as often as it comes
        ("the", "", "en", 1, 1),
        ("", "Denver", "en", 0, 0),
        ("U.S.", "us", "en", 1, 1),
        ("L’église", "l'église", "fr", 1, 1),
        ("église", "l'église", "fr", 1, 1),
        ("der Hund", "Hund", "de", 1, 1),
        ("the dog", "dog", "de", 0, 2 / 3),
        ("cano arma", "arma cano", "la", 0, 1),
        ("1.234", "1234", "en", 1, 1),
    ],
)
def test_answers_are_judged_as_in_squad(answer, truth, lang, exact, f1):
    assert metrics.exact(answer, truth, lang) == exact
    assert metrics.f1(answer, truth, lang) == pytest.approx(f1)


def test_the_nearest_truth_counts():
    assert metrics.best(metrics.f1, "queen Anne", ["Anne", "the queen Anne", "she"], "en") == 1


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sacrebleu", None)
    with pytest.raises(InputError, match=r"found no package sacrebleu.*\.\[tasks\]"):
        metrics.check_installed()
