"""The rows of a table that a person gives: JSON Lines, plain or compressed with zstd, Parquet, or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from octavo.errors import InputError

KINDS: Final = (".jsonl", ".jsonl.zst", ".parquet", ".csv")
_BATCH: Final = 1024
_BUFFER: Final = 2**20


class Row(NamedTuple):
    """A row, and where it stands: for messages."""

    place: str
    """File and line, or row."""
    content: dict[str, Any]

    def text(self, column: str) -> str:
        """A text as it stands; what is null is empty. Raises InputError where it is missing or no text."""
        if column not in self.content:
            raise self.wrong(column, "a text")
        return self.optional(column) or ""

    def optional(self, column: str) -> str | None:
        """A text that may be missing."""
        value = self.content.get(column)
        if value is not None and not isinstance(value, str):
            raise self.wrong(column, "a text")
        return value

    def one_of(self, column: str, choices: tuple[str, ...]) -> str:
        """A text from a list."""
        value = self.text(column)
        if value not in choices:
            raise self.wrong(column, f"one of {', '.join(choices)}")
        return value

    def wrong(self, column: str, expected: str) -> InputError:
        """An error to raise, that tells what was found."""
        found = "nothing"
        if column in self.content:
            shown = orjson.dumps(self.content[column], default=str).decode()
            found = shown if len(shown) <= 60 else f"{shown[:57]}..."
        return InputError(f"{self.place}: {column}: found {found}, expected {expected}")


def read_rows(file: Path) -> Iterator[Row]:
    """The rows of a file in order; a CSV has the names of its columns in the first line.

    Raises InputError, with file and line, where the file is missing, of another kind, or broken.
    """
    if not file.is_file():
        raise InputError(f"{file}: not found, expected a file of {', '.join(KINDS)}")
    if file.name.endswith((".jsonl", ".jsonl.zst")):
        return _json_rows(file)
    if file.suffix == ".parquet":
        return _parquet_rows(file)
    if file.suffix == ".csv":
        return _csv_rows(file)
    raise InputError(f"{file}: found {file.suffix or 'no ending'}, expected {', '.join(KINDS)}")


def _json_rows(file: Path) -> Iterator[Row]:
    number = 0
    try:
        # Arrow tells where a compressed file was cut short; zstandard's own stream just ends there.
        compression = "zstd" if file.suffix == ".zst" else None
        with pa.input_stream(str(file), compression=compression, buffer_size=_BUFFER) as opened:
            for number, line in enumerate(io.BufferedReader(opened, _BUFFER), 1):
                if not line.strip():
                    continue
                content = orjson.loads(line)
                if not isinstance(content, dict):
                    raise InputError(f"{file}: line {number}: found no JSON object, expected one")
                yield Row(f"{file}: line {number}", content)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{file}: line {number}: found no JSON ({error}), expected an object") from None
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file}: cannot be read ({error}), expected JSON Lines") from None


def _parquet_rows(file: Path) -> Iterator[Row]:
    number = 0
    try:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(_BATCH):
                for content in batch.to_pylist():
                    number += 1
                    yield Row(f"{file}: row {number}", content)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(f"{file}: after row {number}: cannot be read ({reason}), expected Parquet") from None


def _csv_rows(file: Path) -> Iterator[Row]:
    line = 0
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, strict=True)
            for content in reader:
                line = reader.line_num
                if None in content or None in content.values():
                    raise InputError(
                        f"{file}: line {line}: found another number of fields than columns, expected "
                        f"{len(reader.fieldnames or [])}"
                    )
                yield Row(f"{file}: line {line}", dict(content))
    except (csv.Error, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: after line {line}: cannot be read ({error}), expected CSV in UTF-8") from None
