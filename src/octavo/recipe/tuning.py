"""The recipe's section `tuning`: which model is tuned, for what, and on which pairs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from octavo.recipe.section import Fraction, Positive, Section, Share, impossible

TaskName = Literal["continued", "ocr", "translation", "rag"]
"""continued: pretraining goes on, on the recipe's documents; ocr: OCR correction; translation; rag: answers with
sources."""


class Sweep(Section):
    """Learning rates that are tried in short before the whole tune; the one with the likeliest held-out answers is
    taken."""

    learning_rates: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=2)]
    """Peaks to try; the optimizer's own counts only where it is one of them."""
    tokens: Positive = 1_000_000
    """Tokens to train on for each."""

    @model_validator(mode="after")
    def _rates_differ(self) -> Self:
        if len({f"{rate:g}" for rate in self.learning_rates}) < len(self.learning_rates):
            raise impossible("learning_rates", self.learning_rates, "each rate once")
        return self


class Tuning(Section):
    """A base model learns document work: all its weights, by the trainer of pretraining."""

    base: str
    """The model to begin with: a run, a release or a Hugging Face directory of the Llama architecture."""
    task: TaskName
    """What it learns."""
    pairs: list[str] = []
    """Files of pairs, .jsonl, .jsonl.zst, .parquet or .csv; a fifth of their documents, by a hash, are for the
    final measurement alone."""
    documents: list[str] = []
    """Open documents that more pairs are made from, as Parquet files or folders of them, such as a run's
    corpus/kept: noisy copies to correct, passages to ask about, texts to translate word by word; for translation
    also tables of documents that are translations of one another."""
    made: Share = 0.5
    """Share of the examples, by tokens, that are made: from documents, and noisy copies also of the pairs' own
    printed sides."""
    copies: Fraction = 0.1
    """Share of the training, at its beginning, in which short texts of the documents, where there are any, are
    copied as they are: a small base learns so to look back at its prompt. A large one can do without."""
    held_out: Fraction = 0.1
    """Share of the pairs' other documents that is held back, to tell when to stop and how sure is sure enough."""
    both_directions: bool = True
    """For translation: whether each pair is learnt both ways."""
    sweep: Sweep | None = None
    """Learning rates to try first; null takes the optimizer's."""

    @model_validator(mode="after")
    def _has_pairs(self) -> Self:
        if self.task == "continued":
            if self.pairs or self.documents:
                field = "pairs" if self.pairs else "documents"
                raise impossible(field, "some", "none, as continued pretraining takes corpus.sources")
        elif not self.pairs:
            raise impossible("pairs", "none", f"at least one file of pairs for {self.task}")
        return self

    @property
    def supervised(self) -> bool:
        """Whether it is taught by pairs."""
        return self.task != "continued"
