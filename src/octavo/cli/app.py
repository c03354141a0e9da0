"""The commands that make and read runs, one short function each; heavy things are imported inside them."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from octavo.cli.ablation import ablations
from octavo.cli.audit import audits
from octavo.cli.documents import documents
from octavo.cli.options import AsJson, RecipeFile, Settings, Version, print_json, utf8
from octavo.cli.release import releases
from octavo.cli.serving import serving
from octavo.cli.tools import tools
from octavo.cli.tracing import tracing
from octavo.errors import InputError, OctavoError
from octavo.stage_names import StageName
from octavo.terminal import plain

app = typer.Typer(
    name="octavo",
    help="The foundry for small open language models: from open documents to a release on a CPU.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Out = Annotated[Path | None, typer.Option(help="Directory of the run; runs/NAME by default.")]
Ray = Annotated[
    str | None,
    typer.Option("--ray", metavar="HOST:PORT", help="Curate on this Ray cluster.", show_default=False),
]
RunDirectory = Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a run.", show_default=False)]


def main() -> None:
    """Run a command; a user's mistake ends with one clear message and status 2, failed work with status 1."""
    from octavo.progress import StoppedError

    if isinstance(sys.stdout, io.TextIOWrapper):  # what a terminal has no sign for is no reason to end
        sys.stdout.reconfigure(errors="replace")
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
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: cannot be used ({error.strerror})", 2)


def _fail(message: str, status: int) -> None:
    for line in message.split("\n"):
        print(f"octavo: {plain(line)}", file=sys.stderr)
    sys.exit(status)


@app.callback()
def _begin(version: Version = False) -> None:
    """Options before any command."""


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
    from octavo.lineage import write_atomically
    from octavo.recipe.file import dump
    from octavo.starters import STARTERS, named_after

    file = directory / "recipe.yaml"
    try:
        if file.exists():
            raise InputError(f"{file}: is there already; nothing was changed")
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(file, dump(named_after(directory, STARTERS[corpus]()), comments=True).encode())
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from None
    print(file)


