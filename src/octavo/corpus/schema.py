"""The columns of documents: Common Corpus's own, and those that octavo adds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

TEXT_COLUMNS = (
    "identifier",
    "collection",
    "open_type",
    "license",
    "date",
    "title",
    "creator",
    "language",
    "language_type",
    "text",
    "source_url",
)
COUNT_COLUMNS = ("word_count", "token_count")
SHARE_COLUMNS = ("ocr_confidence",)
LIST_COLUMNS = ("license", "creator")
"""In which a source may have a list; every one of it counts."""

SOURCE_SCHEMA = pa.schema(
    [(name, pa.large_string()) for name in TEXT_COLUMNS]
    + [(name, pa.int64()) for name in COUNT_COLUMNS]
    + [(name, pa.float64()) for name in SHARE_COLUMNS]
)
"""What a reader yields: Common Corpus's columns and octavo's own, any of them null but for the text."""

DOCUMENT_SCHEMA = SOURCE_SCHEMA.append(pa.field("source", pa.large_string())).append(
    pa.field("content_hash", pa.large_string())
)
"""An imported document: with the source it came from and the BLAKE3 hash of its text."""

LANGUAGES = pa.large_list(pa.struct([("lang", pa.large_string()), ("share", pa.float64())]))
"""The languages of a document with their shares of its text, which add up to 1; the greatest first."""

SYNTHETIC = pa.large_list(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("model", pa.large_string())]))
"""Spans of a text, by its UTF-8 bytes, that a model wrote."""

_DIMENSIONS = ("race_origin", "gender_sexuality", "religion", "ability", "violence_abuse")
_SCORES = pa.struct([(name, pa.float32()) for name in _DIMENSIONS])

HARMFUL = pa.large_list(
    pa.struct([("start", pa.int64()), ("end", pa.int64()), *((name, pa.float32()) for name in _DIMENSIONS)])
)
"""Annotated spans of a text, by its UTF-8 bytes, with their scores."""

KEPT_SCHEMA = pa.schema(
    [
        *DOCUMENT_SCHEMA,
        *((name, pa.large_string()) for name in ("lang", "spdx", "basis", "obligations")),
        ("languages", LANGUAGES),
        ("mixed", pa.bool_()),
        ("century", pa.int32()),
        ("genre", pa.large_string()),
        ("character_error", pa.float64()),
        ("ocr_correction", pa.bool_()),
        ("split", pa.large_string()),
        ("repeats", pa.int32()),
        ("synthetic", SYNTHETIC),
        ("harmful", HARMFUL),
    ]
)
"""A document after curation: with its main language, its licence and why it is open, all its languages and
whether it counts as mixed, the century of its date (19 for the 1800s), its genre, the estimated error rate of its
characters and whether OCR correction is due, its split (`train` or `held-out`), how often the mixture takes it,
what of it a model wrote, and which of its passages are annotated as harmful."""

REMOVED_SCHEMA = DOCUMENT_SCHEMA.append(pa.field("rule", pa.large_string())).append(
    pa.field("evidence", pa.large_string())
)
"""A removed document as it came in, with the rule that removed it."""

FATES = ("kept", "repaired", "redacted", "rewritten", "removed")

LEDGER_SCHEMA = pa.schema(
    [
        ("identifier", pa.large_string()),
        ("source", pa.large_string()),
        ("fate", pa.large_string()),
        ("rules", pa.large_list(pa.large_string())),
        ("rule", pa.large_string()),
        ("evidence", pa.large_string()),
        ("cluster", pa.large_string()),
        ("lang", pa.large_string()),
        ("languages", LANGUAGES),
        ("mixed", pa.bool_()),
        ("spdx", pa.large_string()),
        ("basis", pa.large_string()),
        ("obligations", pa.large_string()),
        ("century", pa.int32()),
        ("genre", pa.large_string()),
        ("bytes_in", pa.int64()),
        ("bytes_out", pa.int64()),
        ("synthetic_bytes", pa.int64()),
        ("content_hash_in", pa.large_string()),
        ("content_hash_out", pa.large_string()),
    ]
)
"""The ledger: one row for every input document. `rules` are all that changed or removed it, in order; `rule` is
the last, which decided; `evidence` is JSON by rule."""

PASSAGE_SCHEMA = pa.schema(
    [
        *((name, pa.large_string()) for name in ("identifier", "content_hash_in", "title", "date", "spdx")),
        *((name, pa.large_string()) for name in ("lang", "collection")),
        ("century", pa.int32()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("scores", _SCORES),
        ("second", _SCORES),
        ("action", pa.large_string()),
        ("decision", pa.int32()),
        ("outcome", pa.large_string()),
        *((name, pa.large_string()) for name in ("text", "instead", "model")),
        ("retention", pa.float64()),
        ("rewrite", pa.large_string()),
    ]
)
"""A passage that was flagged as harmful, in a document that the other rules leave: its scores, what the recipe says
of it and by which decision, and what came of it."""


def work_of(identifiers: pa.Array) -> pa.Array:
    """The work that a document belongs to: its identifier up to `#`, as long works are cut into sections."""
    return pc.replace_substring_regex(identifiers, r"#.*$", "")


def content_hash(text: str) -> str:
    """BLAKE3 of a text's UTF-8 bytes, in hexadecimal."""
    return blake3(text.encode()).hexdigest()


def conform(table: pa.Table) -> pa.Table:
    """Bring a table to SOURCE_SCHEMA: columns in order, missing ones null, other types written as text.

    Counts and shares that are no numbers become null. Raises pa.ArrowInvalid or UnicodeDecodeError where a text
    is not UTF-8.
    """
    columns = []
    for field in SOURCE_SCHEMA:
        column = table.column(field.name) if field.name in table.column_names else pa.nulls(table.num_rows)
        columns.append(_cast(column, field.type, as_statement if field.name in LIST_COLUMNS else _as_text))
    conformed = pa.Table.from_arrays(columns, schema=SOURCE_SCHEMA)
    conformed.validate(full=True)
    return conformed


def _cast(column: pa.ChunkedArray, wanted: pa.DataType, as_text: Callable[[Any], str | None]) -> pa.ChunkedArray:
    if pa.types.is_integer(wanted) and column.type != wanted:
        return pa.chunked_array([pa.array([as_count(v) for v in column.to_pylist()], wanted)])
    if pa.types.is_floating(wanted):
        return pa.chunked_array([pa.array([as_share(v) for v in column.to_pylist()], wanted)])
    try:
        return column.cast(wanted)
    except pa.ArrowNotImplementedError:
        return pa.chunked_array([pa.array([as_text(v) for v in column.to_pylist()], wanted)])


def as_count(value: Any) -> int | None:
    """A number as a count, or None where it is none that fits."""
    return int(value) if isinstance(value, int | float) and abs(value) < 2**63 else None


def as_share(value: Any) -> float | None:
    """A number from 0 to 1 as a share, or None where it is none."""
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def as_statement(value: Any) -> str | None:
    """Names of creators or licences as text: those of a list with `; ` between them, of an object its `name`."""
    names = [
        one["name"] if isinstance(one, dict) and isinstance(one.get("name"), str) else _as_text(one)
        for one in (value if isinstance(value, list) else [value])
    ]
    return "; ".join(filter(None, names)) or None


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
