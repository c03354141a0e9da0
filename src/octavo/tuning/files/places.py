"""Where files that were worked on are written: into one folder, under their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from octavo.errors import InputError
from octavo.tuning.files.texts import TextFile


def places(files: Sequence[TextFile], out: Path, overwrite: bool) -> list[Path]:
    """The place of each file in `out`, which is made.

    Raises InputError, with nothing changed, where two have one name, or where a place is taken.
    """
    found = [out / f"{file.path.stem}{file.suffix}" for file in files]
    double = [place for place, count in Counter(found).items() if count > 1]
    if double:
        raise InputError(f"{double[0]}: found several files that would be written there, expected one of each name")
    for file, place in zip(files, found, strict=True):
        if place.exists() and (not overwrite or place.is_dir() or place.samefile(file.path)):
            kind = "a folder" if place.is_dir() else "a file"
            what = "the input itself" if place.samefile(file.path) else kind
            raise InputError(f"{place}: found {what} there, expected a free name in --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out: {out}: cannot be made ({error.strerror}), expected a folder") from None
    return found
