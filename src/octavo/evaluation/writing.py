"""What a model writes: language adherence, historical orthography and repetition, from the held-out works."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from octavo.evaluation import adherence, orthography, repetition
from octavo.evaluation.openings import Document
from octavo.evaluation.speaker import Speaker
from octavo.lineage import write_json
from octavo.progress import Progress
from octavo.recipe.schema import Recipe

COMMAND: Final = "octavo evaluate RUN"
"""Gives a run's figures again."""


def measure_writing(
    recipe: Recipe,
    speaker: Speaker,
    documents: Sequence[Document],
    home: Path,
    progress: Progress,
    command: str = COMMAND,
) -> dict[str, Any]:
    """Write `home`/{adherence,orthography,repetition}.json and repetition.svg; return the figures in short.

    `command` is what gives them again.
    Repetition takes a quarter of the prompts, at more settings, and twice the length, as loops take time to show.
    """
    languages, settings = recipe.corpus.languages, recipe.evaluation.writing
    seed, prompts, tokens = recipe.seed, settings.prompts, settings.max_tokens
    found = {
        adherence.FILE: adherence.measure_adherence(speaker, documents, languages, seed, prompts, tokens, progress),
        orthography.FILE: orthography.measure_orthography(speaker, documents, seed, prompts, tokens, progress),
        repetition.FILE: repetition.measure_repetition(
            speaker, documents, languages, seed, -(-prompts // 4), 2 * tokens, home, progress
        ),
    }
    for file, figures in found.items():
        write_json(home / file, {"command": command, **figures})
    return in_short(*found.values())


def in_short(adhered: dict[str, Any], spelled: dict[str, Any], repeated: dict[str, Any]) -> dict[str, Any]:
    """For the stage's record, of what adherence.json, orthography.json and repetition.json hold."""
    return {
        "adherence": [row for row in adhered["adherence"] if row["lang"] == adherence.ALL],
        "code_switching": adhered["code_switching"],
        "orthography": [_feature_in_short(row) for row in spelled["features"]],
        "repetition": repeated["repetition"],
    }


def _feature_in_short(row: dict[str, Any]) -> dict[str, Any]:
    liked = row["preference"] and row["preference"]["old_likelier"]
    return {name: row[name] for name in ("lang", "feature", "works", "agreement")} | {"old_likelier": liked}
