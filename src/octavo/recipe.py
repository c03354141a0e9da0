"""The recipe: strict models of everything that a person may set of a run.

Each field has its default and a line that explains it. The commented recipe of `octavo init`, the JSON
Schema for editors and the reference page are generated from these models, so that they cannot drift apart.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What a run may be called."""

LANGUAGES = ("en", "fr", "es", "de", "it", "nl", "la", "pt")

LANGUAGE_NAMES = {
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "la": "Latin",
    "nl": "Dutch",
    "pt": "Portuguese",
}

Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]


class ImpossibleValueError(ValueError):
    """A value of the right type that cannot be; carries the field that it concerns."""

    def __init__(self, field: str, found: object, expected: str) -> None:
        super().__init__(f"found {found}, expected {expected}")
        self.field = field


def _impossible(field: str, found: object, expected: str) -> ImpossibleValueError:
    return ImpossibleValueError(field, found, expected)


class Section(BaseModel):
    """A part of the recipe: no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Provider(Section):
    """Who is answerable for the model: what only a person knows, for the papers."""

    name: str | None = None
    """Name of the person or body that provides the model."""
    contact: str | None = None
    """Where to write to: an address that will be read."""
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """Where the machines stand (ISO 3166-1 alpha-3, such as FRA), for the CO2eq of their electricity."""


class Source(Section):
    """A place that documents come from."""

    path: str
    """builtin:starter, or a file, folder, glob, s3:// or hf://datasets/OWNER/NAME location."""
    license: str | None = None
    """Licence of the documents that state none themselves: an SPDX id, or null."""
    collection: str | None = None
    """Collection of the documents that state none themselves."""
    columns: dict[str, str] = {}
    """Octavo's column: the source's column, where the names differ, such as {text: body}."""
    documents: Positive | None = None
    """Take at most this many documents; null takes all."""
    spelling: Literal["original", "regularised"] = "original"
    """Which of two readings that a TEI edition gives: as printed, or as the editors corrected it."""


class Corpus(Section):
    """Which documents come in."""

    sources: list[Source] = Field(min_length=1)
    """Where documents come from, in order."""
    languages: list[Language] = Field(default=list(LANGUAGES), min_length=1)
    """Languages to keep, as ISO 639-1 codes."""


class Licences(Section):
    """What counts as open, and by which laws.

    The list is what the Open Definition lists (opendefinition.org/licenses), and the permissive licences of the
    Open Source Initiative. The GPL is open too and left out: what it asks of works made from the text (the
    whole source, under the GPL) has no settled meaning for a model's weights. Not open are NC, ND and
    whatever is not understood.
    """

    allow: list[str] = Field(
        default=[
            "LicenseRef-Public-Domain",
            "LicenseRef-PDM-1.0",
            "CC0-1.0",
            "PDDL-1.0",
            "CC-BY-*",
            "CC-BY-SA-*",
            "ODC-By-1.0",
            "ODbL-1.0",
            "OGL-UK-*",
            "OGL-Canada-2.0",
            "NLOD-*",
            "etalab-2.0",
            "LicenseRef-etalab-1.0",
            "LAL-1.3",
            "GFDL-1.1-no-invariants-only",
            "GFDL-1.1-no-invariants-or-later",
            "GFDL-1.2-no-invariants-only",
            "GFDL-1.2-no-invariants-or-later",
            "GFDL-1.3-no-invariants-only",
            "GFDL-1.3-no-invariants-or-later",
            "Apache-2.0",
            "MIT",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "0BSD",
            "ISC",
            "Unlicense",
        ],
        min_length=1,
    )
    """Licences that pass, as SPDX ids; a final * stands for any version. Nothing else passes."""
    jurisdictions: list[Literal["EU", "US", "UK", "CH", "ES", "CA", "MX", "AU", "JP", "BR", "AR", "IN", "CN"]] = (
        Field(default=["EU", "US"], min_length=1)
    )
    """Laws that must all find a text without a licence free; none may refute a text's stated "Public Domain"."""
    as_of: Annotated[int, Field(ge=1900, le=2200)] = 2026
    """Year in which terms of copyright are reckoned; given here, so that the same recipe decides the same."""


