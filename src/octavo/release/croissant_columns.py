"""What each column of the corpus's Parquet files means, and its Croissant type."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

DOCUMENTS = {
    "identifier": "The document's own id; sections of a long work have the work's id, `#` and more.",
    "collection": "The collection that it is from.",
    "open_type": "Kind of openness, as Common Corpus names it.",
    "license": "Licence as the source states it.",
    "date": "Date as the source states it.",
    "title": "Title.",
    "creator": "Who made it.",
    "language": "Language as the source states it.",
    "language_type": "Written or spoken, as the source states it.",
    "text": "The text, after curation.",
    "source_url": "Address that it is from.",
    "word_count": "Words as the source counts them.",
    "token_count": "Tokens as the source counts them.",
    "ocr_confidence": "Mean confidence of the OCR, from 0 to 1.",
    "source": "The source of the recipe that it came from.",
    "content_hash": "BLAKE3 of the text's UTF-8 bytes, in hexadecimal.",
    "lang": "Main language found, ISO 639-1.",
    "spdx": "Licence as an SPDX expression.",
    "basis": "Why the text is taken to be open.",
    "obligations": "What the licence asks for: none, attribution or share-alike.",
    "languages": "Languages found, the greatest first.",
    "mixed": "Whether it counts as mixed in its languages.",
    "century": "Century of the date; 19 for the 1800s.",
    "genre": "Kind of text, such as prose, verse, law or code.",
    "character_error": "Estimated share of wrong characters.",
    "ocr_correction": "Whether correction of its OCR is due.",
    "split": "train, or held-out: no training step saw it.",
    "repeats": "How often the mixture takes it in a pass.",
    "synthetic": "Passages that a model wrote.",
    "harmful": "Passages annotated as harmful, with their scores from 0 to 3.",
}
"""The columns of the kept documents."""

LEDGER = {
    "identifier": "The document's own id.",
    "source": "The source of the recipe that it came from.",
    "fate": "kept, repaired, redacted, rewritten or removed.",
    "rules": "Every rule that changed or removed it, in order.",
    "rule": "The last of them, which decided.",
    "evidence": "JSON by rule: values, thresholds, spans.",
    "cluster": "Cluster of near-duplicates that it belongs to.",
    "lang": DOCUMENTS["lang"],
    "languages": DOCUMENTS["languages"],
    "mixed": DOCUMENTS["mixed"],
    "spdx": DOCUMENTS["spdx"],
    "basis": DOCUMENTS["basis"],
    "obligations": DOCUMENTS["obligations"],
    "century": DOCUMENTS["century"],
    "genre": DOCUMENTS["genre"],
    "bytes_in": "UTF-8 bytes of the text as it came in.",
    "bytes_out": "UTF-8 bytes of the text as it was kept.",
    "synthetic_bytes": "Bytes of the kept text that a model wrote.",
    "content_hash_in": "BLAKE3 of the text as it came in.",
    "content_hash_out": "BLAKE3 of the text as it was kept.",
}
"""The columns of the ledger."""

PARTS = {
    "lang": "Language, ISO 639-1.",
    "share": "Share of the text; the shares add up to 1.",
    "start": "First byte of the passage in the text's UTF-8.",
    "end": "Byte after the passage.",
    "model": "The model that wrote it.",
    "race_origin": "Score for race and origin.",
    "gender_sexuality": "Score for gender and sexuality.",
    "religion": "Score for religion.",
    "ability": "Score for ability.",
    "violence_abuse": "Score for violence and abuse.",
}
"""What the columns of lists hold in each entry."""

_TYPES = {
    pa.large_string(): "sc:Text",
    pa.int64(): "cr:Int64",
    pa.int32(): "cr:Int32",
    pa.float64(): "cr:Float64",
    pa.float32(): "cr:Float32",
    pa.bool_(): "sc:Boolean",
}


def fields(
    schema: pa.Schema, meanings: dict[str, str], record_set: str, source: dict[str, Any]
) -> list[dict[str, Any]]:
    """The Croissant fields of a record set, one a column; `source` names its file or set of files.

    A column of lists is an array; where the entries have parts, these are sub-fields, taken by JSONPath.
    """
    return [_field(column, meanings[column.name], f"{record_set}/{column.name}", source) for column in schema]


def _field(column: pa.Field, meaning: str, identity: str, source: dict[str, Any]) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": identity,
        "name": identity,
        "description": meaning,
    }
    extracted = {**source, "extract": {"column": column.name}}
    kind = column.type
    if not pa.types.is_large_list(kind):
        return {**field, "dataType": _TYPES[kind], "source": extracted}
    field |= {"isArray": True, "arrayShape": "-1"}
    if not pa.types.is_struct(kind.value_type):
        return {**field, "dataType": _TYPES[kind.value_type], "source": extracted}
    parts = [
        {
            "@type": "cr:Field",
            "@id": f"{identity}/{part.name}",
            "name": f"{identity}/{part.name}",
            "description": PARTS[part.name],
            "dataType": _TYPES[part.type],
            "source": {**extracted, "transform": {"jsonPath": part.name}},
        }
        for part in kind.value_type
    ]
    return {**field, "subField": parts}
