"""What of a run goes to a hub, laid out as it lies there: the model as released, and the corpus as a dataset."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from octavo.corpus.parts import parts_of
from octavo.errors import InputError, OctavoError
from octavo.lineage import read_record
from octavo.progress import Progress
from octavo.release.checksums import SIGNATURE, Problem, check_checksums, digests, files_of, refuse
from octavo.release.croissant import LEDGER, croissant
from octavo.release.dataset_card import dataset_card
from octavo.release.dataset_files import Shards, write_shards
from octavo.release.machine_readable import CORPUS
from octavo.release.manifest import File, Manifest
from octavo.release.writing import COMPLIANCE, MANIFEST

MODEL, DATASET = "model", "dataset"
NO_CORPUS = "the run has no corpus that its model was trained on: the model is published alone"
UNSIGNED = "the release is not signed; octavo sign signs it"


class Laid(NamedTuple):
    """A file that is published."""

    path: str
    """From the directory that is published to."""
    bytes: int


class Published(NamedTuple):
    """What was laid out, or would be."""

    files: list[Laid]
    has_dataset: bool
    notes: list[str]
    """What a person should know of it."""


def publish(run: Path, out: Path, dry_run: bool, progress: Progress) -> Published:
    """Lay out the release of a run in `out`/model, and its corpus, where it has one, in `out`/dataset.

    A dry run makes and counts everything, and writes nothing. Else `out` is there whole or not at all. Raises
    InputError where the run has no release that is done or `out` is no place for it, and OctavoError, naming the
    files, where the release or the corpus is no longer what was released.
    """
    manifest = _manifest(run)
    out = out.resolve()
    _check_place(run, out)
    release = run / "release"
    refuse(release, check_checksums(release))
    _check_corpus(run, manifest)
    notes = [] if (release / SIGNATURE).exists() else [UNSIGNED]
    notes += [] if manifest.corpus else [NO_CORPUS]
    with contextlib.nullcontext() if dry_run else _building(out) as folder:
        files = _lay_model(release, folder)
        if manifest.corpus:
            files += _lay_dataset(run, manifest, folder, progress)
    return Published(files, manifest.corpus is not None, notes)


def _manifest(run: Path) -> Manifest:
    """The manifest of a run's release; InputError where it has none that is done."""
    if not (run / "recipe.yaml").is_file():
        raise InputError(f"{run}: found no recipe.yaml in it, expected the directory of a run")
    record = read_record(run / "release")
    path = run / "release" / COMPLIANCE / MANIFEST
    if record is None or not record.done or not path.is_file():
        raise InputError(
            f"{run}: its release is not done, or was made by an earlier octavo; "
            f"octavo run {run / 'recipe.yaml'} --out {run} does it"
        )
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise OctavoError(f"{path}: cannot be read ({error.error_count()} fields are wrong)") from None


def _check_place(run: Path, out: Path) -> None:
    if out.is_relative_to(run.resolve()):
        raise InputError(f"--to {out}: lies in the run, expected a directory outside of it")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--to {out}: found something there, expected no directory or an empty one")


def _check_corpus(run: Path, manifest: Manifest) -> None:
    """Raise OctavoError where the documents or the ledger are not those that the release was made of."""
    names = {f"corpus/{file.path.removeprefix(CORPUS)}": file.sha256 for file in manifest.corpus_files}
    present, problems = digests(run, list(names))
    changed = [Problem(name, "is changed") for name, digest in present.items() if digest != names[name]]
    refuse(run, [*problems, *changed])


@contextlib.contextmanager
def _building(out: Path) -> Iterator[Path]:
    """A directory to build in, which becomes `out` at the end; what a killed call left of one is taken away."""
    partial = out.with_name(f"{out.name}.partial")
    if partial.exists() and not {path.name for path in partial.iterdir()} <= {MODEL, DATASET}:
        raise InputError(f"{partial}: found something else there, expected what an earlier octavo publish left")
    try:
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        yield partial
        os.sync()  # what has the name of the whole must outlast a loss of power
        partial.rename(out)
    except OSError as error:
        raise OctavoError(f"{out}: cannot be written ({error.strerror}); there is no half of it") from error


def _lay_model(release: Path, folder: Path | None) -> list[Laid]:
    """The release as it is, its checksums and signature with it."""
    files = []
    for name in files_of(release)[0]:
        path = f"{MODEL}/{name}"
        if folder:
            _link(release / name, folder / path)
        files.append(Laid(path, (release / name).stat().st_size))
    return files


def _lay_dataset(run: Path, manifest: Manifest, folder: Path | None, progress: Progress) -> list[Laid]:
    """The kept documents by split, the ledger, the card and the Croissant metadata."""
    home = folder / DATASET if folder else None
    shards = write_shards(parts_of(run / "corpus" / "kept"), home, progress)
    assert manifest.corpus is not None
    if sum(shards.documents.values()) != manifest.corpus.kept.documents:
        raise OctavoError(f"{run}: the kept documents are not as many as the release says")
    ledger = next(file for file in manifest.corpus_files if file.path == f"{CORPUS}{LEDGER}")
    if home:
        _link(run / "corpus" / LEDGER, home / LEDGER)
    parquet = [*shards.files, ledger.model_copy(update={"path": LEDGER})]
    files = [Laid(f"{DATASET}/{file.path}", file.bytes) for file in parquet]
    for name, content in _texts(manifest, shards, parquet).items():
        if home:
            (home / name).write_bytes(content)
        files.append(Laid(f"{DATASET}/{name}", len(content)))
    return sorted(files)


def _texts(manifest: Manifest, shards: Shards, parquet: list[File]) -> dict[str, bytes]:
    described = croissant(manifest, parquet, "")
    return {
        "README.md": dataset_card(manifest, shards).encode(),
        "croissant.json": json.dumps(described, ensure_ascii=False, indent=1).encode() + b"\n",
    }


def _link(source: Path, target: Path) -> None:
    """A hard link where the filesystem has them, which takes no room; else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
