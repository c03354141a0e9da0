"""The recipe's section `second_opinion`: which classifier is asked about the passages that the fast one flags."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from octavo.recipe.section import Positive, Section

Dimension = Literal["race_origin", "gender_sexuality", "religion", "ability", "violence_abuse"]
Level = Annotated[float, Field(ge=0, le=3)]


class SecondOpinion(Section):
    """A classifier in the format of Hugging Face, asked about the passages that the fast one flags."""

    model: Annotated[str, Field(min_length=1)]
    """Folder of the model, or its id on the Hugging Face Hub, such as PleIAs/celadon."""
    revision: str | None = None
    """Commit, tag or branch on the hub; null takes what is newest, which may be another model tomorrow."""
    labels: dict[str, dict[Dimension, Level]] = Field(default_factory=dict)
    """What the model's labels mean, such as {toxic: {violence_abuse: 3}}: of a label, the level in each dimension.
    A label that is left out means level 0. Empty for a model with a head for each dimension, as Celadon has."""
    max_tokens: Annotated[int, Field(ge=16)] = 512
    """Most tokens that the model reads at once; longer passages are read in windows that overlap by an eighth."""
    batch_tokens: Positive = 8192
    """Tokens in a batch, padding included; lower it where memory runs out."""
    sample: Annotated[int, Field(ge=0)] = 1000
    """Unflagged passages, drawn by lot, that are asked about too: what they hold tells the cascade's recall. With 0
    that is not known."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the model computes; auto takes a GPU where there is one."""
