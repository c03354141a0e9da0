"""The commands that need no run: short functions, too, with heavy things imported inside them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from octavo.cli_options import AsJson, RecipeFile, Settings, print_json
from octavo.errors import InputError

tools = typer.Typer()


@tools.command()
def generate(
    model: Annotated[Path, typer.Argument(help="A run, a release, a model directory or a .gguf file.")],
    prompt: Annotated[str, typer.Argument(help="The beginning of a text.")],
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens to write at most.")] = 128,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 always takes the likeliest token.")] = 0.0,
    repetition_penalty: Annotated[
        float, typer.Option(min=0.01, help="Over 1 makes what was said less likely.")
    ] = 1.1,
    seed: Annotated[int, typer.Option(help="Seed of the draw at a temperature over 0.")] = 0,
    engine: Annotated[Literal["auto", "llama.cpp", "torch"], typer.Option(help="What computes.")] = "auto",
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Print the text as it comes.")] = True,
    as_json: AsJson = False,
) -> None:
    """Continue a text on the CPU.

    Example: octavo generate runs/starter "Once upon a time"
    """
    from octavo.inference.engine import open_engine, stream_text
    from octavo.modeling.decoding import Decoding

    decoding = Decoding(max_tokens, temperature, repetition_penalty, seed)
    opened = open_engine(model, engine)
    pieces = stream_text(opened, prompt, decoding)
    if as_json:
        print_json({"prompt": prompt, "continuation": "".join(pieces), "engine": opened.name})
        return
    sys.stdout.write(prompt)
    for piece in pieces if stream else ["".join(pieces)]:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")


@tools.command("compare-tokenizers")
def compare_tokenizers(
    tokenizers: Annotated[
        list[Path],
        typer.Argument(
            metavar="TOKENIZER...", help="Runs, releases, tokenizer.json files, files of ranks.", show_default=False
        ),
    ],
    corpus: Annotated[
        list[str],
        typer.Option("--corpus", "--texts", help="Texts to measure: a run, a folder, a file.", show_default=False),
    ],
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Write a plot there.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure tokenizers on the same texts, by language, century and source.

    Example: octavo compare-tokenizers runs/starter other/tokenizer.json --corpus runs/starter --plot compared.svg
    """
    from octavo.tokenization.compare import compare, read_texts
    from octavo.tokenization.compare_plot import comparison_plot
    from octavo.tokenization.compare_table import print_comparison
    from octavo.tokenization.vocabularies import open_vocabularies

    if plot and not plot.absolute().parent.is_dir():
        raise InputError(f"{plot}: cannot be written, expected a file in a folder that is there")
    compared = compare(open_vocabularies(tokenizers), read_texts(corpus))
    if plot:
        plot.write_text(comparison_plot(compared), encoding="utf-8")
    if as_json:
        print_json(compared)
    else:
        print_comparison(compared)


@tools.command("train-classifier")
def train_classifier(
    labelled: Annotated[
        Path,
        typer.Argument(metavar="LABELLED.parquet", help="Texts with their levels of harm.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the classifier there.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Train the classifier of harmful text, and say how right it is on texts held out.

    Example: octavo train-classifier labelled.parquet --out classifier.safetensors
    """
    from octavo.curation.toxicity_table import print_figures
    from octavo.curation.toxicity_training import train_classifier as train

    figures = train(labelled, out)
    if as_json:
        print_json(figures)
    else:
        print_figures(figures)


@tools.command()
def plan(
    recipe: RecipeFile,
    gpus: Annotated[int, typer.Option(min=1, help="How many GPUs train.")] = 1,
    gpu: Annotated[
        Literal["h100", "h200", "a100", "l40s", "cpu"],
        typer.Option(help="Which; cpu is the processor of this machine."),
    ] = "cpu",
    mfu: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="Share of the peak FLOP/s that training reaches.")
    ] = 0.4,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Reckon FLOPs, memory, hours, energy, CO2eq and disk of a run before it.

    Example: octavo plan recipes/pleias-350m.yaml --gpus 64 --gpu h100 --mfu 0.287
    """
    from octavo.recipe_file import load

    read = load(recipe, settings)  # before the heavy imports: a mistake is told at once
    from octavo.training.plan import hardware, in_words, plan_run, vocab_size_of

    if read.tuning:
        from octavo.tuning.base_model import with_base

        read = with_base(read)
    planned = plan_run(read, vocab_size_of(read), hardware(gpu), gpus, mfu)
    if as_json:
        print_json(planned.figures())
    else:
        print(in_words(planned))


@tools.command("import-nanotron")
def import_nanotron(
    file: Annotated[Path, typer.Argument(metavar="YAML", help="Nanotron's settings.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the recipe there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a recipe of nanotron's settings, and say what became of each of them.

    Example: octavo import-nanotron config.yaml -o recipe.yaml
    """
    from octavo.training.nanotron import read
    from octavo.training.nanotron_fates import print_fates, recipe_text

    imported = read(file)
    if output:
        if output.exists():
            raise InputError(f"{output}: is there already; nothing was changed")
        try:
            output.write_text(recipe_text(imported), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{output}: cannot be written ({error.strerror})") from None
    print_fates(imported)
    if as_json:
        print_json(imported.figures())
    else:
        print(output or recipe_text(imported), end="\n" if output else "")


@tools.command("export-nanotron")
def export_nanotron(recipe: RecipeFile, settings: Settings = None) -> None:
    """Print the recipe's training as nanotron's settings.

    Example: octavo export-nanotron recipe.yaml > config.yaml
    """
    from octavo.recipe_file import load

    read = load(recipe, settings)  # before the heavy imports: a mistake is told at once
    from octavo.training.nanotron_export import export
    from octavo.training.plan import vocab_size_of

    print(export(read, vocab_size_of(read)), end="")


@tools.command()
def schema() -> None:
    """Print the recipe's JSON Schema, for editors.

    Example: octavo schema > recipe.schema.json
    """
    from octavo.recipe import json_schema

    print_json(json_schema())
