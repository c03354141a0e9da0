"""How a model is best used, as the file says that comes with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from octavo.errors import InputError
from octavo.modeling.decoding import Decoding

FILE: Final = "generation_config.json"
_SAMPLING: Final = {"temperature": float, "top_k": int, "top_p": float, "min_p": float}


def default_decoding(model: Path) -> Decoding:
    """The settings that the model's generation_config.json states, octavo's own for the rest.

    Temperature and what else shapes a draw count where it says `do_sample`. Raises InputError for a value that is
    none.
    """
    stated = generation_settings(model)
    wanted: dict[str, Any] = {}
    if stated.get("repetition_penalty") is not None:
        wanted["repetition_penalty"] = _number(model, stated, "repetition_penalty")
    if stated.get("do_sample"):
        wanted |= {
            name: kind(_number(model, stated, name))
            for name, kind in _SAMPLING.items()
            if stated.get(name) is not None
        }
    return replace(Decoding(), **wanted)


def generation_settings(model: Path) -> dict[str, Any]:
    """The content of the generation_config.json of a run, a release, a model directory or a GGUF file; {} if none.

    A GGUF file's lies beside it, or beside the folder `gguf` that it is in.
    """
    if model.suffix == ".gguf":
        folders = [model.parent, *([model.parent.parent] if model.parent.name == "gguf" else [])]
    else:
        folders = [model, model / "release"]
    for folder in folders:
        file = folder / FILE
        if file.exists():
            try:
                stated = json.loads(file.read_text())
            except ValueError as error:
                raise InputError(f"{file}: not valid JSON ({error})") from None
            if not isinstance(stated, dict):
                raise InputError(f"{file}: found {type(stated).__name__}, expected a JSON object")
            return stated
    return {}


def _number(model: Path, stated: dict[str, Any], name: str) -> float:
    value = stated[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{model}: {FILE}: {name}: found {value!r}, expected a number")
    return float(value)
