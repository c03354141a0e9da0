"""The model that a tune begins with: its shape, its weights, and its tokenizer with the entries for tasks."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer
from torch import Tensor, nn

from octavo.errors import InputError
from octavo.evaluation.model_files import model_config, open_model
from octavo.lineage import is_run
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.modeling.rope import stated_of
from octavo.recipe.file import validate
from octavo.recipe.schema import Model, Recipe
from octavo.tokenization.entries import BEGIN, TASK_ENTRIES, begin_and_end

SPREAD = 0.1
"""Of a new entry's row about the mean of all rows: so much of their own spread."""


def with_base(recipe: Recipe) -> Recipe:
    """The recipe with the shape of the model that it tunes.

    Raises InputError where the base cannot be read, or where the recipe asks for another shape.
    """
    if recipe.tuning is None:
        return recipe
    shape = _shape(model_config(Path(recipe.tuning.base)))
    for field in recipe.model.model_fields_set:
        asked, found = getattr(recipe.model, field), getattr(shape, field)
        if asked != found:
            raise InputError(f"model.{field}: found {asked}, expected {found}, as {recipe.tuning.base} has it")
    data = recipe.model_dump(mode="json") | {"model": shape.model_dump(mode="json")}
    data["tokenizer"] |= {"path": str(tokenizer_file(Path(recipe.tuning.base)))}
    return validate(data, {}, recipe.name)


def tokenizer_file(base: Path) -> Path:
    """The tokenizer.json of a base; InputError where it is within a .gguf file."""
    if base.suffix == ".gguf":
        raise InputError(f"tuning.base: found {base}, expected a run, a release or a Hugging Face directory")
    return base / "tokenizer" / "tokenizer.json" if is_run(base) else base / "tokenizer.json"


def _shape(config: LlamaConfig) -> Model:
    fields = {name: getattr(config, name) for name in Model.model_fields if name != "rope_scaling"}
    scaling = stated_of(config.rope_scaling) if config.rope_scaling else None
    return Model(**fields, rope_scaling=scaling)


def with_task_entries(tokenizer: Tokenizer) -> tuple[Tokenizer, list[str]]:
    """A tokenizer with all entries for tasks, and the names of those that it did not have.

    One whose end also begins a text gets a begin: the end is to be learnt, and what begins a text is not.
    """
    begin, end = begin_and_end(tokenizer, "tokenizer.json")
    entries = (*TASK_ENTRIES, BEGIN) if begin == end else TASK_ENTRIES
    missing = [entry for entry in entries if tokenizer.token_to_id(entry) is None]
    own = Tokenizer.from_str(tokenizer.to_str())
    # Those that it has are named again, so that none is read out of a text, where they were no special ones.
    own.add_special_tokens([AddedToken(entry, special=True, normalized=False) for entry in entries])
    return own, missing


def base_weights(base: Path, config: LlamaConfig, seed: int) -> Llama:
    """The base's model with as many rows as `config` has, in float32, ready to be trained.

    Rows that no entry has are left out. New ones are drawn about the mean of the others, which no first step has
    to undo (Hewitt, 2021): the model gives them no more than an even chance.
    """
    opened = open_model(base)
    given, entries = opened.model, opened.tokenizer.get_vocab_size()
    with torch.device("meta"):
        model = Llama(config)
    model.to_empty(device="cpu")
    if config.tie_word_embeddings:
        model.output.weight = model.embedding.weight
    theirs = dict(given.named_parameters())
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in ("embedding.weight", "output.weight"):
                _fill_rows(parameter, theirs[name][:entries], generator)
            else:
                parameter.copy_(theirs[name])
    return model.train()


def _fill_rows(rows: nn.Parameter, given: Tensor, generator: torch.Generator) -> None:
    """Both are (entries, D)."""
    shared = min(len(rows), len(given))
    rows[:shared].copy_(given[:shared])
    if shared < len(rows):
        drawn = torch.randn(len(rows) - shared, given.shape[1], generator=generator)
        rows[shared:].copy_(given.mean(0) + SPREAD * given.std(0) * drawn)
