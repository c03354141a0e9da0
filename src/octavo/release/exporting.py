"""The model's own files: a Hugging Face directory, and GGUF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from octavo.lineage import write_json
from octavo.modeling.decoding import Decoding
from octavo.modeling.gguf.quantised import GgufType
from octavo.modeling.gguf.writing import pre_tokenizer_name, save_gguf
from octavo.modeling.hf import round_to_bfloat16, save_hf
from octavo.modeling.llama import Llama
from octavo.recipe.schema import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import PAD, begin_and_end
from octavo.tokenization.formats import write_tokenizer_files

SAMPLE = Decoding(max_tokens=64)
GGUF_TYPES: dict[str, GgufType] = {
    "gguf-f32": "F32",
    "gguf-f16": "F16",
    "gguf-bf16": "BF16",
    "gguf-q8_0": "Q8_0",
    "gguf-q4_k_m": "Q4_K_M",
}
"""Of the recipe's formats; float32, as trained, comes first, as the others are made of the weights in BF16."""


def check_formats(recipe: Recipe, tokenizer: Tokenizer) -> None:
    """Raise InputError where the recipe asks for GGUF and llama.cpp could not read the tokenizer alike."""
    if any(kind.startswith("gguf") for kind in recipe.release.formats):
        pre_tokenizer_name(tokenizer)


def write_model(recipe: Recipe, run: Path, model: Llama, home: Path, tell: Callable[[int, str], None]) -> None:
    """Write the files that the recipe asks for into `home`; the same bytes for the same model.

    All but GGUF in F32 hold the weights in BF16, which were evaluated, or are made of these: so what a quantised
    file loses, it loses by its own form alone. `model` is rounded to them.
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
    pad = tokenizer.token_to_id(PAD)
    write_json(
        home / "generation_config.json",
        _generation_config(begin, end, end if pad is None else pad, recommended_penalty(recipe)),
    )
    for number, (kind, gguf) in enumerate(gguf_files(recipe, home).items()):
        if kind != "F32":
            round_to_bfloat16(model)
        gguf.parent.mkdir(exist_ok=True)
        tell(number, gguf.name)
        save_gguf(model, gguf, kind, recipe.name, recipe.release.license, tokenizer, begin, end)


def gguf_files(recipe: Recipe, home: Path) -> dict[GgufType, Path]:
    """The GGUF files of a release, by their types."""
    kinds = [kind for name, kind in GGUF_TYPES.items() if name in recipe.release.formats]
    return {kind: home / "gguf" / f"{recipe.name}-{kind}.gguf" for kind in kinds}


def recommended_penalty(recipe: Recipe) -> float:
    """The repetition penalty of generation_config.json: small base models write best with one of 1.1, tuned ones
    without, as their answers say again what the prompt says."""
    return 1.0 if recipe.is_taught else SAMPLE.repetition_penalty


def _generation_config(begin: int, end: int, pad: int, penalty: float) -> dict[str, Any]:
    return {
        "bos_token_id": begin,
        "eos_token_id": end,
        "pad_token_id": pad,
        "do_sample": False,
        "temperature": 0.0,
        "repetition_penalty": penalty,
    }
