"""The text that models are measured on: held-out documents of a run, or any documents in Parquet files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3

from octavo.corpus.dates import century_of
from octavo.corpus.parts import parts_of
from octavo.corpus.schema import content_hash
from octavo.errors import InputError
from octavo.recipe.schema import LANGUAGE_NAMES

_COLUMNS: Final = (
    "identifier",
    "collection",
    "source",
    "date",
    "century",
    "language",
    "lang",
    "content_hash",
    "split",
    "text",
)
_BEGINNING: Final = 16_384
"""Bytes of a work that are taken before fewer works are."""
_CODES: Final = {name.casefold(): code for code, name in LANGUAGE_NAMES.items()}


class Text(NamedTuple):
    """A held-out document, or its beginning."""

    id: str
    work: str
    lang: str
    century: int | None
    collection: str | None
    source: str
    """The file that it came from."""
    content_hash: str
    """Of the whole document."""
    text: str


def read_held_out(place: Path, max_bytes: int) -> list[Text]:
    """Texts to measure on, up to `max_bytes` of UTF-8 in each language, ordered by language.

    `place` is a run, whose held-out documents are taken, or a Parquet file or a folder of them with octavo's or
    Common Corpus's columns, of which `text` and one of `lang` and `language` are needed; where there is a column
    `split`, the held-out ones are taken. Raises InputError where there is no text, or a text has no language.
    """
    files = _files(place)
    texts = list(capped(_read(files), max_bytes))
    if not texts:
        raise InputError(f"{place}: found no text in {len(files):,} Parquet files, expected held-out documents")
    return texts


def read_kept(kept: Path, max_bytes: int) -> list[Text]:
    """The held-out texts of a run's `corpus/kept`, capped like others; empty where nothing is held out."""
    return list(capped(_read(parts_of(kept)), max_bytes))


def capped(texts: Iterable[Text], max_bytes: int) -> Iterator[Text]:
    """Up to `max_bytes` of each language, to the last whole character, ordered by language.

    Works, in the order of a hash of their names, give their beginnings: as many works as give so much with 16 KiB
    of each, and of each as much as of any other, or all of it. So the text is from many works where there are many.
    No more is held in memory than may be taken, however many texts there are.
    """
    by_language: dict[str, _Works] = {}
    for text in texts:
        if text.text.strip():
            by_language.setdefault(text.lang, _Works(max_bytes)).add(text)
    for _, works in sorted(by_language.items()):
        for work, size in _shares(works.sizes, max_bytes).items():
            yield from beginning(works.beginnings[work], size)


@dataclass
class _Works:
    """The works of a language that may be taken: with each work found, fewer of the later ones can be."""

    max_bytes: int
    sizes: dict[str, int] = field(default_factory=dict)
    beginnings: dict[str, list[Text]] = field(default_factory=dict)
    """Up to `max_bytes` of each."""
    held: int = 0
    """Bytes of them."""
    checked: int = 0
    """Bytes that were held when it was last looked which works can be taken."""
    first_left: bytes | None = None
    """The order of the first work that was left out; none after it is taken."""

    def add(self, text: Text) -> None:
        """A text more of a work; those of each work come in their order."""
        if self.first_left and _order(text.work) >= self.first_left:
            return
        taken = self.sizes.get(text.work, 0)
        whole = text.text.encode()
        self.sizes[text.work] = taken + len(whole)
        if taken < self.max_bytes:
            part = text._replace(text=whole[: self.max_bytes - taken].decode(errors="ignore"))
            self.beginnings.setdefault(text.work, []).append(part)
            self.held += min(len(whole), self.max_bytes - taken)
        if self.held > 2 * self.checked + 4 * self.max_bytes:
            self._leave_out()

    def _leave_out(self) -> None:
        chosen, rest = _chosen(self.sizes, self.max_bytes)
        if rest:
            self.first_left = _order(rest[0])
        self.sizes = {work: self.sizes[work] for work in chosen}
        self.beginnings = {work: self.beginnings[work] for work in chosen}
        self.held = self.checked = sum(min(size, self.max_bytes) for size in self.sizes.values())


def digest(texts: Iterable[Text]) -> str:
    """BLAKE3 of the texts measured, so that figures on the same text can be told."""
    return blake3("\0".join(f"{t.lang}\0{t.work}\0{t.text}" for t in texts).encode()).hexdigest()


