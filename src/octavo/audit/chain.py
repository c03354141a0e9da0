"""The lineage: that each stage read what the one before it made, by the recipe, and that all of it is still so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from octavo.audit.claims import Claim, all_or_each, unknown
from octavo.audit.differences import first_difference
from octavo.audit.opening import Audited
from octavo.lineage import STAGE_FILE, FileRecord, StageRecord, hash_file, hash_files, read_record
from octavo.recipe.schema import Recipe
from octavo.release.bundle import LINEAGE, record_name
from octavo.stages import Stage, stages_of, why_outdated


def check_chain(audited: Audited) -> Iterator[Claim]:
    """What the records say of one another; needs no run."""
    made: dict[str, tuple[str, FileRecord]] = {}
    for stage in audited.stages:
        record, file = audited.records[stage.name], _file_of(stage)
        problems = [(file, what) for what in _about(record, stage, audited.recipe)]
        yield from all_or_each("lineage", file, f"is the record of stage {stage.name}, by the recipe", problems)
        broken = [
            (file, f"input {name} is not what stage {made[name][0]} made")
            for name, read in record.inputs.items()
            if name in made and read.blake3 != made[name][1].blake3
        ]
        yield from all_or_each("lineage", file, "read what earlier stages made", broken)
        made |= {name: (stage.name, output) for name, output in record.outputs.items()}
    yield from _own_outputs(audited)


def check_run(audited: Audited, run: Path) -> Iterator[Claim]:
    """That the run is the one that the records tell of, file by file."""
    yield from _same(run / "recipe.yaml", audited.release / LINEAGE / "recipe.yaml", "recipe.yaml")
    for stage in audited.stages:
        name = f"{stage.home}/{STAGE_FILE}"
        if stage.home != "release":
            yield from _same(run / name, audited.release / LINEAGE / record_name(stage.name), name)
        yield from _outputs(stage, audited.records[stage.name], run)
        yield from _inputs(stage, audited.records[stage.name], audited, run)
    for stage in stages_of(audited.recipe)[len(audited.stages) :]:
        yield from _after_release(stage, audited, run)


def _after_release(stage: Stage, audited: Audited, run: Path) -> Iterator[Claim]:
    """That what the run made after its release, which holds no record of it, is made of the same files."""
    record, file = read_record(run / stage.home), f"{stage.home}/{STAGE_FILE}"
    said = f"stage {stage.name} read what earlier stages made, by the recipe"
    if record is None and (run / file).exists():
        yield from all_or_each("lineage", file, said, [(file, "is not as it was written")])
        return
    if record is None or not record.done:
        yield unknown("lineage", file, said, "the run has not come so far")
        return
    made = {name: output for other in audited.records.values() for name, output in other.outputs.items()}
    problems = [(file, what) for what in _about(record, stage, audited.recipe)]
    problems += [
        (file, f"input {name} is not as it was made")
        for name, read in record.inputs.items()
        if name in made and read.blake3 != made[name].blake3
    ]
    yield from all_or_each("lineage", file, said, problems)
    yield from _outputs(stage, record, run)
    yield from _inputs(stage, record, audited, run)


def _file_of(stage: Stage) -> str:
    return STAGE_FILE if stage.home == "release" else f"{LINEAGE}/{record_name(stage.name)}"


def _about(record: StageRecord, stage: Stage, recipe: Recipe) -> Iterator[str]:
    if record.stage != stage.name:
        yield f"is of stage {record.stage}"
    if not record.done:
        yield "is of a stage that was not done"
    if not record.outputs:
        yield "names no outputs"
    changed = why_outdated(stage, recipe, record, record.inputs)
    if changed:
        yield changed


def _own_outputs(audited: Audited) -> Iterator[Claim]:
    """The files of the release by its own record, wherever the release lies."""
    record, root = audited.records["release"], "release/"
    problems = []
    for name, output in record.outputs.items():
        path = audited.release / name.removeprefix(root)
        if not path.is_file():
            problems.append((name.removeprefix(root), "is missing"))
            continue
        try:
            same = hash_file(path).blake3 == output.blake3
        except OSError as error:
            problems.append((name.removeprefix(root), f"cannot be read ({error.strerror})"))
            continue
        if not same:
            problems.append((name.removeprefix(root), "is not as it was made"))
    yield from all_or_each("lineage", STAGE_FILE, "every file of the release is as its stage made it", problems)


def _same(path: Path, copy: Path, name: str) -> Iterator[Claim]:
    said = "is the one that the release holds a copy of"
    found = first_difference(path.read_bytes(), copy.read_bytes()) if path.is_file() else "is missing"
    yield from all_or_each("lineage", name, said, [(name, found)] if found else [])


def _outputs(stage: Stage, record: StageRecord, run: Path) -> Iterator[Claim]:
    """All outputs hashed anew, and files that are in no record; the release's own are told before."""
    if stage.home == "release":
        return
    problems = []
    for name, output in record.outputs.items():
        path = run / name
        if not path.is_file():
            problems.append((name, "is missing"))
        elif hash_file(path).blake3 != output.blake3:
            problems.append((name, "is not as it was made"))
    there = hash_files([run / name for name in stage.outputs if (run / name).exists()], run, record.outputs)
    problems += [(name, "is in no record") for name in there if name not in record.outputs]
    size = sum(output.bytes for output in record.outputs.values())
    said = f"the {len(record.outputs):,} outputs of stage {stage.name} ({size:,} bytes) are as they were made"
    yield from all_or_each("lineage", f"{stage.home}/{STAGE_FILE}", said, problems)


def _inputs(stage: Stage, record: StageRecord, audited: Audited, run: Path) -> Iterator[Claim]:
    """Inputs that no stage made: the sources, and what else lies outside the run."""
    made = {name for other in audited.records.values() for name in other.outputs}
    outside = {name: read for name, read in record.inputs.items() if name not in made}
    if not outside:
        return
    problems, gone = [], []
    for name, read in outside.items():
        path = run / name
        if not path.is_file():
            gone.append(name)
        elif hash_file(path).blake3 != read.blake3:
            problems.append((name, "is not as it was read"))
    file = f"{stage.home}/{STAGE_FILE}"
    if len(gone) < len(outside):
        said = f"{len(outside) - len(gone):,} inputs of stage {stage.name} that no stage made are as they were read"
        yield from all_or_each("lineage", file, said, problems)
    if gone:
        more = f" and {len(gone) - 1:,} more" if len(gone) > 1 else ""
        said = f"{len(gone):,} inputs of stage {stage.name} are as they were read"
        yield unknown("lineage", file, said, f"{gone[0]}{more}: not here any more")
