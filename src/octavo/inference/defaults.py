"""How a model is best used, as the file says that comes with it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from octavo.errors import InputError
from octavo.inference.belonging import belonging
from octavo.modeling.decoding import Decoding

FILE: Final = "generation_config.json"
_SAMPLING: Final = {"temperature": float, "top_k": int, "top_p": float, "min_p": float}


def default_decoding(model: Path) -> Decoding:
    """The settings that the model's generation_config.json states, octavo's own for the rest.

    Temperature and what else shapes a draw count where it says `do_sample`; the temperature is then 1, as in
    transformers, where it states none. Raises InputError for a value that is none.
    """
    stated = generation_settings(model)
    wanted: dict[str, Any] = {}
    if stated.get("repetition_penalty") is not None:
        wanted["repetition_penalty"] = _number(model, stated, "repetition_penalty")
    if stated.get("do_sample"):
        wanted["temperature"] = 1.0
        wanted |= {
            name: kind(_number(model, stated, name))
            for name, kind in _SAMPLING.items()
            if stated.get(name) is not None
        }
    try:
        return replace(Decoding(), **wanted)
    except InputError as error:
        raise InputError(f"{model}: {FILE}: {error}") from None


def generation_settings(model: Path) -> dict[str, Any]:
    """What the generation_config.json says that a model has, of whatever kind it is; {} where it has none."""
    release = belonging(model).release
    file = release / FILE if release else None
    if file is None or not file.exists():
        return {}
    try:
        stated = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{file}: not valid JSON ({error})") from None
    if not isinstance(stated, dict):
        raise InputError(f"{file}: found {type(stated).__name__}, expected a JSON object")
    return stated


def _number(model: Path, stated: dict[str, Any], name: str) -> float:
    value = stated[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"{model}: {FILE}: {name}: found {value!r}, expected a number")
    return float(value)
