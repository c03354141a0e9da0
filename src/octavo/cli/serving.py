"""The command that serves a model: short, heavy things imported inside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from octavo.cli.options import AsJson

serving = typer.Typer()


@serving.command()
def serve(
    model: Annotated[
        Path, typer.Argument(help="A run, a release, a model directory or a .gguf file.", show_default=False)
    ],
    host: Annotated[str, typer.Option(help="Address; one past this machine needs keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    api_key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask for one of these keys, one a line.", show_default=False),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The index of the corpus; the run's own by default.", show_default=False),
    ] = None,
    slots: Annotated[int, typer.Option(min=1, max=64, help="Texts to write at once.")] = 8,
    as_json: AsJson = False,
) -> None:
    """Serve a model: a page to try it on, and OpenAI's completions; until Ctrl+C.

    Example: octavo serve runs/starter
    """
    from octavo.inference.server.listening import address_of, bound, keys_for

    keys = keys_for(host, api_key_file)
    with bound(host, port) as listening:  # before the heavy imports: a mistake is told at once
        from octavo.inference.server.serving import serve as serve_model

        address = address_of(listening, host)

        def ready() -> None:
            print(json.dumps({"address": address}) if as_json else f"Open {address} in a browser.", flush=True)

        serve_model(model, listening, host, keys, trace, slots, ready)
