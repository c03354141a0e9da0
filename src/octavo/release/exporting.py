"""The model's own files: a Hugging Face directory, and GGUF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from octavo.lineage import write_json
from octavo.modeling.decoding import Decoding
from octavo.modeling.gguf import GgufType, pre_tokenizer_name, save_gguf
from octavo.modeling.hf import save_hf
from octavo.modeling.llama import Llama
from octavo.recipe import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import PAD, begin_and_end
from octavo.tokenization.formats import write_tokenizer_files

SAMPLE = Decoding(max_tokens=64)
_GGUF_TYPES: dict[str, GgufType] = {"gguf-f32": "F32", "gguf-bf16": "BF16", "gguf-q8_0": "Q8_0"}


def check_formats(recipe: Recipe, tokenizer: Tokenizer) -> None:
    """Raise InputError where the recipe asks for GGUF and llama.cpp could not read the tokenizer alike."""
    if any(kind.startswith("gguf") for kind in recipe.release.formats):
        pre_tokenizer_name(tokenizer)


def write_model(recipe: Recipe, run: Path, model: Llama, home: Path, tell: Callable[[int, str], None]) -> None:
    """Write the files that the recipe asks for into `home`; the same bytes for the same model.

    `tell` takes how many formats are done and what comes next, and may raise StoppedError.
    """
    file = run / "tokenizer" / "tokenizer.json"
    tokenizer = load_tokenizer(file)
    begin, end = begin_and_end(tokenizer, "tokenizer.json")
    check_formats(recipe, tokenizer)
    tell(0, "Hugging Face directory")
    write_tokenizer_files(home, file, tokenizer, model.config.max_position_embeddings)
    save_hf(model, home, begin, end, torch.bfloat16)
    if "safetensors" not in recipe.release.formats:
        (home / "model.safetensors").unlink()
    taught = recipe.is_taught
    pad = tokenizer.token_to_id(PAD)
    penalty = 1.0 if taught else SAMPLE.repetition_penalty
    write_json(
        home / "generation_config.json", _generation_config(begin, end, end if pad is None else pad, penalty)
    )
    for number, kind in enumerate(recipe.release.formats):
        if kind in _GGUF_TYPES:
            (home / "gguf").mkdir(exist_ok=True)
            made = home / "gguf" / f"{recipe.name}-{_GGUF_TYPES[kind]}.gguf"
            tell(number, made.name)
            save_gguf(model, made, _GGUF_TYPES[kind], recipe.name, recipe.release.license, tokenizer, begin, end)


def _generation_config(begin: int, end: int, pad: int, penalty: float) -> dict[str, Any]:
    """Greedy; small base models write best with a penalty of 1.1, tuned ones without, as their answers say again
    what the prompt says."""
    return {
        "bos_token_id": begin,
        "eos_token_id": end,
        "pad_token_id": pad,
        "do_sample": False,
        "temperature": 0.0,
        "repetition_penalty": penalty,
    }
