"""What no variant trains on: the works that the recipe holds out, and whatever else holds their text.

A rule that is left out may bring in what it removed, copies of held-out works among them, and a proxy that learnt
those would look better than it is. So all is taken out of the documents before any variant's curation, by curation
itself: the held-out works as if they had opted out, which takes their copies along; and as if their text were an
evaluation set, which takes what is a piece of it, or has a piece of it in it. All other rules that remove texts are
off then, so that every document is looked at that some variant might train on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pd
import pyarrow.parquet as pq

from octavo.ablation.choices import ALL_RULES, with_fields
from octavo.corpus.parts import parts_of
from octavo.corpus.schema import DOCUMENT_SCHEMA, work_of
from octavo.curation.opt_outs import RULE as OPT_OUT
from octavo.errors import InputError
from octavo.progress import Progress
from octavo.recipe.curation import Duplicates
from octavo.recipe.schema import Recipe

HELD_OUT: Final = "documents.parquet"
"""The held-out documents, whole: identifier, lang, text as curation leaves it, text_in as it came."""
PIECE: Final = "contaminated"
"""The rule by which a document goes that shares a piece with held-out text."""
ROWS: Final = 1024


def gather_held_out(whole: Path, home: Path) -> dict[str, Any]:
    """Write the held-out documents of a curated run into `home`, and count them.

    Raises InputError where there are none.
    """
    columns = ["identifier", "lang", "text", "content_hash"]
    kept = pd.dataset(list(map(str, parts_of(whole / "corpus" / "kept"))))
    held = kept.to_table(columns=columns, filter=pc.field("split") == "held-out")
    if not held.num_rows:
        raise InputError("curation.held_out: found no language with works enough to hold one out")
    texts = _as_they_came(whole, held)
    came = [texts[key] for key in _keys(held, "content_hash")]
    home.mkdir(exist_ok=True)
    written = held.drop_columns("content_hash").append_column("text_in", pa.array(came, pa.large_string()))
    pq.write_table(written, home / f"{HELD_OUT}.partial", compression="zstd")
    (home / f"{HELD_OUT}.partial").rename(home / HELD_OUT)
    works = len(pc.unique(work_of(held.column("identifier"))))
    return {"works": works, "documents": held.num_rows}


def _as_they_came(whole: Path, held: pa.Table) -> dict[tuple[str, str], str]:
    """By identifier and hash of the curated text: the text as it came in, which the ledger leads to."""
    hashes = held.column("content_hash").combine_chunks()
    rows = pq.read_table(
        whole / "corpus" / "ledger.parquet",
        columns=["identifier", "content_hash_in", "content_hash_out"],
        filters=pc.field("content_hash_out").isin(hashes),
    )
    documents = pd.dataset(list(map(str, parts_of(whole / "documents"))))
    came = documents.to_table(
        columns=["content_hash", "text"],
        filter=pc.field("content_hash").isin(rows.column("content_hash_in").combine_chunks()),
    )
    texts = dict(zip(came.column("content_hash").to_pylist(), came.column("text").to_pylist(), strict=True))
    came_in = rows.column("content_hash_in").to_pylist()
    return dict(zip(_keys(rows, "content_hash_out"), (texts[one] for one in came_in), strict=True))


def _keys(table: pa.Table, hash_column: str) -> list[tuple[str, str]]:
    return list(zip(table.column("identifier").to_pylist(), table.column(hash_column).to_pylist(), strict=True))


def withholding(recipe: Recipe, held_out: Path) -> Recipe:
    """The recipe by whose curation all is removed that no variant may train on."""
    settings = recipe.curation
    works = work_of(pq.read_table(held_out, columns=["identifier"]).column("identifier"))
    similarity = min(settings.duplicates.similarity, Duplicates().similarity)
    fields = {
        "curation.repair": True,
        "curation.personal_data": "redact",
        "curation.duplicates.similarity": similarity,
        "curation.opt_outs.identifiers": [*settings.opt_outs.identifiers, *pc.unique(works).to_pylist()],
        "curation.decontamination": {"sets": [str(held_out)]},
        "curation.held_out.fraction": 0.0,
    }
    return with_fields(recipe, {**ALL_RULES, **fields})


def write_documents(whole: Path, withheld: Path, home: Path, progress: Progress) -> dict[str, Any]:
    """Write a run's documents into `home`, part by part, without what another curation of them, in `withheld`,
    removed as held out or as opted out; the numbers of these."""
    columns = ["rule", "fate", "evidence"]
    ledger = pq.read_table(withheld / "corpus" / "ledger.parquet", columns=columns).combine_chunks()
    removed = pc.equal(ledger.column("fate"), "removed")
    gone = pc.and_(removed, pc.is_in(ledger.column("rule"), pa.array([OPT_OUT, PIECE], pa.large_string())))
    parts = parts_of(whole / "documents")
    home.mkdir(exist_ok=True)
    start = 0
    for done, part in enumerate(parts, 1):
        progress.check()
        stored = pq.ParquetFile(part)
        temporary = home / f"{part.name}.partial"
        with pq.ParquetWriter(temporary, DOCUMENT_SCHEMA, compression="zstd") as writer:
            for batch in stored.iter_batches(ROWS):
                stays = pc.invert(gone.slice(start, batch.num_rows).combine_chunks())
                writer.write_batch(batch.filter(stays))
                start += batch.num_rows
        temporary.rename(home / part.name)
        progress.update(done, len(parts), part.name)
    rules = ledger.filter(gone)
    copies = pc.match_substring(rules.column("evidence"), '"copy_of"')
    return {
        "left": ledger.num_rows - rules.num_rows,
        "withheld": {
            "works": pc.sum(pc.and_(pc.equal(rules.column("rule"), OPT_OUT), pc.invert(copies))).as_py() or 0,
            "copies": pc.sum(pc.and_(pc.equal(rules.column("rule"), OPT_OUT), copies)).as_py() or 0,
            "pieces": pc.sum(pc.equal(rules.column("rule"), PIECE)).as_py() or 0,
        },
    }
