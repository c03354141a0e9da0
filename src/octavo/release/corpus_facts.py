"""What the manifest states of the corpus, counted from the ledger and the kept documents."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.corpus.dates import years_of
from octavo.corpus.parts import parts_of, scan
from octavo.lineage import StageRecord
from octavo.recipe.curation import Curation
from octavo.recipe.schema import Recipe
from octavo.release import manifest as facts
from octavo.workers import all_rows

DOMAINS_SHOWN = (10, 1_000)
"""Fewest and most domains that are named of a corpus; between them a tenth of all."""
COLLECTION_DOMAINS = 10
"""Named of a collection."""
_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@?#]*@)?([^/:?#]+)"


def corpus_facts(
    recipe: Recipe, run: Path, figures: dict[str, dict[str, Any]], came_in: StageRecord
) -> facts.Corpus:
    """The facts of a run's corpus; `figures` are those of the stages, `came_in` is the record of stage corpus."""
    curation, tokenization = figures["curation"], figures.get("tokenization", {})
    rows = _kept_rows(run / "corpus" / "kept")
    years = _years(rows, recipe.curation.licences.as_of)
    domains = _by(rows, "host")
    named = [host for host in domains if host != _NONE]
    least, most = DOMAINS_SHOWN
    shown = min(max(math.ceil(len(named) / 10), least), most)
    per_token = tokenization.get("bytes_per_token", {})
    languages = {
        lang: facts.Language(
            documents=row["documents"],
            bytes=row["bytes"],
            held_out=_count(row.get("held_out")),
            bytes_per_token=per_token.get(lang),
        )
        for lang, row in curation["languages"].items()
    }
    held_out = [row.held_out for row in languages.values() if row.held_out]
    return facts.Corpus(
        imported_on=last_day([came_in]),
        came=facts.Count(**curation["in"]),
        kept=facts.Count(**curation["kept"]),
        removed=_counts(curation["rules"]),
        changed=_counts(curation["changes"]),
        held_out=_sum(held_out),
        languages=languages,
        mixed=_sum(_counts(curation["mixed"]).values()),
        licences=_counts(curation["licences"]),
        obligations=_counts(curation["obligations"]),
        centuries=_counts(curation["centuries"]),
        genres=_counts(curation["genres"]),
        first_year=min((first for first, _ in years.values()), default=None),
        last_year=max((last for _, last in years.values()), default=None),
        collections=list(_collections(rows, years)),
        domains={host: domains[host] for host in named[:shown]},
        all_domains=len(named),
        sources=list(_sources(recipe, run)),
        personal_data=_personal_data(run / "corpus" / "ledger.parquet") if _redacts(recipe) else None,
        harm=_harm(recipe, figures),
        synthetic=_synthetic(curation),
        opt_outs=_opt_outs(recipe, curation),
        steps=list(_steps(recipe.curation)),
        licence_policy=recipe.curation.licences.allow,
        jurisdictions=list(recipe.curation.licences.jurisdictions),
    )


def last_day(records: Iterable[StageRecord]) -> str:
    """The day on which the last output of stages was written, UTC, as YYYY-MM-DD."""
    newest = max((file.mtime_ns for record in records for file in record.outputs.values()), default=0)
    return datetime.datetime.fromtimestamp(newest / 1e9, datetime.UTC).date().isoformat()


_NONE = ""
"""In place of what a document does not state."""


def _kept_rows(kept: Path) -> list[dict[str, Any]]:
    """The kept documents and their bytes, by collection, licence, language, host and date."""
    from daft import col

    by = ("collection", "spdx", "lang", "host", "date")
    groups = (
        scan(parts_of(kept))
        .select(
            col("collection"),
            col("spdx"),
            col("lang"),
            col("source_url").regexp_extract(_HOST, 1).lower().alias("host"),
            col("date"),
            col("text").length_bytes().alias("bytes"),
        )
        .groupby(*by)
        .agg(col("bytes").count().alias("documents"), col("bytes").sum().alias("bytes"))
    )
    with all_rows():
        found: list[dict[str, Any]] = groups.to_pylist()
    found.sort(key=lambda row: [str(row[name] or _NONE) for name in by])
    return found


def _by(rows: Iterable[dict[str, Any]], column: str) -> dict[str, facts.Count]:
    """Documents and bytes by a column, the largest first."""
    documents: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for row in rows:
        name = row[column] or _NONE
        documents[name] += row["documents"]
        size[name] += row["bytes"]
    return {
        name: facts.Count(documents=documents[name], bytes=size[name])
        for name in sorted(size, key=lambda name: (-size[name], name))
    }


def _years(rows: Iterable[dict[str, Any]], latest: int) -> dict[str, tuple[int, int]]:
    """The years that dates mean, by the date as it is stated; what means none is left out."""
    read = {date: years_of(date, latest) for date in {row["date"] for row in rows} if date}
    return {date: years for date, years in read.items() if years}


