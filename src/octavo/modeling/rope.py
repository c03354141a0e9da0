"""Rotary positions that are scaled, so that a model reads texts longer than those that it was first trained on.

A scaling divides the frequency of each pair of dimensions by a number of its own, whatever the position.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor

from octavo.errors import InputError


@dataclass(frozen=True)
class Linear:
    """Positions divided by one number (Chen et al., 2023)."""

    factor: float

    def divisors(self, frequencies: Tensor) -> Tensor:
        """By what each frequency, in radians a position, is divided."""
        return torch.full_like(frequencies, self.factor)


@dataclass(frozen=True)
class Llama3:
    """Slow turns divided by `factor`, quick ones left as they are, and those between in between.

    Turns are counted over the original context: under `low_freq_factor` they are slow, over `high_freq_factor`
    quick (Grattafiori et al., 2024; as transformers computes it).
    """

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: int

    def divisors(self, frequencies: Tensor) -> Tensor:
        """By what each frequency, in radians a position, is divided."""
        turns = self.original_max_position_embeddings * frequencies / (2 * math.pi)
        share = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        share = share.clamp(0, 1)
        return 1 / ((1 - share) / self.factor + share)


@dataclass(frozen=True)
class Listed:
    """The divisors themselves, one a frequency, as a GGUF file states them."""

    values: tuple[float, ...]

    def divisors(self, frequencies: Tensor) -> Tensor:
        """By what each frequency is divided."""
        return frequencies.new_tensor(self.values)


Scaling = Linear | Llama3 | Listed

_TYPES: Final[dict[str, type[Linear] | type[Llama3]]] = {"linear": Linear, "llama3": Llama3}


def scaling_of(stated: Mapping[str, Any], context: int, where: str, strict: bool = False) -> Scaling | None:
    """The scaling that Hugging Face's rope_parameters (or rope_scaling) state; None where positions are plain.

    `context` is the model's, the original one where none is stated. Raises InputError, which begins with `where`,
    for a type that octavo does not know and for numbers that cannot be; if `strict`, for any other key too.
    """
    kind = stated.get("rope_type", stated.get("type", "default"))
    if strict and stated:
        known = {"rope_type", *(_TYPES[kind].__dataclass_fields__ if kind in _TYPES else ())}
        if "rope_type" not in stated or not stated.keys() <= known:
            raise InputError(f"{where}: found {', '.join(stated)}, expected rope_type and what goes with it")
    if kind == "default":
        return None
    if kind not in _TYPES:
        raise InputError(f"{where}: found rotary positions of type {kind!r}, expected default, {', '.join(_TYPES)}")
    numbers = {"original_max_position_embeddings": context, **stated}
    for name in (names := list(_TYPES[kind].__dataclass_fields__)):
        value = numbers.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise InputError(f"{where}: {name}: found {value!r}, expected a number over 0")
    scaling = _TYPES[kind](**{name: numbers[name] for name in names})
    if isinstance(scaling, Llama3) and scaling.low_freq_factor >= scaling.high_freq_factor:
        raise InputError(
            f"{where}: low_freq_factor: found {scaling.low_freq_factor}, expected less than high_freq_factor, "
            f"{scaling.high_freq_factor}"
        )
    return scaling


def stated_of(scaling: Scaling | None) -> dict[str, Any]:
    """What Hugging Face's rope_parameters say of a scaling; of divisors that are listed they can say nothing."""
    if scaling is None:
        return {"rope_type": "default"}
    kinds = [name for name, kind in _TYPES.items() if isinstance(scaling, kind)]
    if not kinds:
        raise InputError("rotary positions scaled as a GGUF file lists it have no form in config.json")
    return {"rope_type": kinds[0], **asdict(scaling)}
