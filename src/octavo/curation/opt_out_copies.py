"""Copies of what opted out: the same text, or nearly the same, under a name that the opt-out list does not have.

Compared are the texts as repair and redaction leave them, of the documents that opted out too, so that a copy in
another encoding, with other line ends, in markup or with a telephone number taken out is the same text. Found is

- a text that is then the same to the byte;
- a text whose n-grams of words are as like as `curation.duplicates.similarity` asks, by the MinHash signatures that
  near duplicates are found by: at 0.5 some seven of eight such pairs share a band and are compared, at 0.7 all but
  one in some six thousand. A similarity of 1 finds exact copies alone.

  Of the originals that share a band the first 16 are compared: of thousands made after one form, any will do.

Not found are texts of which what opted out is a small part (an anthology, or a whole work of which one section
opted out), small parts of it, translations, rewritings, and what is like a copy but not like the original.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from octavo.compiled import Ints
from octavo.curation.near_duplicates import BINS, EMPTY, Signatures, similarity
from octavo.curation.opt_outs import RULE

COPIES = pa.schema([("row", pa.int64()), ("evidence", pa.large_string()), ("cluster", pa.large_string())])
"""A copy: its row; JSON of the document that it is a copy of (`copy_of`), the `similarity` (1 where it is the same
text, which `same_text` says), and the `field` and `entry` of that one's opt-out; and that one's hash."""

OF_A_BAND = 16
"""Originals that are compared of those that share a band, so that pairs do not grow with both sides."""

AT_ONCE = 65536
"""Pairs whose signatures are compared at once: 64 MiB."""


def find_copies(opted_out: Any, still_in: Any, least: float) -> pa.Table:
    """The copies, in COPIES, among the documents `still_in` of those that `opted_out`.

    Both are Daft frames with the columns row, content_hash and, for the text after repair, signature and bands;
    `opted_out` also has identifier and evidence. Of several originals that with the same text stands, then the most
    alike, then the first. `least` is the similarity that counts. Where none opted out, no other is looked at.
    """
    if not opted_out.select("row").limit(1).to_arrow().num_rows:
        return COPIES.empty_table()
    pairs = _same_text(opted_out, still_in)
    if least < 1:
        pairs = pa.concat_tables([pairs, _alike(opted_out, still_in, least)])
    best_first = {
        "row": "ascending",
        "same_text": "descending",
        "similarity": "descending",
        "original": "ascending",
    }
    pairs = pairs.sort_by(list(best_first.items()))
    best = pairs.filter(pa.array(np.diff(pairs.column("row").to_numpy(), prepend=-1) != 0))
    originals = (
        opted_out.join(_frame(best.column("original").unique()), on="row", how="semi")
        .select("row", "identifier", "content_hash", "evidence")
        .to_arrow()
        .to_pylist()
    )
    by_row = {original["row"]: original for original in originals}
    evidence, clusters = [], []
    for pair in best.to_pylist():
        original = by_row[pair["original"]]
        evidence.append(_evidence(original, pair))
        clusters.append(original["content_hash"])
    return pa.table({"row": best.column("row"), "evidence": evidence, "cluster": clusters}).cast(COPIES)


_PAIRS = pa.schema(
    [("row", pa.int64()), ("original", pa.int64()), ("similarity", pa.float64()), ("same_text", pa.bool_())]
)


def _same_text(opted_out: Any, still_in: Any) -> pa.Table:
    """Pairs of a row with the text of one that opted out, and the first such one."""
    from daft import col, lit

    originals = opted_out.groupby("content_hash").agg(col("row").min().alias("original"))
    found = still_in.select("row", "content_hash").join(originals, on="content_hash")
    alike = found.with_columns({"similarity": lit(1.0), "same_text": lit(True)})
    return alike.select(*_PAIRS.names).to_arrow().cast(_PAIRS)


def _alike(opted_out: Any, still_in: Any, least: float) -> pa.Table:
    """Pairs that share a band and are as alike as `least`; of the originals with the same text the first stands for
    all, and those without a word are like nothing."""
    from daft import col, lit

    first = opted_out.groupby("content_hash").agg(col("row").min()).select("row")
    with_words = opted_out.where(col("signature") != lit(np.full(BINS, EMPTY).tobytes()))
    bands = with_words.join(first, on="row", how="semi").select("row", col("bands").explode().alias("band"))
    sharing = bands.groupby("band").agg(col("row").list_agg().list_sort().slice(0, OF_A_BAND).alias("original"))
    theirs = sharing.explode("original")
    own = still_in.select("row", col("bands").explode().alias("band"))
    pairs = own.join(theirs, on="band").select("row", "original").distinct().to_arrow()
    row, original = (pairs.column(name).to_numpy() for name in ("row", "original"))
    place, signature = _signatures(still_in, row)
    place_of_original, signature_of_original = _signatures(opted_out, original)
    alike = np.empty(len(row))
    for start in range(0, len(row), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        alike[some] = similarity(signature[place[some]], signature_of_original[place_of_original[some]])
    found = {"row": row, "original": original, "similarity": alike, "same_text": np.zeros(len(row), bool)}
    return pa.table(found, schema=_PAIRS).filter(pa.array(alike >= least))


def _signatures(documents: Any, rows: Ints) -> tuple[Ints, Signatures]:
    """The place of each row among the rows that occur, and the signatures of these."""
    occur, place = np.unique(rows, return_inverse=True)
    found = documents.join(_frame(pa.array(occur, pa.int64())), on="row", how="semi").select("row", "signature")
    signatures = found.to_arrow().sort_by("row").column("signature").to_pylist()
    return place, np.frombuffer(b"".join(signatures), np.uint32).reshape(-1, BINS)


def _evidence(original: dict[str, Any], pair: dict[str, Any]) -> str:
    told: dict[str, Any] = {"copy_of": original["identifier"], "similarity": round(pair["similarity"], 3)}
    told |= {"same_text": True} if pair["same_text"] else {}
    opted_out = json.loads(original["evidence"])[RULE]
    return json.dumps(told | {name: opted_out[name] for name in ("field", "entry")}, ensure_ascii=False)


def _frame(rows: pa.Array | pa.ChunkedArray) -> Any:
    import daft

    return daft.from_arrow(pa.table({"row": rows}))
