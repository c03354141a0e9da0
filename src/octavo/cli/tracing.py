"""The commands that lead from a model back to its documents: short functions, heavy things imported inside them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from octavo.cli.options import AsJson, print_json, utf8

tracing = typer.Typer()


@tracing.command()
def trace(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A run, its trace index, or a folder of these.", show_default=False),
    ],
    text: Annotated[str, typer.Argument(help="Any text; - reads it from standard input.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Find what of a text stands word for word in the training corpus, in which documents, under which licence.

    Example: octavo trace runs/starter "Once upon a time there was a ferryman"
    """
    from octavo.tracing.index.reading import open_index
    from octavo.tracing.trace import trace as trace_text

    index = open_index(directory)
    traced = trace_text(index, _asked(text))
    if as_json:
        print_json(traced.as_json())
        return
    from octavo.terminal import plain_console
    from octavo.tracing.underlining import print_traced

    print_traced(plain_console(), traced)


def _asked(text: str) -> str:
    """The text of the argument, or of standard input."""
    return utf8("standard input", sys.stdin.buffer.read()) if text == "-" else utf8("TEXT", text)


@tracing.command()
def recall(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a run.", show_default=False)],
    identifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="A document, or a work with its sections; may be repeated.", show_default=False
        ),
    ] = None,
    creator: Annotated[
        str | None, typer.Option(metavar="NAME", help="All documents of a creator.", show_default=False)
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(metavar="SPDX", help="All under a licence; a final -* is any version.", show_default=False),
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="All that hold a passage of text.", show_default=False)
    ] = None,
    write_recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the recipe that trains without them.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell which steps, checkpoints and releases saw documents, and write the recipe that trains without them.

    Example: octavo recall runs/starter --identifier starter/en/01-the-ferrymans-penny

    Example: octavo recall runs/mine --creator "Shelley, Mary" --write-recipe without.yaml
    """
    from octavo.tracing.answer import told
    from octavo.tracing.finding import Wanted
    from octavo.tracing.recall.recalling import recall as recall_documents
    from octavo.tracing.recall.without import check_recipe_file, recipe_without
    from octavo.tracing.recall.without import write_recipe as write_new_recipe
    from octavo.tracing.recall.words import print_recalled

    if write_recipe:
        check_recipe_file(write_recipe)
    given = [("--identifier", one) for one in identifier or ()]
    for option, value in (*given, ("--creator", creator), ("--licence", licence), ("--text", text)):
        utf8(option, value or "")
    found = recall_documents(run, Wanted(tuple(dict.fromkeys(identifier or ())), creator, licence, text))
    written = None
    if write_recipe and found.found:
        write_new_recipe(recipe_without(found), write_recipe)
        written = str(write_recipe)
    answer = told(found) | {"recipe": written}
    if as_json:
        print_json(answer)
    else:
        print_recalled(answer)
