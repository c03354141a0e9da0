"""Exact duplicates: of the documents with the same text, the first stays."""

from __future__ import annotations

import daft
from daft import col


def first_copies(candidates: daft.DataFrame) -> daft.DataFrame:
    """Of rows (row, identifier, content_hash), those whose text came before: (row, cluster, original).

    `cluster` is the text's hash, `original` the identifier of the copy that stays.
    """
    groups = (
        candidates.groupby("content_hash")
        .agg(col("row").min().alias("first"), col("row").count().alias("copies"))
        .where("copies > 1")
    )
    originals = candidates.select(col("row").alias("first"), col("identifier").alias("original"))
    return (
        candidates.select("row", "content_hash")
        .join(groups, on="content_hash")
        .join(originals, on="first")
        .where("row <> first")
        .select("row", col("content_hash").alias("cluster"), "original")
    )
