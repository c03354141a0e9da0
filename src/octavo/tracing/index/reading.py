"""A trace index: the texts of a run's token files, their words sorted by what follows them, and their documents.

It is a folder of parts, which know nothing of one another: each has text.bin (texts as text.py writes them),
suffixes.bin (uint32, the places of words in the order of what follows), words.bin (uint32, how often words stand in
the text, by hash), and documents.arrow (what is known of the documents, and where they begin). All are mapped and
not read, so that an index of any size opens at once and takes the memory of what is looked at. index.json says what
there must be. Indexes that were made apart, on machines of their own, are opened together as a folder of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, Field, ValidationError

from octavo.arrow_file import open_arrow
from octavo.errors import InputError
from octavo.lineage import read_record
from octavo.tracing.index.text import Bytes, Counts, Places
from octavo.workers import CORES

Answer = TypeVar("Answer")

HOME: Final = "trace"
"""The folder of a run with its index."""
CONTENTS, PART_CONTENTS = "index.json", "part.json"
TEXT, SUFFIXES, WORDS, DOCUMENTS = "text.bin", "suffixes.bin", "words.bin", "documents.arrow"

DOCUMENT_FIELDS: Final = (
    "identifier",
    "title",
    "creator",
    "date",
    "language",
    "collection",
    "licence",
    "basis",
    "url",
)
DOCUMENTS_SCHEMA: Final = pa.schema(
    [("start", pa.int64()), *((name, pa.large_string()) for name in DOCUMENT_FIELDS)]
)


class PartContents(BaseModel):
    """What a part of an index must have."""

    name: Annotated[str, Field(pattern=r"^[\w-]+$")]
    bytes: Annotated[int, Field(ge=0)]
    words: Annotated[int, Field(ge=0)]
    slots: Annotated[int, Field(ge=1)]
    """Of words.bin, a power of two."""
    documents: Annotated[int, Field(ge=0)]


class Contents(BaseModel):
    """The content of index.json."""

    version: Literal[1] = 1
    parts: list[PartContents]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of an index, opened without reading it."""

    text: Bytes
    suffixes: Places
    counts: Counts
    documents: pa.Table
    starts: np.ndarray
    """Where documents begin in the text."""


class Index:
    """An opened index."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.words = sum(len(part.suffixes) for part in parts)
        self.documents = sum(len(part.documents) for part in parts)

    def each(self, work: Callable[[Part], Answer]) -> list[Answer]:
        """What the work gives for each part, side by side."""
        if len(self.parts) == 1:
            return [work(self.parts[0])]
        return list(self._pool.map(work, self.parts))

    @functools.cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(min(CORES, len(self.parts)), "trace")


def open_index(folder: Path) -> Index:
    """The index in a folder: a run's, one alone, or all of a folder of these.

    Raises InputError where there is none, where one is not whole, and where a run's is of token files that the run
    no longer has.
    """
    _check_current(folder)
    homes = list(_homes(folder)) or [home for inner in sorted(folder.glob("*/")) for home in _homes(inner)]
    if not homes:
        raise InputError(f"{folder}: found no trace index, expected one; octavo run RECIPE --until trace makes it")
    parts = [_open(home / part.name, part) for home in homes for part in read_contents(home).parts]
    if not parts:
        raise InputError(f"{folder}: found a trace index without documents")
    return Index(parts)


def _check_current(run: Path) -> None:
    made, tokens = read_record(run / HOME), read_record(run / "tokens")
    if made is None or tokens is None:
        return
    read = {name: file.blake3 for name, file in made.inputs.items() if name in tokens.outputs}
    if any(tokens.outputs[name].blake3 != blake3 for name, blake3 in read.items()):
        raise InputError(
            f"{run}: found a trace index of token files that the run no longer has; octavo run RECIPE --until "
            f"trace makes it anew, and {run / HOME} given as the folder asks the old one"
        )


def _homes(folder: Path) -> Iterator[Path]:
    for home in (folder, folder / HOME):
        if (home / CONTENTS).is_file():
            yield home
            return


def read_contents(home: Path) -> Contents:
    """What an index has; InputError where index.json cannot be read."""
    try:
        return Contents.model_validate_json((home / CONTENTS).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(name) for name in first["loc"])
        raise InputError(
            f"{home / CONTENTS}: {field}: {first['msg']}; found no contents of a trace index"
        ) from None


def _open(home: Path, part: PartContents) -> Part:
    documents = _documents(home / DOCUMENTS)
    if len(documents) != part.documents:
        raise InputError(
            f"{home / DOCUMENTS}: found {len(documents)} documents, expected {part.documents}, as in {CONTENTS}"
        )
    starts = documents.column("start").to_numpy()
    if (np.diff(starts, prepend=-1, append=part.bytes) <= 0).any():
        raise InputError(f"{home / DOCUMENTS}: start: found documents that are not in order, or outside of {TEXT}")
    return Part(
        _mapped(home / TEXT, np.dtype(np.uint8), part.bytes),
        _mapped(home / SUFFIXES, np.dtype("<u4"), part.words),
        _mapped(home / WORDS, np.dtype("<u4"), part.slots),
        documents,
        starts,
    )


def _documents(path: Path) -> pa.Table:
    try:
        return open_arrow(path, DOCUMENTS_SCHEMA).combine_chunks()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected one of a trace index") from None


def _mapped(path: Path, dtype: np.dtype[np.unsignedinteger], count: int) -> np.ndarray:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected one of a trace index") from None
    if size != count * dtype.itemsize:
        raise InputError(
            f"{path}: found {size} bytes, expected {count * dtype.itemsize}, as in {CONTENTS}; is it cut short?"
        )
    # A view: every element of a memmap that is looked at makes an object of its class.
    return np.memmap(path, dtype, "r").view(np.ndarray) if size else np.frombuffer(b"", dtype)
