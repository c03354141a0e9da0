"""One document's story, from a finished curation: where it came from, what the rules found, where it lies now."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.parts import parts_of
from octavo.curation import language
from octavo.curation.evidence import evidence_in_words, rule_in_words
from octavo.errors import InputError

COPIES = 20
"""Named of a document; more are counted."""

_CANDIDATES = 50_000
"""Identifiers compared letter by letter where none is the one asked for."""
_BATCH = 65536


def explain(home: Path, identifier: str) -> dict[str, Any]:
    """The story of the document `identifier` of the curation in `home`; of several of that name, the first.

    Raises InputError where the curation is not done, or where no document has that identifier.
    """
    if not (home / "report.json").is_file():
        raise InputError(f"{home}: found no finished curation; octavo curate RECIPE does it")
    rows = list(_ledger_rows(home, lambda batch: pc.equal(batch.column("identifier"), identifier)))
    if not rows:
        raise unknown(home, partial(identifiers_in, home), identifier)
    row, *others = rows
    text = _places(home, row)
    document = next((place for place in text.values() if place), {})
    evidence = json.loads(row["evidence"] or "{}")
    return {
        "identifier": identifier,
        "title": document.get("title"),
        "creator": document.get("creator"),
        "date": document.get("date"),
        "collection": document.get("collection"),
        "source": row["source"],
        "source_url": document.get("source_url"),
        "fate": row["fate"],
        "lang": row["lang"],
        "languages": row["languages"],
        "mixed": row["mixed"],
        "passages": _passages(home, row, text),
        "century": row["century"],
        "genre": row["genre"],
        "licence": {
            "stated": document.get("license"),
            "spdx": row["spdx"],
            "basis": row["basis"],
            "obligations": row["obligations"],
        },
        "rules": [_finding(row, rule, place, evidence) for place, rule in enumerate(row["rules"] or [])],
        "cluster": row["cluster"],
        "copy_of": _copy_that_stayed(home, row, evidence),
        "copies": _copies(home, row),
        "harmful": _harmful(home, row),
        "synthetic_bytes": row["synthetic_bytes"],
        "character_error": document.get("character_error"),
        "split": document.get("split"),
        "repeats": document.get("repeats"),
        "bytes_in": row["bytes_in"],
        "bytes_out": row["bytes_out"],
        "content_hash_in": row["content_hash_in"],
        "content_hash_out": row["content_hash_out"],
        "text": {
            folder: {"file": place["file"], "row": place["row"]} if place else None
            for folder, place in text.items()
        },
        "namesakes": [{name: other[name] for name in ("source", "fate", "rule")} for other in others],
    }


def _ledger_rows(home: Path, wanted: Any) -> Iterator[dict[str, Any]]:
    for batch in pq.ParquetFile(home / "ledger.parquet").iter_batches(_BATCH):
        yield from batch.filter(pc.fill_null(wanted(batch), False)).to_pylist()


def _finding(row: dict[str, Any], rule: str, place: int, evidence: dict[str, Any]) -> dict[str, Any]:
    removed = row["fate"] == "removed" and place == len(row["rules"]) - 1
    return {
        "rule": rule,
        "did": "removed" if removed else "changed",
        "meaning": rule_in_words(rule),
        "found": evidence_in_words(rule, evidence.get(rule)),
        "evidence": evidence.get(rule),
    }


def _copy_that_stayed(home: Path, row: dict[str, Any], evidence: dict[str, Any]) -> dict[str, Any] | None:
    """The document that stands for a removed copy, and what became of it."""
    names = [evidence[rule].get(key) for rule, key in _KEYS_OF_COPIES if row["rule"] == rule and rule in evidence]
    if not names:
        return None
    found = list(_ledger_rows(home, lambda batch: pc.equal(batch.column("identifier"), names[0])))
    # Of several of that name it is the one that no rule on copies has taken out.
    stayed = next((other for other in found if other["cluster"] is None), None)
    return {"identifier": names[0], "fate": stayed["fate"] if stayed else "removed"}


_KEYS_OF_COPIES = (("duplicate", "same_text_as"), ("near-duplicate", "like"))


def _copies(home: Path, row: dict[str, Any]) -> dict[str, Any]:
    """The copies that were removed for the sake of a document, or with it: how many, and the first of them."""
    name = json.dumps(row["identifier"], ensure_ascii=False)

    def may_name_it(batch: pa.RecordBatch) -> pa.Array:
        return pc.and_(pc.is_valid(batch.column("cluster")), pc.match_substring(batch.column("evidence"), name))

    number = 0
    names: list[str] = []
    for other in _ledger_rows(home, may_name_it):
        evidence = json.loads(other["evidence"]).get(other["rule"], {})
        if row["identifier"] in (evidence.get(key) for key in ("same_text_as", "like", "copy_of")):
            number += 1
            names += [other["identifier"]] if len(names) < COPIES else []
    return {"documents": number, "first": names}


def _places(home: Path, row: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    """Where a document's text lies, by folder, with the document's other columns."""
    identifier = row["identifier"]
    if row["fate"] == "removed":
        return {"removed": _place(home, "removed", identifier, row["content_hash_in"])}
    places = {"kept": _place(home, "kept", identifier, row["content_hash_out"])}
    if row["content_hash_in"] != row["content_hash_out"]:
        places["originals"] = _place(home, "originals", identifier, row["content_hash_in"])
    return places


def _place(home: Path, folder: str, identifier: str, content_hash: str) -> dict[str, Any] | None:
    for file in parts_of(home / folder):
        with pq.ParquetFile(file) as opened:
            columns = [name for name in opened.schema_arrow.names if name != "text"]
            start = 0
            for batch in opened.iter_batches(_BATCH, columns=["identifier", "content_hash"]):
                same = pc.and_(
                    pc.equal(batch.column("identifier"), identifier),
                    pc.equal(batch.column("content_hash"), content_hash),
                )
                at = pc.index(same, True).as_py()
                if at >= 0:
                    document: dict[str, Any] = _row(opened, start + at, columns)
                    return document | {"file": f"{folder}/{file.name}", "row": start + at}
                start += batch.num_rows
    return None


def _passages(
    home: Path, row: dict[str, Any], text: dict[str, dict[str, Any] | None]
) -> list[dict[str, Any]] | None:
    """The passages by language of a mixed document, by their characters in the first of the texts; else null."""
    place = next(iter(text.values()))
    if not row["mixed"] or place is None:
        return None
    with pq.ParquetFile(home / place["file"]) as opened:
        found = language.passages(_row(opened, place["row"], ["text"])["text"])
    return [passage._asdict() for passage in found]


def _harmful(home: Path, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The flagged passages of a document: their place in its text before they were changed, scores, what the recipe
    says of them, what came of it, and the text before and after."""
    file = home / "passages.parquet"
    if not file.exists():
        return []
    names = ("start", "end", "scores", "second", "action", "decision", "outcome", "text", "instead", "model")
    found: list[dict[str, Any]] = []
    for batch in pq.ParquetFile(file).iter_batches(_BATCH):
        own = pc.and_(
            pc.equal(batch.column("identifier"), row["identifier"]),
            pc.equal(batch.column("content_hash_in"), row["content_hash_in"]),
        )
        for passage in batch.filter(own).to_pylist():
            found.append(
                {name: passage[name] for name in names}
                | {"retention": passage["retention"], "rewrite": json.loads(passage["rewrite"] or "null")}
            )
    return found


