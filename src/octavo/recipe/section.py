"""What every section of the recipe is made of: the strict base model, and the kinds of numbers and names."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]


class ImpossibleValueError(ValueError):
    """A value of the right type that cannot be; carries the field that it concerns."""

    def __init__(self, field: str, found: object, expected: str) -> None:
        super().__init__(f"found {found}, expected {expected}")
        self.field = field


def impossible(field: str, found: object, expected: str) -> ImpossibleValueError:
    """The mistake of a value that cannot be: its field, what was found and what was expected."""
    return ImpossibleValueError(field, found, expected)


class Section(BaseModel):
    """A part of the recipe: no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
