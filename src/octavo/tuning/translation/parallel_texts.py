"""Pairs to learn translation from, made of documents that are translations of one another.

Paragraphs are aligned first, then the sentences within them. Where the paragraphs of two documents do not belong
together, as where one has none, the sentences of the whole are aligned. A lexicon is learnt from what the first
pass over all documents is sure of, and the second pass uses it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from octavo.errors import InputError
from octavo.progress import Progress
from octavo.tuning.pairs import LeftOut
from octavo.tuning.sentences import split_sentences
from octavo.tuning.translation.pairs import TranslationPair
from octavo.tuning.translation.parallel_alignment import align
from octavo.tuning.translation.parallel_lexicon import Lexicon, learn_lexicon
from octavo.tuning.translation.parallel_table import Matched

SURE: Final = 0.9
"""Probability from which two passages are taken for translations of one another."""
LOW: Final = "low score of the alignment"
ALONE: Final = "no translation found"

_SHARED: Final = 0.5
"""Share of both texts in paragraphs that surely belong together, from which the paragraphs are believed."""
_LEAST_LEARNT: Final = 50
"""Pairs of sentences or paragraphs that a lexicon needs; from fewer it learns chance."""
_PARAGRAPHS: Final = re.compile(r"\n[ \t\r]*\n\s*")


class Made(NamedTuple):
    """The pairs, and the passages that no pair was made of."""

    pairs: list[TranslationPair]
    left_out: list[LeftOut]


class Passages(NamedTuple):
    """Paragraphs or sentences of both texts that belong together, and how surely."""

    level: str
    source: list[str]
    target: list[str]
    score: float


def make_pairs(
    table: Sequence[Matched],
    texts: Mapping[str, str],
    level: str,
    progress: Progress,
    known: Iterable[TranslationPair] = (),
) -> Made:
    """Pairs of paragraphs or of sentences (`level`) of the documents in a table, in order.

    `texts` has each document's text, with blank lines between paragraphs. Pairs that are `known` already teach the
    lexicon, too. A pair's place counts the passages, those that were left out among them; its `doc` is the first
    document of the work, so that all translations of one are learnt or tested together.
    Raises InputError where a text is missing or empty.
    """
    assert level in ("paragraph", "sentence"), level
    for row in table:
        for column, name in (("source", row.source), ("target", row.target)):
            if not texts.get(name, "").strip():
                fault = "an empty document" if name in texts else "no document of that name"
                raise InputError(f"{row.place}: {column}: {name}: found {fault}, expected a text")
    lexicons = _lexicons(table, texts, progress, known)
    works = _works(table)
    made = Made([], [])
    for number, row in enumerate(table):
        progress.check()
        progress.update(len(table) + number, 2 * len(table), "aligning with a lexicon")
        lexicon = lexicons.get((row.src_lang, row.tgt_lang))
        for place, found in enumerate(align_texts(texts[row.source], texts[row.target], level, lexicon)):
            _add(made, row, works[row.source], place, found)
    return made


def align_texts(source: str, target: str, level: str, lexicon: Lexicon | None = None) -> list[Passages]:
    """The passages of two texts in order; all of both is in exactly one of them, which may have but one side."""
    sources, targets = paragraphs(source), paragraphs(target)
    aligned = _aligned("paragraph", sources, targets, lexicon)
    surely = sum(_size(found) for found in aligned if found.score >= SURE and found.source and found.target)
    if surely < _SHARED * sum(map(len, [*sources, *targets])):
        return _aligned("sentence", _sentences(sources), _sentences(targets), lexicon)
    if level == "paragraph":
        return aligned
    return [
        passages
        for found in aligned
        for passages in (
            _aligned("sentence", _sentences(found.source), _sentences(found.target), lexicon)
            if found.score >= SURE
            else [found]
        )
    ]


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, without the blank lines between them."""
    return [found for found in map(str.strip, _PARAGRAPHS.split(text)) if found]


def _sentences(units: Iterable[str]) -> list[str]:
    return [sentence.strip() for unit in units for sentence in split_sentences(unit)]


def _aligned(level: str, sources: list[str], targets: list[str], lexicon: Lexicon | None) -> list[Passages]:
    return [
        Passages(level, sources[bead.source : bead.source_end], targets[bead.target : bead.target_end], bead.score)
        for bead in align(sources, targets, lexicon)
    ]


def _size(found: Passages) -> int:
    return sum(map(len, [*found.source, *found.target]))


def _works(table: Iterable[Matched]) -> dict[str, str]:
    """For each document the first one of its work, so that no translation of it is learnt and tested at once."""
    first: dict[str, str] = {}

    def work(name: str) -> str:
        while first.setdefault(name, name) != name:
            name = first[name]
        return name

    for row in table:
        first[work(row.target)] = work(row.source)
    return {name: work(name) for name in first}


def _lexicons(
    table: Sequence[Matched], texts: Mapping[str, str], progress: Progress, known: Iterable[TranslationPair]
) -> dict[tuple[str, str], Lexicon]:
    taught: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for pair in known:
        taught[pair.src_lang, pair.tgt_lang].append((pair.source, pair.target))
    for number, row in enumerate(table):
        progress.check()
        progress.update(number, 2 * len(table), "aligning by lengths and names")
        taught[row.src_lang, row.tgt_lang] += _sure(align_texts(texts[row.source], texts[row.target], "sentence"))
    return {
        languages: learn_lexicon([source for source, _ in pairs], [target for _, target in pairs])
        for languages, pairs in taught.items()
        if len(pairs) >= _LEAST_LEARNT
    }


def _sure(passages: Iterable[Passages]) -> Iterator[tuple[str, str]]:
    for found in passages:
        if found.score >= SURE and found.source and found.target:
            yield " ".join(found.source), " ".join(found.target)


def _add(made: Made, row: Matched, work: str, place: int, found: Passages) -> None:
    """The passages as a pair, or among those that were left out."""
    name = f"{row.source}-{row.target}-{place}"
    between = " " if found.level == "sentence" else "\n\n"
    source, target = between.join(found.source), between.join(found.target)
    if not source or not target:
        lang = row.src_lang if source else row.tgt_lang
        made.left_out.append(LeftOut(name, ALONE, f"{lang}: {(source or target)[:80]!r}"))
    elif found.score < SURE:
        evidence = f"{found.score}, expected {SURE}; {source[:40]!r} and {target[:40]!r}"
        made.left_out.append(LeftOut(name, LOW, evidence))
    else:
        made.pairs.append(
            TranslationPair(name, work, row.src_lang, row.tgt_lang, source, target, found.level, place)
        )
