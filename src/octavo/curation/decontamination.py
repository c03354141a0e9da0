"""Decontamination: documents that hold an evaluation set's text are taken out, by overlap of n-grams.

The measure is that of GPT-3's report (Brown et al., 2020, appendix C), with 13 words.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from octavo.compiled import Hashes
from octavo.curation.words import Floats, Words, read_words
from octavo.errors import InputError
from octavo.recipe.curation import Decontamination


def read_sets(settings: Decontamination) -> Hashes | None:
    """The n-grams of all texts of the evaluation sets, sorted; None where the recipe names none.

    A set is a Parquet or JSON Lines file, all of whose text fields count, or a plain text file. A text with
    fewer words than an n-gram tells too little and is left out.
    """
    if not settings.sets:
        return None
    files = [(Path(name), f"curation.decontamination.sets[{n}]") for n, name in enumerate(settings.sets)]
    return np.unique(np.concatenate([ngrams(_texts(*file), settings.ngram) for file in files]))


def ngrams(texts: Sequence[str], ngram: int) -> Hashes:
    """The hashes of all n-grams of texts, sorted."""
    return np.unique(read_words(pa.array(texts, pa.large_string())).plain_ngrams(ngram)[1])


def overlap(words: Words, sets: Hashes, ngram: int) -> Floats:
    """The share of each text's n-grams that stand in the evaluation sets."""
    first, hashes = words.plain_ngrams(ngram)
    doc = words.cores.doc[first]
    at = np.minimum(np.searchsorted(sets, hashes), len(sets) - 1)
    shared = words.sum(sets[at] == hashes, doc) if len(sets) else np.zeros(words.texts)
    return shared / np.maximum(np.bincount(doc, minlength=words.texts), 1)


def _texts(path: Path, field: str) -> list[str]:
    try:
        if path.suffix == ".parquet":
            rows: list[Any] = pq.read_table(path).to_pylist()
        elif path.name.endswith(".jsonl"):
            rows = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        else:
            rows = [path.read_text(encoding="utf-8")]
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        raise InputError(
            f"{field}: {path}: cannot be read ({error}), expected .parquet, .jsonl or text in UTF-8"
        ) from None
    return [text for row in rows for text in texts_within(row)]


def texts_within(value: Any) -> list[str]:
    """All texts within a value, however deep."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for item in inner for text in texts_within(item)]