class QualityLimits(Section):
    """The limits of Gopher's, C4's and FineWeb's rules, as shares of a text's words, lines or characters."""

    min_words: Annotated[int, Field(ge=0)] = 20
    """Fewest words (Gopher's 50 would take short poems and letters)."""
    min_word_length: Annotated[float, Field(ge=0)] = 3.0
    """Fewest characters a word on average."""
    max_word_length: Annotated[float, Field(gt=0)] = 10.0
    """Most characters a word on average."""
    max_symbols_per_word: Annotated[float, Field(ge=0)] = 0.1
    """Most # signs a word."""
    min_alphabetic_words: Share = 0.7
    """Least share of words with a letter (Gopher's 0.8 is for the web; old prints set their punctuation apart)."""
    min_stop_words: Annotated[int, Field(ge=0)] = 2
    """Fewest different stop words of the language."""
    max_bullet_lines: Share = 0.95
    """Most lines that begin with a bullet (Gopher's 0.9 would take novels whose dialogue begins with a dash)."""
    max_ellipsis_lines: Share = 0.5
    """Most lines that end with an ellipsis (Gopher's 0.3 would take novels that are fond of them)."""
    max_braces: Share = 0.02
    """Most braces among the characters (C4 drops a page with a single one)."""
    min_punctuated_lines: Share = 0.12
    """Least share of lines that end with punctuation."""
    max_short_lines: Share = 0.67
    """Most lines of under 30 characters."""
    max_duplicate_lines: Share = 0.3
    """Most lines of 20 characters and more that came before."""
    max_duplicate_line_characters: Share = 0.2
    """Most characters in lines that came before."""
    max_duplicate_paragraphs: Share = 0.3
    """Most paragraphs of 20 characters and more that came before."""
    max_duplicate_paragraph_characters: Share = 0.2
    """Most characters in paragraphs that came before."""
    max_top_ngrams: Annotated[list[Share], Field(min_length=3, max_length=3)] = [0.20, 0.18, 0.16]
    """Most characters in the commonest n-gram of 2, 3 and 4 words."""
    max_duplicate_ngrams: Annotated[list[Share], Field(min_length=6, max_length=6)] = [
        0.25,
        0.24,
        0.23,
        0.22,
        0.21,
        0.20,
    ]
    """Most characters in n-grams of 5 to 10 words that came before (Gopher's 0.15 to 0.10 are for the web;
    textbooks and treaties reach 0.25)."""


Genre = Literal["prose", "wrapped", "verse", "drama", "law", "technical", "table", "code"]
Limits = dict[str, float | int | list[float]]

_ANY_LAYOUT: Limits = {"min_punctuated_lines": 0.0, "max_short_lines": 1.0, "max_bullet_lines": 1.0}
_FORMULAIC: Limits = {
    **_ANY_LAYOUT,
    "max_symbols_per_word": 1.0,
    "min_alphabetic_words": 0.4,
    "max_duplicate_lines": 0.6,
    "max_duplicate_line_characters": 0.5,
    "max_duplicate_paragraphs": 0.6,
    "max_duplicate_paragraph_characters": 0.5,
    "max_top_ngrams": [0.35, 0.30, 0.30],
    "max_duplicate_ngrams": [0.6, 0.6, 0.6, 0.6, 0.6, 0.6],
}


GENRE_LIMITS: dict[Genre, Limits] = {
    "wrapped": _ANY_LAYOUT,
    "verse": {**_ANY_LAYOUT, "max_duplicate_lines": 0.5},
    "drama": {**_ANY_LAYOUT, "max_duplicate_lines": 0.6},
    "law": _FORMULAIC,
    "technical": {**_FORMULAIC, "max_duplicate_ngrams": [0.4, 0.4, 0.4, 0.4, 0.4, 0.4]},
    "table": {**_FORMULAIC, "min_stop_words": 0, "min_alphabetic_words": 0.0, "min_word_length": 1.0},
    "code": {**_FORMULAIC, "min_stop_words": 0, "max_braces": 1.0, "max_word_length": 30.0},
}


