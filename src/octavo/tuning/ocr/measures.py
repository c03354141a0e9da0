"""How much better texts are after correction, and what it broke: beside doing nothing and a dictionary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from octavo.evaluation.task_metrics import edits, error_rate, over_docs
from octavo.tuning.ocr.alignment import matches
from octavo.tuning.ocr.dictionary import Dictionary, corrected
from octavo.tuning.ocr.pairs import OcrPair
from octavo.tuning.scores import MODEL, Score

NOTHING: Final = "do nothing"
DICTIONARY: Final = "dictionary"

CHARACTERS: Final = "character error rate"
WORDS: Final = "word error rate"
LEFT: Final = "share of errors left"
HARMED: Final = "over-correction rate"

CLEAN: Final = 0.01
NOISY: Final = 0.05
BANDS: Final = ("below 1 %", "1 to 5 %", "above 5 %")
"""Documents by the character error rate at which they start: below CLEAN, up to NOISY, above it."""


class _Counts(NamedTuple):
    """What is counted of the answer to a pair."""

    character_errors: int
    word_errors: int
    harmed: int


class _Before(NamedTuple):
    """What is counted of a pair without an answer."""

    errors: int
    words: int
    right: int
    """Characters that are right in the source."""


def baselines(pairs: Sequence[OcrPair], dictionaries: Mapping[str, Dictionary]) -> dict[str, list[str]]:
    """What the systems without a model answer; without a dictionary of its language a text stays.

    Where there is none of any language, there is no such system.
    """
    nothing = [pair.source for pair in pairs]
    if not dictionaries:
        return {NOTHING: nothing}
    return {
        NOTHING: nothing,
        DICTIONARY: [
            corrected(dictionaries[pair.lang], pair.source) if pair.lang in dictionaries else pair.source
            for pair in pairs
        ],
    }


def measure(pairs: Sequence[OcrPair], answers: Mapping[str, Sequence[str]]) -> list[Score]:
    """The figures of each system's answers to all pairs, over all and by language, century and start (BANDS).

    Error rates are edits by the characters, or the words between white space, of what is printed. The share of
    errors left is the edits after by those before. The over-correction rate is the share of the characters that
    were right that are wrong after.
    """
    before = [_before(pair) for pair in pairs]
    counted = {
        system: [_counts(pair, said) for pair, said in zip(pairs, texts, strict=True)]
        for system, texts in answers.items()
    }
    scores = []
    for by, group, numbers in _groups(pairs):
        docs = [pairs[n].doc for n in numbers]
        for system, counts in counted.items():
            its = [counts[n] for n in numbers]
            characters = [one.character_errors for one in its]
            found = {
                CHARACTERS: error_rate(characters, [pairs[n].target for n in numbers], docs),
                WORDS: over_docs([one.word_errors for one in its], [before[n].words for n in numbers], docs),
                LEFT: over_docs(characters, [before[n].errors for n in numbers], docs),
                HARMED: over_docs([one.harmed for one in its], [before[n].right for n in numbers], docs),
            }
            scores += [Score(system, by, group, metric, estimate) for metric, estimate in found.items()]
            if system != MODEL and MODEL in counted:
                ours = [counted[MODEL][n].character_errors for n in numbers]
                less = [one - other for one, other in zip(ours, characters, strict=True)]
                lead = error_rate(less, [pairs[n].target for n in numbers], docs)
                scores[-len(found)] = scores[-len(found)]._replace(lead=lead)
    return scores


def starts(pairs: Sequence[OcrPair]) -> dict[str, float]:
    """The character error rate at which each document starts."""
    wrong: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for pair in pairs:
        wrong[pair.doc] += edits(pair.source, pair.target)
        size[pair.doc] += len(pair.target)
    return {doc: wrong[doc] / max(1, whole) for doc, whole in size.items()}


def band(rate: float) -> str:
    """The band of BANDS that an error rate is in."""
    return BANDS[(rate >= CLEAN) + (rate > NOISY)]


def _groups(pairs: Sequence[OcrPair]) -> Iterator[tuple[str, str, list[int]]]:
    """What is measured by, the group's name, and the numbers of its pairs."""
    rates = starts(pairs)
    yield "all", "all", list(range(len(pairs)))
    keys: dict[str, list[str]] = {
        "lang": [pair.lang for pair in pairs],
        "century": [str(pair.century or "") for pair in pairs],
        "start": [band(rates[pair.doc]) for pair in pairs],
    }
    for by, of_pairs in keys.items():
        for name in BANDS if by == "start" else sorted(set(of_pairs) - {""}):
            numbers = [n for n, key in enumerate(of_pairs) if key == name]
            if numbers:
                yield by, name, numbers


def _before(pair: OcrPair) -> _Before:
    right = sum(match.length for match in matches(pair.target, pair.source))
    return _Before(edits(pair.source, pair.target), len(pair.target.split()), right)


def _counts(pair: OcrPair, said: str) -> _Counts:
    harmed = _right(pair.target, pair.source) & ~_right(pair.target, said)
    return _Counts(edits(said, pair.target), _word_errors(said, pair.target), int(harmed.sum()))


def _right(target: str, said: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which of the printed characters stand in a text."""
    right = np.zeros(len(target), np.bool_)
    for match in matches(target, said):
        right[match.start : match.start + match.length] = True
    return right


def _word_errors(said: str, target: str) -> int:
    """Words to insert, delete or replace."""
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(said.split(), target.split())