def _row(opened: pq.ParquetFile, number: int, columns: list[str]) -> dict[str, Any]:
    for group in range(opened.num_row_groups):
        rows = opened.metadata.row_group(group).num_rows
        if number < rows:
            found: dict[str, Any] = opened.read_row_group(group, columns).slice(number, 1).to_pylist()[0]
            return found
        number -= rows
    raise IndexError(number)


def unknown(place: Path, names: Callable[[], Iterable[pa.Array]], identifier: str) -> InputError:
    """What to say of an identifier that no document of a place has, with the nearest of all `names` there are."""
    near = _nearest(names, identifier)
    named = f"; the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}" if near else ""
    return InputError(f"{place}: no document has the identifier {identifier!r}{named}")


def identifiers_in(home: Path) -> Iterator[pa.Array]:
    """All identifiers of the ledger in `home`, some at a time."""
    for batch in pq.ParquetFile(home / "ledger.parquet").iter_batches(_BATCH, columns=["identifier"]):
        yield batch.column("identifier")


def _nearest(names: Callable[[], Iterable[pa.Array]], identifier: str) -> list[str]:
    """Up to three identifiers like the one asked for; those come first that end with it.

    Letter by letter is slow, so of a large corpus only those that begin alike are compared.
    """
    ends: list[str] = []
    for reach in (3 * len(identifier) // 4, len(identifier) // 2, len(identifier) // 4, 0):
        begin: list[str] = []
        for some in names():
            if not reach and len(ends) < 3:
                ends += some.filter(pc.ends_with(some, identifier)).to_pylist()[:3]
            begin += some.filter(pc.starts_with(some, identifier[:reach])).to_pylist()
            if len(begin) >= _CANDIDATES:
                break
        near = difflib.get_close_matches(identifier, begin[:_CANDIDATES], n=3)
        if near:
            return near
    return ends[:3]
