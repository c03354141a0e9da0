"""Any Llama model, opened to be measured: a run, a release, a Hugging Face directory or a .gguf file."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from octavo.errors import InputError
from octavo.evaluation.speaker import Speaker
from octavo.lineage import is_run
from octavo.modeling.gguf.reading import load_gguf
from octavo.modeling.hf import load_hf, read_config, read_object, round_to_bfloat16
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.recipe.file import load
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import Edges, begin_and_end
from octavo.training.checkpoint import load_model
from octavo.training.checkpoint_files import path_of
from octavo.training.memory import llama_config
from octavo.training.stopping import chosen_step

_PADDING: Final = 128
"""Rows of an embedding without an entry that are no surprise, or a tenth of all."""


def name_of(model: Path) -> str:
    """What a model is called: its directory or file, or the run's whose release it is."""
    path = model.resolve()
    if path.suffix == ".gguf":
        return path.stem
    return path.parent.name if path.name == "release" and is_run(path.parent) else path.name


def numbered(names: Iterable[str]) -> list[str]:
    """The names, with a number where two would be the same: a, a-2."""
    found: list[str] = []
    for name in names:
        others = (f"{name}-{number}" for number in itertools.count(2))
        found.append(next(n for n in itertools.chain([name], others) if n not in found))
    return found


def open_model(model: Path) -> Speaker:
    """Open a model for measuring, in float32: of a run its last checkpoint, rounded as its release is.

    Raises InputError where a file is missing or cannot be read, where the model is no plain Llama, and where its
    tokenizer and its weights do not match.
    """
    weight_files(model)
    if model.suffix == ".gguf":
        return Speaker(*load_gguf(model))
    if is_run(model):
        return _open_run(model)
    tokenizer = load_tokenizer(model / "tokenizer.json")
    begin, end = edges_of(model, tokenizer)
    loaded = load_hf(model)
    _check_sizes(model, tokenizer, loaded)
    return Speaker(loaded, tokenizer, begin, end)


def model_config(model: Path) -> LlamaConfig:
    """A model's shape; InputError as open_model."""
    weight_files(model)
    if model.suffix == ".gguf":
        return load_gguf(model).model.config
    if is_run(model):
        tokenizer = load_tokenizer(model / "tokenizer" / "tokenizer.json")
        return llama_config(load(model / "recipe.yaml"), tokenizer.get_vocab_size())
    return read_config(model)


def weight_files(model: Path) -> list[Path]:
    """The files that a model's figures rest on; InputError where one is missing."""
    if model.suffix == ".gguf" and model.is_file():
        return [model]
    if not model.is_dir():
        raise InputError(
            f"{model}: found no such model, expected a run, a release, a Hugging Face directory or a .gguf file"
        )
    if is_run(model):
        steps = chosen_step(load(model / "recipe.yaml"), model)
        checkpoint, tokenizer = path_of(model / "checkpoints", steps), model / "tokenizer" / "tokenizer.json"
        if not checkpoint.is_dir():
            raise InputError(f"{model}: found no checkpoint of step {steps:,}, expected a trained run")
        return [*sorted(path for path in checkpoint.rglob("*") if path.is_file()), tokenizer]
    missing = list(_missing(model))
    if missing:
        raise InputError(f"{model}: found no {', no '.join(missing)}, expected a Hugging Face model directory")
    return [model / "config.json", *sorted(model.glob("*.safetensors")), model / "tokenizer.json"]


def _open_run(run: Path) -> Speaker:
    recipe = load(run / "recipe.yaml")
    file = run / "tokenizer" / "tokenizer.json"
    tokenizer = load_tokenizer(file)
    begin, end = begin_and_end(tokenizer, str(file))
    config = llama_config(recipe, tokenizer.get_vocab_size())
    model = load_model(run / "checkpoints", chosen_step(recipe, run), config)
    round_to_bfloat16(model)
    return Speaker(model, tokenizer, begin, end)


def _missing(folder: Path) -> Iterator[str]:
    """Files that a model needs and that are not there, so that all are named at once."""
    if not (folder / "config.json").is_file():
        yield "config.json"
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = sorted(set(read_object(index)["weight_map"].values()))
            missing = [name for name in names if not (folder / name).is_file()]
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise InputError(f"{index}: cannot be read ({error}), expected a weight_map") from None
        yield from missing
    elif not any(folder.glob("*.safetensors")):
        yield "model.safetensors"
    if not (folder / "tokenizer.json").is_file():
        yield "tokenizer.json"


def edges_of(folder: Path, tokenizer: Tokenizer) -> Edges:
    """The tokens that begin and end a text: those of config.json, where it states them, else by their names.

    Raises InputError where config.json states one that is no special entry of the tokenizer.
    """
    file = folder / "config.json"
    stated = read_object(file)
    special = {entry for entry, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    found: list[int | None] = []
    for field in ("bos_token_id", "eos_token_id"):
        value = stated.get(field)
        first = value[0] if isinstance(value, list) and value else value
        if first is not None and not (type(first) is int and first in special):
            name = tokenizer.id_to_token(first) if type(first) is int and 0 <= first < 2**32 else None
            entry = f"{first}, which is {name!r} in tokenizer.json" if name else f"{first}, which no entry has"
            raise InputError(
                f"{folder}: tokenizer and weights do not match: config.json: {field}: found {entry}, expected the "
                "id of a special entry of tokenizer.json"
            )
        found.append(first)
    begin, end = found
    if begin is None or end is None:
        named_begin, named_end = begin_and_end(tokenizer, str(folder / "tokenizer.json"))
        begin, end = named_begin if begin is None else begin, named_end if end is None else end
    return Edges(begin, end)


def _check_sizes(folder: Path, tokenizer: Tokenizer, model: Llama) -> None:
    rows = model.config.vocab_size
    entries = max(tokenizer.get_vocab().values()) + 1
    if entries > rows or rows - entries > max(_PADDING, rows // 10):
        raise InputError(
            f"{folder}: tokenizer and weights do not match: found {entries:,} entries in tokenizer.json and "
            f"{rows:,} in the embedding, expected as many, or a few for padding more"
        )
