"""The recipe's section `curation.toxicity`: which passages are harmful, and what becomes of them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from octavo.recipe.rewriting import Rewriting
from octavo.recipe.second_opinion import Dimension, SecondOpinion
from octavo.recipe.section import Language, Section, impossible

Action = Literal["keep", "annotate", "rewrite", "remove"]
"""What can become of a passage: it stays; it stays and its place is noted; a model rewrites it; it is cut out."""


class Decision(Section):
    """What becomes of passages that score so high, in the works that it is for. Of all decisions the first that is
    about a passage counts; a passage that none is about stays."""

    action: Action
    """keep; annotate (its place and scores are noted beside the text); rewrite; or remove."""
    score: Annotated[float, Field(gt=0, le=3)] | None = None
    """From this score on in one of the dimensions. Either this or `sum` is given."""
    sum: Annotated[float, Field(gt=0, le=15)] | None = None
    """From this sum of the five dimensions' scores on."""
    dimensions: Annotated[list[Dimension], Field(min_length=1)] | None = None
    """Dimensions whose score counts, such as [religion]; null counts all."""
    collections: Annotated[list[str], Field(min_length=1)] | None = None
    """Only in these collections; null takes all."""
    languages: Annotated[list[Language], Field(min_length=1)] | None = None
    """Only in these main languages; null takes all."""
    centuries: Annotated[list[int], Field(min_length=1)] | None = None
    """Only in works of these centuries, such as [18, 19], the 18th being the 1700s; null takes all, those without a
    date too."""

    @model_validator(mode="after")
    def _has_one_threshold(self) -> Self:
        if (self.score is None) == (self.sum is None):
            found = "none" if self.score is None else f"{self.score} beside sum {self.sum}"
            raise impossible("score", found, "either score or sum")
        if self.sum is not None and self.dimensions is not None:
            raise impossible("dimensions", "some beside sum", "null, as a sum is of all five")
        return self

    def decides_all_of(self, other: Decision) -> bool:
        """Whether every passage that the other is about is one that this is about."""
        if (self.score is None) != (other.score is None):
            return False
        if (self.score or self.sum or 0.0) > (other.score or other.sum or 0.0):
            return False
        return all(
            own is None or (theirs is not None and set(theirs) <= set(own))
            for own, theirs in (
                (self.dimensions, other.dimensions),
                (self.collections, other.collections),
                (self.languages, other.languages),
                (self.centuries, other.centuries),
            )
        )


class Toxicity(Section):
    """What becomes of harmful passages. They are scored from 0 to 3 in five dimensions:
    docs/explanation/toxicity.md says what the scores mean and how often they are wrong. By default
    passages are removed from a score of 2 on and annotated from 1 on."""

    enabled: bool = True
    """Whether passages are scored at all."""
    classifier: str | None = None
    """File of another classifier, as `octavo train-classifier` writes it; null takes the one that comes with
    octavo."""
    decisions: list[Decision] = [Decision(action="remove", score=2.0), Decision(action="annotate", score=1.0)]
    """What becomes of passages, the stricter first; empty only counts them."""
    max_removed: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of a document's bytes in passages to remove from which all of it is removed: what would be left is the
    smaller part, and written in the same spirit."""
    second_opinion: SecondOpinion | None = None
    """A larger classifier that is asked about the passages which some decision may be about; its scores then take
    the place of the first one's. Null asks none."""
    rewriting: Rewriting | None = None
    """Who rewrites the passages that a decision says `rewrite` of; null rewrites none."""

    @model_validator(mode="after")
    def _decisions_can_be_met(self) -> Self:
        for place, decision in enumerate(self.decisions):
            for earlier in range(place):
                if self.decisions[earlier].decides_all_of(decision):
                    raise impossible(
                        f"decisions[{place}]",
                        f"only passages that decisions[{earlier}] decides on before it",
                        "the stricter one first",
                    )
        rewrites = [place for place, decision in enumerate(self.decisions) if decision.action == "rewrite"]
        if rewrites and self.rewriting is None:
            raise impossible(
                f"decisions[{rewrites[0]}].action",
                '"rewrite"',
                "another action, or who rewrites, in curation.toxicity.rewriting",
            )
        if self.rewriting is not None and not rewrites:
            raise impossible(
                "rewriting", "a model", "null, or a decision in curation.toxicity.decisions to rewrite"
            )
        return self
