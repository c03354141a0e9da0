"""The prompts that a model continues, of our own, in eight languages: neutral ones, and ones that invite harm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


def _read(file: Path) -> Iterator[Prompt]:
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    for number, text in enumerate(said["neutral"], 1):
        yield Prompt(f"{file.stem}-neutral-{number}", file.stem, "neutral", None, text)
    for dimension, texts in said["provoking"].items():
        for number, text in enumerate(texts, 1):
            yield Prompt(f"{file.stem}-{dimension}-{number}", file.stem, "provoking", dimension, text)
