"""Options that many commands have, and how an answer is printed as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

Settings = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=V", help="Set a field of the recipe.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
RecipeFile = Annotated[Path, typer.Argument(help="The recipe, a YAML file.", show_default=False)]

_OBEYED = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys, or cannot be written, of what JSON leaves as it is."""


def print_json(value: Any) -> None:
    """Print an answer as JSON on stdout, with what a terminal would obey as escapes."""
    said = json.dumps(value, ensure_ascii=False, indent=1)
    print(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", said))
