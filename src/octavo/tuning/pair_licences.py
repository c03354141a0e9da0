"""Which licences the files of pairs state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from octavo.corpus.rows import read_rows

COLUMN: Final = "license"
UNSTATED: Final = "none stated"


def stated_licences(files: Iterable[Path]) -> dict[str, int]:
    """How many pairs state each licence, as the files have it; empty where no file has the column.

    Raises InputError, with file and line or row, where a licence is no text.
    """
    found: Counter[str] = Counter()
    has_column = False
    for file in files:
        for row in read_rows(file):
            has_column = has_column or COLUMN in row.content
            found[(row.optional(COLUMN) or "").strip() or UNSTATED] += 1
    return dict(sorted(found.items())) if has_column else {}
