"""Which words translate which, learnt from pairs of texts alone: IBM model 1 (Brown et al., 1993) over stems.

A word counts by its first letters, without accents, so that inflected forms of one word, of which Latin has dozens,
are learnt together, and names that two languages share are alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from octavo.compiled import Ints, compiled
from octavo.tuning.translation.pairs import TranslationPair

Floats = npt.NDArray[np.float64]
Probabilities = dict[str, dict[str, float]]

STEM: Final = 5
"""Letters of a word that count; of a number all do."""
_ROUNDS: Final = 5
_LEAST: Final = 2
"""Times that a stem must come."""
_WINDOW: Final = 0.15
"""How far apart, as a share of their texts, two words of long texts may stand to be translations."""
_LONG: Final = 20
"""Words of the shorter text from which the window holds."""
_CELLS: Final = 16_000_000
"""Pairs of words that are learnt from at most; over that a part of the texts is taken, evenly spread."""
_KEPT: Final = 8
_LIKELY: Final = 0.02
"""Kept of each stem: so many translations, as likely as this."""
_NONE: Final = ""
"""The source word that stands for none (Brown's empty word)."""

_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_LETTERS: Final = str.maketrans("vj", "ui")


@dataclass(frozen=True)
class Lexicon:
    """What words of one language are translated by in another."""

    translations: Probabilities
    """Of each stem the likeliest stems with their probabilities."""
    forms: dict[str, str]
    """The commonest form of each stem of the target language."""


@lru_cache(maxsize=2**18)
def stem(word: str) -> str:
    """The letters of a word that count: small, without accents, u for v and i for j as in old books."""
    if word.isdecimal():
        return word
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))[:STEM].translate(_LETTERS)


def words(text: str) -> list[str]:
    """The words and numbers of a text as they stand."""
    return _WORD.findall(text)


def stems(text: str) -> list[str]:
    """The stems of a text in order."""
    return [stem(word) for word in words(text)]


