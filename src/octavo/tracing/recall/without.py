"""The recipe that trains again without the documents that were found."""

from __future__ import annotations

from pathlib import Path

from octavo.errors import InputError
from octavo.lineage import write_atomically
from octavo.recipe.file import dump
from octavo.recipe.schema import Recipe
from octavo.tracing.finding import CREATOR, IDENTIFIER
from octavo.tracing.recall.recalling import Recalled

SUFFIX = "-without"
"""Ends the name of the new run."""


def check_recipe_file(file: Path) -> None:
    """Raise InputError where a recipe cannot be written to a file, before anything is looked for."""
    if file.exists():
        raise InputError(f"--write-recipe: {file} is there already, expected a new file; nothing was changed")
    if not file.absolute().parent.is_dir():
        raise InputError(f"--write-recipe: {file}: found no folder {file.absolute().parent}, expected one")


def recipe_without(recalled: Recalled) -> Recipe:
    """The run's recipe in which the documents found have opted out.

    An identifier or a creator that was asked for is named as it is, so that it holds for documents that come later,
    too; what else was found is named by its identifier. Raises InputError where a recipe cannot leave them out:
    a tune's pairs, and what is in token files that are given.
    """
    recipe, wanted = recalled.recipe, recalled.wanted
    if recipe.tuning is not None and recipe.is_taught:
        raise InputError(
            f"--write-recipe: {recalled.run} learnt from pairs, which no recipe leaves out; take them out of the "
            f"files of tuning.pairs ({', '.join(recipe.tuning.pairs)}) and of tuning.documents, and call octavo "
            "tune again"
        )
    if recalled.given:
        one = recalled.found[min(recalled.given)].identifier
        raise InputError(
            f"--write-recipe: {one} is in token files that training.data names, of which no recipe leaves out any; "
            "make these anew without it, by octavo recall in the run that made them"
        )
    named = {IDENTIFIER, CREATOR}
    others = [one.identifier for one in recalled.found if named.isdisjoint(one.by)]
    opt_outs = recipe.curation.opt_outs
    changed = opt_outs.model_copy(
        update={
            "identifiers": list(dict.fromkeys([*opt_outs.identifiers, *wanted.identifiers, *others])),
            "creators": list(dict.fromkeys([*opt_outs.creators, *([wanted.creator] if wanted.creator else [])])),
        }
    )
    curation = recipe.curation.model_copy(update={"opt_outs": changed})
    return recipe.model_copy(update={"name": f"{recipe.name}{SUFFIX}", "curation": curation})


def write_recipe(recipe: Recipe, file: Path) -> None:
    """Write a recipe to a new file, with comments; InputError where that cannot be done.

    Its paths are those of the run's recipe, and hold from the folder that the run was started in.
    """
    check_recipe_file(file)
    try:
        write_atomically(file, dump(recipe, comments=True).encode())
    except OSError as error:
        raise InputError(f"--write-recipe: {file}: cannot be written ({error.strerror})") from None
