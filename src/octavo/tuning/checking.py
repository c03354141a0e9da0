"""What of a tune can be known to fail before anything is made."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from octavo.errors import InputError
from octavo.evaluation.task_metrics import check_installed
from octavo.recipe.schema import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import begin_and_end, check_ids
from octavo.tuning.base_model import with_task_entries
from octavo.tuning.documents import document_files
from octavo.tuning.registry import TASKS


def check_tune(recipe: Recipe) -> Tokenizer:
    """The tokenizer that the tune will have.

    Raises InputError where a file or a package is missing, or a file of pairs or documents has not their form.
    """
    tuning = recipe.tuning
    assert tuning is not None
    assert recipe.tokenizer.path is not None
    check_installed("tuning.task")
    for number, name in enumerate(tuning.pairs):
        if not Path(name).is_file():
            raise InputError(f"tuning.pairs[{number}]: {name}: found no such file, expected a file of pairs")
    document_files(tuning.documents)
    task = TASKS[tuning.task]
    for name in tuning.pairs:
        task.parse(Path(name))
    task.check_documents(tuning.documents)
    tokenizer = load_tokenizer(Path(recipe.tokenizer.path))
    begin_and_end(tokenizer, recipe.tokenizer.path)
    check_ids(tokenizer, recipe.tokenizer.path)
    own, _ = with_task_entries(tokenizer)
    return own
