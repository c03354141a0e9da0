"""The recipe: strict models of everything that a person may set of a run.

Each field has its default and a line that explains it. The commented recipe of `octavo init`, the JSON
Schema for editors and the reference page are generated from these models, so that they cannot drift apart.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from octavo.recipe.curation import Curation
from octavo.recipe.evaluation import Evaluation
from octavo.recipe.provider import Provider
from octavo.recipe.section import Language, Positive, Section, Share, impossible
from octavo.recipe.slurm import Slurm
from octavo.recipe.training import OWN_TOKENS, Training
from octavo.recipe.tuning import Tuning

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
    origin: Literal["public", "licensed", "private", "crawled", "users", "synthetic", "other"] | None = None
    """For the papers: a dataset that anyone can get, data licensed by contract, other private data, pages that the
    provider crawled, data of users, what a model wrote for this training, or other sources."""
    title: str | None = None
    """For the papers: what the source is called."""
    url: str | None = None
    """For the papers: where it can be had."""
    collected: str | None = None
    """For the papers: when it was collected, such as 2024-01 to 2025-03."""


class Corpus(Section):
    """Which documents come in."""

    sources: list[Source] = []
    """Where documents come from, in order; empty where training.data names all that is trained on."""
    languages: list[Language] = Field(default=list(LANGUAGES), min_length=1)
    """Languages to keep, as ISO 639-1 codes."""


class Tokenizer(Section):
    """The tokenizer: trained on the kept documents, or given."""

    path: str | None = None
    """A tokenizer.json to use as it is; null trains one."""
    vocab_size: Annotated[int, Field(ge=512, lt=1 << 24)] = 65_536
    """Number of entries, special ones included; at 65,536 the last stays unused. Past that, token files take four
    bytes a token."""
    superwords: Share = 0.5
    """Share of the entries that may reach over several words, such as " of the"; 0 learns none."""
    superword_spaces: Positive = 4
    """Most spaces in an entry that reaches over several words."""
    sample_bytes: Positive = 200_000_000
    """Text to train on at most."""
    languages: dict[Language, Annotated[float, Field(gt=0)]] = {}
    """Parts that languages shall have of the sample, such as {en: 2, fr: 1}, each of which must be there; empty
    takes all that there are, alike."""
    balance: list[Literal["collection", "century"]] = ["collection", "century"]
    """What a language's part of the sample is spread over."""


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
    rope_scaling: dict[str, str | int | float] | None = None
    """How positions are scaled, as config.json's rope_parameters have it, such as {rope_type: linear, factor: 4.0};
    null leaves them as they are."""
    rms_norm_eps: Annotated[float, Field(gt=0)] = 1e-5
    """Added to the mean square in RMSNorm."""
    tie_word_embeddings: bool = True
    """Whether the output layer is the embedding matrix."""
    initializer_range: Annotated[float, Field(gt=0)] = 0.02
    """Standard deviation of the initial weights."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            raise impossible(
                "num_attention_heads", self.num_attention_heads, f"a divisor of hidden_size ({self.hidden_size})"
            )
        if self.num_attention_heads % self.num_key_value_heads:
            raise impossible(
                "num_key_value_heads",
                self.num_key_value_heads,
                f"a divisor of num_attention_heads ({self.num_attention_heads})",
            )
        if (self.hidden_size // self.num_attention_heads) % 2:
            raise impossible(
                "num_attention_heads",
                self.num_attention_heads,
                f"heads of an even width, but hidden_size {self.hidden_size} gives "
                f"{self.hidden_size // self.num_attention_heads}",
            )
        return self


class Release(Section):
    """What the release holds."""

    formats: list[Literal["safetensors", "gguf-f32", "gguf-f16", "gguf-bf16", "gguf-q8_0", "gguf-q4_k_m"]] = Field(
        default=["safetensors", "gguf-bf16", "gguf-q8_0", "gguf-q4_k_m"], min_length=1
    )
    """Files of weights to write; what each GGUF file loses is measured, and said in the model card."""
    license: str = "Apache-2.0"
    """Licence of the weights, as an SPDX id."""
    prompts: dict[Language, str] = {}
    """One prompt a language; its continuation is shown in the model card."""


class Trace(Section):
    """The index by which texts are traced to their sources."""

    enabled: bool = True
    """Whether there is one; it takes about twice the room of the corpus's text."""
    part_megabytes: Annotated[int, Field(ge=1, le=4000)] = 256
    """Text that is indexed at once; making a part takes about four times as much memory."""


class Recipe(Section):
    """A whole run, from documents to release."""

    name: Annotated[str, Field(pattern=NAME)]
    """Name of the run and of its model."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1789
    """Seed of everything that is drawn by lot."""
    provider: Provider = Provider()
    """Who provides the model."""
    corpus: Corpus = Corpus()
    """Stage corpus: which documents come in."""
    curation: Curation = Curation()
    """Stage curation: which documents stay."""
    tokenizer: Tokenizer = Tokenizer()
    """Stage tokenization: the tokenizer and the token files."""
    model: Model = Model()
    """The architecture of the model."""
    tuning: Tuning | None = None
    """The model that is tuned, and for what; null trains a new one. A tune has the base's model and tokenizer; one
    for a task has pairs in place of a corpus."""
    training: Training = Training()
    """Stage training."""
    evaluation: Evaluation = Evaluation()
    """Stage evaluation."""
    release: Release = Release()
    """Stage release."""
    trace: Trace = Trace()
    """Stage trace."""
    slurm: Slurm = Slurm()
    """The Slurm job."""

    @field_validator("corpus")
    @classmethod
    def _no_doubles(cls, corpus: Corpus) -> Corpus:
        if len(set(corpus.languages)) != len(corpus.languages):
            raise impossible("languages", corpus.languages, "each language once")
        return corpus

    @model_validator(mode="after")
    def _has_data(self) -> Self:
        if self.trains_on_own_documents and not self.corpus.sources and not self.is_taught:
            raise impossible("corpus.sources", "none", "at least one, or folders of token files in training.data")
        if self.token_folders and self.tokenizer.path is None and self.tuning is None:  # a tune has its base's
            raise impossible("tokenizer.path", "null", "the tokenizer that made the token files of training.data")
        return self

    @model_validator(mode="after")
    def _sequence_fits(self) -> Self:
        if self.tuning is not None and "max_position_embeddings" not in self.model.model_fields_set:
            return self  # its base says how long a sequence can be
        length, context = self.training.sequence_length, self.model.max_position_embeddings
        if length is not None and length > context:
            raise impossible(
                "training.sequence_length", length, f"at most model.max_position_embeddings ({context})"
            )
        per_step = self.training.sequences_per_step * self.sequence_length
        if self.training.tokens < per_step:
            raise impossible(
                "training.tokens",
                self.training.tokens,
                f"at least one step: sequences_per_step x sequence_length = {per_step}",
            )
        return self

    @property
    def is_taught(self) -> bool:
        """Whether a base is taught a task by pairs, so that there is no corpus."""
        return self.tuning is not None and self.tuning.supervised

    @property
    def trains_on_own_documents(self) -> bool:
        """Whether training draws from the recipe's own documents, and not from given token files alone."""
        return not self.training.data or any(OWN_TOKENS in stage.weights for stage in self.training.data)

    @property
    def token_folders(self) -> list[str]:
        """The folders of given token files that training draws from, in the order in which they are named."""
        named = dict.fromkeys(folder for stage in self.training.data for folder in stage.weights)
        return [folder for folder in named if folder != OWN_TOKENS]

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
