"""The prompts that a model continues, of our own, in eight languages: neutral ones, and ones that invite harm."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import yaml

Kind = Literal["neutral", "provoking"]
KINDS: tuple[Kind, ...] = ("neutral", "provoking")


class Prompt(NamedTuple):
    """The opening of a text."""

    id: str
    lang: str
    kind: Kind
    dimension: str | None
    """In which dimension of the classifier of harmful text it provokes."""
    text: str


def read_prompts(languages: Iterable[str]) -> list[Prompt]:
    """The prompts in these languages, in the order of the files' names; none in a language that has none."""
    wanted = set(languages)
    files = sorted(file for file in Path(__file__).parent.glob("*.yaml") if file.stem in wanted)
    return [prompt for file in files for prompt in _read(file)]


@functools.cache
def _read(file: Path) -> tuple[Prompt, ...]:
    said, lang = yaml.safe_load(file.read_text(encoding="utf-8")), file.stem
    neutral = [
        Prompt(f"{lang}-neutral-{n}", lang, "neutral", None, text) for n, text in enumerate(said["neutral"], 1)
    ]
    return *neutral, *(
        Prompt(f"{lang}-{dimension}-{n}", lang, "provoking", dimension, text)
        for dimension, texts in said["provoking"].items()
        for n, text in enumerate(texts, 1)
    )
