"""The open documents that pairs are made from: Parquet files as curation leaves them, or folders of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3

from octavo.corpus.schema import work_of
from octavo.errors import InputError
from octavo.evaluation.held_out_text import is_text

BYTES_A_TOKEN: Final = 2
"""Of text that pairs are made of: more than half of a pair's bytes are on one side, and a token has some four."""
_COLUMNS: Final = ["identifier", "lang", "text"]

T = TypeVar("T")


class Document(NamedTuple):
    """An open text."""

    id: str
    doc: str
    """The work that it is a part of."""
    lang: str
    text: str


class Stretch(NamedTuple):
    """A part of a text, whole words."""

    id: str
    doc: str
    lang: str
    text: str


def document_files(names: Iterable[str]) -> list[Path]:
    """The files; InputError where one is missing, or a folder has none."""
    found: list[Path] = []
    for number, name in enumerate(names):
        path = Path(name)
        files = sorted(path.rglob("[!.]*.parquet")) if path.is_dir() else [path] if path.is_file() else []
        if not files:
            what = "a folder without Parquet files" if path.is_dir() else "no such file or folder"
            raise InputError(f"tuning.documents[{number}]: {name}: found {what}, expected Parquet files")
        found += files
    return found


def check_documents(names: Iterable[str]) -> None:
    """Raise InputError where a file is missing, or cannot be drawn from."""
    for file in document_files(names):
        _row_groups(file)


def draw_documents(
    files: Iterable[Path],
    languages: Sequence[str],
    seed: int,
    size: int,
    each: int,
    made_of: Callable[[Document], Iterable[T]],
) -> Iterator[T]:
    """What is made of documents drawn by lot: the languages in turn, as much text of each, `size` bytes in all.

    Of a document up to `each` bytes count; its text is held no longer than that. Only row groups that have a
    language which is short of text are read. What curation holds out (`split`) is left out. Raises
    InputError where a file has not the columns identifier, lang and text, or cannot be read.
    """
    groups = [(file, n) for file in files for n in range(_row_groups(file))]
    lot = np.random.default_rng(seed)
    short = dict.fromkeys(languages, -(-size // max(len(languages), 1)))
    found: dict[str, list[list[T]]] = {lang: [] for lang in languages}
    for place in lot.permutation(len(groups)):
        file, number = groups[place]
        wanted = [lang for lang in languages if short[lang] > 0]
        if not wanted:
            break
        documents = list(_documents(file, number, wanted))
        for n in lot.permutation(len(documents)):
            one = documents[n]
            if short[one.lang] > 0:
                found[one.lang].append(list(made_of(one)))
                short[one.lang] -= min(len(one.text.encode()), each)
    in_turn = zip_longest(*found.values())
    return (one for row in in_turn for some in row for one in some or ())


def stretches(document: Document, count: int, shortest: int, longest: int, seed: int) -> Iterator[Stretch]:
    """Up to `count` stretches of a document between spaces, of lengths and at places drawn by lot, all apart.

    The lengths are in characters; a document that is too short for them has fewer.
    """
    text, part = document.text, len(document.text) // count
    for number in range(count):
        lot = int.from_bytes(blake3(f"{seed} {document.id} {number}".encode()).digest(8))
        length = shortest + lot % (longest - shortest)
        start = number * part + (lot >> 32) % max(part - length, 1)
        start = text.find(" ", start) + 1
        end = text.rfind(" ", start, min(start + length, (number + 1) * part, len(text)))
        stretch = text[start:end].strip() if 0 < start < end else ""
        if len(stretch) >= shortest:
            yield Stretch(f"{document.id}:{start}", document.doc, document.lang, stretch)


def draw_stretches(
    files: Iterable[Path], languages: Sequence[str], seed: int, size: int, count: int, lengths: tuple[int, int]
) -> Iterator[Stretch]:
    """Stretches of drawn documents, up to `count` of each, of together about `size` bytes."""
    each = count * sum(lengths) // 2
    return draw_documents(files, languages, seed, size, each, lambda one: stretches(one, count, *lengths, seed))


def _row_groups(file: Path) -> int:
    try:
        opened = pq.read_metadata(file)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, error) from None
    schema = opened.schema.to_arrow_schema()
    missing = [name for name in _COLUMNS if name not in schema.names]
    if missing:
        raise InputError(f"{file}: found no column {', '.join(missing)}, expected {', '.join(_COLUMNS)}")
    for name in (*_COLUMNS, "split"):
        if name in schema.names and not is_text(schema.field(name).type):
            raise InputError(f"{file}: column {name!r}: found {schema.field(name).type}, expected text")
    count: int = opened.num_row_groups
    return count


def _documents(file: Path, number: int, languages: Sequence[str]) -> Iterator[Document]:
    try:
        with pq.ParquetFile(file) as opened:
            here = opened.read_row_group(number, columns=["lang"])["lang"].cast(pa.string())
            kept = pc.is_in(here, pa.array(languages, pa.string()))
            if not pc.any(kept).as_py():
                return
            names = [*_COLUMNS, *(["split"] if "split" in opened.schema_arrow.names else [])]
            table = opened.read_row_group(number, columns=names).filter(kept)
            table = table.cast(pa.schema([(name, pa.large_string()) for name in table.column_names]))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, error) from None
    if "split" in table.column_names:
        table = table.filter(pc.equal(table["split"], "train"))
    table = table.filter(pc.is_valid(table["identifier"]))
    works = work_of(table["identifier"].combine_chunks()).to_pylist()
    for row, work in zip(table.to_pylist(), works, strict=True):
        if row["identifier"] and row["text"]:
            yield Document(row["identifier"], work, row["lang"], row["text"])


def _unreadable(file: Path, error: Exception) -> InputError:
    reason = str(error).split("\n")[0]
    return InputError(f"{file}: cannot be read ({reason}), expected Parquet")
