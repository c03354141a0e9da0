"""Which documents of a curated corpus are meant: by identifier, creator, licence or a passage of text.

The corpus is read part by part, and of a part only the columns that are asked for. A part's rows of the ledger have
the order of its documents, of which those that stay are in kept/ and the others in removed/: so what is found in
these files is known in the ledger by its place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.creators import name_of, names_in
from octavo.corpus.licence_terms import is_allowed
from octavo.corpus.parts import parts_of
from octavo.corpus.schema import work_of
from octavo.errors import InputError, OctavoError

IDENTIFIER, CREATOR, LICENCE, TEXT = "identifier", "creator", "licence", "text"
ORIGINAL: Final = "text as it came"
"""What a document was found by: the passage stands in it as it came, where curation has changed it."""

_LEDGER_COLUMNS: Final = ["identifier", "fate", "rule", "spdx", "content_hash_in", "content_hash_out"]
_BATCH: Final = 65_536
_TEXTS: Final = 256
"""Texts that are held at once."""
_SPACES: Final = r"[\s\p{Z}\x0b\x1c-\x1f\x{85}]+"
"""What str.split takes for spaces, for RE2."""


class Wanted(NamedTuple):
    """What is asked for; of several things, documents that one of them holds for."""

    identifiers: tuple[str, ...] = ()
    """Of documents; one without # also stands for all sections of that work."""
    creator: str | None = None
    licence: str | None = None
    """An SPDX id; a final -* stands for any version."""
    text: str | None = None
    """A passage, with any spaces and line breaks between its words."""

    def has_identifier(self, identifiers: pa.Array) -> pa.Array:
        """Whether documents are among the identifiers."""
        works = [name for name in self.identifiers if "#" not in name]
        return pc.or_(_is_in(identifiers, self.identifiers), _is_in(work_of(identifiers), works))


class Found(NamedTuple):
    """A document that was asked for."""

    identifier: str
    by: tuple[str, ...]
    """What it was found by."""
    fate: str | None = None
    """As in the ledger; None where no ledger has it, but the index of given token files."""
    rule: str | None = None
    """The rule that removed it."""
    spdx: str | None = None
    title: str | None = None
    creator: str | None = None
    split: str | None = None
    """`train` or `held-out`; None of a removed one."""
    repeats: int = 0
    """How often the mixture takes it."""
    part: str | None = None
    """Its file in corpus/kept, and its row there; of a tune's pair, its file in pairs."""
    row: int | None = None

    @property
    def names(self) -> frozenset[str]:
        """Identifiers that it answers to: its own, and the work's that it is a section of."""
        return frozenset((self.identifier, self.identifier.partition("#")[0]))


def find_documents(corpus: Path, wanted: Wanted) -> list[Found]:
    """The documents of the curation in `corpus` that are asked for, those that were removed among them.

    Raises InputError where the curation is not done, and for an empty passage.
    """
    if not (corpus / "report.json").is_file():
        raise InputError(f"{corpus}: found no finished curation; octavo curate RECIPE does it")
    if wanted.text is not None and not wanted.text.split():
        raise InputError("--text: found no words, expected a passage of a document")
    if wanted.creator is not None and not name_of(wanted.creator):
        raise InputError(f"--creator: found {wanted.creator!r}, expected a name")
    found: list[Found] = []
    names = sorted({file.name for folder in ("kept", "removed") for file in parts_of(corpus / folder)})
    try:
        parts = [_Part(corpus, name) for name in names]
        ledger = pq.ParquetFile(corpus / "ledger.parquet").iter_batches(_BATCH, columns=_LEDGER_COLUMNS)
        for part, rows in zip(parts, _cut(ledger, [part.rows for part in parts]), strict=True):
            found += part.find(rows, wanted)
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(
            f"{corpus}: found Parquet files that cannot be read ({reason}), expected those of a curation"
        ) from None
    return found


