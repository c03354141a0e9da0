"""The commands that need no run: short functions, too, with heavy things imported inside them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from octavo.cli.options import AsJson, RecipeFile, Settings, print_json
from octavo.errors import InputError

if TYPE_CHECKING:
    from octavo.modeling.decoding import Finish, Pieces, Written
    from octavo.tracing.index.reading import Index

tools = typer.Typer()

SIDE_BY_SIDE: Final = 8
"""Prompts that `generate` continues at once, each with the keys and values of a whole context."""


@tools.command()
def generate(
    model: Annotated[Path, typer.Argument(help="A run, a release, a model directory or a .gguf file.")],
    prompts: Annotated[
        list[str],
        typer.Argument(metavar="PROMPT...", help="The beginning of a text; of several each is continued."),
    ],
    max_tokens: Annotated[int, typer.Option(min=0, help="Tokens to write at most.")] = 128,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="0 always takes the likeliest token, with which small base models keep closest to their texts; "
            "over 0 one is drawn.",
            show_default="the model's, else 0",
        ),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(help="Draw of so many likeliest tokens; 0: of all.", show_default="the model's, else 0"),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            help="Draw of the likeliest that make so much of the probability.", show_default="the model's, else 1"
        ),
    ] = None,
    min_p: Annotated[
        float | None,
        typer.Option(
            help="Draw of those so many times as likely as the likeliest.", show_default="the model's, else 0"
        ),
    ] = None,
    repetition_penalty: Annotated[
        float | None,
        typer.Option(
            help="Over 1 makes what was said less likely: small base models repeat themselves without.",
            show_default="the model's, else 1.1",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw at a temperature over 0.")] = 0,
    stop: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="End before this text; may be given several times.", show_default=False),
    ] = None,
    engine: Annotated[Literal["auto", "llama.cpp", "torch"], typer.Option(help="What computes.")] = "auto",
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Print the text as it comes.")] = True,
    trace: Annotated[
        bool,
        typer.Option("--trace", help="Underline what stands in the training corpus, and tell in what documents."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Continue a text on the CPU.

    Example: octavo generate runs/starter "Once upon a time"

    Example: octavo generate runs/starter "Once upon a time" --trace
    """
    from octavo.inference.defaults import default_decoding
    from octavo.inference.engine import open_engine, prompt_tokens
    from octavo.inference.llama_cpp import idle_threads

    asked: dict[str, Any] = {
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "repetition_penalty": repetition_penalty,
    }
    decoding = replace(
        default_decoding(model),
        max_tokens=max_tokens,
        seed=seed,
        stop=tuple(stop or ()),
        **{name: value for name, value in asked.items() if value is not None},
    )
    index = _index_of(model) if trace else None
    opened = open_engine(model, engine, min(len(prompts), SIDE_BY_SIDE), idle_threads())
    tokens = [prompt_tokens(opened, prompt) for prompt in prompts]
    if stream and not as_json and len(prompts) == 1:
        with closing(opened.stream(tokens[0], decoding)) as pieces:  # else, once interrupted, it would write on
            finishes = [_printed(prompts[0], pieces, index)]
    else:
        found = opened.texts(tokens, decoding)
        finishes = [written.finish for written in found]
        _print_written(prompts, found, opened.name, index, as_json)
    if "context" in finishes:
        print(f"the model's context of {opened.context} tokens is full", file=sys.stderr)


def _index_of(model: Path) -> Index:
    from octavo.inference.server.corpus_index import needed_index

    return needed_index(model)


def _print_written(
    prompts: list[str], found: list[Written], engine: str, index: Index | None, as_json: bool
) -> None:
    answers: list[dict[str, Any]] = [
        {"prompt": prompt, "continuation": written.text, "finish": written.finish, "engine": engine}
        for prompt, written in zip(prompts, found, strict=True)
    ]
    texts = [f"{answer['prompt']}{answer['continuation']}" for answer in answers]
    if index is not None:
        from octavo.terminal import plain_console
        from octavo.tracing.trace import trace
        from octavo.tracing.underlining import print_traced

        for number, (answer, text) in enumerate(zip(answers, texts, strict=True)):
            traced = trace(index, text)
            answer["trace"] = traced.as_json()
            if not as_json:
                print_traced(plain_console(), traced)
                print(end="\n" if number + 1 < len(texts) else "")
    elif not as_json:
        print(_for_stdout("\n\n".join(texts)))
    if as_json:
        print_json(answers if len(answers) > 1 else answers[0])


def _for_stdout(text: str) -> str:
    """What a model writes: as it is for a file or a program, and for a person without what a terminal obeys."""
    from octavo.terminal import plain

    return plain(text) if sys.stdout.isatty() else text


def _printed(prompt: str, pieces: Pieces, index: Index | None) -> Finish:
    """Print a prompt and what follows as it is written, and what of it stands in the corpus; why it ended."""
    finishes: list[Finish] = []
    texts = chain([prompt], _texts(pieces, finishes))
    if index is None:
        for text in texts:
            sys.stdout.write(_for_stdout(text))
            sys.stdout.flush()
        sys.stdout.write("\n")
        return finishes[0]
    from octavo.terminal import plain_console
    from octavo.tracing.marking import marked
    from octavo.tracing.trace import trace
    from octavo.tracing.underlining import print_piece, print_spans

    console, whole = plain_console(), ""
    for piece in marked(index, texts):
        print_piece(console, piece)
        whole += piece.text
    console.print()
    print_spans(console, trace(index, whole))
    return finishes[0]


def _texts(pieces: Pieces, finishes: list[Finish]) -> Iterator[str]:
    while True:
        try:
            yield next(pieces).text
        except StopIteration as ended:
            finishes.append(ended.value)
            return


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
    from octavo.lineage import write_atomically
    from octavo.tokenization.compare import compare, read_texts
    from octavo.tokenization.compare_plot import comparison_plot
    from octavo.tokenization.compare_table import print_comparison
    from octavo.tokenization.vocabularies import open_vocabularies

    if plot and not plot.absolute().parent.is_dir():
        raise InputError(f"{plot}: cannot be written, expected a file in a folder that is there")
    if plot and plot.is_dir():
        raise InputError(f"{plot}: found a folder, expected a file to write")
    compared = compare(open_vocabularies(tokenizers), read_texts(corpus))
    if as_json:
        print_json(compared)
    else:
        print_comparison(compared)
    if plot:
        write_atomically(plot, comparison_plot(compared).encode())


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
    from octavo.curation.toxicity.table import print_figures
    from octavo.curation.toxicity.training import train_classifier as train

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
    from octavo.recipe.file import load

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
    from octavo.lineage import write_atomically
    from octavo.training.nanotron.fates import print_fates, recipe_text
    from octavo.training.nanotron.importing import read

    imported = read(file)
    if output:
        if output.exists():
            raise InputError(f"{output}: is there already; nothing was changed")
        try:
            write_atomically(output, recipe_text(imported).encode())
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
    from octavo.recipe.file import load

    read = load(recipe, settings)  # before the heavy imports: a mistake is told at once
    from octavo.training.nanotron.exporting import export
    from octavo.training.plan import vocab_size_of

    print(export(read, vocab_size_of(read)), end="")


@tools.command()
def schema() -> None:
    """Print the recipe's JSON Schema, for editors.

    Example: octavo schema > recipe.schema.json
    """
    from octavo.recipe.schema import json_schema

    print_json(json_schema())
