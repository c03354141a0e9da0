"""The command that asks whether each part of a recipe earns its place; heavy things are imported inside it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from octavo.cli.options import AsJson, RecipeFile, Settings, print_json

ablations = typer.Typer()


@ablations.command()
def ablate(
    recipe: RecipeFile,
    rules: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="What is left out or chosen otherwise, such as quality,near-duplicates; by default all that the "
            "recipe has.",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Proxies of each variant.")] = 3,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Directory of the ablation; runs/NAME-ablation by default.", show_default=False
        ),
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Train small proxies with and without each rule, and say which earn their place; goes on where it stopped.

    Example: octavo ablate recipe.yaml --rules quality,near-duplicates
    """
    from octavo.ablation.choices import variants
    from octavo.ablation.proxy import read_proxy

    read = read_proxy(recipe, settings)  # before the heavy imports: a mistake is told at once
    found, missing = variants(read, None if rules is None else [name.strip() for name in rules.split(",")])
    from octavo.ablation.ablating import ablate as train_and_compare
    from octavo.ablation.tables import print_differences
    from octavo.display import Display, Stop
    from octavo.road import Reporter

    directory = out or Path("runs") / f"{read.name}-ablation"
    display = Display(Stop())
    reporter = Reporter(display.message, display.stage)
    command = _command(recipe, rules, seeds, out, settings)
    report = train_and_compare(read, found, missing, seeds, directory, command, reporter)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print_differences(report, directory)


def _command(recipe: Path, rules: str | None, seeds: int, out: Path | None, settings: list[str] | None) -> str:
    parts = ["octavo", "ablate", str(recipe), *(["--rules", rules] if rules else []), "--seeds", str(seeds)]
    parts += ["--out", str(out)] if out else []
    return shlex.join([*parts, *(part for setting in settings or [] for part in ("--set", setting))])