class Quality(QualityLimits):
    """When a text is too poor to learn from. The fields are the limits for prose; other genres, and languages
    that need it, have some of their own."""

    enabled: bool = True
    """Whether texts are judged at all."""
    by_language: dict[Language, Limits] = {}
    """Limits of a language, such as {de: {max_word_length: 11.0}}."""
    by_genre: dict[Genre, Limits] = GENRE_LIMITS
    """Limits of a genre, which is told from the layout; they stand before a language's. What is given here is
    laid over the defaults."""

    @field_validator("by_genre")
    @classmethod
    def _over_the_defaults(cls, given: dict[Genre, Limits]) -> dict[Genre, Limits]:
        return {genre: limits | given.get(genre, {}) for genre, limits in GENRE_LIMITS.items()} | {
            genre: limits for genre, limits in given.items() if genre not in GENRE_LIMITS
        }

    @model_validator(mode="after")
    def _limits_are_limits(self) -> Self:
        for field in ("by_language", "by_genre"):
            for name, limits in getattr(self, field).items():
                try:
                    QualityLimits.model_validate(limits)
                except ValidationError as error:
                    problem = error.errors()[0]
                    raise _impossible(
                        f"{field}.{name}.{problem['loc'][0]}", repr(problem["input"]), problem["msg"].lower()
                    ) from None
        return self


class Ocr(Section):
    """What the estimated character error rate of a text, by its words and letters, leads to. Texts that are too
    short to tell, or mostly code, have no estimate and stay."""

    correct: Share = 0.10
    """Error rate from which a kept text is marked for OCR correction."""
    remove: Share = 0.25
    """Error rate from which a text is removed."""


class Duplicates(Section):
    """Copies of a text, exact and near, and passages that stand in many works."""

    similarity: Share = 0.5
    """Least Jaccard similarity of near duplicates' n-grams of words, by MinHash; 1 takes exact copies alone."""
    ngram: Positive = 4
    """Words in an n-gram."""
    passage_characters: Positive = 200
    """Fewest characters of a passage that is looked for in other works."""
    passage_works: Annotated[int, Field(ge=2)] = 4
    """Number of works from which on a passage is cut out of all but the first."""


class Decontamination(Section):
    """Evaluation sets that must not be trained on."""

    sets: list[str] = []
    """Files with the texts of evaluation sets: .parquet, .jsonl or plain text."""
    ngram: Positive = 13
    """Words in an n-gram."""
    max_overlap: Share = 0.1
    """Most of a document's n-grams that may stand in the sets."""


class Mixture(Section):
    """Shares that languages, collections and centuries shall have of the text; empty takes all as it is.
    `others` stands for all that is not named."""

    languages: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Shares by language, such as {en: 0.3, fr: 0.3, others: 0.4}."""
    collections: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Shares by collection."""
    centuries: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Shares by century of the date, such as {"18": 0.2, "19": 0.5, others: 0.3}, the 18th being the 1700s."""
    max_repeats: Annotated[float, Field(ge=1)] = 4.0
    """Most times that a document is taken; more is worth little (Muennighoff et al., 2023)."""


class HeldOut(Section):
    """Works that no training step ever sees, kept for evaluation."""

    fraction: Fraction = 0.05
    """Share of each language's text to hold out, by whole works; at least one work a language."""
    max_bytes: Positive = 1_000_000
    """Stop holding out at this many bytes a language."""


