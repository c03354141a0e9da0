"""Options that many commands have, and how an answer is printed as JSON."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from octavo import __version__
from octavo.errors import InputError

Settings = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=V", help="Set a field of the recipe.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
RecipeFile = Annotated[Path, typer.Argument(help="The recipe, a YAML file.", show_default=False)]


def _print_version(asked: bool) -> None:
    if asked:
        print(f"octavo {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
]

_OBEYED = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What a terminal obeys, or cannot be written, of what JSON leaves as it is."""


def utf8(name: str, given: str | bytes) -> str:
    """A text as it was given, on the command line or otherwise; InputError where it is no UTF-8."""
    try:
        return (given if isinstance(given, bytes) else os.fsencode(given)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: found no UTF-8 at byte {error.start}, expected a text in UTF-8") from None


def print_json(value: Any) -> None:
    """Print an answer as JSON on stdout, with what a terminal would obey as escapes."""
    said = json.dumps(value, ensure_ascii=False, indent=1)
    print(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", said))
