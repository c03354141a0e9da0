"""Reserved rights: the documents that an entry of the recipe's opt-out list is about.

A document is known by what its source says of it (identifier, creator, file, collection, address) or by the hash of
its text as it came. Copies under other names, which say none of this, are found later: opt_out_copies.py.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from octavo.corpus.creators import name_of, names_in
from octavo.corpus.schema import work_of
from octavo.recipe.opt_outs import OptOuts
from octavo.recipe.schema import Source

RULE = "opt-out"

VERDICT = pa.struct([("rule", pa.large_string()), ("evidence", pa.large_string())])
"""What the list says of a document: both null where no entry is about it. `evidence` is JSON: the `field` and the
`entry` that are, and where others are too, they as `also`."""

_TEXT = pa.large_string()

Found = Iterable[tuple[int, int]]
"""Places of documents, each with the number of an entry that is about it."""


def judge(documents: pa.RecordBatch | pa.Table, source: Source, settings: OptOuts) -> pa.Array:
    """Look a batch of documents up in the list: an array of VERDICT.

    `documents` has the columns identifier, creator, source, collection, source_url, text and content_hash; all come
    from one `source` of the recipe. Of an empty list nothing is read.
    """
    lists = settings.given()
    about: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for field, entries in lists.items():
        found = _LOOK_UP[field](documents, source, _prepared(field, tuple(entries)))
        for place, number in sorted(set(found)):
            about[place].append((field, entries[number]))
    evidence: list[str | None] = [None] * documents.num_rows
    for place, pairs in about.items():
        first, *others = ({"field": field, "entry": entry} for field, entry in pairs)
        evidence[place] = json.dumps(first | ({"also": others} if others else {}), ensure_ascii=False)
    told = pa.array(evidence, _TEXT)
    rule = pc.if_else(pc.is_valid(told), pa.scalar(RULE, _TEXT), pa.scalar(None, _TEXT))
    return pa.StructArray.from_arrays([rule, told], fields=list(VERDICT))


class _Keys(NamedTuple):
    """What values are looked up in, each once, and the numbers of the entries that it stands for."""

    values: pa.Array
    entries: list[list[int]]

    def find(self, values: pa.Array) -> Found:
        """The values that are among the keys."""
        # A list may be longer than a batch, and it is the set's side whose hashing costs.
        hit = pc.indices_nonzero(pc.is_in(self.values, value_set=values))
        at = pc.index_in(values, value_set=self.values.take(hit))
        places = pc.indices_nonzero(pc.is_valid(at))
        for place, key in zip(places.to_pylist(), hit.take(at.take(places)).to_pylist(), strict=True):
            for number in self.entries[key]:
                yield place, number


class _Entries(NamedTuple):
    """The entries of a field, by the way in which they are looked up."""

    whole: _Keys
    beginnings: list[tuple[int, _Keys]]
    """By their number of characters: entries that only end in a *."""
    patterns: list[tuple[str, int]]
    """All others with * or ?, as patterns of SQL's LIKE."""

    def find(self, values: pa.Array) -> Iterator[tuple[int, int]]:
        """The values that entries are about."""
        yield from self.whole.find(values)
        for length, keys in self.beginnings:
            yield from keys.find(pc.utf8_slice_codeunits(values, 0, length))
        for pattern, number in self.patterns:
            for place in pc.indices_nonzero(pc.match_like(values, pattern)).to_pylist():
                yield place, number


@lru_cache(maxsize=64)
def _prepared(field: str, entries: tuple[str, ...]) -> _Entries:
    """The entries of a field made ready once for all batches."""
    keys = [_key(field, entry) for entry in entries]
    whole: dict[str, list[int]] = defaultdict(list)
    beginnings: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    patterns: list[tuple[str, int]] = []
    for number, key in enumerate(keys):
        begins = key.endswith("*") and field in ("identifiers", *_GLOBS)
        if begins and (field == "identifiers" or not _is_glob(key[:-1])):
            beginnings[len(key) - 1][key[:-1]].append(number)
        elif field in _GLOBS and _is_glob(key):
            patterns.append((_like(key), number))
        else:
            whole[key].append(number)
    return _Entries(_keys(whole), [(length, _keys(found)) for length, found in beginnings.items()], patterns)


