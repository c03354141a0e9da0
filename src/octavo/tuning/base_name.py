"""What the model that a tune begins with is called, for people and for the model card."""

from __future__ import annotations

from pathlib import Path

from octavo.evaluation.model_files import name_of

_CACHED = "models--"
"""How Hugging Face's cache names the folder of a model, with -- in place of each slash."""


def base_name(base: Path) -> str:
    """A model's name: in Hugging Face's cache OWNER/NAME, else that of its directory or run."""
    for folder in (base, *base.parents):
        if folder.name.startswith(_CACHED):
            return folder.name.removeprefix(_CACHED).replace("--", "/")
    return name_of(base)
