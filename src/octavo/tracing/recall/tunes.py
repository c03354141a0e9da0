"""The tunes that began with a run's weights, and those that began with theirs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from octavo.errors import InputError
from octavo.lineage import read_record
from octavo.recipe.file import load
from octavo.recipe.schema import Recipe
from octavo.training.stopping import chosen_step

_RELEASE, _CHECKPOINTS, _STEP = "release", "checkpoints", "step-"


class Tune(NamedTuple):
    """A run that went on from another's weights."""

    run: Path
    base: Path
    """The run that it began with."""
    step: int
    """The step of the first run of the line whose weights it has."""
    task: str
    released: bool


class Tunes(NamedTuple):
    """What lies beside a run."""

    found: list[Tune]
    unreadable: list[Path]
    """Recipes of runs beside it that cannot be read, so that nobody knows what they began with."""


def find_tunes(run: Path, recipe: Recipe) -> Tunes:
    """The tunes among the runs in the same folder whose weights come from this run's, or its release's."""
    siblings: dict[Path, Recipe] = {}
    unreadable = []
    own_place = run.resolve()
    for file in sorted(own_place.parent.glob("*/recipe.yaml")):
        try:
            other = load(file) if file.parent != own_place else None
        except InputError:
            unreadable.append(file)
        else:
            if other is not None and other.tuning is not None:
                siblings[file.parent] = other
    found: list[Tune] = []
    bases: list[tuple[Path, Recipe, int | None]] = [(run, recipe, None)]
    while bases:
        base, of, inherited = bases.pop(0)
        for tune, own in list(siblings.items()):
            begun = _begun_with(tune, own, base, of)
            if begun is not None and own.tuning is not None:
                del siblings[tune]
                step = begun if inherited is None else inherited
                release = read_record(tune / _RELEASE)
                found.append(Tune(tune, base, step, own.tuning.task, release is not None and release.done))
                bases.append((tune, own, step))
    return Tunes(found, unreadable)


def _begun_with(tune: Path, recipe: Recipe, base: Path, of: Recipe) -> int | None:
    """The step of `base` that a tune began with; None where it is another model's.

    What it has read is in its record, whatever folder the command was called in; before, the recipe says it.
    """
    assert recipe.tuning is not None
    place = base.resolve()
    record = read_record(tune / _CHECKPOINTS)
    if record is None:
        given = Path(recipe.tuning.base).resolve()
        return chosen_step(of, base) if given in (place, place / _RELEASE) else None
    for name in record.inputs:
        path = Path(os.path.normpath(tune.resolve() / name))
        if path.is_relative_to(place):
            folder, *rest = path.relative_to(place).parts
            if folder == _RELEASE:
                return chosen_step(of, base)
            if folder == _CHECKPOINTS and rest[0].startswith(_STEP):
                return int(rest[0].removeprefix(_STEP))
    return None
