"""The open documents that pairs are made from: Parquet files as curation leaves them, or folders of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from octavo.errors import InputError


def document_files(names: Iterable[str]) -> list[Path]:
    """The files; InputError where one is missing, or a folder has none."""
    found: list[Path] = []
    for number, name in enumerate(names):
        path = Path(name)
        files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path] if path.is_file() else []
        if not files:
            what = "a folder without Parquet files" if path.is_dir() else "no such file or folder"
            raise InputError(f"tuning.documents[{number}]: {name}: found {what}, expected Parquet files")
        found += files
    return found
