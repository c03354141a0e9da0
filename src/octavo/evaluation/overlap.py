"""Whether held-out text was trained on: only where the run that made the model is at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pd

from octavo.corpus.schema import work_of
from octavo.errors import InputError
from octavo.evaluation.held_out_text import Text

_NAMED: Final = 5
"""Documents that a message names; more are counted."""


class Overlap(NamedTuple):
    """A held-out document, and a training document that is the same text or of the same work."""

    held_out: str
    trained_on: str
    content_hash: str | None
    """Of both; None where the work alone is the same."""


def corpus_of(model: Path) -> Path | None:
    """The corpus that a run, its release or a file of that was trained on; None where it is not there."""
    path = model.resolve()
    for home in (path, path.parent, path.parent.parent.parent):
        if (home / "recipe.yaml").is_file() and (home / "corpus" / "kept").is_dir():
            return home / "corpus"
    return None


def check_overlap(model: Path, texts: Sequence[Text]) -> None:
    """Raise InputError where the model was trained on a held-out document, or on another of the same work."""
    corpus = corpus_of(model)
    found = find_overlap(corpus, texts) if corpus else []
    if found:
        documents = len({overlap.held_out for overlap in found})
        named = "; ".join(_in_words(overlap) for overlap in found[:_NAMED])
        more = f"; and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
        raise InputError(
            f"--held-out: {model} was trained on {documents:,} of the {len(texts):,} documents: {named}{more}; "
            "expected none, else give --allow-overlap"
        )


def find_overlap(corpus: Path, texts: Sequence[Text]) -> list[Overlap]:
    """The held-out documents that are in a corpus's training documents, as they came in or as they stay."""
    by_hash: dict[str, list[str]] = {}
    by_work: dict[str, list[str]] = {}
    for text in texts:
        by_hash.setdefault(text.content_hash, []).append(text.id)
        by_work.setdefault(text.work, []).append(text.id)
    came_in = dict(_alike(corpus / "ledger.parquet", "content_hash_in", by_hash))
    found: dict[tuple[str, str], Overlap] = {}
    for batch in _batches(corpus / "kept", ["identifier", "content_hash", "split"]):
        trained = batch.filter(pc.field("split") == "train")
        names = trained.column("identifier")
        works = work_of(names)
        alike = pc.or_(
            pc.or_(_is_in(names, came_in), _is_in(works, by_work)), _is_in(trained.column("content_hash"), by_hash)
        )
        rows = zip(
            *(column.filter(alike).to_pylist() for column in (names, works, trained.column("content_hash"))),
            strict=True,
        )
        for name, work, stays in rows:
            for held_out in by_work.get(work, []):
                found[held_out, name] = Overlap(held_out, name, None)
            for same in (stays, came_in.get(name)):
                for held_out in by_hash.get(same or "", []):
                    found[held_out, name] = Overlap(held_out, name, same)
    return sorted(found.values(), key=lambda overlap: (overlap.content_hash is None, overlap[:2]))


def _alike(ledger: Path, column: str, hashes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Identifiers of documents with one of these hashes, and the hash."""
    if ledger.is_file():
        for batch in _batches(ledger, ["identifier", column]):
            found = batch.filter(_is_in(batch.column(column), hashes))
            yield from zip(found.column("identifier").to_pylist(), found.column(column).to_pylist(), strict=True)


def _batches(place: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    files = sorted(map(str, place.glob("*.parquet"))) if place.is_dir() else str(place)
    yield from pd.dataset(files, format="parquet").to_batches(columns=columns)


def _is_in(column: pa.Array, values: Iterable[str]) -> pa.Array:
    return pc.is_in(column, value_set=pa.array(list(values), column.type))


def _in_words(overlap: Overlap) -> str:
    how = f"the same text, BLAKE3 {overlap.content_hash}" if overlap.content_hash else "the same work"
    return f"{overlap.held_out} ({how}, as {overlap.trained_on})"
