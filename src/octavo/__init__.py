"""Octavo: the foundry for small open language models.

What a program calls is here; it is imported when it is first used, so that `import octavo` takes no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from octavo.errors import InputError, OctavoError

if TYPE_CHECKING:
    from octavo.api.curation import Curated, curate
    from octavo.api.model import DecodingSettings, Model, load, trace
    from octavo.api.road import Run, read_recipe, run
    from octavo.modeling.decoding import Piece, Written
    from octavo.recipe.schema import Recipe
    from octavo.tracing.trace import Source, Span, Traced

__version__ = "0.1.0"

__all__ = [
    "Curated",
    "DecodingSettings",
    "InputError",
    "Model",
    "OctavoError",
    "Piece",
    "Recipe",
    "Run",
    "Source",
    "Span",
    "Traced",
    "Written",
    "curate",
    "load",
    "read_recipe",
    "run",
    "trace",
]

if not TYPE_CHECKING:  # else a type checker would take any name for one of ours
    _HOMES = {
        "octavo.api.curation": ("Curated", "curate"),
        "octavo.api.model": ("DecodingSettings", "Model", "load", "trace"),
        "octavo.api.road": ("Run", "read_recipe", "run"),
        "octavo.modeling.decoding": ("Piece", "Written"),
        "octavo.recipe.schema": ("Recipe",),
        "octavo.tracing.trace": ("Source", "Span", "Traced"),
    }

    def __getattr__(name: str) -> object:
        from importlib import import_module

        for home, names in _HOMES.items():
            if name in names:
                found = globals()[name] = getattr(import_module(home), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*__all__, "__version__"])
