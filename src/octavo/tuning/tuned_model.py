"""A model that was tuned, opened for the work that it has learnt."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from octavo.errors import InputError
from octavo.evaluation.model_files import name_of, open_model
from octavo.evaluation.speaker import Speaker
from octavo.lineage import is_run
from octavo.modeling.llama import Llama
from octavo.tuning.vocabulary import Vocabulary, task_vocabulary

FILE: Final = "tuning.json"
"""What a model was tuned for: in a run's evaluation, and in a release."""


class Tuned(NamedTuple):
    """A model, and what its measurements say of how to use it."""

    name: str
    speaker: Speaker
    vocabulary: Vocabulary
    settings: dict[str, Any]


def within(model: Llama, length: int) -> Llama:
    """The model, which reads and writes at most as many tokens as it has learnt from at once."""
    model.config = replace(model.config, max_position_embeddings=min(length, model.config.max_position_embeddings))
    return model


def open_tuned(model: Path, task: str) -> Tuned:
    """Open a run or a release for a task; InputError where it was not tuned for that."""
    file = model / "evaluation" / FILE if is_run(model) else model / FILE
    try:
        found = json.loads(file.read_bytes())
        learnt, settings, length = found["task"], found["settings"], found["settings"]["context"]
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{model}: found no {file.name}, expected a model that octavo tune made for {task}"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: cannot be read ({error}), expected what octavo tune writes") from None
    if learnt != task:
        raise InputError(f"{model}: found a model that was tuned for {learnt}, expected one for {task}")
    opened = open_model(model)
    vocabulary = task_vocabulary(opened.tokenizer, str(model))
    speaker = Speaker(within(opened.model, length), vocabulary.tokenizer, opened.begin, opened.end)
    return Tuned(name_of(model), speaker, vocabulary, settings)
