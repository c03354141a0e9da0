"""Stage release: a Hugging Face directory with GGUF files and a model card, complete in itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from octavo.lineage import write_atomically, write_json
from octavo.modeling.decoding import Decoding, continuation
from octavo.modeling.gguf import GgufType, pre_tokenizer_name, save_gguf
from octavo.modeling.hf import load_hf, save_hf
from octavo.modeling.llama import Llama
from octavo.progress import Progress
from octavo.recipe import Recipe
from octavo.release.model_card import model_card
from octavo.release.tuned_card import tuned_card
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import PAD, begin_and_end
from octavo.tokenization.formats import write_tokenizer_files
from octavo.tuning.base_name import base_name
from octavo.tuning.tuned_model import FILE as TUNING_FILE

REPORT_FILES = ("report.html", "report.json")
SAMPLE = Decoding(max_tokens=64)
_GGUF_TYPES: dict[str, GgufType] = {"gguf-f32": "F32", "gguf-bf16": "BF16", "gguf-q8_0": "Q8_0"}


def check_formats(recipe: Recipe, tokenizer: Tokenizer) -> None:
    """Raise InputError where the recipe asks for GGUF and llama.cpp could not read the tokenizer alike."""
    if any(kind.startswith("gguf") for kind in recipe.release.formats):
        pre_tokenizer_name(tokenizer)


def release(
    recipe: Recipe, run: Path, model: Llama, figures: dict[str, Any], home: Path, progress: Progress
) -> dict[str, Any]:
    """Write the release of a run's model into `home` and return the stage's figures.

    `figures` holds the figures of all earlier stages, by stage, for the model card.
    """
    home.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    begin, end = begin_and_end(tokenizer, "tokenizer.json")
    check_formats(recipe, tokenizer)
    context = model.config.max_position_embeddings
    formats = recipe.release.formats
    progress.update(0, len(formats) + 1, "Hugging Face directory")
    write_tokenizer_files(home, run / "tokenizer" / "tokenizer.json", tokenizer, context)
    save_hf(model, home, begin, end, torch.bfloat16)
    taught = recipe.tuning is not None and recipe.tuning.supervised
    pad = tokenizer.token_to_id(PAD)
    penalty = 1.0 if taught else SAMPLE.repetition_penalty
    write_json(
        home / "generation_config.json", _generation_config(begin, end, end if pad is None else pad, penalty)
    )
    for number, kind in enumerate(formats):
        progress.check()
        if kind in _GGUF_TYPES:
            (home / "gguf").mkdir(exist_ok=True)
            file = home / "gguf" / f"{recipe.name}-{_GGUF_TYPES[kind]}.gguf"
            progress.update(number + 1, len(formats) + 1, file.name)
            save_gguf(model, file, _GGUF_TYPES[kind], recipe.name, recipe.release.license, tokenizer, begin, end)
    progress.update(len(formats), len(formats) + 1, "model card")
    report = _copy_report(run / "evaluation", home / "evaluation")
    if taught:
        samples: dict[str, dict[str, str]] = {}
        measured = json.loads((run / "evaluation" / TUNING_FILE).read_bytes())
        write_json(home / TUNING_FILE, _settings(recipe, measured))
        card = tuned_card(recipe, model.config, figures, measured, report)
    else:
        samples = _samples(recipe, home, tokenizer, begin, end)
        card = model_card(recipe, model.config, figures, samples, report)
    if "safetensors" not in formats:
        (home / "model.safetensors").unlink()
    write_atomically(home / "README.md", card.encode())
    return {"formats": list(formats), "samples": samples}


def _copy_report(evaluation: Path, home: Path) -> bool:
    """Copy the report, so that it goes where the model goes; False where an earlier octavo wrote none."""
    files = [evaluation / name for name in REPORT_FILES]
    if not all(file.exists() for file in files):
        return False
    home.mkdir(exist_ok=True)
    for file in files:
        write_atomically(home / file.name, file.read_bytes())
    return True


def _settings(recipe: Recipe, measured: dict[str, Any]) -> dict[str, Any]:
    """What the commands that use a tuned model must know: its task, its base, and what the evaluation settled."""
    assert recipe.tuning is not None
    return {
        "task": recipe.tuning.task,
        "base": base_name(Path(recipe.tuning.base)),
        "settings": measured["settings"],
    }


def _samples(recipe: Recipe, home: Path, tokenizer: Tokenizer, begin: int, end: int) -> dict[str, dict[str, str]]:
    """The recipe's prompts with their continuations by the released weights."""
    released = load_hf(home)
    samples = {}
    for lang, prompt in recipe.release.prompts.items():
        tokens = [begin, *tokenizer.encode(prompt, add_special_tokens=False).ids]
        pieces = continuation(released, tokenizer, tokens, end, SAMPLE)
        samples[lang] = {"prompt": prompt, "continuation": "".join(piece.text for piece in pieces)}
    return samples


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
