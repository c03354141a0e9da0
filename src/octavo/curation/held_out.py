"""The held-out split: whole works, drawn by a keyed hash, which no training step ever sees."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from octavo.corpus.schema import work_of
from octavo.recipe import HeldOut


def choose_works(documents: pa.Table, settings: HeldOut, seed: int) -> set[str]:
    """Choose works to hold out from kept documents (identifier, lang, bytes).

    In each language works are taken in the order of a hash keyed with the seed until the wanted share of
    the bytes is reached, so that a work's lot does not depend on the others'. One work at least is held
    out, and one at least stays; a language with a single work holds out none.
    """
    works = (
        pa.table(
            {
                "work": work_of(documents.column("identifier")),
                "lang": documents.column("lang"),
                "bytes": documents.column("bytes"),
            }
        )
        .group_by(["lang", "work"])
        .aggregate([("bytes", "sum")])
    )
    chosen: set[str] = set()
    if settings.fraction == 0:
        return chosen
    key = blake3(f"held-out {seed}".encode()).digest()
    for lang in sorted(pc.unique(works.column("lang")).to_pylist()):
        rows = works.filter(pc.equal(works.column("lang"), lang)).to_pylist()
        rows.sort(key=lambda row: blake3(row["work"].encode(), key=key).digest())
        wanted = min(settings.fraction * sum(r["bytes_sum"] for r in rows), settings.max_bytes)
        taken = 0
        for row in rows[:-1]:
            if taken and taken + row["bytes_sum"] / 2 > wanted:
                break
            chosen.add(row["work"])
            taken += row["bytes_sum"]
    return chosen
