"""The files of checkpoints: which are there, which are whole, and which training can go on from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from octavo.lineage import hash_file, write_json

_PREFIX = "step-"
MANIFEST = "manifest.json"
PASSED_OVER = "passed-over.json"
SinceLogged = tuple[float, float]
"""The losses of the steps since the last that was logged, added up, and how many of them were learnt from."""


def delete(folder: Path) -> None:
    """Delete a checkpoint so that it never stands half deleted under its name."""
    shutil.rmtree(folder.rename(folder.with_suffix(".partial")))


def complete_steps(home: Path) -> list[int]:
    """The steps that have a complete checkpoint, in order."""
    names = (p.name.removeprefix(_PREFIX) for p in home.glob(f"{_PREFIX}*") if p.is_dir())
    return sorted(int(name) for name in names if name.isdigit())


def path_of(home: Path, step: int) -> Path:
    """The folder of a step's checkpoint."""
    return home / f"{_PREFIX}{step:08d}"


def written_files(home: Path, step: int) -> dict[str, str]:
    """The files of a step's checkpoint as they were written: BLAKE3 by name."""
    files: dict[str, dict[str, Any]] = json.loads((path_of(home, step) / MANIFEST).read_bytes())["files"]
    return {name: written["blake3"] for name, written in files.items()}


def since_logged(home: Path, step: int) -> SinceLogged:
    """What the next logged step is to add to, for a step that has a checkpoint; an earlier octavo kept none."""
    loss, learnt = json.loads((path_of(home, step) / MANIFEST).read_bytes()).get("since_logged", (0.0, 0.0))
    return loss, learnt


def damage(folder: Path) -> str | None:
    """Say what is wrong with a checkpoint, or None where every file is as it was written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        for name, written in manifest["files"].items():
            if Path(name).name != name or name in ("", ".."):
                return f"{MANIFEST}: found {name!r}, expected the name of a file beside it"
            found = hash_file(folder / name)
            if found.bytes != written["bytes"]:
                return f"{name}: found {found.bytes} bytes, expected {written['bytes']}"
            if found.blake3 != written["blake3"]:
                return f"{name}: found other bytes than were written"
        _ = manifest["passed_over"]
    except FileNotFoundError as error:
        return f"found no {Path(error.filename).name}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"{MANIFEST}: cannot be read"
    return None


def read_passed_over(home: Path) -> list[range]:
    """The steps that training goes over without learning from them, since they led to a spike; counted from 0."""
    file = home / PASSED_OVER
    return [range(*pair) for pair in json.loads(file.read_bytes())] if file.exists() else []


def pass_over(home: Path, steps: range) -> None:
    """Add steps to those; checkpoints that were made with them count no more."""
    pairs = [[s.start, s.stop] for s in (*read_passed_over(home), steps)]
    write_json(home / PASSED_OVER, pairs)


def last_good(home: Path, passed_over: list[range], message: Callable[[str], None]) -> int:
    """The newest step that training can go on from, 0 where there is none.

    A damaged checkpoint is told by name and set aside as step-N.damaged. What an interrupted save left is deleted,
    and so are, where an earlier one is whole, checkpoints that learnt from steps which are now passed over.
    """
    for partial in home.glob("*.partial"):
        shutil.rmtree(partial) if partial.is_dir() else partial.unlink()
    outdated = []
    for step in reversed(complete_steps(home)):
        folder = path_of(home, step)
        fault = damage(folder)
        if fault:
            message(f"training: checkpoint {folder.name} is damaged ({fault}); the one before it is used")
            set_aside(folder)
        elif json.loads((folder / MANIFEST).read_bytes())["passed_over"] != passed_before(step, passed_over):
            outdated.append(folder)
        else:
            for folder in outdated:
                delete(folder)
            return step
    for folder in outdated:
        set_aside(folder)
    return 0


def passed_before(step: int, passed_over: list[range]) -> list[list[int]]:
    """Of the steps that are passed over, those that begin before a step, as a manifest has them."""
    return [[steps.start, steps.stop] for steps in passed_over if steps.start < step]


def set_aside(folder: Path) -> None:
    """Give a damaged checkpoint another name."""
    aside = folder.with_suffix(".damaged")
    if aside.exists():
        shutil.rmtree(aside)
    folder.rename(aside)
