"""The held-out split: whole works, drawn by a keyed hash, which no training step ever sees."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from blake3 import blake3

from octavo.corpus.schema import work_of
from octavo.recipe.curation import HeldOut


def choose_works(documents: pa.Table, settings: HeldOut, seed: int) -> set[str]:
    """Choose works to hold out from kept documents (identifier, lang, bytes).

    In each language works are taken in the order of a hash keyed with the seed until the wanted share of
    the bytes is reached, so that a work's lot does not depend on the others'. One work at least is held
    out, and one at least stays; a language with a single work holds out none. A work whose sections are in
    several languages counts to the one that most of it is in.
    """
    sections = (
        pa.table(
            {
                "work": work_of(documents.column("identifier")),
                "lang": documents.column("lang"),
                "bytes": documents.column("bytes"),
            }
        )
        .group_by(["lang", "work"])
        .aggregate([("bytes", "sum")])
        .sort_by([("bytes_sum", "descending"), ("lang", "ascending")])
    )
    main_language: dict[str, str] = {}
    size: Counter[str] = Counter()
    for row in sections.to_pylist():
        main_language.setdefault(row["work"], row["lang"])
        size[row["work"]] += row["bytes_sum"]
    chosen: set[str] = set()
    if settings.fraction == 0:
        return chosen
    key = blake3(f"held-out {seed}".encode()).digest()
    for lang in set(main_language.values()):
        works = [work for work in size if main_language[work] == lang]
        works.sort(key=lambda work: blake3(work.encode(), key=key).digest())
        wanted = min(settings.fraction * sum(size[work] for work in works), settings.max_bytes)
        taken = 0
        for work in works[:-1]:
            if taken and taken + size[work] / 2 > wanted:
                break
            chosen.add(work)
            taken += size[work]
    return chosen
