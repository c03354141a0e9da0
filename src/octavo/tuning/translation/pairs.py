"""Pairs of texts of which a model learns to translate, as files have them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from octavo.corpus.dates import century_of
from octavo.corpus.rows import Row, read_rows
from octavo.recipe.schema import LANGUAGES

LEVELS: Final = ("sentence", "paragraph", "section")


class TranslationPair(NamedTuple):
    """A text and its translation; line breaks are kept on both sides."""

    id: str
    doc: str
    """The document that it is from: documents are for training or for testing as a whole."""
    src_lang: str
    tgt_lang: str
    source: str
    target: str
    level: str | None = None
    """How much a side is (LEVELS), where known."""
    place: int | None = None
    """Where it stands in its document, where known: the pair before it in a file and at n - 1 stands before it."""
    century: int | None = None
    """Of the source, where known: 19 for the 1800s."""
    before: str = ""
    """What stands before the source in its document, or the end of it, where it is shown to the model."""

    @property
    def languages(self) -> str:
        """Both, as la-en."""
        return f"{self.src_lang}-{self.tgt_lang}"

    def reversed(self) -> TranslationPair:
        """The pair in the other direction."""
        return self._replace(
            id=f"{self.id}-{self.tgt_lang}-{self.src_lang}",
            src_lang=self.tgt_lang,
            tgt_lang=self.src_lang,
            source=self.target,
            target=self.source,
            century=None,
            before="",
        )


def read_pairs(file: Path) -> list[TranslationPair]:
    """The pairs of a JSON Lines (also .zst), Parquet or CSV file.

    Its columns are id, doc, src_lang, tgt_lang, src, tgt; level, place, before, and century or date may be there.
    Raises InputError, with file, line or row, and column, where one is missing or of another kind; empty sides are
    for the checks.
    """
    return [_pair(row) for row in read_rows(file)]


def in_both_directions(pairs: Sequence[TranslationPair]) -> list[TranslationPair]:
    """All pairs and then their reverses; what the file has in both directions comes once in each."""
    found: dict[tuple[str, str, str, str], TranslationPair] = {}
    for pair in [*pairs, *(pair.reversed() for pair in pairs)]:
        found.setdefault((pair.src_lang, pair.tgt_lang, pair.source, pair.target), pair)
    return list(found.values())


def _pair(row: Row) -> TranslationPair:
    src_lang, tgt_lang = row.one_of("src_lang", LANGUAGES), row.one_of("tgt_lang", LANGUAGES)
    if src_lang == tgt_lang:
        raise row.wrong("tgt_lang", f"another language than src_lang ({src_lang})")
    for column in ("id", "doc"):
        if not row.text(column).strip():
            raise row.wrong(column, "a text that is not empty")
    level = row.optional("level") or None
    if level is not None:
        row.one_of("level", LEVELS)
    century = _number(row, "century")
    return TranslationPair(
        row.text("id"),
        row.text("doc"),
        src_lang,
        tgt_lang,
        row.text("src"),
        row.text("tgt"),
        level,
        _number(row, "place"),
        century_of(row.optional("date")) if century is None else century,
        row.optional("before") or "",
    )


def _number(row: Row, column: str) -> int | None:
    value = row.content.get(column)
    if isinstance(value, str) and value.isdecimal():  # as a CSV has it
        value = int(value)
    if value is None or value == "":
        return None
    if type(value) is not int or value < 0:
        raise row.wrong(column, "a whole number from 0")
    return value
