"""What report.json of a tune holds."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from octavo.evaluation.report.figures import Cost, Figures, Finding, Training


class ScoreRow(Figures):
    """A figure of one system on some of the test pairs."""

    system: str
    """model, or the baseline's name."""
    by: str
    """What the pairs are one of: all, lang, century, or what else the task tells apart."""
    group: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    works: int
    """Documents that the pairs are of."""
    lead_low: float | None = None
    lead_high: float | None = None
    """Of a baseline's main figure: with a confidence of 95 %, by how much the model's is higher, document by
    document."""


class Part(Figures):
    """Pairs of one use."""

    pairs: int
    documents: int
    groups: dict[str, int]
    """By language, or pair of languages."""


class Sequences(Figures):
    """Examples as they are packed for training."""

    examples: int
    sequences: int
    tokens: int
    padding: float
    """Share of the places that hold nothing."""


class LeftOutPair(Figures):
    """A pair that was left out, as an example of its reason."""

    id: str
    reason: str
    evidence: str


class Pairs(Figures):
    """What the model learns from and is measured on."""

    pairs: dict[str, Part]
    """training, held_out and test; no document is in two of them."""
    made: int
    """Examples that were made of documents, besides."""
    left_out: dict[str, int]
    """By the reason."""
    left_out_examples: list[LeftOutPair]
    """The first pair of each reason."""
    licences: dict[str, int]
    """Given pairs by the licence that their files state; empty where they state none."""
    sequences: dict[str, Sequences]
    added_entries: list[str]
    """Entries for tasks that the base's tokenizer did not have."""


class HeldOut(Figures):
    """A measurement of the held-out answers."""

    step: int
    tokens: int
    bits_per_byte: dict[str, float]
    """By language, or pair of languages."""
    mean: float


class Rate(Figures):
    """A learning rate that was tried in short."""

    learning_rate: float
    held_out: float | None
    """Bits per byte of the held-out answers in the end; None where the training diverged."""


class Sample(Figures):
    """A test pair and what the model made of it."""

    id: str
    group: str
    """The language, or pair of languages; empty where the task does not tell it."""
    texts: dict[str, str]
    """source, answer and truth, and what else the task has, such as the question."""
    likeness: float = Field(ge=-1, le=1)
    """How near the answer comes to the truth; of OCR correction, how much nearer than the source is."""


class Report(Figures):
    """The report of a tune."""

    octavo: str
    """Version that wrote it."""
    command: str
    """What gives the figures."""
    name: str
    task: str
    base: str
    """Name of the model that was tuned."""
    seed: int
    findings: list[Finding]
    pairs: Pairs
    scores: list[ScoreRow]
    settings: dict[str, Any]
    """What the task's commands go by, and how it was found."""
    samples: list[Sample]
    """From the best to the worst."""
    training: Training | None
    steps: int
    """That the recipe asked for."""
    chosen_step: int | None
    """The step whose weights were taken."""
    held_out: list[HeldOut]
    sweep: list[Rate]
    """Empty where none was asked for."""
    learning_rate: float
    """The peak that was taken."""
    costs: list[Cost]
