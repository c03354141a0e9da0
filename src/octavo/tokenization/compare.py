"""What tokenizers make of the same texts, by language, century and source.

A word is a run of letters and combining marks. It is split where a token ends inside it. Cost is tokens a byte,
relative to the cheapest language, century or source of the same tokenizer: what a reader of one pays for the same
text beside a reader of another. For the robustness to OCR, the beginning of each text is damaged as recognition
damages it, by lot but the same at each call.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.dates import century_of
from octavo.corpus.locations import expand
from octavo.corpus.readers.reading import Unreadable, reader_for
from octavo.curation.language import identify
from octavo.errors import InputError
from octavo.recipe.schema import Source
from octavo.tokenization.vocabularies import Vocabulary

DIMENSIONS = ("language", "century", "source")

NOISY_CHARACTERS = 2000
"""Of each text, what is damaged."""
ERROR_RATE = 0.02
"""Characters in it that are damaged."""

_LOOK_ALIKE = str.maketrans(
    "eciltfſnuhbaosrvyégqSBODGmw.,;:'’",
    "celirſfunbhoaziugeqg580OCnv,.:;’'",
)
"""What recognition takes letters for; other characters are lost."""


class Text(NamedTuple):
    """A text to measure, and where it is from."""

    text: str
    language: str
    century: int | None
    source: str


class Counts(NamedTuple):
    """Sums over texts, of one tokenizer."""

    documents: int = 0
    bytes: int = 0
    words: int = 0
    tokens: int = 0
    split: int = 0
    """Words that are split."""
    errors: int = 0
    """Characters damaged."""
    added: int = 0
    """Tokens that the damage added."""

    def and_(self, other: Counts) -> Counts:
        """The sum of both."""
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


def compare(vocabularies: list[Vocabulary], texts: Iterable[Text]) -> dict[str, Any]:
    """Measure tokenizers on the same texts; InputError where there is no text.

    Returns, by tokenizer, the figures over all texts and by each of DIMENSIONS; a figure without texts to measure
    it on is None.
    """
    groups: list[dict[tuple[str, str], Counts]] = [defaultdict(Counts) for _ in vocabularies]
    used: list[set[int]] = [set() for _ in vocabularies]
    for batch in _batches(texts):
        noisy = [damage(t.text[:NOISY_CHARACTERS]) for t in batch]
        for n, vocabulary in enumerate(vocabularies):
            divided = vocabulary.divide([vocabulary.normalise(t.text) for t in batch])
            clean = vocabulary.divide([vocabulary.normalise(t.text[:NOISY_CHARACTERS]) for t in batch])
            damaged = vocabulary.divide([vocabulary.normalise(text) for text, _ in noisy])
            for k, t in enumerate(batch):
                ids, ends = divided[k]
                words, split = count_words(vocabulary.normalise(t.text), ends)
                counts = Counts(
                    documents=1,
                    bytes=len(t.text.encode()),
                    words=words,
                    tokens=len(ids),
                    split=split,
                    errors=noisy[k][1],
                    added=len(damaged[k][0]) - len(clean[k][0]),
                )
                century = "" if t.century is None else str(t.century)
                for group in (("", ""), ("language", t.language), ("century", century), ("source", t.source)):
                    groups[n][group] = groups[n][group].and_(counts)
                used[n].update(np.unique(ids).tolist())
    if not groups[0]:
        raise InputError("--corpus: found no text in it, expected at least one")
    first = groups[0]
    return {
        "tokenizers": [
            {
                "name": vocabulary.name,
                "path": str(vocabulary.path),
                "entries": vocabulary.size,
                "entries_used": len(seen),
                "share_used": round(len(seen) / vocabulary.size, 4),
                **_figures(counts[("", "")], first[("", "")]),
                "by": {dimension: _by(dimension, counts, first) for dimension in DIMENSIONS},
            }
            for vocabulary, counts, seen in zip(vocabularies, groups, used, strict=True)
        ]
    }


def _by(
    dimension: str, counts: dict[tuple[str, str], Counts], first: dict[tuple[str, str], Counts]
) -> dict[str, Any]:
    """The figures of each language, century or source, with its cost; the largest first, centuries in order."""
    own = {group: c for (of, group), c in counts.items() if of == dimension}
    order = sorted(own, key=lambda g: (int(g or 99), g) if dimension == "century" else (-own[g].bytes, g))
    cheapest = min((c.tokens / c.bytes for c in own.values() if c.bytes and c.tokens), default=0.0)
    figures = {}
    for group in order:
        c = own[group]
        cost = round(c.tokens / c.bytes / cheapest, 4) if c.bytes and cheapest else None
        figures[group] = _figures(c, first[(dimension, group)]) | {"cost": cost}
    return figures


def _figures(counts: Counts, first: Counts) -> dict[str, Any]:
    def ratio(part: int, whole: int) -> float | None:
        return round(part / whole, 4) if whole else None

    return {
        "documents": counts.documents,
        "bytes": counts.bytes,
        "words": counts.words,
        "tokens": counts.tokens,
        "bytes_per_token": ratio(counts.bytes, counts.tokens),
        "tokens_per_word": ratio(counts.tokens, counts.words),
        "words_split": ratio(counts.split, counts.words),
        "tokens_to_first": ratio(counts.tokens, first.tokens),
        "tokens_per_error": ratio(counts.added, counts.errors),
    }


def count_words(text: str, ends: np.ndarray) -> tuple[int, int]:
    """The words of a text, and those inside which a token ends; `ends` are positions in its UTF-8 bytes."""
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    starts = np.concatenate(([0], np.cumsum(1 + (points > 0x7F) + (points > 0x7FF) + (points > 0xFFFF))))
    letters = np.concatenate(([False], _letters()[points], [False]))
    edges = np.flatnonzero(letters[1:] != letters[:-1])
    first, last = starts[edges[::2]], starts[edges[1::2]]
    inside = np.searchsorted(ends, last, side="left") - np.searchsorted(ends, first, side="right")
    return len(first), int((inside > 0).sum())


@cache
def _letters() -> np.ndarray:
    """Which code points are letters or combining marks."""
    return np.array([unicodedata.category(chr(point))[0] in "LM" for point in range(0x110000)])


def damage(text: str) -> tuple[str, int]:
    """A text with errors as recognition makes them, and how many: look-alikes, lost characters and false spaces."""
    generator = np.random.default_rng(zlib.crc32(text.encode()))
    hit = np.flatnonzero(generator.random(len(text)) < ERROR_RATE)
    kinds = generator.random(len(hit))
    pieces, before = [], 0
    for place, kind in zip(hit.tolist(), kinds.tolist(), strict=True):
        letter = text[place]
        alike = letter.translate(_LOOK_ALIKE)
        put = alike if kind < 0.7 and alike != letter else "" if kind < 0.85 else f"{letter} "
        pieces += [text[before:place], put]
        before = place + 1
    return "".join([*pieces, text[before:]]), len(hit)


def read_texts(places: list[str]) -> Iterator[Text]:
    """The texts of files and folders in any format that octavo reads, or of a run.

    Of a run, its held-out documents alone, since a tokenizer may have learnt the others. Raises InputError where
    there is nothing that can be read.
    """
    for place in places:
        kept = Path(place) / "corpus" / "kept"
        for location in expand(str(kept) if kept.is_dir() else place)[0]:
            if location.local and location.format == "parquet" and _is_kept(location.local):
                yield from _held_out(location.local)
                continue
            for piece in reader_for(location)(location, Source(path=location.name)):
                if not isinstance(piece, Unreadable):
                    yield from _foreign(piece, Path(location.name).name)


def _is_kept(file: Path) -> bool:
    try:
        return {"text", "lang", "century", "split", "collection", "source"} <= set(pq.read_schema(file).names)
    except pa.ArrowInvalid:
        return False  # the reader says why


def _held_out(file: Path) -> Iterator[Text]:
    columns = ["text", "lang", "century", "collection", "source", "split"]
    for batch in pq.ParquetFile(file).iter_batches(64, columns=columns):
        for row in batch.filter(pc.equal(batch.column("split"), "held-out")).to_pylist():
            yield Text(row["text"], row["lang"], row["century"], row["collection"] or Path(row["source"]).name)


def _foreign(table: pa.Table, source: str) -> Iterator[Text]:
    for start in range(0, table.num_rows, 64):
        rows = table.slice(start, 64)
        found = pc.struct_field(identify(rows.column("text").combine_chunks()), "lang").to_pylist()
        for row, lang in zip(rows.select(["text", "date", "collection"]).to_pylist(), found, strict=True):
            yield Text(row["text"] or "", lang, century_of(row["date"]), row["collection"] or source)


def _batches(texts: Iterable[Text]) -> Iterator[list[Text]]:
    batch: list[Text] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text.text)
        if size > 2**22:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
