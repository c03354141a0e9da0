"""The recipes that `octavo init` writes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from octavo.recipe.curation import Curation, HeldOut
from octavo.recipe.evaluation import Continuations, Evaluation
from octavo.recipe.schema import LANGUAGES, NAME, Corpus, Model, Recipe, Release, Source, Tokenizer
from octavo.recipe.training import Checkpoint, Optimizer, Schedule, Training

PROMPTS = {
    "en": "The old keeper of the light",
    "fr": "Il était une fois, au bord de la rivière,",
    "es": "Aquella noche, en la plaza del pueblo,",
    "de": "Es war einmal ein alter Müller, der",
    "it": "C'era una volta, in una valle lontana,",
    "nl": "Op een koude morgen liep de oude",
    "la": "Erat olim in monte vetus monasterium, ubi",
    "pt": "Era uma vez, junto ao rio, um velho",
}


STARTER_TEXTS = Source(
    path="builtin:starter",
    origin="synthetic",
    title="Octavo's starter texts, written for it with a large language model",
    url="part of octavo, as src/octavo/corpus/starter.parquet",
    collected="2026",
)


def starter() -> Recipe:
    """A small model over the starter corpus: minutes on two cores."""
    return Recipe(
        name="starter",
        corpus=Corpus(sources=[STARTER_TEXTS], languages=list(LANGUAGES)),
        curation=Curation(held_out=HeldOut(fraction=0.08)),
        tokenizer=Tokenizer(vocab_size=4096, superwords=0.0),
        model=Model(
            hidden_size=256,
            num_hidden_layers=6,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=640,
            max_position_embeddings=512,
        ),
        training=Training(
            tokens=2_000_000,
            sequences_per_step=4,
            sequences_per_pass=4,
            # Over many passes a strong decay gains much on held-out text: docs/performance.md.
            optimizer=Optimizer(name="muon", learning_rate=3e-3, weight_decay=1.0),
            schedule=Schedule(warmup_steps=50),
            checkpoint=Checkpoint(every_steps=200),
        ),
        evaluation=Evaluation(continuations=Continuations(max_tokens=32, samples=1)),
        release=Release(prompts=PROMPTS),
    )


def common_corpus() -> Recipe:
    """The published model's architecture over a bounded part of Common Corpus, streamed from its hub."""
    return Recipe(
        name="common-corpus",
        corpus=Corpus(
            sources=[Source(path="hf://datasets/PleIAs/common_corpus", documents=100_000)],
            languages=list(LANGUAGES),
        ),
        release=Release(prompts=PROMPTS),
    )


def named_after(directory: Path, recipe: Recipe) -> Recipe:
    """The recipe with the directory's name where that can be one, so that its run has a directory of its own."""
    name = directory.resolve().name
    return recipe.model_copy(update={"name": name}) if re.fullmatch(NAME, name) else recipe


STARTERS: dict[str, Callable[[], Recipe]] = {"starter": starter, "common-corpus": common_corpus}