def learn_lexicon(sources: Sequence[str], targets: Sequence[str]) -> Lexicon:
    """The lexicon of texts and their translations, which should be sentences or paragraphs."""
    source_stems, target_words = [stems(text) for text in sources], [words(text) for text in targets]
    target_stems = [[stem(word) for word in text] for text in target_words]
    source_ids = _numbered(source_stems, [_NONE])
    target_ids = _numbered(target_stems, [])
    if len(source_ids) < 2 or not target_ids:
        return Lexicon({}, {})
    source, source_bounds = _flat(source_stems, source_ids)
    target, target_bounds = _flat(target_stems, target_ids)
    step = 1 + _cells(source_bounds, target_bounds, 1)[0] // _CELLS
    count, _ = _cells(source_bounds, target_bounds, step)
    cells, ends = _pair_up(source, source_bounds, target, target_bounds, step, count, len(target_ids))
    keys, kinds = np.unique(cells, return_inverse=True)
    del cells
    found = _expectation_maximisation(keys // len(target_ids), kinds, ends, len(source_ids))
    return Lexicon(_likeliest(keys, found, list(source_ids), list(target_ids)), _forms(target_words))


def learn_lexicons(pairs: Iterable[TranslationPair]) -> dict[str, Lexicon]:
    """A lexicon of each two languages, as la-en."""
    groups: defaultdict[str, list[TranslationPair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.languages].append(pair)
    return {
        languages: learn_lexicon([pair.source for pair in found], [pair.target for pair in found])
        for languages, found in groups.items()
    }


def word_by_word(lexicon: Lexicon, text: str) -> str:
    """The text with each word replaced by its likeliest translation, where there is one: a baseline."""

    def translated(match: re.Match[str]) -> str:
        known = lexicon.translations.get(stem(match[0]))
        if not known or match[0].isdecimal():
            return match[0]
        form = lexicon.forms[max(known, key=lambda one: known[one])]
        return form[:1].upper() + form[1:] if match[0][0].isupper() else form

    return _WORD.sub(translated, text)


def _numbered(texts: Iterable[list[str]], first: list[str]) -> dict[str, int]:
    """Numbers of the stems that come often enough, after some that are given."""
    counts = Counter(one for text in texts for one in text)
    listed = [*first, *sorted(one for one, count in counts.items() if count >= _LEAST)]
    return {one: number for number, one in enumerate(listed)}


def _flat(texts: Sequence[list[str]], ids: dict[str, int]) -> tuple[Ints, Ints]:
    """The numbers of all stems in a row, and where each text begins in it."""
    rows = [[ids[one] for one in text if one in ids] for text in texts]
    bounds = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return np.array([number for row in rows for number in row], np.int64), bounds


def _forms(texts: Iterable[list[str]]) -> dict[str, str]:
    counts = Counter(word for text in texts for word in text)
    forms: dict[str, str] = {}
    for word, _ in counts.most_common():
        forms.setdefault(stem(word), word)
    return forms


@compiled
def _reach(place: int, length: int, other: int) -> tuple[int, int]:
    """From where to where the words of the other text may translate the one at a place."""
    if min(length, other) < _LONG:
        return 0, other
    centre = (place + 0.5) / length * other
    return max(0, int(centre - _WINDOW * other)), min(other, int(centre + _WINDOW * other) + 1)


@compiled
def _cells(source_bounds: Ints, target_bounds: Ints, step: int) -> tuple[int, int]:
    """Pairs of words, those with the empty word among them, and target words, of every step-th text."""
    cells, count = 0, 0
    for text in range(0, len(source_bounds) - 1, step):
        sources = source_bounds[text + 1] - source_bounds[text]
        targets = target_bounds[text + 1] - target_bounds[text]
        for place in range(targets):
            first, last = _reach(place, targets, sources)
            cells += 1 + last - first
        count += targets
    return cells, count


@compiled
def _pair_up(
    source: Ints, source_bounds: Ints, target: Ints, target_bounds: Ints, step: int, count: int, kinds: int
) -> tuple[Ints, Ints]:
    """All pairs of words as source x kinds + target, target word by target word, and where each one's end."""
    cells = np.empty(count, np.int64)
    ends = np.empty(len(target), np.int64)
    at, done = 0, 0
    for text in range(0, len(source_bounds) - 1, step):
        start = source_bounds[text]
        sources = source_bounds[text + 1] - start
        targets = target_bounds[text + 1] - target_bounds[text]
        for place in range(targets):
            word = target[target_bounds[text] + place]
            cells[at] = word
            at += 1
            first, last = _reach(place, targets, sources)
            for other in range(first, last):
                cells[at] = source[start + other] * kinds + word
                at += 1
            ends[done] = at
            done += 1
    return cells, ends[:done]


@compiled
def _expectation_maximisation(source_of: Ints, kinds: Ints, ends: Ints, sources: int) -> Floats:
    """How likely each kind of pair is, given its source word."""
    likely = np.ones(len(source_of), np.float64)
    for _ in range(_ROUNDS):
        counts = np.zeros(len(source_of), np.float64)
        start = 0
        for end in ends:
            total = 0.0
            for cell in range(start, end):
                total += likely[kinds[cell]]
            for cell in range(start, end):
                counts[kinds[cell]] += likely[kinds[cell]] / total
            start = end
        sums = np.zeros(sources, np.float64)
        for kind in range(len(source_of)):
            sums[source_of[kind]] += counts[kind]
        for kind in range(len(source_of)):
            likely[kind] = counts[kind] / sums[source_of[kind]] if sums[source_of[kind]] > 0 else 0.0
    return likely


def _likeliest(keys: Ints, likely: Floats, sources: list[str], targets: list[str]) -> Probabilities:
    found: Probabilities = {}
    kept = np.flatnonzero(likely >= _LIKELY)
    for at in kept[np.lexsort((keys[kept], -likely[kept]))]:
        source, target = divmod(int(keys[at]), len(targets))
        row = found.setdefault(sources[source], {})
        if source and len(row) < _KEPT:
            row[targets[target]] = float(likely[at])
    found.pop(_NONE, None)
    return found
