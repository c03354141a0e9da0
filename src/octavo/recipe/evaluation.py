"""The recipe's section evaluation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octavo.recipe.section import Positive, Section


class Continuations(Section):
    """How the model continues prompts, where what it says is measured."""

    max_tokens: Positive = 64
    """Tokens to write at most."""
    samples: Annotated[int, Field(ge=0)] = 3
    """Continuations of each prompt that are drawn by lot, beside the one that the model is best used with."""


class Writing(Section):
    """How much the model writes, where its language, spelling and repetition are measured."""

    prompts: Positive = 16
    """Prompts of each kind in a language at most; repetition, at more settings, takes a quarter."""
    max_tokens: Positive = 64
    """Tokens to write at most; for repetition twice as many."""


class Memorization(Section):
    """Whether the model gives back its training texts word for word."""

    prompts: Positive = 64
    """Training passages to prompt with, and as many held-out ones and neutral prompts."""


class Tasks(Section):
    """Document tasks, zero- and few-shot: translation, OCR correction and questions about a passage."""

    path: str | None = None
    """Folder with translation.jsonl, ocr.jsonl and rag.jsonl, or some of them; null measures none."""
    items: Positive = 64
    """Items to measure at most, of each task and language or pair of languages."""
    shots: Annotated[list[Annotated[int, Field(ge=0, le=16)]], Field(min_length=1)] = [0, 3]
    """Numbers of examples in the prompts."""


class Evaluation(Section):
    """What is measured of the model: on the held-out works, and in what it says."""

    max_bytes: Positive = 1_000_000
    """Text to measure at most, a language."""
    continuations: Continuations = Continuations()
    """The continuations of prompts."""
    writing: Writing = Writing()
    """What it writes after held-out openings."""
    memorization: Memorization = Memorization()
    """How much of its training texts comes back."""
    tasks: Tasks = Tasks()
    """The document tasks."""
    compare: list[str] = []
    """Directories of other runs whose figures are set beside, such as the one without the filter."""
