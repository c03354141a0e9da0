"""The corrector that needs no model: an unknown word gives way to the likeliest known one.

Known words are found by the deletions that they share with the unknown one, as in SymSpell (Garbe, 2012), and
weighed as in a noisy channel (Kernighan, Church and Gale, 1990): by how often the word is printed and how often its
letters are confused so. An unknown word stays where that does not outweigh its being right.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from octavo.tuning.ocr.noise_learning import errors
from octavo.tuning.ocr.noise_table import Confusions, Noise

LEAST_LETTERS: Final = 3
"""Shorter words are left alone: most of them are one letter away from each other."""
_LONG: Final = 5
"""Words of so many letters may be two edits away, shorter ones one."""
_PREFIX: Final = 7
"""Deletions are made of so many first letters."""
_FLOOR: Final = 1e-6
"""The rate of a confusion that was never seen."""
_KEEP: Final = -4.0
"""The logarithm of how often an unknown word is taken to be printed. Of 1, 0, -2, -4 and -6 this left the fewest
errors on real pairs of whose documents no words were learnt; a document with few errors may get some more by it."""
_WORD: Final = re.compile(r"\S+")
_EDGES: Final = re.compile(r"^\W*|\W*$")


@dataclass(frozen=True)
class Dictionary:
    """Words of a language with how often they are printed."""

    counts: Counter[str]
    confusions: Confusions
    words: list[str]
    """Those that can be put in for others: printed twice at least."""
    keys: npt.NDArray[np.int64]
    """Hashes of deletions, sorted, and for each of them its word's number."""
    numbers: npt.NDArray[np.int32]
    known: dict[str, str] = field(default_factory=dict)
    """Words that were looked up."""


def dictionaries(texts: Iterable[tuple[str, str]], noise: Noise) -> dict[str, Dictionary]:
    """A dictionary of each language, from texts with their languages, as printed; with the noise's confusions."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    samples: dict[str, list[str]] = defaultdict(list)
    for lang, text in texts:
        counts[lang].update(word for word in (_inner(token) for token in text.split()) if word)
        samples[lang].append(text)
    return {lang: _indexed(its, noise.of(lang, "".join(samples[lang]))) for lang, its in counts.items()}


def corrected(dictionary: Dictionary, text: str) -> str:
    """A text with its unknown words replaced; all that stands between words stays."""
    return _WORD.sub(lambda word: _token(dictionary, word[0]), text)


def _token(dictionary: Dictionary, token: str) -> str:
    word = _inner(token)
    found = dictionary.known.get(word)
    if found is None:
        found = dictionary.known[word] = _word(dictionary, word)
    if found == word:
        return token
    start = token.index(word)
    return f"{token[:start]}{found}{token[start + len(word) :]}"


def _inner(token: str) -> str:
    """A word without the signs around it."""
    return _EDGES.sub("", token)


def _word(dictionary: Dictionary, word: str) -> str:
    """The likeliest word for one that was read."""
    small = word.lower()
    if len(word) < LEAST_LETTERS or any(map(str.isdecimal, word)) or {word, small} & dictionary.counts.keys():
        return word
    best, likeliest = word, _KEEP
    for number in _candidates(dictionary, word):
        candidate = dictionary.words[number]
        likely = math.log(dictionary.counts[candidate]) + _log_rate(dictionary.confusions, candidate, word)
        if (likely, candidate) > (likeliest, best):
            best, likeliest = candidate, likely
    if best == word and word[:1].isupper() and small[:1] + word[1:] != word:
        other = _word(dictionary, small[:1] + word[1:])
        return other[:1].upper() + other[1:]
    return best


def _log_rate(confusions: Confusions, printed: str, recognised: str) -> float:
    """How likely a word is read as another, as a logarithm; what was never seen together goes letter by letter."""
    total = 0.0
    for error in errors(printed, recognised):
        rate = confusions.rates.get(error.old, {}).get(error.new)
        single = (
            [(error.old, error.new)] if len(error.old) != len(error.new) else zip(error.old, error.new, strict=True)
        )
        rates = [confusions.rates.get(old, {}).get(new, _FLOOR) for old, new in single] if rate is None else [rate]
        total += sum(map(math.log, rates))
    return total


def _candidates(dictionary: Dictionary, word: str) -> list[int]:
    """The numbers of the words that are near enough."""
    from rapidfuzz.distance import Levenshtein

    most = _most(word)
    keys = np.array([hash(key) for key in _deletions(word[:_PREFIX], most)], np.int64)
    starts, ends = (np.searchsorted(dictionary.keys, keys, side) for side in ("left", "right"))
    found = {n for start, end in zip(starts, ends, strict=True) for n in dictionary.numbers[start:end].tolist()}
    return sorted(n for n in found if Levenshtein.distance(word, dictionary.words[n], score_cutoff=most) <= most)


def _indexed(counts: Counter[str], confusions: Confusions) -> Dictionary:
    words = sorted(word for word, count in counts.items() if count > 1 and len(word) >= LEAST_LETTERS)
    keys, numbers = [], []
    for number, word in enumerate(words):
        for key in set(_deletions(word[:_PREFIX], _most(word))):
            keys.append(hash(key))
            numbers.append(number)
    order = np.argsort(np.array(keys, np.int64), kind="stable")
    return Dictionary(
        counts, confusions, words, np.array(keys, np.int64)[order], np.array(numbers, np.int32)[order]
    )


def _most(word: str) -> int:
    """Edits by which a word may be off."""
    return 2 if len(word) >= _LONG else 1


def _deletions(word: str, most: int) -> Iterator[str]:
    """The word with up to `most` of its letters left out."""
    for gone in range(min(most, len(word)) + 1):
        for kept in combinations(word, len(word) - gone):
            yield "".join(kept)
