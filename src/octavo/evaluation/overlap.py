"""Whether held-out text was trained on: only where the run that made the model is at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pd
from tokenizers import Tokenizer

from octavo.corpus.parts import parts_of
from octavo.corpus.schema import work_of
from octavo.errors import InputError
from octavo.evaluation.held_out_text import Text
from octavo.evaluation.verbatim import entry_bytes, longest_spans
from octavo.progress import Progress
from octavo.recipe.file import load
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.given import open_given
from octavo.tokenization.shards import Shard

_NAMED: Final = 5
"""Documents that a message names; more are counted."""
_SAME_WORK: Final = "the same work"
_PASSAGE: Final = 512
"""Bytes of a held-out text that are looked for in token files."""
_SHORTEST: Final = 64
"""Fewer may be a phrase that many texts have."""


class Overlap(NamedTuple):
    """A held-out document, and where it was trained on."""

    held_out: str
    trained_on: str
    """A training document, or a folder of token files."""
    how: str
    """What is the same."""


def run_of(model: Path) -> Path | None:
    """The run that a model is, or whose release or file of that it is; None where it is not there."""
    path = model.resolve()
    for home in (path, path.parent, path.parent.parent.parent):
        trained = (home / "corpus" / "kept").is_dir() or (home / "checkpoints").is_dir()
        if trained and (home / "recipe.yaml").is_file():
            return home
    return None


def check_overlap(model: Path, texts: Sequence[Text], progress: Progress) -> None:
    """Raise InputError where the model was trained on a held-out document, or on another of the same work.

    Of token files that were given to the run, see `passages_in`; those that are not there any more are told of.
    """
    run = run_of(model)
    if run is None:
        return
    recipe = load(run / "recipe.yaml")
    if recipe.tuning:
        if recipe.tuning.supervised:
            progress.message(f"{model}: held-out text is not looked for in the pairs that it learnt from")
        if run_of(Path(recipe.tuning.base)) is None:
            progress.message(f"{model}: what its base {recipe.tuning.base} was trained on is not known")
        else:
            check_overlap(Path(recipe.tuning.base), texts, progress)
    found = find_overlap(run / "corpus", texts) if (run / "corpus" / "kept").is_dir() else []
    for folder in recipe.token_folders:
        try:
            shards = open_given([folder])[folder]
        except InputError as error:
            progress.message(
                f"{model}: was trained on the token files in {folder} too, in which held-out text cannot be looked "
                f"for ({error})"
            )
        else:
            found += passages_in(
                folder, shards, load_tokenizer(run / "tokenizer" / "tokenizer.json"), texts, progress
            )
    if found:
        documents = len({overlap.held_out for overlap in found})
        named = "; ".join(f"{one.held_out} ({one.how}, {one.trained_on})" for one in found[:_NAMED])
        more = f"; and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
        raise InputError(
            f"--held-out: {model} was trained on {documents:,} of the {len(texts):,} documents: {named}{more}; "
            "expected none, else give --allow-overlap"
        )


def passages_in(
    folder: str, shards: Sequence[Shard], tokenizer: Tokenizer, texts: Sequence[Text], progress: Progress
) -> list[Overlap]:
    """The held-out texts of which a passage of 512 bytes from the middle stands in token files word for word.

    Token files have no names of works and no hashes of documents, so that this is all that can be told of them. A
    shorter text is looked for as a whole, under 64 bytes not at all.
    """
    passages = [_middle(text.text.encode()) for text in texts]
    asked = [number for number, passage in enumerate(passages) if len(passage) >= _SHORTEST]
    spans = longest_spans(shards, entry_bytes(tokenizer), [passages[number] for number in asked], progress)
    return [
        Overlap(texts[number].id, f"in the token files of {folder}", "the same words")
        for number, span in zip(asked, spans, strict=True)
        if span and span.length == len(passages[number])
    ]


def _middle(text: bytes) -> bytes:
    start = max(0, (len(text) - _PASSAGE) // 2)
    return text[start : start + _PASSAGE]


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
                found[held_out, name] = Overlap(held_out, f"as {name}", _SAME_WORK)
            for same in (stays, came_in.get(name)):
                for held_out in by_hash.get(same or "", []):
                    found[held_out, name] = Overlap(held_out, f"as {name}", f"the same text, BLAKE3 {same}")
    return sorted(found.values(), key=lambda overlap: (overlap.how == _SAME_WORK, overlap))


def _alike(ledger: Path, column: str, hashes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Identifiers of documents with one of these hashes, and the hash."""
    if ledger.is_file():
        for batch in _batches(ledger, ["identifier", column]):
            found = batch.filter(_is_in(batch.column(column), hashes))
            yield from zip(found.column("identifier").to_pylist(), found.column(column).to_pylist(), strict=True)


def _batches(place: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    files = list(map(str, parts_of(place))) if place.is_dir() else str(place)
    yield from pd.dataset(files, format="parquet").to_batches(columns=columns)


def _is_in(column: pa.Array, values: Iterable[str]) -> pa.Array:
    return pc.is_in(column, value_set=pa.array(list(values), column.type))
