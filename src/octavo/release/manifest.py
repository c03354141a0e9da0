"""The manifest of a release: every fact that its papers state, in one place.

The papers in compliance/ are functions of it alone: whoever has the manifest can write them anew, and whoever has
the run can make the manifest anew from the run's files. That is how `octavo audit` holds each figure.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from octavo.recipe.provider import Provider

THRESHOLD_FLOPS = 1e23
"""Training compute from which on a model is taken to be a general-purpose AI model in the sense of the AI Act
(the Commission's guidelines of July 2025, an indicative criterion)."""

MODIFICATION_FLOPS = THRESHOLD_FLOPS / 3
"""Compute from which on a change of a model makes another, where that of the model is not known (as above)."""

Standing = Literal["voluntary", "voluntary or not by the base", "of a general-purpose AI model"]
"""Whether the AI Act asks for the papers."""

Step = Literal[
    "opt-outs",
    "licences",
    "repair",
    "language",
    "personal-data",
    "ocr",
    "quality",
    "decontamination",
    "copies",
    "near-copies",
    "harm",
    "mixture",
]
"""Of curation."""

BITS_LOST = "bits per byte more"
"""Unit of a figure that is a difference, and small."""


class Facts(BaseModel):
    """A part of the manifest: no unknown keys."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Count(Facts):
    """How many documents, and how much text in UTF-8."""

    documents: int
    bytes: int


class Language(Facts):
    """The kept text in a language."""

    documents: int
    bytes: int
    held_out: Count | None
    """Of it, what no training step saw."""
    bytes_per_token: float | None


class Collection(Facts):
    """The kept documents of a collection, as the documents name it."""

    name: str | None
    documents: int
    bytes: int
    licences: dict[str, Count]
    """By SPDX id; the largest first."""
    languages: dict[str, Count]
    """By ISO 639-1 code; the largest first."""
    first_year: int | None
    """Of the documents' dates."""
    last_year: int | None
    domains: dict[str, Count]
    """The hosts of the documents' addresses that most of its text is from, ten at most."""


class Source(Facts):
    """A source of the recipe, and what came of it."""

    path: str
    """As the recipe has it."""
    origin: str | None
    title: str | None
    url: str | None
    collected: str | None
    license: str | None
    """Of documents that state none themselves."""
    files: int
    came: Count
    kept: Count
    collections: dict[str, Count] = {}
    """Of the kept documents, by the collection that they name; the largest first."""


class Harm(Facts):
    """What became of harmful passages."""

    passages: int
    """That were scored."""
    outcomes: dict[str, int]
    """Passages by what came of them: annotated, removed, document-removed, rewritten and so on."""
    classifier: str
    second_opinion: str | None


class Synthetic(Facts):
    """What of the kept text a model wrote in curation."""

    documents: int
    bytes: int
    models: dict[str, int]
    """Bytes by model."""


class OptOuts(Facts):
    """What was left out as rights holders asked."""

    entries: dict[str, int]
    """Entries of the recipe's list, by field."""
    documents: int
    bytes: int


class Corpus(Facts):
    """The documents, and what curation made of them."""

    imported_on: str
    """Day on which the last of them came in, UTC, as YYYY-MM-DD."""
    came: Count
    kept: Count
    removed: dict[str, Count]
    """By the rule that removed them."""
    changed: dict[str, Count]
    """Of the kept ones, by the rules that changed them."""
    held_out: Count
    languages: dict[str, Language]
    mixed: Count
    licences: dict[str, Count]
    obligations: dict[str, Count]
    """What the licences ask for: none, attribution, share-alike."""
    centuries: dict[str, Count]
    """19 for the 1800s; `None` for those without a date."""
    genres: dict[str, Count]
    first_year: int | None
    last_year: int | None
    collections: list[Collection]
    """The largest first."""
    domains: dict[str, Count]
    """Hosts of the documents' addresses, the largest first: a tenth of them, at least ten, at most a thousand."""
    all_domains: int
    sources: list[Source]
    personal_data: dict[str, int] | None
    """Placeholders put in place of personal data, by kind; null where the recipe keeps it."""
    harm: Harm | None
    synthetic: Synthetic
    opt_outs: OptOuts
    steps: list[Step]
    """What curation did by the recipe, in this order."""
    licence_policy: list[str]
    """Licences that pass, as SPDX ids."""
    jurisdictions: list[str]


class GivenTokens(Facts):
    """A folder of token files that was given: of its documents nothing is known here."""

    folder: str
    tokens: int
    documents: int


class Pairs(Facts):
    """What a tune for a task learnt from."""

    training: int
    held_out: int
    test: int
    made: int
    """Examples that were made of documents."""
    tokens: int
    """Of all examples, each counted once."""
    groups: dict[str, int]
    """Pairs to learn from, by language or pair of languages."""
    licences: dict[str, int]
    """As the files state them."""


class Base(Facts):
    """The model that a tune began with."""

    name: str
    summary: str | None
    """Link to the public summary of its training content."""


class Tokenization(Facts):
    """The tokenizer, and the tokens of the recipe's documents."""

    entries: int
    trained: bool
    """By this run, on its documents; else it was given."""
    tokens: int | None
    """Of the documents to train on; null where there are none."""
    documents: int | None


class Training(Facts):
    """The training."""

    steps: int
    taken: int
    """The step whose weights were released."""
    tokens: int
    passes: float
    """Over the data."""
    sequence_length: int
    sequences_per_step: int
    optimizer: str
    learning_rate: float
    schedule: str
    weight_decay: float
    precision: str
    seed: int
    objective: str
    """What is optimised, in words."""
    loss: float | None
    flops: float
    flops_method: str
    seconds: float
    """Wall time of the stage, attempts that were broken off among it."""
    processes: int
    device: str


class StageEnergy(Facts):
    """What a stage took."""

    joules: float
    method: str
    machines: int


class Energy(Facts):
    """What the machines took up to the release, with all that ran on them."""

    joules: float
    method: str
    stages: dict[str, StageEnergy]
    country: str | None
    co2eq_grams: float | None


class Metric(Facts):
    """A figure of the evaluation."""

    name: str
    group: str
    """Language, or what else it is of; `all` for all."""
    value: float
    low: float | None
    """Of a 95 % interval."""
    high: float | None
    unit: str
    file: str
    """Of the run, that it was read from."""


class Architecture(Facts):
    """The model's shape, in the names of config.json."""

    parameters: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    rope_theta: float
    tie_word_embeddings: bool


class File(Facts):
    """A file of the release or the run."""

    path: str
    """Relative to the release."""
    bytes: int
    sha256: str


class Sample(Facts):
    """A continuation by the released weights, as it came."""

    prompt: str
    continuation: str


class Manifest(Facts):
    """All facts of a release."""

    octavo: str
    """Version that made it."""
    name: str
    """Of the run and its model."""
    task: str | None
    """Of a tune: ocr, translation, rag or continued; null for a model trained from nothing."""
    made_on: str
    """Day on which the last stage before the release was done, UTC, as YYYY-MM-DD."""
    license: str
    """Of the weights, an SPDX id."""
    formats: list[str]
    """Of the files of weights, in the recipe's words."""
    languages: list[str]
    """That the training content is in, as ISO 639-1 codes."""
    provider: Provider
    architecture: Architecture
    base: Base | None
    corpus: Corpus | None
    given_tokens: list[GivenTokens]
    """Folders of token files that were given: of their documents nothing is known here."""
    pairs: Pairs | None
    tokenization: Tokenization | None
    training: Training
    energy: Energy | None
    metrics: list[Metric]
    """Figures of the evaluation."""
    samples: dict[str, Sample]
    """Continuations of the recipe's prompts, by language."""
    traced: bool
    """Whether the run has an index, by which what the model writes is traced to its sources."""
    weights: list[File]
    """The files of weights in the release."""
    corpus_files: list[File]
    """The Parquet files of the kept documents, and the ledger."""

    @property
    def text_tokens(self) -> int:
        """Tokens of the training content: of pairs, or of the documents, of given token files, or of both."""
        if self.pairs:
            return self.pairs.tokens
        own = (self.tokenization.tokens or 0) if self.tokenization else 0
        return own + sum(folder.tokens for folder in self.given_tokens)

    @property
    def standing(self) -> Standing:
        """Whether the Act asks for the papers, as far as the training compute tells."""
        if self.training.flops >= THRESHOLD_FLOPS:
            return "of a general-purpose AI model"
        if self.base and self.training.flops > MODIFICATION_FLOPS:
            return "voluntary or not by the base"
        return "voluntary"


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema of manifest.json."""
    schema = Manifest.model_json_schema(mode="serialization")
    return schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
