"""Lineage: what a stage was made from, and what it made.

Each stage leaves a `stage.json` in its home: the recipe sections that it obeyed, its inputs and outputs
with their BLAKE3 hashes, its figures, its wall time and its energy. The chain of these files leads from
the release back to the documents.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from blake3 import blake3
from pydantic import BaseModel

from octavo import __version__

STAGE_FILE = "stage.json"
ENERGY_FILES = "energy-[0-9]*.json*"
"""What each machine keeps in the home of a stage while it is at work: no result, and gone when it is done."""
JOURNAL_FILE = "journal.jsonl"
"""What the stage itself keeps there so long."""
_NO_CONTENT = (STAGE_FILE, JOURNAL_FILE, ENERGY_FILES, ".DS_Store", "._*", ".nfs*", "Thumbs.db", "desktop.ini")
"""What lies in folders beside what was made: records of stages, and what systems leave where they looked."""
_ABOVE = ".."


class FileRecord(BaseModel):
    """A file as it was when it was hashed."""

    bytes: int
    blake3: str
    mtime_ns: int


class StageRecord(BaseModel):
    """The content of stage.json."""

    stage: str
    octavo: str = __version__
    done: bool = False
    recipe: dict[str, Any]
    inputs: dict[str, FileRecord]
    outputs: dict[str, FileRecord] = {}
    figures: dict[str, Any] = {}
    wall_seconds: float = 0.0
    energy: dict[str, Any] = {}
    check: str | None = None
    """BLAKE3 of all the rest: a record that was damaged is not believed. Earlier versions wrote none."""


def is_run(folder: Path) -> bool:
    """Whether this is the directory of a run."""
    return (folder / "recipe.yaml").is_file()


def hash_file(path: Path, known: FileRecord | None = None) -> FileRecord:
    """Hash a file with BLAKE3; a `known` record is believed while size and time of change are the same."""
    stat = path.stat()
    if known and (known.bytes, known.mtime_ns) == (stat.st_size, stat.st_mtime_ns):
        return known
    digest = blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest()
    return FileRecord(bytes=stat.st_size, blake3=digest, mtime_ns=stat.st_mtime_ns)


def stamps(paths: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    """What tells files from others that come to stand in their places: paths, sizes and times of change.

    Files that are not there are left out.
    """
    found = [(str(path), path.stat()) for path in paths if path.is_file()]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


def hash_files(
    paths: Iterable[Path], root: Path, known: dict[str, FileRecord] | None = None
) -> dict[str, FileRecord]:
    """Hash files, and the files of folders but for what is no content, by their path relative to `root`."""
    records: dict[str, FileRecord] = {}
    for path in paths:
        found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in found:
            if not (path.is_dir() and any(file.match(name) for name in _NO_CONTENT)):
                name = os.path.relpath(file, root)
                records[name] = hash_file(file, (known or {}).get(name))
    return records


def read_record(home: Path) -> StageRecord | None:
    """The stage.json of a stage's home, or None where there is none that is as it was written."""
    try:
        content = (home / STAGE_FILE).read_bytes()
        record = StageRecord.model_validate_json(content)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return None
    return record if record.check in (None, _check_of(json.loads(content))) else None


def write_record(home: Path, record: StageRecord) -> None:
    """Write a stage's stage.json atomically."""
    home.mkdir(parents=True, exist_ok=True)
    write_atomically(home / STAGE_FILE, record_content(record))


def record_content(record: StageRecord) -> bytes:
    """The bytes of a record's stage.json, by which its later damage is seen."""
    record.check = _check_of(json.loads(record.model_dump_json()))
    return record.model_dump_json(indent=1).encode() + b"\n"


def _check_of(record: dict[str, Any]) -> str:
    return blake3(json.dumps(record | {"check": None}, sort_keys=True).encode()).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, even after a loss of power."""
    temporary = path.with_name(path.name + ".partial")
    if temporary.is_symlink():  # a run of others must not have us write elsewhere
        temporary.unlink()
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, readable by people."""
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n")


def why_changed(
    record: StageRecord, recipe: dict[str, Any], given: dict[str, Any], inputs: dict[str, FileRecord]
) -> str | None:
    """Say in one line why a recorded stage no longer holds, or None where it does.

    `recipe` is what the stage obeys now, `given` what of the whole recipe is not as it is by default: a field that
    an earlier version did not know is a change only there. One of a section that was null is no such field.
    """
    before, now = _flatten(record.recipe), _flatten(recipe)
    unknown = {
        field
        for field in now.keys() - before.keys() - _flatten(given).keys()
        if not any(field.startswith(f"{known}.") for known in before)
    }
    for field in [*now, *(f for f in before if f not in now)]:
        if field not in unknown and before.get(field) != now.get(field):
            return f"{field} {_difference(before.get(field), now.get(field))}"
    moved = _outside(record.inputs) == _outside(inputs)  # a run, or what lies beside it
    for name in sorted({*record.inputs, *inputs}):
        if moved and name.startswith(_ABOVE):
            continue
        old, new = record.inputs.get(name), inputs.get(name)
        if old is None:
            return f"input {name} is new"
        if new is None:
            return f"input {name} is gone"
        if old.blake3 != new.blake3:
            return f"input {name} changed"
    return None


def _outside(files: dict[str, FileRecord]) -> list[str]:
    """The hashes of the files outside of a run, in the order of their names."""
    return [file.blake3 for name, file in sorted(files.items()) if name.startswith(_ABOVE)]


def outputs_damaged(record: StageRecord, root: Path) -> str | None:
    """Say which output of a done stage is gone or changed since, or None where all are as they were made."""
    for name, made in record.outputs.items():
        path = root / name
        if not path.is_file():
            return f"output {name} is gone"
        if hash_file(path, made).blake3 != made.blake3:
            return f"output {name} is not as it was made"
    return None


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _difference(before: Any, now: Any) -> str:
    if isinstance(before, list) and isinstance(now, list):
        gone = [_short(item) for item in before if item not in now]
        new = [_short(item) for item in now if item not in before]
        parts = [f"{word} {', '.join(items)}" for word, items in (("lost", gone), ("gained", new)) if items]
        return " and ".join(parts) or "changed in its order"
    return f"changed from {_short(before)} to {_short(now)}"


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 60 else shown[:57] + "..."
