"""How right answers are, over documents: BLEU and chrF, character error rate, exact match and F1."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from octavo.errors import InputError
from octavo.evaluation.bootstrap import LEAST, Estimate, ratio

DRAWS: Final = 1000
_ARTICLES: Final = {
    "en": "a an the",
    "fr": "le la les l un une des du",
    "es": "el la los las un una unos unas",
    "de": "der die das den dem des ein eine einen einem eines einer",
    "it": "il lo la i gli le l un uno una",
    "nl": "de het een",
    "la": "",
    "pt": "o a os as um uma uns umas",
}
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation + "’‘“”«»„¿¡–—…")
_ELISION: Final = ("fr", "it")
"""Languages in which an apostrophe parts an article from its word."""


def check_installed(where: str = "evaluation.tasks.path") -> None:
    """Raise InputError where packages of document work are missing; `where` is what needs them."""
    try:
        import rapidfuzz  # noqa: F401
        import sacrebleu  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"{where}: found no package {error.name}, expected those of document work: "
            "pip install '.[tasks]' in octavo's checkout"
        ) from None


def bleu(answers: Sequence[str], truths: Sequence[str], docs: Sequence[str]) -> Estimate:
    """BLEU (Papineni et al., 2002) of all together, as sacrebleu has it by default."""
    from sacrebleu.metrics.bleu import BLEU

    return _of_corpus(BLEU(), answers, truths, docs)


def chrf(answers: Sequence[str], truths: Sequence[str], docs: Sequence[str]) -> Estimate:
    """chrF (Popovic, 2015) of all together, as sacrebleu has it by default: six characters, beta 2."""
    from sacrebleu.metrics.chrf import CHRF

    return _of_corpus(CHRF(), answers, truths, docs)


def chrf_lead(ours: Sequence[str], others: Sequence[str], truths: Sequence[str], docs: Sequence[str]) -> Estimate:
    """By how much the chrF of some answers is higher than that of others, both of the same documents drawn."""
    from sacrebleu.metrics.chrf import CHRF

    return _of_corpus(CHRF(), ours, truths, docs, others)


def _of_corpus(
    metric: Any,
    answers: Sequence[str],
    truths: Sequence[str],
    docs: Sequence[str],
    others: Sequence[str] | None = None,
) -> Estimate:
    """A metric of sacrebleu, less that of others, if there are any; with bounds by drawing documents again.

    Its counts by sentence are no public part of it, but sacrebleu's own bootstrap draws sentences alone, which in
    one document are alike.
    """
    if not answers:
        return Estimate(None, None, None, 0)
    names = {doc: number for number, doc in enumerate(dict.fromkeys(docs))}
    owners, works = [names[doc] for doc in docs], len(names)

    def of_docs(texts: Sequence[str]) -> Any:
        counts = np.array(metric._extract_corpus_statistics(texts, [truths]))
        sums = np.zeros((works, counts.shape[1]))
        np.add.at(sums, owners, counts)
        return sums

    def score(rows: Any) -> float:
        return float(metric._compute_score_from_stats(rows.sum(axis=0).tolist()).score)

    ours, theirs = of_docs(answers), None if others is None else of_docs(others)

    def of(places: Any) -> float:
        return score(ours[places]) - (0.0 if theirs is None else score(theirs[places]))

    value = round(of(np.arange(works)), 2)
    if works < LEAST:
        return Estimate(value, None, None, works)
    drawn = np.random.default_rng(works).integers(works, size=(DRAWS, works))
    low, high = np.quantile([of(places) for places in drawn], [0.025, 0.975])
    return Estimate(value, round(float(low), 2), round(float(high), 2), works)


def edits(answer: str, truth: str) -> int:
    """Characters to insert, delete or replace (Levenshtein, 1966)."""
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(answer, truth)


def error_rate(errors: Sequence[float], truths: Sequence[str], docs: Sequence[str]) -> Estimate:
    """Character error rate: all edits by all characters of the truth."""
    return over_docs(errors, [len(truth) for truth in truths], docs)


def mean(values: Sequence[float], docs: Sequence[str]) -> Estimate:
    """The mean over items, with bounds over documents."""
    return over_docs(values, [1.0] * len(values), docs)


def over_docs(parts: Sequence[float], wholes: Sequence[float], docs: Sequence[str]) -> Estimate:
    """All parts by all wholes, with bounds over documents."""
    sums: dict[str, list[float]] = {}
    for part, whole, doc in zip(parts, wholes, docs, strict=True):
        of_doc = sums.setdefault(doc, [0.0, 0.0])
        of_doc[0] += part
        of_doc[1] += whole
    return ratio([part for part, _ in sums.values()], [whole for _, whole in sums.values()])


def normalised(answer: str, lang: str) -> list[str]:
    """The words that count of an answer: in lower case, without punctuation and articles.

    SQuAD's way (Rajpurkar et al., 2016) with each language's articles, as MLQA does (Lewis et al., 2020).
    """
    if lang in _ELISION:
        answer = answer.replace("'", " ").replace("’", " ")
    articles = _ARTICLES[lang].split()
    return [word for word in answer.lower().translate(_PUNCTUATION).split() if word not in articles]


def exact(answer: str, truth: str, lang: str) -> float:
    """1 where both have the same words in the same order."""
    return float(normalised(answer, lang) == normalised(truth, lang))


def f1(answer: str, truth: str, lang: str) -> float:
    """The harmonic mean of precision and recall of the words, each counted as often as it comes."""
    found, expected = normalised(answer, lang), normalised(truth, lang)
    if not found or not expected:
        return float(found == expected)
    shared = sum((Counter(found) & Counter(expected)).values())
    return 2 * shared / (len(found) + len(expected))


def best(metric: Callable[[str, str, str], float], answer: str, truths: Sequence[str], lang: str) -> float:
    """By the truth that is nearest."""
    return max(metric(answer, truth, lang) for truth in truths)
