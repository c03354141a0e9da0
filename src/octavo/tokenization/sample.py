"""The sample that a tokenizer is trained on: balanced over languages, and within each over collections and
centuries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.schema import work_of
from octavo.errors import InputError
from octavo.recipe.schema import Tokenizer as Settings

Group = tuple[str, str, int]
"""Language, collection and century of documents; empty and 0 where they are not known or not balanced."""


def balanced_sample(kept: list[Path], settings: Settings) -> Iterator[pa.Table]:
    """Training documents (text, lang, work), of each language its share of `settings.sample_bytes` at most.

    A language's share is spread over its groups, to each the same amount; what a small one lacks goes to the
    others. Whether a document of a large group is drawn is the hash of its text, so that the sample depends neither
    on the order of the documents nor on how they are cut into files. Reads the corpus twice and holds a batch.

    Raises InputError where a language that the settings name is missing, or a text is not UTF-8.
    """
    sizes: dict[Group, int] = {}
    for table in _training_documents(kept):
        lengths = pc.binary_length(table.column("text")).to_pylist()
        for group, size in zip(_groups(table, settings), lengths, strict=True):
            sizes[group] = sizes.get(group, 0) + size
    shares = language_shares(settings, {lang for lang, _, _ in sizes})
    drawn: dict[Group, float] = {}
    for lang, share in shares.items():
        own = {group: size for group, size in sizes.items() if group[0] == lang and size}
        limit = _level(list(own.values()), share * settings.sample_bytes)
        drawn |= {group: min(1.0, limit / size) for group, size in own.items()}
    for table in _training_documents(kept):
        lots = [int(h[:13], 16) / 16**13 for h in table.column("content_hash").to_pylist()]
        limits = [drawn.get(group, 0.0) for group in _groups(table, settings)]
        chosen = table.filter(pa.array([lot < limit for lot, limit in zip(lots, limits, strict=True)], pa.bool_()))
        if chosen.num_rows:
            work = work_of(chosen.column("identifier"))
            yield chosen.select(["text", "lang"]).append_column("work", work)


def language_shares(settings: Settings, present: set[str]) -> dict[str, float]:
    """The share of each language in the sample, summing to 1; without settings all have the same.

    Raises InputError where a language that the settings name is missing.
    """
    named = settings.languages
    if missing := sorted(lang for lang in named if lang not in present):
        raise InputError(
            f"tokenizer.languages: found no training text in {', '.join(missing)}, expected some in each "
            f"language named; the corpus has {', '.join(sorted(present)) or 'none'}"
        )
    shares = named or dict.fromkeys(sorted(present), 1.0)
    return {lang: share / sum(shares.values()) for lang, share in shares.items()}


def _level(sizes: list[int], amount: float) -> float:
    """The most of each that may be taken, so that all together give the amount or are taken whole."""
    left = amount
    for number, size in enumerate(sorted(sizes)):
        level = left / (len(sizes) - number)
        if size > level:
            return level
        left -= size
    return float(max(sizes, default=0))


def _groups(table: pa.Table, settings: Settings) -> list[Group]:
    def column(name: str, balanced: bool) -> list[str | int | None]:
        values: list[str | int | None] = table.column(name).to_pylist() if balanced else [None] * table.num_rows
        return values

    collections = column("collection", "collection" in settings.balance)
    centuries = column("century", "century" in settings.balance)
    langs = table.column("lang").to_pylist()
    return [(a, str(b or ""), int(c or 0)) for a, b, c in zip(langs, collections, centuries, strict=True)]


def _training_documents(kept: list[Path]) -> Iterator[pa.Table]:
    columns = ["identifier", "text", "lang", "collection", "century", "split", "content_hash"]
    for part in kept:
        for batch in pq.ParquetFile(part).iter_batches(256, columns=columns):
            try:
                batch.validate(full=True)
            except pa.ArrowInvalid as error:
                raise InputError(f"{part}: found a text that is not valid UTF-8, expected one ({error})") from None
            yield pa.Table.from_batches([batch]).filter(pc.equal(batch.column("split"), "train"))
