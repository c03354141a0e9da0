"""What of a text stands word for word in the corpus, and in which documents.

The method is OLMoTrace's (Liu et al., 2025): the longest stretches that are found, those of the rarest words first,
each with some of its documents, those most like the text as a whole first. Here stretches are of words and not of a
tokenizer's entries, and all that are surely no chance are told, not a share of them: up to a number that only texts
made for it reach.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from octavo.compiled import Ints
from octavo.tracing.asked import Asked, ask
from octavo.tracing.index.reading import DOCUMENT_FIELDS, Index, Part
from octavo.tracing.index.suffix_search import longest, occurrences
from octavo.tracing.index.text import Bytes, classes, normalise, slots_of

LEAST_WORDS: Final = 4
"""Of a span: fewer are found of any text."""
SURELY: Final = 20.0
"""Bits by which a span is rarer than what words drawn by lot would make once in a corpus of that size: one in a
million corpora."""
SPANS: Final = 1000
"""Told at most, the rarest."""
OVERLAP: Final = 10
"""Words of the spans that are told, by words of the text: so many at most, as each span of a text of one word again
and again may be nearly as long as the text."""
DOCUMENTS: Final = 10
"""Told of each span."""
LOOKED_AT: Final = 64
"""Places of a span whose documents are compared."""
AROUND: Final = 240
"""Bytes of the passage before and after a span."""
_GAPS: Final = (0x20, 0x0A)
_K1: Final = 1.2
_B: Final = 0.75


@dataclass(frozen=True)
class Source:
    """A document with a span in it, and the passage around it."""

    identifier: str
    title: str | None
    creator: str | None
    date: str | None
    language: str | None
    collection: str | None
    licence: str | None
    """SPDX expression."""
    basis: str | None
    """Why it is open."""
    url: str | None
    before: str
    passage: str
    after: str


@dataclass(frozen=True)
class Span:
    """A stretch of the text that stands in the corpus, and that no longer one that does holds."""

    start: int
    """Its first character, in code points."""
    end: int
    text: str
    words: int
    count: int
    """How often it stands in the corpus."""
    rarity: float
    """Minus the logarithm to the base 2 of its words' probability, each by itself."""
    documents: list[Source]


@dataclass(frozen=True)
class Traced:
    """What was found of a text."""

    text: str
    words: int
    covered: int
    """Words within spans."""
    longest: int
    """Words of the longest stretch that stands in the corpus, span or not."""
    documents: int
    """Of the corpus."""
    corpus_words: int
    spans: list[Span]
    """The rarest first, SPANS at most."""

    def as_json(self) -> dict[str, Any]:
        """As plain data: the answer of the server and of `octavo trace --json`."""
        return {
            "text": self.text,
            "words": self.words,
            "covered": self.covered,
            "longest": self.longest,
            "corpus": {"documents": self.documents, "words": self.corpus_words},
            "spans": [asdict(span) for span in self.spans],
        }


class Stretch(NamedTuple):
    """Words of a text that stand in the corpus as they do in the text."""

    first: int
    last: int
    """The word after the last."""
    rarity: float


class Stretches(NamedTuple):
    """What stands in the corpus, before it is looked up where."""

    asked: Asked
    lengths: Ints
    """By word, how many from it on stand there."""
    bits: np.ndarray
    """By word, how rare it is."""
    spans: list[Stretch]
    """Those that are within no longer one, and are surely no chance."""


class _Found(NamedTuple):
    """Where a span stands, before its documents are chosen."""

    span: Stretch
    often: int
    places: list[tuple[Part, int]]


def trace(index: Index, text: str) -> Traced:
    """All spans of a text, in words that stand in one document as they do here, line breaks aside."""
    asked, lengths, bits, stretches = find_stretches(index, text)
    covered = np.zeros(len(lengths), np.bool_)
    for stretch in stretches:
        covered[stretch.first : stretch.last] = True
    found = [_find(index, asked, stretch) for stretch in _told(stretches, len(lengths))]
    spans = []
    for (stretch, often, _), sources in zip(found, _choose(asked, found, bits), strict=True):
        start, end = asked.place(stretch.first, stretch.last)
        words = stretch.last - stretch.first
        spans.append(Span(start, end, text[start:end], words, often, round(stretch.rarity, 1), sources))
    return Traced(
        text=text,
        words=len(lengths),
        covered=int(covered.sum()),
        longest=int(lengths.max(initial=0)),
        documents=index.documents,
        corpus_words=index.words,
        spans=spans,
    )


def _told(stretches: list[Stretch], words: int) -> list[Stretch]:
    """The rarest, in that order, as many as are told of a text of so many words."""
    ranked = sorted(stretches, key=lambda stretch: (-stretch.rarity, stretch.first))[:SPANS]
    sizes = accumulate(stretch.last - stretch.first for stretch in ranked)
    return [stretch for stretch, size in zip(ranked, sizes, strict=True) if size <= OVERLAP * words]


def find_stretches(index: Index, text: str) -> Stretches:
    """What of a text stands in the corpus, in the order of the text."""
    asked = ask(text)
    lengths, bits = _longest(index, asked), _rarity(index, asked)
    return Stretches(asked, lengths, bits, list(_maximal(index, lengths, bits)))


def _longest(index: Index, asked: Asked) -> Ints:
    """By word how many words from it on stand in a document as they do in the text."""

    def of_part(part: Part) -> Ints:
        found: Ints = longest(part.text, part.suffixes, classes(), asked.text, asked.starts, asked.ends)
        return found

    lengths: Ints = np.max(index.each(of_part), axis=0)
    return lengths


