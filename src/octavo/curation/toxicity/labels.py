"""Labelled texts for the classifier of harmful text: read, checked, and split so that near copies stay together."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.compiled import Ints
from octavo.curation import near_duplicates
from octavo.curation.toxicity.scoring import DIMENSIONS, LEVELS
from octavo.curation.words import read_words
from octavo.errors import InputError

Levels = npt.NDArray[np.int8]

UNKNOWN: Final = -1
TRAINING, CALIBRATION, HELD_OUT = 0, 1, 2
_SHARES: Final = {HELD_OUT: 0.2, CALIBRATION: 0.1}

NEAR_COPY: Final = 0.4
"""Jaccard similarity of pairs of words from which two texts are near copies."""

_TEXT: Final = pa.large_string()


@dataclass(frozen=True)
class Labelled:
    """Labelled texts: (texts,) each, `levels` (texts, dimensions)."""

    text: pa.Array
    lang: npt.NDArray[np.str_]
    source: npt.NDArray[np.str_]
    levels: Levels
    """0 to 3, or UNKNOWN."""
    part: Ints
    """TRAINING, CALIBRATION or HELD_OUT."""

    def rows(self, part: int) -> Ints:
        """The rows of a part."""
        return np.flatnonzero(self.part == part)


def read_labelled(path: Path) -> Labelled:
    """Read a Parquet file of labelled texts and split it.

    Columns: `text`; `lang`, ISO 639-1; of each dimension its level from 0 to 3, or null where it is not known. If
    they are there, `source` names the set, texts of one `group` (a work, a thread) stay together as near copies do
    of those without a group, and those that are `synthetic` are only trained on, since they prove nothing. Other
    columns are passed over. Raises InputError with the row, counted from 1, of the first that is wrong.
    """
    try:
        names = set(pq.read_schema(path).names)
        missing = [name for name in ("text", "lang", *DIMENSIONS) if name not in names]
        if missing:
            raise InputError(f"{path}: has no column {', '.join(missing)}")
        optional = [name for name in ("source", "group", "synthetic") if name in names]
        table = pq.read_table(path, columns=["text", "lang", *DIMENSIONS, *optional])
    except FileNotFoundError:
        raise InputError(f"{path}: not found") from None
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None
    text = _strings(path, table, "text")
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(pc.fill_null(text, ""))), 0)
    _refuse(path, "text", blank, text, "a text")
    lang = _strings(path, table, "lang")
    _refuse(
        path,
        "lang",
        pc.invert(pc.match_substring_regex(pc.fill_null(lang, ""), "^[a-z]{2}$")),
        lang,
        "an ISO 639-1 code such as en",
    )
    levels = np.stack([_levels(path, table, name) for name in DIMENSIONS], axis=1)
    source = pc.fill_null(_strings(path, table, "source"), "") if "source" in names else None
    group = _strings(path, table, "group") if "group" in names else pa.nulls(len(text), _TEXT)
    part = _parts(text, group)
    if "synthetic" in names:
        part[_flags(path, table, "synthetic")] = TRAINING
    return Labelled(
        text,
        np.array(lang.to_pylist(), dtype=np.str_),
        np.array(source.to_pylist() if source is not None else [""] * len(text), dtype=np.str_),
        levels,
        part,
    )


def _strings(path: Path, table: pa.Table, name: str) -> pa.Array:
    column = table.column(name).combine_chunks()
    if not (
        pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_null(column.type)
    ):
        raise InputError(f"{path}: column {name} is {column.type}, expected strings")
    return column.cast(_TEXT)


def _flags(path: Path, table: pa.Table, name: str) -> npt.NDArray[np.bool_]:
    column = table.column(name).combine_chunks()
    if not (pa.types.is_boolean(column.type) or pa.types.is_null(column.type)):
        raise InputError(f"{path}: column {name} is {column.type}, expected true or false")
    flags: npt.NDArray[np.bool_] = pc.fill_null(column.cast(pa.bool_()), False).to_numpy(zero_copy_only=False)
    return flags


def _levels(path: Path, table: pa.Table, name: str) -> Levels:
    column = table.column(name).combine_chunks()
    if not (pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        raise InputError(f"{path}: column {name} is {column.type}, expected whole numbers")
    column = column.cast(pa.int64())
    wrong = pc.or_(pc.less(column, 0), pc.greater(column, LEVELS[-1]))
    _refuse(path, name, pc.fill_null(wrong, False), column, "0 to 3, or null where it is not known")
    return np.asarray(pc.fill_null(column, UNKNOWN).to_numpy(zero_copy_only=False), np.int8)


def _refuse(path: Path, name: str, wrong: pa.Array, values: pa.Array, expected: str) -> None:
    """Raise InputError for the first row that is wrong, if there is one."""
    rows = np.flatnonzero(wrong.to_numpy(zero_copy_only=False))
    if len(rows):
        found = values[int(rows[0])].as_py()
        raise InputError(f"{path}: row {rows[0] + 1}: {name} is {found!r}, expected {expected}")


def _parts(text: pa.Array, group: pa.Array) -> Ints:
    """The part of each text, by lot of what it stays together with: the same words give the same part."""
    named = group.to_pylist()
    alone = np.array([row for row, name in enumerate(named) if name is None], np.int64)
    first, second = (alone[rows] for rows in _near_copies(text.take(pa.array(alone))))
    leader: dict[str, int] = {}
    pairs = [(leader.setdefault(name, row), row) for row, name in enumerate(named) if name is not None]
    joined = np.array(pairs, np.int64).reshape(-1, 2)
    rows, least = near_duplicates.clusters(np.append(first, joined[:, 0]), np.append(second, joined[:, 1]))
    cluster = np.arange(len(text))
    cluster[rows] = least
    lots: dict[int, float] = {}
    for row in np.unique(cluster):
        key = named[row] or text[int(row)].as_py()
        lots[int(row)] = int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) / 2**64
    lot = np.array([lots[int(row)] for row in cluster])
    held_out = lot < _SHARES[HELD_OUT]
    calibration = ~held_out & (lot < _SHARES[HELD_OUT] + _SHARES[CALIBRATION])
    return np.where(held_out, HELD_OUT, np.where(calibration, CALIBRATION, TRAINING))


def _near_copies(text: pa.Array) -> tuple[Ints, Ints]:
    """Pairs of rows whose words are nearly the same."""
    signatures = near_duplicates.signatures(read_words(text), 2)
    bands = near_duplicates.bands(signatures)
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for band in bands.T:
        order = np.argsort(band, kind="stable")
        same = np.flatnonzero(band[order][1:] == band[order][:-1])
        first.append(order[same])
        second.append(order[same + 1])
    one, other = np.concatenate(first), np.concatenate(second)
    near = near_duplicates.similarity(signatures[one], signatures[other]) >= NEAR_COPY
    return one[near], other[near]
