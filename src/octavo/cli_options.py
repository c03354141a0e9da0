"""Options that many commands have, and how an answer is printed as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Settings = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=V", help="Set a field of the recipe.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
RecipeFile = Annotated[Path, typer.Argument(help="The recipe, a YAML file.", show_default=False)]


def print_json(value: Any) -> None:
    """Print an answer as JSON on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=1))
