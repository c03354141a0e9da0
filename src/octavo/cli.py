"""The commands, one short function each; heavy things are imported inside them."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from octavo.errors import InputError, OctavoError

app = typer.Typer(
    name="octavo",
    help="The foundry for small open language models: from open documents to a release on a CPU.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StageName = Literal["corpus", "curation", "tokenization", "training", "evaluation", "release"]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="A.B=V", help="Set a field of the recipe.")]
Out = Annotated[Path | None, typer.Option(help="Directory of the run; runs/NAME by default.")]
Ray = Annotated[
    str | None,
    typer.Option("--ray", metavar="HOST:PORT", help="Curate on this Ray cluster.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
RecipeFile = Annotated[Path, typer.Argument(help="The recipe, a YAML file.", show_default=False)]
RunDirectory = Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a run.", show_default=False)]


def main() -> None:
    """Run a command; a user's mistake ends with one clear message and status 2, failed work with status 1."""
    from octavo.progress import StoppedError

    try:
        app()
    except InputError as error:
        _fail(str(error), 2)
    except OctavoError as error:
        _fail(str(error), 1)
    except (StoppedError, KeyboardInterrupt):
        # Python lets go of its handlers on its way out; what then ends all of a job must not change the status.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has left
        sys.stderr.close()
        sys.exit(0)


