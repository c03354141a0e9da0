"""The Parquet files of a folder, which a run keeps documents and what is known of them in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daft import DataFrame


def parts_of(folder: Path) -> list[Path]:
    """The Parquet files of a folder, in the order of their names.

    What file managers leave beside them, such as ._NAME, is none.
    """
    return sorted(folder.glob("[!.]*.parquet"))


def scan(files: Iterable[Path]) -> DataFrame:
    """Parquet files on Daft, which takes a path for a pattern."""
    import daft

    return daft.read_parquet([re.sub(r"([][{}*?\\])", r"\\\1", str(file)) for file in files])