@app.command()
def run(
    recipe: RecipeFile,
    out: Out = None,
    until: Annotated[StageName, typer.Option(help="Last stage to do.")] = "trace",
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
def tune(
    recipe: RecipeFile,
    out: Out = None,
    until: Annotated[StageName, typer.Option(help="Last stage to do.")] = "trace",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Teach a base model document work, or continue its pretraining; goes on where it stopped.

    Example: octavo tune recipes/tune-ocr.yaml --set tuning.base=runs/one-hour
    """
    from octavo.recipe.file import load

    if load(recipe, settings).tuning is None:
        raise InputError(
            f"{recipe}: tuning: found none, expected the base to tune and the task; octavo run trains anew"
        )
    _road(recipe, out, until, settings, as_json)


@app.command()
def launch(
    recipe: RecipeFile,
    slurm: Annotated[bool, typer.Option("--slurm", help="As a job of Slurm; there is no other way yet.")] = False,
    out: Out = None,
    until: Annotated[StageName, typer.Option(help="Last stage to do.")] = "trace",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write the script and submit nothing.")] = False,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Submit the run as a job that goes on past its time limit.

    Example: octavo launch recipe.yaml --slurm --set slurm.gpus_per_node=4
    """
    from octavo.recipe.file import load
    from octavo.road import check_place
    from octavo.stages import stages_to
    from octavo.training.slurm import in_words, last_job
    from octavo.training.slurm import launch as launch_slurm

    if not slurm:
        raise InputError("launch: expected --slurm, which says what is to run it")
    read = load(recipe, settings)
    directory = out or Path("runs") / read.name
    check_place(directory, stages_to(read, until))
    script = launch_slurm(read, directory, until, submit=not dry_run)
    job = None if dry_run else last_job(directory)
    if as_json:
        print_json({"script": str(script), "slurm": vars(job) if job else None})
    else:
        print(in_words(job) if job else script)


@app.command()
def evaluate(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL",
            help="A run; or runs, releases, Hugging Face directories and .gguf files, with --held-out.",
            show_default=False,
        ),
    ],
    held_out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Measure on these documents: a run's held-out works, or Parquet files.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="With --held-out: where the figures go; evaluation-MODEL by default, evaluation of several.",
            show_default=False,
        ),
    ] = None,
    allow_overlap: Annotated[
        bool, typer.Option("--allow-overlap", help="With --held-out: measure on what a model was trained on, too.")
    ] = False,
    bits_only: Annotated[
        bool, typer.Option("--bits-only", help="With --held-out: bits per byte, and nothing that the models write.")
    ] = False,
    compare: Annotated[
        list[Path] | None,
        typer.Option(metavar="RUN", help="Set this run's figures beside; may be repeated.", show_default=False),
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Measure models on held-out works and in what they say; a run alone on its own.

    Example: octavo evaluate runs/starter

    Example: octavo evaluate runs/starter other/model model.gguf --held-out runs/starter
    """
    for setting in settings or []:
        if not setting.startswith("evaluation."):
            raise InputError(f"--set {setting}: expected a field of the recipe's evaluation")
    if held_out is not None:
        if compare:
            raise InputError("--compare: is for a run alone, expected no --held-out")
        _side_by_side(models, held_out, out, allow_overlap, bits_only, settings, as_json)
        return
    given = {"--out": out, "--allow-overlap": allow_overlap, "--bits-only": bits_only}
    if len(models) > 1 or any(given.values()) or models[0].suffix == ".gguf" or _is_model(models[0]):
        raise InputError("--held-out: found none, expected held-out documents, as this is more than a run alone")
    changed = [*(settings or [])]
    changed += [f"evaluation.compare={json.dumps([str(run) for run in compare])}"] if compare else []
    _finish(models[0], "evaluation", as_json, changed)


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
    from octavo.road import stage_states
    from octavo.summary import print_status
    from octavo.training.slurm import in_words, last_job

    states, job = stage_states(directory), last_job(directory)
    if as_json:
        print_json({"stages": states, "slurm": vars(job) if job else None})
    else:
        print_status(directory, states)
        if job:
            print(in_words(job))


app.add_typer(tools)
app.add_typer(documents)
app.add_typer(ablations)
app.add_typer(audits)
app.add_typer(releases)
app.add_typer(tracing)
app.add_typer(serving)


def _on_ray(settings: list[str] | None, address: str | None) -> list[str] | None:
    if address is None:
        return settings
    return [*(settings or []), "curation.engine=ray", f"curation.ray={json.dumps(address)}"]


def _road(recipe: Path, out: Path | None, until: StageName, settings: list[str] | None, as_json: bool) -> None:
    from octavo.progress import Progress
    from octavo.recipe.file import load

    read = load(recipe, settings)  # before the heavy imports: a mistake is told at once
    from octavo.display import Display, Stop
    from octavo.road import Reporter, follow_road, run_road

    if read.tuning:
        from octavo.tuning.base_model import with_base

        read = with_base(read)
    directory = out or Path("runs") / read.name
    if os.environ.get("RANK", "0") != "0":  # of torchrun's processes, the first walks the road
        stop = Stop()
        follow_road(read, directory, Progress(stopping=stop.wished.is_set, saving=lambda: stop.saving))
        return
    display = Display(Stop())
    _print_figures(directory, run_road(read, directory, until, Reporter(display.message, display.stage)), as_json)


def _explain(recipe: Path, out: Path | None, identifier: str, settings: list[str] | None, as_json: bool) -> None:
    from octavo.curation.explaining import explain
    from octavo.recipe.file import load
    from octavo.summary import print_story

    directory = out or Path("runs") / load(recipe, settings).name
    story = explain(directory / "corpus", utf8("--explain", identifier))
    if as_json:
        print_json(story)
    else:
        print_story(directory / "corpus", story)


def _finish(directory: Path, until: StageName, as_json: bool, settings: list[str] | None = None) -> None:
    from octavo.display import Display, Stop
    from octavo.road import Reporter, finish_road

    display = Display(Stop())
    reporter = Reporter(display.message, display.stage)
    _print_figures(directory, finish_road(directory, until, reporter, settings), as_json)


def _is_model(path: Path) -> bool:
    return (path / "config.json").is_file() and not (path / "recipe.yaml").is_file()


def _side_by_side(
    models: list[Path],
    held_out: Path,
    out: Path | None,
    allow_overlap: bool,
    bits_only: bool,
    settings: list[str] | None,
    as_json: bool,
) -> None:
    from octavo.display import Display, Stop
    from octavo.evaluation.report.side_by_side import Wanted, evaluate_models
    from octavo.summary import print_side_by_side

    wanted = Wanted(models, held_out, out, allow_overlap, bits_only, settings)
    with Display(Stop()).stage("evaluation") as progress:
        answer = evaluate_models(wanted, progress)
    if as_json:
        print_json(answer)
    else:
        print_side_by_side(answer, wanted.home)


def _print_figures(directory: Path, figures: dict[str, dict[str, Any]], as_json: bool) -> None:
    from octavo.summary import print_summary

    if as_json:
        print_json({"directory": str(directory), "stages": figures})
    else:
        print_summary(directory, figures)
