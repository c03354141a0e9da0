"""The corpus: the ledger accounts for every document, texts are what their hashes say, and all are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.audit.claims import Claim, all_or_each
from octavo.audit.opening import Audited
from octavo.corpus.parts import parts_of
from octavo.corpus.schema import FATES, content_hash
from octavo.curation import licences, opt_outs
from octavo.recipe.schema import Recipe, Source

SHOWN = 20
"""Documents named of one kind of fault, at most."""
_BATCH = 4096
_LEDGER = "corpus/ledger.parquet"

_UNREADABLE = (OSError, pa.ArrowException, LookupError, TypeError, AttributeError)
"""What a file raises that is no Parquet, lacks a column or has other values than it should."""

_Row = tuple[str | None, str]
"""Identifier and hash of a document's text."""


class _Ledger(NamedTuple):
    """What the ledger says: documents that came in, and what stays of them with its licence."""

    came: Counter[_Row]
    stays: Counter[_Row]
    removed: Counter[_Row]
    licences: dict[_Row, str | None]


def check_documents(audited: Audited, run: Path) -> Iterator[Claim]:
    """Every document has one fate, its text is in the folder that the ledger says, and its licence passes."""
    if "curation" not in audited.records:
        return
    ledger, faults = _read_ledger(run / _LEDGER)
    yield from all_or_each("documents", _LEDGER, "is a ledger", [(_LEDGER, what) for what in faults])
    if ledger is None:
        return
    came = _rows_in(run / "documents", "content_hash")
    said = f"has one row for each of the {came.total():,} documents that came in"
    yield from all_or_each("documents", _LEDGER, said, _uneven(ledger.came, came, _LEDGER, "documents/"))
    for folder, expected in (("kept", ledger.stays), ("removed", ledger.removed)):
        where = f"corpus/{folder}"
        there = _rows_in(run / where, "content_hash")
        said = f"its {expected.total():,} documents that are {folder} are in {where}"
        yield from all_or_each("documents", _LEDGER, said, _uneven(expected, there, _LEDGER, where))
    for folder in ("documents", "corpus/kept", "corpus/removed", "corpus/originals"):
        said = "every text has the hash that is stated of it"
        yield from all_or_each("documents", folder, said, _altered(run, folder))
    said = "every kept document passes the licence gate of the recipe, by the licence that the ledger states"
    yield from all_or_each("licences", _LEDGER, said, _not_open(audited.recipe, run, ledger))
    if audited.recipe.curation.opt_outs.given():
        said = "no kept document is one that opted out, by the recipe's list"
        yield from all_or_each("licences", "corpus/kept", said, _opted_out(audited.recipe, run))


def _read_ledger(path: Path) -> tuple[_Ledger | None, list[str]]:
    columns = ["identifier", "fate", "content_hash_in", "content_hash_out", "spdx", "bytes_in", "bytes_out"]
    ledger = _Ledger(Counter(), Counter(), Counter(), {})
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH, columns=columns):
                for row in batch.to_pylist():
                    name, fate = row["identifier"], row["fate"]
                    if fate not in FATES:
                        return None, [f"document {name} has fate {fate}, expected one of {', '.join(FATES)}"]
                    ledger.came[name, row["content_hash_in"]] += 1
                    if fate == "removed":
                        ledger.removed[name, row["content_hash_in"]] += 1
                    else:
                        ledger.stays[name, row["content_hash_out"]] += 1
                        ledger.licences[name, row["content_hash_out"]] = row["spdx"]
    except (OSError, pa.ArrowException, KeyError) as error:
        return None, [f"cannot be read ({error})"]
    return ledger, []


def _rows_in(folder: Path, column: str) -> Counter[_Row]:
    """The documents in the Parquet files of a folder; a file that cannot be read is told by its hash."""
    found: Counter[_Row] = Counter()
    for part in parts_of(folder):
        try:
            table = pq.read_table(part, columns=["identifier", column])
            rows = list(zip(*(table.column(name).to_pylist() for name in ("identifier", column)), strict=True))
        except _UNREADABLE:
            continue
        found.update(rows)
    return found


def _uneven(expected: Counter[_Row], found: Counter[_Row], file: str, where: str) -> Iterator[tuple[str, str]]:
    for row, count in _some((expected - found).items()):
        yield where, f"document {row[0]} is missing" + (f" {count} times" if count > 1 else "")
    for row, count in _some((found - expected).items()):
        yield file, f"document {row[0]} in {where} is not in it" + (f" {count} times" if count > 1 else "")


def _some(items: Any) -> list[Any]:
    return sorted(items, key=lambda item: str(item[0]))[:SHOWN]


def _altered(run: Path, folder: str) -> Iterator[tuple[str, str]]:
    for part in parts_of(run / folder):
        try:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(_BATCH, columns=["identifier", "content_hash", "text"]):
                    own = pa.array([content_hash(text) for text in batch.column("text").to_pylist()])
                    other = pc.not_equal(own.cast(pa.large_string()), batch.column("content_hash"))
                    for name in batch.column("identifier").filter(other).to_pylist()[:SHOWN]:
                        yield f"{folder}/{part.name}", f"document {name} has another text"
        except _UNREADABLE as error:
            yield f"{folder}/{part.name}", f"cannot be read ({str(error).strip().splitlines()[0]})"


def _kept_parts(recipe: Recipe, run: Path) -> Iterator[tuple[Path, Source]]:
    """The parts of what is kept, each with its source; a file of another name is told as one in no record."""
    for part in parts_of(run / "corpus" / "kept"):
        number = part.name.partition("-")[0]
        if number.isdecimal() and int(number) < len(recipe.corpus.sources):
            yield part, recipe.corpus.sources[int(number)]


def _opted_out(recipe: Recipe, run: Path) -> Iterator[tuple[str, str]]:
    """Kept documents that the opt-out list names; where curation changed a text, not by the hash of what it was."""
    for part, source in _kept_parts(recipe, run):
        try:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(_BATCH):
                    rules = opt_outs.judge(batch, source, recipe.curation.opt_outs).field("rule")
                    for name in batch.column("identifier").filter(pc.is_valid(rules)).to_pylist()[:SHOWN]:
                        yield f"corpus/kept/{part.name}", f"document {name} opted out"
        except _UNREADABLE:
            continue  # told by its texts


def _not_open(recipe: Recipe, run: Path, ledger: _Ledger) -> Iterator[tuple[str, str]]:
    """Kept documents that the gate would not let pass, or of which the ledger states another licence."""
    columns = ["identifier", "content_hash", "spdx", "license", "creator", "date"]
    for part, source in _kept_parts(recipe, run):
        try:
            table = pq.read_table(part, columns=columns)
            verdicts = licences.judge(table, source, recipe.curation.licences)
        except _UNREADABLE:
            continue  # told by its texts
        rows = zip(*(table.column(name).to_pylist() for name in columns[:3]), verdicts.to_pylist(), strict=True)
        faults = 0
        for name, digest, spdx, verdict in rows:
            stated = ledger.licences.get((name, digest), spdx)
            if verdict["rule"] is None and verdict["spdx"] == spdx == stated:
                continue
            faults += 1
            if faults > SHOWN:
                break
            where = f"corpus/kept/{part.name}" if stated == spdx else _LEDGER
            found = verdict["spdx"] or "no open licence"
            yield where, f"document {name}: states {spdx if stated == spdx else stated}, the gate says {found}"