class Curation(Section):
    """Which documents stay, and why the others go."""

    licences: Licences = Licences()
    """The licence gate."""
    repair: bool = True
    """Whether mojibake, control characters, broken hyphenation, running heads and left-over markup are repaired."""
    lost_characters: Share = 0.005
    """Most characters that a wrong decoding may have replaced by U+FFFD, which nothing brings back."""
    personal_data: Literal["redact", "keep"] = "redact"
    """Whether e-mail addresses, telephone and account numbers and the like give way to placeholders."""
    ocr: Ocr = Ocr()
    """The OCR rule."""
    quality: Quality = Quality()
    """The quality rules."""
    duplicates: Duplicates = Duplicates()
    """Copies and repeated passages."""
    decontamination: Decontamination = Decontamination()
    """What keeps evaluation sets out of the training text."""
    mixture: Mixture = Mixture()
    """Shares of languages, collections and centuries."""
    held_out: HeldOut = HeldOut()
    """The held-out split."""


class Tokenizer(Section):
    """The tokenizer: trained on the kept documents, or given."""

    path: str | None = None
    """A tokenizer.json to use as it is; null trains one."""
    vocab_size: Annotated[int, Field(ge=512)] = 65_536
    """Number of entries, special ones included. Past 65,536 the token files take four bytes a token."""
    sample_bytes: Positive = 200_000_000
    """Text to train on at most, the same amount of each language."""


class Model(Section):
    """The Llama architecture, in the names of Hugging Face's LlamaConfig."""

    hidden_size: Positive = 1024
    """Width of the residual stream."""
    num_hidden_layers: Positive = 26
    """Number of layers."""
    num_attention_heads: Positive = 16
    """Number of query heads; divides hidden_size."""
    num_key_value_heads: Positive = 8
    """Number of key and value heads; divides num_attention_heads."""
    intermediate_size: Positive = 2560
    """Width of the feed-forward layer."""
    max_position_embeddings: Annotated[int, Field(ge=2)] = 2048
    """Context length in tokens."""
    rope_theta: Annotated[float, Field(gt=0)] = 10_000.0
    """Base of the rotary position embedding."""
    rms_norm_eps: Annotated[float, Field(gt=0)] = 1e-5
    """Added to the mean square in RMSNorm."""
    tie_word_embeddings: bool = True
    """Whether the output layer is the embedding matrix."""
    initializer_range: Annotated[float, Field(gt=0)] = 0.02
    """Standard deviation of the initial weights."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            raise _impossible(
                "num_attention_heads", self.num_attention_heads, f"a divisor of hidden_size ({self.hidden_size})"
            )
        if self.num_attention_heads % self.num_key_value_heads:
            raise _impossible(
                "num_key_value_heads",
                self.num_key_value_heads,
                f"a divisor of num_attention_heads ({self.num_attention_heads})",
            )
        if (self.hidden_size // self.num_attention_heads) % 2:
            raise _impossible(
                "num_attention_heads",
                self.num_attention_heads,
                f"heads of an even width, but hidden_size {self.hidden_size} gives "
                f"{self.hidden_size // self.num_attention_heads}",
            )
        return self


class Optimizer(Section):
    """AdamW (Loshchilov and Hutter, 2019), or Muon (Jordan, 2024) for the layers' matrices."""

    name: Literal["adamw", "muon"] = "adamw"
    """The optimizer; with muon, embeddings and norms stay with AdamW."""
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    """Peak learning rate."""
    betas: Annotated[list[Fraction], Field(min_length=2, max_length=2)] = [0.9, 0.95]
    """AdamW's decay of the first and second moment."""
    momentum: Fraction = 0.95
    """Muon's momentum."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the denominator."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    """Decoupled weight decay of matrices; norms have none."""
    gradient_clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest norm of the gradient."""


class Schedule(Section):
    """Learning rate over the run."""

    name: Literal["cosine", "warmup-stable-decay"] = "cosine"
    """Shape after the warm-up."""
    warmup_steps: Annotated[int, Field(ge=0)] = 100
    """Steps of linear rise to the peak."""
    decay_fraction: Fraction = 0.2
    """Share of the steps at the end that decay linearly (warmup-stable-decay alone)."""
    final_ratio: Fraction = 0.1
    """Last learning rate, as a share of the peak."""


class Checkpoint(Section):
    """When the training state is saved."""

    every_steps: Positive = 1000
    """Steps between checkpoints; the last step is always saved."""
    keep_last: Positive = 2
    """How many complete checkpoints stay."""