def _rarity(index: Index, asked: Asked) -> np.ndarray:
    """By word minus the logarithm to the base 2 of its share of the corpus's words; of a new one as of one."""

    def of_part(part: Part) -> Ints:
        return part.counts[slots_of(asked.text, asked.starts, asked.ends, len(part.counts))].astype(np.int64)

    counts = np.sum(index.each(of_part), axis=0)
    bits: np.ndarray = np.log2(max(index.words, 1)) - np.log2(np.maximum(counts, 1))
    return bits


def _maximal(index: Index, lengths: Ints, bits: np.ndarray) -> Iterator[Stretch]:
    """Stretches that are within no other and are surely no chance."""
    total = np.concatenate(([0.0], np.cumsum(bits)))
    least = math.log2(max(index.words, 1)) + SURELY
    reached = 0
    for first, length in enumerate(lengths.tolist()):
        last = first + length
        if last > reached:
            reached = last
            rarity = float(total[last] - total[first])
            if length >= LEAST_WORDS and rarity >= least:
                yield Stretch(first, last, rarity)


def _find(index: Index, asked: Asked, stretch: Stretch) -> _Found:
    start, end = int(asked.starts[stretch.first]), int(asked.ends[stretch.last - 1])

    def of_part(part: Part) -> Ints:
        return occurrences(part.text, part.suffixes, classes(), asked.text, start, end).astype(np.int64)

    found = index.each(of_part)
    count = sum(map(len, found))
    share = max(1, -(-count // LOOKED_AT))  # every n-th, so that each part has its share
    places = [
        (part, place) for part, own in zip(index.parts, found, strict=True) for place in own[::share].tolist()
    ]
    return _Found(stretch, count, places)


class _Passage(NamedTuple):
    """Where a span stands: the document, and the bytes of the passage around it."""

    part: Part
    document: int
    before: int
    start: int
    end: int
    after: int

    @property
    def key(self) -> tuple[int, int]:
        """The document among those of all parts."""
        return id(self.part), self.document


def _choose(asked: Asked, found: Sequence[_Found], bits: np.ndarray) -> list[list[Source]]:
    """Of each span some documents: those that hold most spans of the text, then those whose passages are most like
    the text (BM25; Robertson and Zaragoza, 2009)."""
    terms = {
        bytes(asked.text[start:end]): weight
        for start, end, weight in zip(asked.starts, asked.ends, bits.tolist(), strict=True)
    }
    sizes = [int(asked.ends[span.last - 1] - asked.starts[span.first]) for span, _, _ in found]
    passages = [
        [_passage(part, place, size) for part, place in places]
        for (_, _, places), size in zip(found, sizes, strict=True)
    ]
    held = Counter(key for own in passages for key in {passage.key for passage in own})
    chosen = []
    for own in passages:
        alike = partial(_likeness, terms=terms)
        ranked = sorted(own, key=lambda passage: (-held[passage.key], -alike(passage)))
        best: dict[tuple[int, int], _Passage] = {}
        for passage in ranked:
            best.setdefault(passage.key, passage)
        chosen.append([_source(passage) for passage in [*best.values()][:DOCUMENTS]])
    return chosen


def _passage(part: Part, place: int, size: int) -> _Passage:
    document = int(np.searchsorted(part.starts, place, side="right")) - 1
    begin = int(part.starts[document])
    end = (int(part.starts[document + 1]) if document + 1 < len(part.starts) else len(part.text)) - 1
    before = max(begin, place - AROUND)
    after = min(end, place + size + AROUND)
    if before > begin:
        before = _next_word(part.text, before, place)
    if after < end:
        after = _last_gap(part.text, place + size, after)
    return _Passage(part, document, before, place, place + size, after)


def _next_word(text: Bytes, at: int, most: int) -> int:
    """The byte after the first space from `at` on; where there is none, as in some scripts, the first character."""
    gaps = np.flatnonzero(np.isin(text[at:most], _GAPS))
    return at + int(gaps[0]) + 1 if len(gaps) else at + int(np.argmax(_begins(text[at : most + 1])))


def _last_gap(text: Bytes, least: int, at: int) -> int:
    """The last space before `at`; where there is none, the end of the last whole character."""
    gaps = np.flatnonzero(np.isin(text[least:at], _GAPS))
    return least + int(gaps[-1]) if len(gaps) else at - int(np.argmax(_begins(text[least : at + 1])[::-1]))


def _begins(text: Bytes) -> np.ndarray:
    """Whether a character begins at each byte."""
    begins: np.ndarray = (text & 0xC0) != 0x80
    return begins


def _likeness(passage: _Passage, terms: dict[bytes, float]) -> float:
    """BM25 of a passage, the rarity of a word in bits in place of its documents."""
    raw = passage.part.text[passage.before : passage.after]
    text, starts, ends = np.empty(len(raw), np.uint8), *np.empty((2, len(raw)), np.int64)
    size, count = normalise(raw, classes(), text, starts, ends, np.empty(0, np.int64))
    plain = bytes(text[:size])
    words = Counter(plain[start:end] for start, end in zip(starts[:count], ends[:count], strict=True))
    length = (passage.after - passage.before) / (2 * AROUND + passage.end - passage.start)
    return sum(
        terms[word] * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * length))
        for word, often in words.items()
        if word in terms
    )


def _source(passage: _Passage) -> Source:
    part = passage.part
    known = {name: part.documents.column(name)[passage.document].as_py() for name in DOCUMENT_FIELDS}
    bounds = (passage.before, passage.start, passage.end, passage.after)
    before, own, after = (
        bytes(part.text[first:last]).decode("utf-8", "replace") for first, last in pairwise(bounds)
    )
    return Source(**known, before=before, passage=own, after=after)
