"""Which pairs a model may learn to translate from: the others are kept aside, each with what was found."""

from __future__ import annotations

import html
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from octavo.curation.language import identify
from octavo.errors import InputError
from octavo.tuning.pairs import LeftOut
from octavo.tuning.translation.pairs import TranslationPair

EMPTY: Final = "empty side"
SAME: Final = "same text on both sides"
SWAPPED: Final = "sides swapped"
OTHER_LANGUAGE: Final = "in another language"
LENGTHS: Final = "lengths that cannot belong together"
DUPLICATE: Final = "duplicate"

_LETTERS: Final = 60
"""Letters that a side needs to be judged alone: on shorter ones the judges err too often."""
_SURE: Final = 0.9
"""Confidence that it needs."""
_LEAST_JUDGED: Final = 5
"""Pairs of two languages in known ones that it needs to call a whole file swapped."""
_FENCE: Final = 3.0
"""Quartile distances beyond the quartiles that count as far out (Tukey, 1977)."""
_LEAST_LEARNT: Final = 20
"""Pairs of two languages that their bounds need; fewer have the widest ones."""
_WIDEST: Final = math.log(6)
_NARROWEST: Final = math.log(2)
_SHORTEST: Final = 10
"""Characters that are added to both sides, as the ratio of short ones says little."""


class Checked(NamedTuple):
    """The pairs that are learnt from, and the others."""

    kept: list[TranslationPair]
    left_out: list[LeftOut]


def check_pairs(
    pairs: Sequence[TranslationPair], file: Path | str, first: dict[tuple[str, str, str, str], str] | None = None
) -> Checked:
    """Keep aside what cannot be learnt from, by the first reason that holds.

    `first` has, and is given, the first pair of each text: of the files before this one, too.

    Raises InputError where most pairs of two languages have their sides swapped, with the share: then the columns
    are, and not a few pairs.
    """
    languages = _languages_of(pairs)
    swapped = [_is_swapped(pair, *found) for pair, found in zip(pairs, languages, strict=True)]
    _refuse_swapped(pairs, languages, swapped, file)
    bounds = _length_bounds(pairs)
    first = {} if first is None else first
    kept: list[TranslationPair] = []
    left_out: list[LeftOut] = []
    for pair, found, is_swapped in zip(pairs, languages, swapped, strict=True):
        fault = _empty(pair) or _same(pair)
        if not fault and is_swapped:
            fault = SWAPPED, f"src reads as {found[0].lang}, tgt as {found[1].lang}"
        fault = fault or _in_another_language(pair, *found) or _lengths(pair, bounds)
        if not fault:
            key = (pair.src_lang, pair.tgt_lang, _folded(pair.source), _folded(pair.target))
            fault = (DUPLICATE, f"same as {first[key]}") if key in first else None
            first.setdefault(key, pair.id)
        if fault:
            left_out.append(LeftOut(pair.id, *fault))
        else:
            kept.append(pair)
    return Checked(kept, left_out)


class _Read(NamedTuple):
    """The language of a side, as it reads."""

    lang: str
    confidence: float
    letters: int


Fault = tuple[str, str] | None
"""Reason and evidence."""


def _languages_of(pairs: Sequence[TranslationPair]) -> list[tuple[_Read, _Read]]:
    texts = [html.unescape(side) for pair in pairs for side in (pair.source, pair.target)]
    verdicts = identify(pa.array(texts, pa.large_string())).to_pylist()
    reads = [
        _Read(verdict["lang"], verdict["confidence"], sum(map(str.isalpha, text)))
        for verdict, text in zip(verdicts, texts, strict=True)
    ]
    return list(zip(reads[::2], reads[1::2], strict=True))


def _is_swapped(pair: TranslationPair, source: _Read, target: _Read) -> bool:
    return (source.lang, target.lang) == (pair.tgt_lang, pair.src_lang)


def _refuse_swapped(
    pairs: Sequence[TranslationPair],
    languages: Sequence[tuple[_Read, _Read]],
    swapped: Sequence[bool],
    file: object,
) -> None:
    told: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for pair, found, is_swapped in zip(pairs, languages, swapped, strict=True):
        if {read.lang for read in found} == {pair.src_lang, pair.tgt_lang}:
            told[pair.languages] += 1
            wrong[pair.languages] += is_swapped
    for languages_told, count in told.items():
        share = wrong[languages_told] / count
        if count >= _LEAST_JUDGED and share > 0.5:
            source, target = languages_told.split("-")
            raise InputError(
                f"{file}: src, tgt: found {share:.0%} of the {languages_told} pairs with src in {target} and tgt "
                f"in {source}, expected src in {source} and tgt in {target}"
            )


def _empty(pair: TranslationPair) -> Fault:
    empty = [name for name, text in (("src", pair.source), ("tgt", pair.target)) if not text.strip()]
    return (EMPTY, " and ".join(empty)) if empty else None


def _same(pair: TranslationPair) -> Fault:
    if _folded(pair.source) != _folded(pair.target):
        return None
    return SAME, f"{pair.source.strip()[:60]!r}"


def _in_another_language(pair: TranslationPair, source: _Read, target: _Read) -> Fault:
    for side, told, read in (("src", pair.src_lang, source), ("tgt", pair.tgt_lang, target)):
        if read.lang != told and read.letters >= _LETTERS and read.confidence >= _SURE:
            return OTHER_LANGUAGE, f"{side} reads as {read.lang}, expected {told}"
    return None


def _log_ratio(pair: TranslationPair) -> float:
    return math.log((len(pair.target.strip()) + _SHORTEST) / (len(pair.source.strip()) + _SHORTEST))


def _length_bounds(pairs: Sequence[TranslationPair]) -> dict[str, tuple[float, float]]:
    """Between which logarithms the ratio of target to source in characters lies, of each two languages."""
    ratios: defaultdict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        if not _empty(pair):
            ratios[pair.languages].append(_log_ratio(pair))
    bounds = {}
    for languages, found in ratios.items():
        if len(found) < _LEAST_LEARNT:
            bounds[languages] = (-_WIDEST, _WIDEST)
            continue
        first, median, third = np.quantile(found, [0.25, 0.5, 0.75])
        reach = _FENCE * (third - first)
        low = min(max(first - reach, median - _WIDEST), median - _NARROWEST)
        high = max(min(third + reach, median + _WIDEST), median + _NARROWEST)
        bounds[languages] = (float(low), float(high))
    return bounds


def _lengths(pair: TranslationPair, bounds: dict[str, tuple[float, float]]) -> Fault:
    low, high = bounds[pair.languages]
    found = _log_ratio(pair)
    if low <= found <= high:
        return None
    return LENGTHS, (
        f"{len(pair.source.strip())} and {len(pair.target.strip())} characters, expected a ratio from "
        f"{math.exp(low):.2f} to {math.exp(high):.2f}"
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
