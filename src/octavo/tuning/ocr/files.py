"""Files corrected: each is read as passages, and written with what the model is sure of in their places."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from octavo.errors import InputError
from octavo.progress import Progress
from octavo.tuning.files.passages import Work
from octavo.tuning.files.places import places
from octavo.tuning.files.texts import TextFile, open_texts
from octavo.tuning.ocr.correcting import Guard, correct
from octavo.tuning.ocr.edits import Correction, Edit
from octavo.tuning.ocr.margin import RATES, Margins
from octavo.tuning.tuned_model import Tuned

AT_ONCE: Final = 50_000
"""Characters that are corrected together."""


def open_to_correct(files: Sequence[Path]) -> list[TextFile]:
    """All files, before the first is worked on; InputError as open_texts."""
    return [open_texts(file, Work.CORRECTION) for file in files]


def correct_files(
    tuned: Tuned, files: Sequence[TextFile], out: Path, overwrite: bool, progress: Progress
) -> list[dict[str, Any]]:
    """Write each file into `out`, and tell what was changed in it and what was not, and why."""
    guard, room = Guard(_margins(tuned)), tuned.settings["room"]
    targets = iter(places(files, out, overwrite))
    answer = []
    for some in _together(files):
        texts = [passage.text for file in some for passage in file.passages]
        found = iter(correct(tuned.speaker, tuned.vocabulary, texts, guard, progress, room))
        for file in some:
            target, own = next(targets), [next(found) for _ in file.passages]
            kept = file.write([one.text for one in own], target, model=tuned.name, overwrite=overwrite)
            answer.append(_told(file, target, own, [passage.where for passage in kept]))
    return answer


def _margins(tuned: Tuned) -> Margins:
    found = tuned.settings.get("margins")
    if not isinstance(found, dict) or len(found) != len(RATES):
        raise InputError(
            f"{tuned.name}: tuning.json: settings.margins: found {found}, expected {len(RATES)} of them, as octavo "
            "tune writes them: an older version made this model, so tune it again"
        )
    return tuple(found.values())


def _together(files: Sequence[TextFile]) -> Iterator[list[TextFile]]:
    """Files in order, as many as fill the model's batches: what is done is written before the next are begun."""
    some: list[TextFile] = []
    size = 0
    for file in files:
        some.append(file)
        size += sum(len(passage.text) for passage in file.passages)
        if size >= AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _told(file: TextFile, target: Path, own: Sequence[Correction], kept: list[str]) -> dict[str, Any]:
    places = [passage.where for passage in file.passages]
    return {
        "file": str(file.path),
        "format": file.format,
        "written": str(target),
        "passages": len(own),
        "taken": [_row(where, edit) for where, one in zip(places, own, strict=True) for edit in one.taken],
        "refused": [_row(where, edit) for where, one in zip(places, own, strict=True) for edit in one.refused],
        "not_writable": kept,
    }


def _row(where: str, edit: Edit) -> dict[str, Any]:
    gain = edit.gain if edit.gain is not None and math.isfinite(edit.gain) else None
    return {"where": where, **edit._asdict(), "gain": gain}
