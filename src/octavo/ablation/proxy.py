"""The proxy: a recipe made so small that a dozen variants of it, three times each, are trained on two cores.

What curation decides by stays as it is. Of the rest, what is larger than a proxy's is cut to that, and what is
smaller stays: a recipe that is small already is its own proxy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from octavo.errors import InputError
from octavo.recipe.evaluation import Continuations, Evaluation, Writing
from octavo.recipe.file import Settings, apply_settings, load, validate
from octavo.recipe.schema import Model, Recipe, Tokenizer
from octavo.recipe.training import Training

HIDDEN: Final = 128
LAYERS: Final = 4
CONTEXT: Final = 256
VOCABULARY: Final = 8192
TOKENS: Final = 1_200_000
SEQUENCES: Final = 8
"""In a step."""
SAVES: Final = 4
"""In a training at most, so that a kill costs little."""
MEASURED_BYTES: Final = 48_000
"""Of a language's held-out works, in each of their two forms."""
PROMPTS: Final = 8
WRITTEN_TOKENS: Final = 32
SAMPLES: Final = 1


def read_proxy(file: Path, settings: Settings | None = None) -> Recipe:
    """The proxy of a recipe's file, with settings laid over it.

    Raises InputError where the file is no recipe, or is one whose rules do not decide on all that it trains on.
    """
    recipe = load(file)
    _refuse(recipe, file)
    data = small(recipe).model_dump(mode="json")
    lines: dict[tuple[str | int, ...], str] = {}
    apply_settings(data, lines, settings or [])
    proxy = validate(data, lines, str(file))
    _refuse(proxy, file)
    if proxy.training.patience is not None:
        raise InputError(
            f"{file}: training.patience: found {proxy.training.patience}, expected null: proxies that end at "
            "different steps have not the same compute"
        )
    return proxy


def _refuse(recipe: Recipe, file: Path) -> None:
    """Raise InputError where rules do not decide on all that is trained on."""
    if recipe.tuning is not None:
        raise InputError(
            f"{file}: tuning: found a tune, expected a recipe that trains a model of its own documents"
        )
    if recipe.token_folders:
        raise InputError(f"{file}: training.data: found folders of token files, which no rule decides on")


def small(recipe: Recipe) -> Recipe:
    """The recipe with a tokenizer, a model, a training and an evaluation of a proxy's size at most.

    It is curated by this machine's cores, as a process joins a Ray cluster but once.
    """
    model = _model(recipe.model)
    return recipe.model_copy(
        update={
            "curation": recipe.curation.model_copy(update={"engine": "native", "ray": None}),
            "tokenizer": _tokenizer(recipe.tokenizer),
            "model": model,
            "training": _training(recipe.training, model.max_position_embeddings),
            "evaluation": _evaluation(recipe.evaluation),
        }
    )


def _tokenizer(tokenizer: Tokenizer) -> Tokenizer:
    return tokenizer.model_copy(update={"vocab_size": min(tokenizer.vocab_size, VOCABULARY)})


def _model(model: Model) -> Model:
    """Fewer heads of the same size, and the feed-forward layer in proportion."""
    head = model.hidden_size // model.num_attention_heads
    heads = min(model.num_attention_heads, max(1, HIDDEN // head))
    keys = max(1, heads * model.num_key_value_heads // model.num_attention_heads)
    hidden = heads * head
    return model.model_copy(
        update={
            "hidden_size": hidden,
            "num_hidden_layers": min(model.num_hidden_layers, LAYERS),
            "num_attention_heads": heads,
            "num_key_value_heads": _largest_divisor(heads, keys),
            "intermediate_size": max(1, model.intermediate_size * hidden // model.hidden_size),
            "max_position_embeddings": min(model.max_position_embeddings, CONTEXT),
            "rope_scaling": model.rope_scaling if model.max_position_embeddings <= CONTEXT else None,
        }
    )


def _training(training: Training, context: int) -> Training:
    """Trained to the end on the recipe's own documents, in one stage; else variants would differ in compute."""
    sequences = min(training.sequences_per_step, SEQUENCES)
    length = min(training.sequence_length or context, context)
    tokens = max(min(training.tokens, TOKENS), sequences * length)
    steps = -(-tokens // (sequences * length))
    warmup = min(training.schedule.warmup_steps, steps // 10)
    saving: dict[str, Any] = {"every_steps": max(1, steps // SAVES), "keep_last": 1, "keep_every": None}
    return training.model_copy(
        update={
            "tokens": tokens,
            "data": [],
            "sequence_length": training.sequence_length and length,
            "sequences_per_step": sequences,
            "sequences_per_pass": _largest_divisor(sequences, training.sequences_per_pass),
            "schedule": training.schedule.model_copy(update={"warmup_steps": warmup}),
            "checkpoint": training.checkpoint.model_copy(update=saving),
            "evaluate_every_steps": None,
            "patience": None,
        }
    )


def _evaluation(evaluation: Evaluation) -> Evaluation:
    continued, written = evaluation.continuations, evaluation.writing
    return Evaluation(
        max_bytes=min(evaluation.max_bytes, MEASURED_BYTES),
        continuations=Continuations(
            max_tokens=min(continued.max_tokens, WRITTEN_TOKENS), samples=min(continued.samples, SAMPLES)
        ),
        writing=Writing(prompts=min(written.prompts, PROMPTS), max_tokens=min(written.max_tokens, WRITTEN_TOKENS)),
    )


def _largest_divisor(number: int, most: int) -> int:
    return max(n for n in range(1, max(1, most) + 1) if number % n == 0)
