"""Pairs of which a model learns to correct OCR: a text as recognised, and the same as printed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from octavo.corpus.dates import century_of
from octavo.corpus.rows import Row, read_rows
from octavo.curation import language, ocr
from octavo.curation.ocr_measures import F64
from octavo.errors import InputError
from octavo.evaluation.bootstrap import Estimate, ratio
from octavo.evaluation.task_metrics import edits
from octavo.tuning.pairs import LeftOut

MOST_EDITS: Final = 0.6
"""Share of the longer side's characters up to which both are the same text; beyond it real files set two
different passages side by side."""

SWAPPED: Final = 0.05
"""A pair is odd where the recognised side's expected error is so much lower than the printed side's."""

SURE: Final = 0.9
"""Confidence from which another language than the one that is told is looked into."""

_WORDS: Final = 100
"""Words of a passage by which a file's sides are compared; single pairs may be lines."""


class OcrPair(NamedTuple):
    """A text as recognised and as printed; line breaks are kept on both sides."""

    id: str
    doc: str
    """The document that it is from: documents are for training or for testing as a whole."""
    lang: str
    source: str
    """As recognised."""
    target: str
    """As printed."""
    century: int | None = None
    """Where known: 19 for the 1800s."""


class Checked(NamedTuple):
    """Pairs that can be learnt from, and those that cannot."""

    pairs: list[OcrPair]
    left_out: list[LeftOut]
    cleaner: Estimate
    """By how much the expected error of the printed side is lower (curation.ocr), over passages of the file."""


def read_pairs(file: Path) -> list[OcrPair]:
    """The pairs of a JSON Lines (also .zst), Parquet or CSV file.

    Its columns are id, doc, lang, ocr, gt, and date where known. Raises InputError, with file, line or row, and
    column, where one is missing or of another kind; empty sides are for `check`.
    """
    return [_pair(row) for row in read_rows(file)]


def _pair(row: Row) -> OcrPair:
    for column in ("id", "doc", "lang"):
        if not row.text(column).strip():
            raise row.wrong(column, "a text that is not empty")
    return OcrPair(
        row.text("id"),
        row.text("doc"),
        row.text("lang"),
        row.text("ocr"),
        row.text("gt"),
        century_of(row.optional("date")),
    )


def check(pairs: Sequence[OcrPair], name: str, first: dict[tuple[str, str, str], str] | None = None) -> Checked:
    """Leave out pairs that would teach something wrong; `name` is the file's, for messages.

    `first` has, and is given, the first pair of each text: of the files before this one, too.

    Raises InputError where the sides of the whole file are swapped: passages of the recognised side are expected to
    have fewer errors than those of the printed one, and surely so.
    """
    left_out: list[LeftOut] = []
    whole: list[OcrPair] = []
    first = {} if first is None else first
    for pair in pairs:
        key = (pair.lang, pair.source, pair.target)
        odd = LeftOut(pair.id, "duplicate", f"same as {first[key]}") if key in first else _unlike(pair)
        first.setdefault(key, pair.id)
        if odd:
            left_out.append(odd)
        else:
            whole.append(pair)
    cleaner = _cleaner(whole)
    surely = -SWAPPED if cleaner.high is None else 0.0
    if cleaner.value is not None and cleaner.value < surely and (cleaner.high or surely) < 0:
        raise InputError(
            f"{name}: found the sides swapped: the recognised texts are expected to have {-cleaner.value:.2%} "
            f"fewer wrong characters than the printed ones (over {cleaner.works} passages), expected the "
            "recognised side to have more"
        )
    kept: list[OcrPair] = []
    for pair, odd in zip(whole, _odd(whole), strict=True):
        if odd:
            left_out.append(odd)
        else:
            kept.append(pair)
    return Checked(kept, left_out, cleaner)


def _unlike(pair: OcrPair) -> LeftOut | None:
    """Why a pair is none: what can be told without a language."""
    empty = [side for side, text in (("recognised", pair.source), ("printed", pair.target)) if not text.strip()]
    if empty:
        return LeftOut(pair.id, "empty", f"the {' and the '.join(empty)} side")
    rate = edits(pair.source, pair.target) / max(len(pair.source), len(pair.target))
    if rate > MOST_EDITS:
        return LeftOut(pair.id, "not the same text", f"error rate {rate:.2f}, at most {MOST_EDITS}")
    return None


def _cleaner(pairs: Sequence[OcrPair]) -> Estimate:
    """How much cleaner the printed side is, over passages of several pairs each, as pairs may be single lines."""
    passages = list(_passages(pairs))
    langs = [lang for lang, _, _ in passages]
    sources = _scores([source for _, source, _ in passages], langs)
    targets = _scores([target for _, _, target in passages], langs)
    gains = targets - sources
    return ratio(gains[~np.isnan(gains)].tolist())


def _passages(pairs: Sequence[OcrPair]) -> Iterator[tuple[str, str, str]]:
    """Language, recognised and printed text of passages of _WORDS words, and of what is left of each language."""
    held: dict[str, list[OcrPair]] = defaultdict(list)
    words: dict[str, int] = defaultdict(int)
    for pair in pairs:
        held[pair.lang].append(pair)
        words[pair.lang] += len(pair.target.split())
        if words[pair.lang] >= _WORDS:
            yield _joined(held.pop(pair.lang))
            words[pair.lang] = 0
    for rest in held.values():
        yield _joined(rest)


def _joined(pairs: Sequence[OcrPair]) -> tuple[str, str, str]:
    return pairs[0].lang, "\n".join(pair.source for pair in pairs), "\n".join(pair.target for pair in pairs)


def _odd(pairs: Sequence[OcrPair]) -> Iterator[LeftOut | None]:
    """For each pair, whether its sides are swapped or in another language.

    Another language needs two judges: identification is sure of it and finds nothing of the one that is told, and
    the printed text has fewer wrong characters as a text of it. Receipts and old spelling deceive the first alone.
    """
    targets = [pair.target for pair in pairs]
    told = [pair.lang for pair in pairs]
    source_scores, target_scores = _scores([pair.source for pair in pairs], told), _scores(targets, told)
    verdicts = language.identify(pa.array(targets, pa.large_string())).to_pylist()
    found_scores = _scores(targets, [verdict["lang"] for verdict in verdicts])
    for pair, verdict, as_source, as_target, as_found in zip(
        pairs, verdicts, source_scores, target_scores, found_scores, strict=True
    ):
        there = {pair.lang, *(found["lang"] for found in verdict["languages"])}
        lang, sure = verdict["lang"], verdict["confidence"]
        if as_source - as_target > SWAPPED:
            yield LeftOut(pair.id, "sides swapped", f"expected errors {1 - as_source:.2f} and {1 - as_target:.2f}")
        elif len(there) == len(verdict["languages"]) + 1 and sure > SURE and as_found > as_target:
            yield LeftOut(pair.id, "another language", f"{lang} ({sure:.2f}), told {pair.lang}")
        else:
            yield None


def _scores(texts: Sequence[str], langs: Sequence[str]) -> F64:
    """The share of right characters to expect of each text; not a number where nothing tells it."""
    scores = ocr.score(pa.array(texts, pa.large_string()), pa.array(langs, pa.large_string())).to_pylist()
    return np.array([np.nan if score is None else score for score in scores])
