"""The road from Python: a recipe is read and walked; what its stages counted comes back."""

from __future__ import annotations

import contextlib
import copy
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, get_args

from octavo.errors import InputError
from octavo.progress import Progress, now_and_then
from octavo.recipe.file import apply_settings, load, validate
from octavo.recipe.schema import Recipe
from octavo.stage_names import StageName

AnyRecipe = str | PathLike[str] | Mapping[str, Any] | Recipe
"""A recipe's file, its content as plain data, or one that was read."""

log = logging.getLogger("octavo")


@dataclass(frozen=True)
class Run:
    """A run, as far as it was walked."""

    directory: Path
    """Takes all that a run has; see the files of a run in the reference."""
    figures: dict[str, dict[str, Any]]
    """What each stage counted, by the stage's name."""


def read_recipe(recipe: AnyRecipe, settings: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe from a YAML file or plain data, complete with its defaults, with `settings` laid over it.

    Settings are named as those of `octavo run --set`. Raises InputError with one line for each mistake.

    >>> recipe = octavo.read_recipe("runs/starter/recipe.yaml", {"training.tokens": 500_000})
    >>> recipe.training.tokens, recipe.model.num_hidden_layers
    (500000, 2)
    """
    if isinstance(recipe, str | PathLike):
        return load(Path(recipe), settings)
    if isinstance(recipe, Recipe):
        if not settings:
            return recipe
        recipe = recipe.model_dump(exclude_unset=True)
    if not isinstance(recipe, Mapping):
        raise InputError(f"recipe: found {type(recipe).__name__}, expected a file, a mapping or a Recipe")
    data, lines = copy.deepcopy(dict(recipe)), dict[tuple[str | int, ...], str]()
    apply_settings(data, lines, settings or {})
    return validate(data, lines, "recipe")


def run(
    recipe: AnyRecipe,
    out: str | PathLike[str] | None = None,
    until: StageName = "trace",
    settings: Mapping[str, Any] | None = None,
) -> Run:
    """Walk the road from documents to release, up to the stage `until`; goes on where it stopped.

    The run lies in `out`, else in runs/NAME by the recipe's name. What the stages say goes to the logger "octavo",
    at the level INFO. Raises InputError for a mistake in the recipe, before anything is made, and OctavoError where
    the work fails.

    >>> recipe = {"name": "letters", "corpus": {"sources": [{"path": "builtin:starter"}]}}
    >>> made = octavo.run(recipe, until="corpus")
    >>> made.directory
    PosixPath('runs/letters')
    >>> made.figures["corpus"]["documents"]
    255
    """
    if until not in get_args(StageName):
        raise InputError(f"until: found {until!r}, expected one of {', '.join(get_args(StageName))}")
    read = read_recipe(recipe, settings)  # before the heavy imports: a mistake is told at once
    from octavo.road import Reporter, run_road

    if read.tuning:
        from octavo.tuning.base_model import with_base

        read = with_base(read)
    directory = Path(out) if out is not None else Path("runs") / read.name
    return Run(directory, run_road(read, directory, until, Reporter(log.info, stage_progress)))


@contextlib.contextmanager
def stage_progress(name: str) -> Iterator[Progress]:
    """What a stage says of itself, as lines of the log."""
    started = time.perf_counter()
    yield Progress(now_and_then(name, log.info), log.info)
    log.info(f"{name}: done in {time.perf_counter() - started:.1f} s")