def _shares(sizes: dict[str, int], max_bytes: int) -> dict[str, int]:
    """How many bytes of each work are taken; the works that give none are left out."""
    chosen, _ = _chosen(sizes, max_bytes)
    shares: dict[str, int] = {}
    left = max_bytes
    for place, work in enumerate(sorted(chosen, key=lambda work: sizes[work])):
        shares[work] = min(sizes[work], left // (len(chosen) - place))
        left -= shares[work]
    return {work: shares[work] for work in chosen if shares[work]}


def _chosen(sizes: dict[str, int], max_bytes: int) -> tuple[list[str], list[str]]:
    """The works that give something, and the others, in their order."""
    works = sorted(sizes, key=_order)
    taken, number = 0, 0
    while number < len(works) and taken < max_bytes:
        taken += min(sizes[works[number]], _BEGINNING)
        number += 1
    return works[:number], works[number:]


def _order(work: str) -> bytes:
    return blake3(work.encode()).digest()


def beginning(texts: Iterable[Text], size: int) -> Iterator[Text]:
    """The first so many bytes of a work's texts, to the last whole character."""
    for text in texts:
        part = text.text.encode()[:size].decode(errors="ignore")
        size -= _size(text.text)
        if part:
            yield text._replace(text=part)
        if size <= 0:
            return


def _size(text: str) -> int:
    return len(text.encode())


def _files(place: Path) -> list[Path]:
    if place.suffix == ".parquet" and place.is_file():
        return [place]
    kept = place / "corpus" / "kept"
    files = parts_of(kept if kept.is_dir() else place)
    if not files:
        raise InputError(
            f"{place}: found no .parquet files, expected held-out documents, or the directory of a run"
        )
    return files


def _read(files: Iterable[Path]) -> Iterator[Text]:
    for file in files:
        try:
            with pq.ParquetFile(file, buffer_size=1024**2, pre_buffer=False) as stored:
                names = [name for name in _COLUMNS if name in stored.schema_arrow.names]
                _check(file, stored.schema_arrow)
                row = 0
                for batch in stored.iter_batches(256, columns=names):
                    yield from _texts(batch, file, row)
                    row += batch.num_rows
        except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
            reason = str(error).split("\n")[0]
            raise InputError(f"{file}: found a file that cannot be read ({reason}), expected Parquet") from None


def _check(file: Path, schema: pa.Schema) -> None:
    names = schema.names
    if "text" not in names:
        raise InputError(f"{file}: found no column 'text', expected one")
    if "lang" not in names and "language" not in names:
        raise InputError(f"{file}: found no column 'lang' or 'language', expected one")
    for name in [name for name in ("text", "lang", "language", "split", "century") if name in names]:
        kind, century = schema.field(name).type, name == "century"
        if not ((pa.types.is_null(kind) or pa.types.is_integer(kind)) if century else is_text(kind)):
            wanted = "whole numbers" if century else "text"
            raise InputError(f"{file}: column {name!r}: found {kind}, expected {wanted}")


def is_text(kind: pa.DataType) -> bool:
    """Whether a column has texts, or nothing."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(is_kind(kind) for is_kind in kinds)


def _texts(batch: pa.RecordBatch, file: Path, first_row: int) -> Iterator[Text]:
    rows = pa.array(range(first_row + 1, first_row + 1 + batch.num_rows))
    table = pa.Table.from_batches([batch]).append_column("row", rows)
    if "split" in batch.schema.names:
        table = table.filter(pc.equal(table["split"].cast(pa.large_string()), "held-out"))
    for row in table.to_pylist():
        if row["text"]:
            yield _text(row, file)


def _text(row: dict[str, Any], file: Path) -> Text:
    label = row.get("lang") or row.get("language")
    if not label:
        raise InputError(f"{file}: row {row['row']:,}: found no language, expected lang or language in each row")
    name = _as_text(row.get("identifier")) or f"{file.name}:{row['row']}"
    century = row.get("century")
    return Text(
        id=name,
        work=name.partition("#")[0],
        lang=_CODES.get(label.casefold(), label.casefold()),
        century=century_of(_as_text(row.get("date"))) if century is None else century,
        collection=_as_text(row.get("collection")),
        source=Path(_as_text(row.get("source")) or file).name,
        content_hash=_as_text(row.get("content_hash")) or content_hash(row["text"]),
        text=row["text"],
    )


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)