def _fail(message: str, status: int) -> None:
    for line in message.split("\n"):
        print(f"octavo: {line}", file=sys.stderr)
    sys.exit(status)


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", show_default=False)],
    corpus: Annotated[
        Literal["starter", "common-corpus"], typer.Option(help="Where the documents come from.")
    ] = "starter",
) -> None:
    """Write a commented recipe.yaml into DIR.

    Example: octavo init mine && octavo run mine/recipe.yaml
    """
    from octavo.recipe_file import dump
    from octavo.starters import STARTERS, named_after

    file = directory / "recipe.yaml"
    if file.exists():
        raise InputError(f"{file}: is there already; nothing was changed")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file.write_text(dump(named_after(directory, STARTERS[corpus]()), comments=True), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from None
    print(file)


@app.command()
def run(
    recipe: RecipeFile,
    out: Out = None,
    until: Annotated[StageName, typer.Option(help="Last stage to do.")] = "release",
    ray: Ray = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Walk the road from documents to release; goes on where it stopped.

    Example: octavo run recipes/starter.yaml --set training.tokens=1_000_000
    """
    _road(recipe, out, until, _on_ray(settings, ray), as_json)


@app.command()
def curate(
    recipe: RecipeFile,
    out: Out = None,
    identifier: Annotated[
        str | None,
        typer.Option("--explain", metavar="ID", help="Tell the story of one document; nothing is run."),
    ] = None,
    ray: Ray = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Take documents in and decide which stay.

    Example: octavo curate recipe.yaml
    """
    if identifier is None:
        _road(recipe, out, "curation", _on_ray(settings, ray), as_json)
    else:
        _explain(recipe, out, identifier, settings, as_json)


@app.command()
def tokenize(recipe: RecipeFile, out: Out = None, settings: Settings = None, as_json: AsJson = False) -> None:
    """Train the tokenizer and write the token files.

    Example: octavo tokenize recipe.yaml
    """
    _road(recipe, out, "tokenization", settings, as_json)


@app.command()
def pretrain(recipe: RecipeFile, out: Out = None, settings: Settings = None, as_json: AsJson = False) -> None:
    """Train the model.

    Example: octavo pretrain recipe.yaml --set training.tokens=1_000_000
    """
    _road(recipe, out, "training", settings, as_json)


@app.command()
def launch(
    recipe: RecipeFile,
    slurm: Annotated[bool, typer.Option("--slurm", help="As a job of Slurm; there is no other way yet.")] = False,
    out: Out = None,
    until: Annotated[StageName, typer.Option(help="Last stage to do.")] = "release",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write the script and submit nothing.")] = False,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Submit the run as a job that goes on past its time limit.

    Example: octavo launch recipe.yaml --slurm --set slurm.gpus_per_node=4
    """
    from octavo.recipe_file import load
    from octavo.training.slurm import in_words, last_job
    from octavo.training.slurm import launch as launch_slurm

    if not slurm:
        raise InputError("launch: expected --slurm, which says what is to run it")
    read = load(recipe, settings)
    directory = out or Path("runs") / read.name
    script = launch_slurm(read, directory, until, submit=not dry_run)
    job = None if dry_run else last_job(directory)
    if as_json:
        _print_json({"script": str(script), "slurm": vars(job) if job else None})
    else:
        print(in_words(job) if job else script)


@app.command()
def evaluate(directory: RunDirectory, as_json: AsJson = False) -> None:
    """Measure a run's model on its held-out works.

    Example: octavo evaluate runs/starter
    """
    _finish(directory, "evaluation", as_json)


@app.command()
def release(directory: RunDirectory, as_json: AsJson = False) -> None:
    """Write a run's release.

    Example: octavo release runs/starter
    """
    _finish(directory, "release", as_json)


@app.command()
def status(directory: RunDirectory, as_json: AsJson = False) -> None:
    """Say what is done, what is next, and the last figures.

    Example: octavo status runs/starter
    """
    from octavo.run import stage_states
    from octavo.summary import print_status
    from octavo.training.slurm import in_words, last_job

    states, job = stage_states(directory), last_job(directory)
    if as_json:
        _print_json({"stages": states, "slurm": vars(job) if job else None})
    else:
        print_status(directory, states)
        if job:
            print(in_words(job))


@app.command()
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
        _print_json({"prompt": prompt, "continuation": "".join(pieces), "engine": opened.name})
        return
    sys.stdout.write(prompt)
    for piece in pieces if stream else ["".join(pieces)]:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")


@app.command("compare-tokenizers")
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
        _print_json(compared)
    else:
        print_comparison(compared)


@app.command("train-classifier")
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
        _print_json(figures)
    else:
        print_figures(figures)


@app.command()
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

    planned = plan_run(read, vocab_size_of(read), hardware(gpu), gpus, mfu)
    if as_json:
        _print_json(planned.figures())
    else:
        print(in_words(planned))


@app.command("import-nanotron")
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
    from octavo.training.nanotron import print_fates, read, recipe_text

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
        _print_json(imported.figures())
    else:
        print(output or recipe_text(imported), end="\n" if output else "")


@app.command("export-nanotron")
def export_nanotron(recipe: RecipeFile, settings: Settings = None) -> None:
    """Print the recipe's training as nanotron's settings.

    Example: octavo export-nanotron recipe.yaml > config.yaml
    """
    from octavo.recipe_file import load

    read = load(recipe, settings)  # before the heavy imports: a mistake is told at once
    from octavo.training.nanotron_export import export
    from octavo.training.plan import vocab_size_of

    print(export(read, vocab_size_of(read)), end="")


@app.command()
def schema() -> None:
    """Print the recipe's JSON Schema, for editors.

    Example: octavo schema > recipe.schema.json
    """
    from octavo.recipe import json_schema

    _print_json(json_schema())


def _on_ray(settings: list[str] | None, address: str | None) -> list[str] | None:
    if address is None:
        return settings
    return [*(settings or []), "curation.engine=ray", f"curation.ray={json.dumps(address)}"]


def _road(recipe: Path, out: Path | None, until: StageName, settings: list[str] | None, as_json: bool) -> None:
    from octavo.progress import Progress
    from octavo.recipe_file import load

    read = load(recipe, settings)  # before the heavy imports: a mistake is told at once
    from octavo.display import Display, Stop
    from octavo.run import Reporter, follow_road, run_road

    directory = out or Path("runs") / read.name
    if os.environ.get("RANK", "0") != "0":  # of torchrun's processes, the first walks the road
        stop = Stop()
        follow_road(read, directory, Progress(stopping=stop.wished.is_set, saving=lambda: stop.saving))
        return
    display = Display(Stop())
    _print_figures(directory, run_road(read, directory, until, Reporter(display.message, display.stage)), as_json)


def _explain(recipe: Path, out: Path | None, identifier: str, settings: list[str] | None, as_json: bool) -> None:
    from octavo.curation.explaining import explain
    from octavo.recipe_file import load
    from octavo.summary import print_story

    directory = out or Path("runs") / load(recipe, settings).name
    story = explain(directory / "corpus", identifier)
    if as_json:
        _print_json(story)
    else:
        print_story(directory / "corpus", story)


def _finish(directory: Path, until: StageName, as_json: bool) -> None:
    from octavo.display import Display, Stop
    from octavo.run import Reporter, finish_road

    display = Display(Stop())
    _print_figures(directory, finish_road(directory, until, Reporter(display.message, display.stage)), as_json)


def _print_figures(directory: Path, figures: dict[str, dict[str, Any]], as_json: bool) -> None:
    from octavo.summary import print_summary

    if as_json:
        _print_json({"directory": str(directory), "stages": figures})
    else:
        print_summary(directory, figures)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))