class Training(Section):
    """The pretraining."""

    tokens: Positive = 7_000_000_000
    """Tokens to train on; the documents are passed over as often as that needs."""
    sequence_length: Annotated[int, Field(ge=2)] | None = None
    """Tokens a sequence; null takes the model's context."""
    sequences_per_step: Positive = 256
    """Sequences in one optimizer step, over all processes."""
    sequences_per_pass: Positive = 16
    """Sequences in one forward and backward pass; divides sequences_per_step. Less takes less memory."""
    optimizer: Optimizer = Optimizer()
    """The optimizer."""
    schedule: Schedule = Schedule()
    """The learning-rate schedule."""
    checkpoint: Checkpoint = Checkpoint()
    """The checkpoints."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Precision of the matrix products; weights and optimizer stay in float32."""
    compile: bool = True
    """Whether to compile the step."""
    log_every: Positive = 10
    """Steps between two lines of metrics.jsonl."""

    @model_validator(mode="after")
    def _passes_fit(self) -> Self:
        if self.sequences_per_step % self.sequences_per_pass:
            raise _impossible(
                "sequences_per_pass",
                self.sequences_per_pass,
                f"a divisor of sequences_per_step ({self.sequences_per_step})",
            )
        return self


class Evaluation(Section):
    """What is measured on the held-out works."""

    max_bytes: Positive = 1_000_000
    """Text to measure at most, a language."""


class Release(Section):
    """What the release holds."""

    formats: list[Literal["safetensors", "gguf-f32", "gguf-bf16", "gguf-q8_0"]] = Field(
        default=["safetensors", "gguf-bf16", "gguf-q8_0"], min_length=1
    )
    """Files of weights to write."""
    license: str = "Apache-2.0"
    """Licence of the weights, as an SPDX id."""
    prompts: dict[Language, str] = {}
    """One prompt a language; its continuation is shown in the model card."""


class Recipe(Section):
    """A whole run, from documents to release."""

    name: Annotated[str, Field(pattern=NAME)]
    """Name of the run and of its model."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1789
    """Seed of everything that is drawn by lot."""
    provider: Provider = Provider()
    """Who provides the model."""
    corpus: Corpus
    """Stage corpus: which documents come in."""
    curation: Curation = Curation()
    """Stage curation: which documents stay."""
    tokenizer: Tokenizer = Tokenizer()
    """Stage tokenization: the tokenizer and the token files."""
    model: Model = Model()
    """The architecture of the model."""
    training: Training = Training()
    """Stage training."""
    evaluation: Evaluation = Evaluation()
    """Stage evaluation."""
    release: Release = Release()
    """Stage release."""

    @field_validator("corpus")
    @classmethod
    def _no_doubles(cls, corpus: Corpus) -> Corpus:
        if len(set(corpus.languages)) != len(corpus.languages):
            raise _impossible("languages", corpus.languages, "each language once")
        return corpus

    @model_validator(mode="after")
    def _sequence_fits(self) -> Self:
        length, context = self.training.sequence_length, self.model.max_position_embeddings
        if length is not None and length > context:
            raise _impossible(
                "training.sequence_length", length, f"at most model.max_position_embeddings ({context})"
            )
        per_step = self.training.sequences_per_step * self.sequence_length
        if self.training.tokens < per_step:
            raise _impossible(
                "training.tokens",
                self.training.tokens,
                f"at least one step: sequences_per_step x sequence_length = {per_step}",
            )
        return self

    @property
    def sequence_length(self) -> int:
        """Tokens a training sequence."""
        return self.training.sequence_length or self.model.max_position_embeddings

    @property
    def steps(self) -> int:
        """Optimizer steps: the smallest number that sees `training.tokens` tokens."""
        return -(-self.training.tokens // (self.training.sequences_per_step * self.sequence_length))


def json_schema() -> dict[str, Any]:
    """JSON Schema of the recipe, for editors."""
    return Recipe.model_json_schema() | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
