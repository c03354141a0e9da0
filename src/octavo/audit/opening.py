"""What is audited: a release, its papers and records, and the run beside it where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from octavo import __version__
from octavo.audit.claims import Claim, failed, held
from octavo.errors import InputError
from octavo.lineage import STAGE_FILE, StageRecord, is_run
from octavo.recipe.file import load
from octavo.recipe.schema import Recipe
from octavo.release.bundle import LINEAGE, record_name
from octavo.release.checksums import SUMS
from octavo.release.manifest import Manifest
from octavo.release.writing import COMPLIANCE, MANIFEST
from octavo.stages import Stage, stages_to

T = TypeVar("T")


class Audited(NamedTuple):
    """A release that could be read, and what its lineage says."""

    release: Path
    run: Path | None
    """None where the release stands alone."""
    recipe: Recipe
    stages: tuple[Stage, ...]
    """Up to the release, in order."""
    records: dict[str, StageRecord]
    """Of these stages, by name, as the release has them; of the release itself its own."""
    manifest: Manifest


def other_version(audited: Audited) -> str | None:
    """Why another octavo may write other bytes of the same facts, or None where this one made the release."""
    made = audited.manifest.octavo
    return None if made == __version__ else f"octavo {made} made the release, and this is {__version__}"


def release_and_run(path: Path) -> tuple[Path, Path | None]:
    """The release that a path names, and its run. InputError where there is no release.

    A release whose files are damaged is one all the same: to say so is what an audit is for.
    """
    if not path.is_dir():
        raise InputError(f"{path}: found no such directory, expected a release, or a run that has one")
    release = path / "release" if is_run(path) else path
    if not any((release / name).exists() for name in (SUMS, COMPLIANCE, LINEAGE)):
        raise InputError(
            f"{release}: found no {SUMS}, {COMPLIANCE}/ or {LINEAGE}/ in it, expected a release of octavo; "
            "octavo release writes it anew"
        )
    release = release.resolve()  # so that it and its run are told alike, wherever one stands
    return release, release.parent if release.name == "release" and is_run(release.parent) else None


def open_release(release: Path, run: Path | None) -> tuple[Audited | None, list[Claim]]:
    """Read the recipe, the records and the manifest of a release; None, beside what failed, where one cannot be."""
    claims: list[Claim] = []

    def read(file: str, work: Callable[[Path], T]) -> T | None:
        """What a file holds, or None, having claimed that it can be read."""
        said = "can be read"
        try:
            found = work(release / file)
        except FileNotFoundError:
            claims.append(failed("lineage", file, said, "is missing"))
        except (InputError, ValidationError, ValueError) as error:
            claims.append(failed("lineage", file, said, _first_line(error)))
        else:
            claims.append(held("lineage", file, said))
            return found
        return None

    recipe = read(f"{LINEAGE}/recipe.yaml", _recipe)
    manifest = read(f"{COMPLIANCE}/{MANIFEST}", lambda path: Manifest.model_validate_json(path.read_bytes()))
    if recipe is None or manifest is None:
        return None, claims
    stages = stages_to(recipe, "release")
    records = {}
    for stage in stages:
        name = STAGE_FILE if stage.home == "release" else f"{LINEAGE}/{record_name(stage.name)}"
        record = read(name, lambda path: StageRecord.model_validate_json(path.read_bytes()))
        if record is not None:
            records[stage.name] = record
    claims += list(_strangers(release, stages))
    if len(records) < len(stages):
        return None, claims
    return Audited(release, run, recipe, stages, records, manifest), claims


def _recipe(path: Path) -> Recipe:
    if not path.is_file():
        raise FileNotFoundError
    return load(path)


def _strangers(release: Path, stages: tuple[Stage, ...]) -> Iterator[Claim]:
    known = {"recipe.yaml", *(record_name(stage.name) for stage in stages)}
    for file in sorted((release / LINEAGE).glob("*")):
        if file.name not in known:
            yield failed("lineage", f"{LINEAGE}/{file.name}", "belongs to a stage of the recipe", "is of none")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
