"""What report.json holds: the figures of one model or several, side by side, and what they say in words."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Figures(BaseModel):
    """A part of the report."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class Estimate(Figures):
    """A figure with the bounds of its 95 % interval; null where it cannot be told."""

    value: float | None
    low: float | None = None
    high: float | None = None


class BitsRow(Figures):
    """Bits per byte of a part of the held-out text."""

    by: str
    """What the part is one of: language, century, collection, source; or mean, of the languages."""
    group: str
    """Which: empty where it is not known."""
    works: int | None
    documents: int | None
    bytes: int | None
    model: Estimate
    unigram: float | None
    """The floor by the frequencies of the tokenizer's entries alone."""
    xz: float | None
    """The floor by the compressor xz -9."""


class KeptRow(Figures):
    """How many continuations are in the language that was expected."""

    n: int
    kept: int
    left: int
    undecided: int
    of_decided: Estimate
    """The share of those that are decided."""
    of_all: Estimate
    """The share of all: the lowest that it can be."""


class AdherenceRow(KeptRow):
    """Continuations of one kind of prompts."""

    lang: str
    """A language, or all."""
    prompts: str
    temperature: float | None
    """Null: the true continuations."""


class SwitchRow(KeptRow):
    """Continuations of prompts in two languages."""

    kind: str
    """closed: the quotation is over; open: the second language has just begun."""
    temperature: float
    in_the_other_language: int


class SpellingRow(Figures):
    """A feature of old spelling in one language."""

    lang: str
    feature: str
    works: int
    """Works whose prompts show the feature."""
    rates: dict[str, Estimate]
    """Rates of the old form in prompt, truth, greedy and drawn continuations."""
    agreement: dict[str, Estimate]
    """How near the rate comes to that of the true text: in prompt, greedy, drawn, and one that is all modern."""
    words: int
    """Words of the true text in which both spellings were weighed."""
    old_likelier: Estimate
    """The share of them in which the model finds the old spelling likelier."""


class RepetitionRow(Figures):
    """Repetition in the continuations at one setting."""

    temperature: float | None
    """Null: the true continuations."""
    repetition_penalty: float | None
    n: int
    distinct_2: Estimate
    """Different pairs of tokens, of all."""
    longest_tokens: Estimate
    """The longest span that comes twice, in tokens."""
    loops: Estimate
    """The share that ends in a loop."""
    language_kept: Estimate
    """The share that is surely in the prompt's language."""


class HarmRow(Figures):
    """Continuations that score so high or higher."""

    lang: str
    """A language, or all."""
    kind: str
    decoding: str
    dimension: str
    level: float
    prompts: int
    continuations: int
    share: Estimate


class CorpusRow(Figures):
    """Passages of the training corpus that score so high or higher."""

    lang: str
    filtered: bool
    """Whether curation's filter has been at work."""
    passages: int
    level: float
    share: float


class Said(Figures):
    """A prompt, and what the model wrote after it."""

    id: str
    lang: str
    prompt: str
    continuation: str
    score: float | None
    """The highest score for harm, from 0 to 3; null where it was not scored."""


class Sample(Said):
    """A continuation that was drawn by lot."""

    held_out: bool
    """Whether the prompt is the opening of a held-out work, or else one of the project's own."""


class HarmfulSample(Said):
    """A continuation with a high score."""

    kind: str
    decoding: str


class ExtractionRow(Figures):
    """Texts, and how much of what follows in them the model writes, greedily, after the tokens before it."""

    seen_least: int
    """How often training has seen the texts, at least; 0: held-out texts."""
    seen_most: int | None
    """And at most; null: any number of times."""
    prompt_tokens: int
    """Tokens that the model is given."""
    n: int
    extractable: Estimate
    """The share of texts of which all tokens that follow come back word for word."""
    verbatim_tokens: Estimate
    """How many come back on average, from the first on."""


class SpanRow(Figures):
    """Continuations, and the longest span of each that stands word for word in the training corpus."""

    decoding: str
    """recommended, greedy or drawn; truth: held-out texts."""
    n: int
    characters: Estimate
    """Of the longest spans, on average."""
    median: float
    """Of their characters."""
    longest: float
    """Characters of the longest of all."""
    reaching: dict[str, Estimate]
    """The share of continuations with so long a span or a longer one."""
    licences: dict[str, int]
    """Of the documents that spans of 50 characters or 20 tokens are from."""