_GLOBS = ("sources", "url_patterns")


def _key(field: str, entry: str) -> str:
    """An entry as it is compared."""
    if field == "creators":
        return name_of(entry)
    composed = unicodedata.normalize("NFC", entry)
    return composed.lower() if field in ("url_patterns", "text_hashes") else composed


def _keys(found: dict[str, list[int]]) -> _Keys:
    return _Keys(pa.array(list(found), _TEXT), list(found.values()))


def _is_glob(words: str) -> bool:
    return "*" in words or "?" in words


def _like(glob: str) -> str:
    """A glob as a pattern of SQL's LIKE, in which % stands for any text and _ for one character."""
    escaped = "".join(f"\\{character}" if character in "\\%_" else character for character in glob)
    return escaped.replace("*", "%").replace("?", "_")


def _by_identifier(documents: pa.RecordBatch | pa.Table, source: Source, entries: _Entries) -> Found:
    identifiers = _column(documents, "identifier")
    yield from entries.find(identifiers)
    yield from entries.whole.find(work_of(identifiers))  # an entry with # is no work's


def _by_creator(documents: pa.RecordBatch | pa.Table, source: Source, entries: _Entries) -> Found:
    encoded = _column(documents, "creator").dictionary_encode()
    owner, names = [], []
    for number, creator in enumerate(encoded.dictionary.to_pylist()):
        for name in names_in(creator):
            owner.append(number)
            names.append(name)
    numbers: dict[int, list[int]] = defaultdict(list)
    for place, entry in entries.whole.find(pa.array(names, _TEXT)):
        numbers[owner[place]].append(entry)
    for number, about in numbers.items():
        for place in pc.indices_nonzero(pc.equal(encoded.indices, number)).to_pylist():
            for entry in about:
                yield place, entry


def _by_source(documents: pa.RecordBatch | pa.Table, source: Source, entries: _Entries) -> Found:
    yield from entries.find(_column(documents, "source"))
    for _, entry in entries.find(_composed(pa.array([source.path], _TEXT))):
        for place in range(documents.num_rows):
            yield place, entry


def _by_collection(documents: pa.RecordBatch | pa.Table, source: Source, entries: _Entries) -> Found:
    return entries.find(_column(documents, "collection"))


def _by_address(documents: pa.RecordBatch | pa.Table, source: Source, entries: _Entries) -> Found:
    return entries.find(pc.utf8_lower(_column(documents, "source_url")))  # a host's name has no case


def _by_text(documents: pa.RecordBatch | pa.Table, source: Source, entries: _Entries) -> Found:
    yield from entries.find(_column(documents, "content_hash"))
    texts: Sequence[str] = documents.column("text").to_pylist()
    yield from entries.find(pa.array([hashlib.sha256(text.encode()).hexdigest() for text in texts], _TEXT))


_LOOK_UP = {
    "identifiers": _by_identifier,
    "creators": _by_creator,
    "sources": _by_source,
    "collections": _by_collection,
    "url_patterns": _by_address,
    "text_hashes": _by_text,
}


def _column(documents: pa.RecordBatch | pa.Table, name: str) -> pa.Array:
    column = documents.column(name)
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return _composed(whole.cast(_TEXT))


def _composed(values: pa.Array) -> pa.Array:
    """Values in the form of Unicode in which entries are compared: file names have another on macOS."""
    if pc.all(pc.string_is_ascii(values)).as_py():
        return values
    # Arrow's own utf8_normalize takes letters apart in every form.
    return pa.array([value and unicodedata.normalize("NFC", value) for value in values.to_pylist()], _TEXT)
