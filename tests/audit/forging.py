"""What someone does who tampers with a run and covers it up as well as they can."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from octavo.lineage import STAGE_FILE, hash_file, hash_files, read_record, record_content
from octavo.recipe.file import load
from octavo.release.bundle import LINEAGE, record_name
from octavo.release.checksums import SIGNATURE, SUMS, write_checksums
from octavo.stages import stages_to


def copy_run(run: Path, to: Path) -> Path:
    """A copy that shares its files with the run: each is replaced, never written to, where it is tampered with."""
    shutil.copytree(run, to, copy_function=os.link, symlinks=True)
    return to


def write(path: Path, content: bytes) -> None:
    """Put another file in the place of one."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def flip_a_bit(path: Path, place: int = -1) -> None:
    """Change one bit; the time of change stays as it was."""
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[place] ^= 1
    write(path, bytes(content))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def replace(path: Path, old: str, new: str) -> None:
    """Change a text."""
    text = path.read_text()
    assert old in text
    write(path, text.replace(old, new, 1).encode())


def change_json(path: Path, work: Callable[[Any], None]) -> None:
    """Change what a JSON file holds; a record of a stage is as one of an earlier version then, which has no check."""
    content = json.loads(path.read_bytes())
    work(content)
    if path.name == STAGE_FILE:
        content["check"] = None
    write(path, json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")


def change_rows(path: Path, work: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the rows of a Parquet file."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    work(rows)
    path.unlink()
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def part(run: Path, folder: str) -> Path:
    """The one Parquet file of a folder of the corpus."""
    (found,) = sorted((run / folder).glob("*.parquet"))
    return found


def cover_up(run: Path, papers: bool = False) -> None:
    """Make all hashes fit again: the records of the stages along the chain, their copies, the checksums.

    `papers` writes the manifest, the papers and the model card anew of the forged records, too.
    """
    release = run / "release"
    for name in (SUMS, SIGNATURE):
        (release / name).unlink(missing_ok=True)
    stages = stages_to(load(run / "recipe.yaml"), "release")
    write(release / LINEAGE / "recipe.yaml", (run / "recipe.yaml").read_bytes())
    for stage in stages:
        home = run / stage.home
        if stage.home == "release" and papers:
            _write_papers(run)
        record = read_record(home)
        assert record is not None
        record.inputs = {name: hash_file(run / name) for name in record.inputs if (run / name).is_file()}
        record.outputs = hash_files([run / name for name in stage.outputs if (run / name).exists()], run)
        content = record_content(record)
        write(home / STAGE_FILE, content)
        if stage.home != "release":
            write(release / LINEAGE / record_name(stage.name), content)
    write_checksums(release)


def _write_papers(run: Path) -> None:
    from octavo.modeling.hf import read_config
    from octavo.release.bundle import card
    from octavo.release.gathering import figures_of_records, gather
    from octavo.release.manifest import Manifest
    from octavo.release.writing import paper_files

    release, recipe = run / "release", load(run / "recipe.yaml")
    records = {stage.name: read_record(run / stage.home) for stage in stages_to(recipe, "evaluation")}
    known = Manifest.model_validate_json((release / "compliance/manifest.json").read_bytes())
    samples = {lang: sample.model_dump() for lang, sample in known.samples.items()}
    config = read_config(release)
    manifest = gather(recipe, run, release, config, records, samples)  # type: ignore[arg-type]
    write_manifest(run, manifest.model_dump(mode="json"))
    base = manifest.base.name if manifest.base else None
    text = card(recipe, base, config, figures_of_records(records), samples, release)  # type: ignore[arg-type]
    write(release / "README.md", text.encode())
    assert paper_files(manifest)


def write_manifest(run: Path, content: dict[str, Any]) -> None:
    """Write a manifest, and all papers that follow from it."""
    from octavo.release.manifest import Manifest
    from octavo.release.writing import paper_files

    for name, paper in paper_files(Manifest.model_validate(content)).items():
        write(run / "release/compliance" / name, paper)
