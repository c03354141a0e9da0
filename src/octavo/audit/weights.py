"""The weights: that each file of them is what the checkpoint of the training gives, to the byte."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from octavo.audit.claims import Claim, all_or_each, failed
from octavo.audit.opening import Audited, other_version
from octavo.errors import OctavoError
from octavo.lineage import hash_file
from octavo.release.exporting import write_model
from octavo.stages import trained_model


def check_weights(audited: Audited, run: Path) -> Iterator[Claim]:
    """Write the model's files anew from the checkpoint, and compare."""
    said = "the model's files are those of the checkpoint"
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder)
            write_model(audited.recipe, run, trained_model(audited.recipe, run), made, lambda *_: None)
            problems = list(_differ(made, audited.release))
    except (OctavoError, OSError, ValueError, RuntimeError) as error:
        yield failed("weights", ".", said, str(error).strip().split("\n", 1)[0])
        return
    yield from all_or_each("weights", ".", said, problems, other_version(audited))


def _differ(made: Path, release: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(path for path in made.rglob("*") if path.is_file()):
        name = path.relative_to(made).as_posix()
        if not (release / name).is_file():
            yield name, "is missing"
        elif hash_file(path).blake3 != hash_file(release / name).blake3:
            yield name, "is not what the checkpoint gives"
