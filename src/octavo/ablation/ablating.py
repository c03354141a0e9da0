"""An ablation from its recipe to its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from octavo.ablation.choices import Variant
from octavo.ablation.gathering import gather
from octavo.ablation.report import write_report
from octavo.ablation.report_figures import Report
from octavo.ablation.walking import walk_variants
from octavo.recipe.schema import Recipe
from octavo.road import Reporter, plain_words_for_the_disk


def ablate(
    recipe: Recipe,
    variants: Sequence[Variant],
    missing: Sequence[str],
    seeds: int,
    out: Path,
    command: str,
    reporter: Reporter,
) -> Report:
    """Train and measure proxies of the variants, of which the first is `recipe` as it is, and write the report.

    `missing` are choices that the recipe has nothing of; `command` gives the same again. Raises InputError where
    `out` cannot be the directory of an ablation, StoppedError where the person asked to stop.
    """
    drawn = list(range(recipe.seed, recipe.seed + seeds))
    withheld, walked = walk_variants(recipe, variants, drawn, out, reporter)
    report = gather(recipe, walked, missing, withheld, drawn, command)
    with plain_words_for_the_disk(out, "in the report"):
        write_report(report, out)
    return report