def _collections(rows: list[dict[str, Any]], years: dict[str, tuple[int, int]]) -> Iterator[facts.Collection]:
    of: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        of.setdefault(row["collection"] or _NONE, []).append(row)
    for name, count in _by(rows, "collection").items():
        dated = [years[row["date"]] for row in of[name] if row["date"] in years]
        hosts = {host: found for host, found in _by(of[name], "host").items() if host != _NONE}
        yield facts.Collection(
            name=name or None,
            documents=count.documents,
            bytes=count.bytes,
            licences=_by(of[name], "spdx"),
            languages=_by(of[name], "lang"),
            first_year=min((first for first, _ in dated), default=None),
            last_year=max((last for _, last in dated), default=None),
            domains=dict(list(hosts.items())[:COLLECTION_DOMAINS]),
        )


def _sources(recipe: Recipe, run: Path) -> Iterator[facts.Source]:
    """Each source of the recipe, by the parts of the corpus that bear its number."""
    for number, source in enumerate(recipe.corpus.sources):
        parts = sorted((run / "documents").glob(f"{number:03d}-*.parquet"))
        kept = [run / "corpus" / "kept" / part.name for part in parts]
        yield facts.Source(
            path=source.path,
            collections=_collections_of(part for part in kept if part.exists()),
            origin=source.origin,
            title=source.title,
            url=source.url,
            collected=source.collected,
            license=source.license,
            files=len({part.name.split("-")[1] for part in parts}),
            came=_sum(map(_size_of, parts)),
            kept=_sum(_size_of(part) for part in kept if part.exists()),
        )


def _collections_of(kept: Iterable[Path]) -> dict[str, facts.Count]:
    """Documents and bytes by the collection that they name, the largest first."""
    found: list[dict[str, Any]] = []
    for part in kept:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(columns=["collection", "text"]):
                sizes = pa.table(
                    {"collection": batch.column("collection"), "bytes": pc.binary_length(batch.column("text"))}
                )
                groups = sizes.group_by("collection").aggregate([("bytes", "count"), ("bytes", "sum")])
                found += groups.rename_columns({"bytes_count": "documents", "bytes_sum": "bytes"}).to_pylist()
    return _by(found, "collection")


def _size_of(part: Path) -> facts.Count:
    """Documents of a Parquet file and the bytes of their texts."""
    documents = size = 0
    with pq.ParquetFile(part) as file:
        for batch in file.iter_batches(columns=["text"]):
            documents += batch.num_rows
            size += pc.sum(pc.binary_length(batch.column("text"))).as_py() or 0
    return facts.Count(documents=documents, bytes=size)


def _redacts(recipe: Recipe) -> bool:
    return recipe.curation.personal_data == "redact"


def _personal_data(ledger: Path) -> dict[str, int]:
    """Placeholders in the documents that stay, by kind, the most frequent first."""
    found: Counter[str] = Counter()
    with pq.ParquetFile(ledger) as file:
        for batch in file.iter_batches(columns=["fate", "evidence"]):
            own = pc.and_(
                pc.not_equal(batch.column("fate"), "removed"),
                pc.fill_null(pc.match_substring(batch.column("evidence"), '"personal-data"'), False),
            )
            for evidence in batch.column("evidence").filter(own).to_pylist():
                found.update(orjson.loads(evidence).get("personal-data", {}))
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _harm(recipe: Recipe, figures: dict[str, dict[str, Any]]) -> facts.Harm | None:
    found = figures["curation"].get("toxicity")
    if not found:
        return None
    asked = recipe.curation.toxicity
    return facts.Harm(
        passages=found["passages"],
        outcomes={name: count["passages"] for name, count in found["outcomes"].items()},
        classifier=asked.classifier or "octavo's own",
        second_opinion=asked.second_opinion.model if asked.second_opinion else None,
    )


def _synthetic(curation: dict[str, Any]) -> facts.Synthetic:
    found = curation.get("toxicity", {}).get("synthetic", {"documents": 0, "bytes": 0, "models": {}})
    models = {name: count["bytes"] for name, count in found["models"].items()}
    return facts.Synthetic(documents=found["documents"], bytes=found["bytes"], models=models)


def _opt_outs(recipe: Recipe, curation: dict[str, Any]) -> facts.OptOuts:
    listed = recipe.curation.opt_outs.model_dump()
    gone = curation["rules"].get("opt-out", {"documents": 0, "bytes": 0})
    return facts.OptOuts(entries={field: len(entries) for field, entries in listed.items()}, **gone)


def _steps(settings: Curation) -> Iterator[facts.Step]:
    taken: dict[facts.Step, bool] = {
        "opt-outs": True,
        "licences": True,
        "repair": settings.repair,
        "language": True,
        "personal-data": settings.personal_data == "redact",
        "ocr": True,
        "quality": settings.quality.enabled,
        "decontamination": bool(settings.decontamination.sets),
        "copies": True,
        "near-copies": settings.duplicates.similarity < 1,
        "harm": settings.toxicity.enabled,
        "mixture": any((settings.mixture.languages, settings.mixture.collections, settings.mixture.centuries)),
    }
    return (step for step, done in taken.items() if done)


def _counts(found: dict[str, dict[str, Any]]) -> dict[str, facts.Count]:
    return {name: facts.Count(documents=row["documents"], bytes=row["bytes"]) for name, row in found.items()}


def _count(row: dict[str, int] | None) -> facts.Count | None:
    return facts.Count(**row) if row else None


def _sum(counts: Iterable[facts.Count]) -> facts.Count:
    found = list(counts)
    return facts.Count(documents=sum(c.documents for c in found), bytes=sum(c.bytes for c in found))