class _Part:
    """The documents that came in together, as curation has sorted them."""

    def __init__(self, corpus: Path, name: str) -> None:
        self.name = name
        self.files = {folder: corpus / folder / name for folder in ("kept", "removed", "originals")}
        self.rows = sum(
            pq.read_metadata(self.files[folder]).num_rows
            for folder in ("kept", "removed")
            if self.files[folder].exists()
        )

    def find(self, ledger: pa.Table, wanted: Wanted) -> list[Found]:
        """The documents asked for, by the part's rows of the ledger."""
        stays = pc.not_equal(ledger.column("fate"), "removed").to_numpy()
        changed = pc.not_equal(ledger.column("content_hash_in"), ledger.column("content_hash_out"))
        places = {
            "kept": np.flatnonzero(stays),
            "removed": np.flatnonzero(~stays),
            "originals": np.flatnonzero(stays & pc.fill_null(changed, False).to_numpy()),
        }
        hits: dict[str, np.ndarray] = {}
        if wanted.identifiers:
            hits[IDENTIFIER] = wanted.has_identifier(ledger.column("identifier").combine_chunks()).to_numpy(False)
        if wanted.licence is not None:
            hits[LICENCE] = _under(ledger.column("spdx").combine_chunks(), wanted.licence)
        if wanted.creator is not None:
            hits[CREATOR] = self._hits(places, ("kept", "removed"), "creator", by_creator(wanted.creator), _BATCH)
        if wanted.text is not None:
            holds = containing(wanted.text)
            hits[TEXT] = self._hits(places, ("kept", "removed"), "text", holds, _TEXTS)
            hits[ORIGINAL] = self._hits(places, ("originals",), "text", holds, _TEXTS)
        return list(self._told(ledger, places, hits)) if any(some.any() for some in hits.values()) else []

    def _hits(
        self,
        places: dict[str, np.ndarray],
        folders: Sequence[str],
        column: str,
        holds: Callable[[pa.Array], pa.Array],
        batch: int,
    ) -> np.ndarray:
        """By the place in the ledger, whether it holds for a document's column."""
        found = np.zeros(self.rows, np.bool_)
        for folder in folders:
            if self.files[folder].exists():
                with pq.ParquetFile(self.files[folder]) as opened:
                    held = [
                        pc.fill_null(holds(some.column(0)), False).to_numpy(zero_copy_only=False)
                        for some in opened.iter_batches(batch, columns=[column])
                    ]
                own = np.concatenate(held) if held else np.zeros(0, np.bool_)
                self._check(len(own), len(places[folder]), folder)
                found[places[folder]] = own
        return found

    def _told(
        self, ledger: pa.Table, places: dict[str, np.ndarray], hits: dict[str, np.ndarray]
    ) -> Iterator[Found]:
        wanted = np.logical_or.reduce(list(hits.values()))
        found: dict[int, Found] = {}
        for folder in ("kept", "removed"):
            own = np.flatnonzero(wanted[places[folder]])
            if not len(own):
                continue
            columns = ["identifier", "title", "creator", *(["split", "repeats"] if folder == "kept" else [])]
            table = pq.read_table(self.files[folder], columns=columns)
            self._check(len(table), len(places[folder]), folder)
            known = ledger.take(pa.array(places[folder][own])).to_pylist()
            for place, row, it, told in zip(
                places[folder][own].tolist(), own.tolist(), table.take(own).to_pylist(), known, strict=True
            ):
                self._check(it["identifier"], told["identifier"], folder)
                own_place = {"part": self.name, "row": row} if folder == "kept" else {"rule": told["rule"]}
                by = tuple(name for name, some in hits.items() if some[place])
                found[place] = Found(by=by, fate=told["fate"], spdx=told["spdx"], **it, **own_place)
        return (found[place] for place in sorted(found))

    def _check(self, found: Any, expected: Any, folder: str) -> None:
        if found != expected:
            raise OctavoError(
                f"{self.files[folder]}: found {found!r}, expected {expected!r}, as in the ledger; "
                "the folder was changed by hand"
            )


def by_creator(name: str) -> Callable[[pa.Array], pa.Array]:
    """Whether a name is among creators, as curation's opt-outs compare names."""
    asked = name_of(name)

    def holds(creators: pa.Array) -> pa.Array:
        encoded = creators.dictionary_encode()
        named = [asked in names_in(creator) for creator in encoded.dictionary.to_pylist()]
        return pa.array(named, pa.bool_()).take(encoded.indices)

    return holds


def containing(passage: str) -> Callable[[pa.Array], pa.Array]:
    """Whether texts hold a passage, whatever spaces and line breaks are between the words of either.

    The longest word is looked for first, at the speed of memory; only texts that have it are looked at in full.
    """
    forms = {" ".join(form.split()) for form in (passage, unicodedata.normalize("NFC", passage))}

    def holds_form(texts: pa.Array, form: str) -> pa.Array:
        maybe = pc.fill_null(pc.match_substring(texts, max(form.split(" "), key=len)), False)
        normal = pc.replace_substring_regex(texts.filter(maybe), _SPACES, " ")
        return pc.replace_with_mask(maybe, maybe, pc.match_substring(normal, form))

    def holds(texts: pa.Array) -> pa.Array:
        answers = [holds_form(texts, form) for form in sorted(forms)]
        return answers[0] if len(answers) == 1 else pc.or_(*answers)

    return holds


def _under(spdx: pa.Array, licence: str) -> np.ndarray:
    """Whether SPDX expressions name a licence, alone or beside others."""
    encoded = spdx.dictionary_encode()
    named = [
        any(is_allowed(name, (licence,)) for name in re.findall(r"[^\s()]+", expression))
        for expression in encoded.dictionary.to_pylist()
    ]
    own: np.ndarray = pc.fill_null(pa.array(named, pa.bool_()).take(encoded.indices), False).to_numpy(False)
    return own


def _is_in(values: pa.Array, some: Sequence[str]) -> pa.Array:
    return pc.is_in(values, pa.array(list(some), values.type))


def _cut(batches: Iterator[pa.RecordBatch], sizes: Sequence[int]) -> Iterator[pa.Table]:
    """Tables of so many rows each."""
    held: list[pa.RecordBatch] = []
    for size in sizes:
        while sum(batch.num_rows for batch in held) < size and (batch := next(batches, None)) is not None:
            held.append(batch)
        table = pa.Table.from_batches(held) if held else pa.table({})
        if len(table) < size:
            raise OctavoError(f"ledger.parquet: found too few rows, expected {size} for a part")
        yield table.slice(0, size)
        held = table.slice(size).to_batches()
