"""Where documents lie in token files, by the index beside these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from octavo.tokenization.index import Documents
from octavo.tracing.finding import IDENTIFIER, Found, Wanted
from octavo.tracing.recall.sightings import Spans


def of_kept(documents: Documents, found: list[Found]) -> Spans:
    """The spans of documents by their rows in corpus/kept, as of several with one name not all may be meant."""
    by_part: dict[str, list[tuple[int, int]]] = {}
    for place, one in enumerate(found):
        if one.part is not None and one.row is not None:
            by_part.setdefault(one.part.removesuffix(".parquet"), []).append((one.row, place))
    return _spans(_of_rows(documents, by_part))


def _of_rows(documents: Documents, by_part: Mapping[str, list[tuple[int, int]]]) -> Iterator[Spans]:
    for number, shard in enumerate(documents.shards):
        if shard.path.stem in by_part:
            rows, places = np.array(by_part[shard.path.stem], np.int64).T
            row_of = documents.rows[number].column("row").to_numpy()  # in order, since the part was read in order
            first, last = (np.searchsorted(row_of, rows, side=side) for side in ("left", "right"))
            which = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
            yield _of_documents(documents, number, which, np.repeat(places, last - first))


def of_identifiers(documents: Documents, wanted: Wanted, found: list[Found]) -> tuple[Spans, list[Found]]:
    """The spans of all documents by their identifiers, and those among them that are not in `found`.

    These get the places that follow: they are in token files that another run or program made.
    """
    places = {one.identifier: place for place, one in reversed(list(enumerate(found)))}
    others: list[Found] = []
    spans: list[Spans] = []
    for number, table in enumerate(documents.rows):
        identifiers = table.column("identifier").combine_chunks()
        known = pc.is_in(identifiers, pa.array(list(places), identifiers.type))
        meant = pc.or_(known, wanted.has_identifier(identifiers))
        which = np.flatnonzero(meant.to_numpy(zero_copy_only=False))
        names = identifiers.take(pa.array(which)).to_pylist()
        for name in names:
            if name not in places:
                places[name] = len(found) + len(others)
                others.append(Found(name, (IDENTIFIER,), split="train"))
        spans.append(_of_documents(documents, number, which, np.array([places[n] for n in names], np.int64)))
    return _spans(spans), others


def names_in(documents: Documents) -> Iterator[pa.Array]:
    """The identifiers in token files, file by file."""
    for table in documents.rows:
        yield table.column("identifier").combine_chunks()


def _of_documents(documents: Documents, number: int, which: np.ndarray, places: np.ndarray) -> Spans:
    """The spans of documents by their numbers in a token file, which is the `number`-th."""
    ends, first = documents.shards[number].document_ends, int(documents.first_tokens[number])
    before = np.where(which > 0, ends[np.maximum(which - 1, 0)], 0) if len(which) else which
    return Spans(places, first + before.astype(np.int64), first + ends[which].astype(np.int64))


def _spans(some: Iterable[Spans]) -> Spans:
    none = np.empty(0, np.int64)
    return Spans(*(np.concatenate(column) for column in zip(Spans(none, none, none), *some, strict=True)))