class CopiedSpan(Figures):
    """One of the longest spans that the model copied, and the document where it stands."""

    id: str
    """Of the prompt."""
    lang: str
    decoding: str
    continuation: str
    span: str
    characters: int
    identifier: str
    """Of the document; of token files without documents, their folder."""
    title: str | None
    creator: str | None
    date: str | None
    licence: str | None
    """As an SPDX expression; null where it is not known."""
    score: float | None
    """Of the continuation, the highest score for harm, from 0 to 3; null where it was not scored."""


class TaskRow(Figures):
    """Answers to the items of a document task, with so many examples in the prompt."""

    task: str
    """translation, ocr or rag: questions whose answer is in a passage."""
    group: str
    """A language, or a pair of them."""
    shots: int
    """Examples in the prompt."""
    n: int
    documents: int
    """That the items are of."""
    too_long: int
    """Items that were passed over, as they do not fit into the context."""
    items: str | None
    """BLAKE3 of the items: compare scores on the same alone."""
    scores: dict[str, Estimate]
    """Of translation bleu and chrf, from 0 to 100; of ocr error_rate; of rag exact_match and f1."""
    untouched: dict[str, Estimate]
    """The same of the text left as it is: the source, the text as recognised, the passage."""
    gained: Estimate | None
    """Of ocr: what the error rate fell by."""


class Point(Figures):
    """A stretch of the training, by its last step; the loss and the rates are means over it."""

    step: int
    tokens: int
    loss: float | None
    tokens_per_second: float | None
    mfu: float | None
    joules: float | None
    """Taken since the training began."""
    held_out: float | None
    """The last bits per byte in it, the mean of the languages; null where none were measured."""


class Training(Figures):
    """The training run."""

    parameters: int
    tokens: int
    steps: int
    chosen_step: int | None
    """Whose weights were taken, where training was to stop by its measurements."""
    epochs: float | None
    flops: float | None
    device: str
    processes: int
    loss: float | None
    """Of the last logged step."""
    tokens_per_second: float | None
    """The median over the logged steps."""
    mfu: float | None
    """Model FLOPs utilisation, the median over the logged steps; null where the device's peak is not known."""
    curve: list[Point]


class Cost(Figures):
    """What a stage took."""

    stage: str
    wall_seconds: float
    joules: float | None
    """Null where it was not metered."""
    method: str
    """How the energy is known."""
    machines: int


class Model(Figures):
    """All figures of one model; a part that was not measured is empty."""

    name: str
    """Of the run."""
    text: str | None
    """BLAKE3 of the text that the bits per byte are of: compare them on the same text alone."""
    bits_per_byte: list[BitsRow]
    adherence: list[AdherenceRow]
    code_switching: list[SwitchRow]
    old_works: dict[str, int]
    """Held-out works in old spelling, by language."""
    orthography: list[SpellingRow]
    repetition: list[RepetitionRow]
    harm: list[HarmRow]
    corpus: list[CorpusRow]
    samples: list[Sample]
    """Greedy, repetition penalty 1.1, drawn by the recipe's seed; of all models after the same prompts."""
    harmful: list[HarmfulSample]
    """The continuations with the highest scores."""
    extraction: list[ExtractionRow]
    truth_tokens: int | None
    """Tokens that follow the prompt in the text, and can come back; null where it was not measured."""
    held_out_seen: int
    """Held-out texts that are left out there, as training has seen their tokens."""
    spans: list[SpanRow]
    copied: list[CopiedSpan]
    """The longest spans of its continuations that stand in the training corpus."""
    tasks: list[TaskRow]
    """Empty where the recipe names no tasks."""
    training: Training | None
    costs: list[Cost]
    """Of the stages up to the training."""


class Finding(Figures):
    """A sentence about the first model, that follows from its figures by a rule."""

    kind: Literal["found", "limit"]
    """What was found, or what the model is not good for."""
    about: str
    text: str


class Report(Figures):
    """The report of an evaluation."""

    octavo: str
    """Version that wrote it."""
    command: str
    """What gives the figures."""
    seed: int
    """The recipe's."""
    languages: list[str]
    """The recipe's."""
    findings: list[Finding]
    models: list[Model]
    """The run's own first, then those that it is compared with."""


def report_schema() -> dict[str, Any]:
    """The JSON Schema of report.json."""
    schema = Report.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
