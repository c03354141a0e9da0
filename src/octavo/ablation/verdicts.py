"""What an ablation's figures say in plain words, and what they cannot: each sentence follows from them by rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from octavo.ablation.report_figures import FIGURES, MEAN, FigureName, Report, Row, VariantRow
from octavo.ablation.tables import amount
from octavo.evaluation.toxicity import OWN_CLASSIFIER
from octavo.page import percent

SMALL_SHARE: Final = 0.01
"""Of the text: a rule that takes less can hardly show in proxies that see little of it."""
BESIDE: Final = 0.05
"""Share of 95 % intervals that lie beside the truth."""
OPEN: Final = {"no difference shown": "no difference is shown", "cannot be told": "it cannot be told"}
"""Verdicts that decide nothing, in words."""


def findings(report: Report) -> list[str]:
    """What was found, figure by figure."""
    return list(_findings(report))


def limits(report: Report) -> list[str]:
    """What to beware of."""
    return list(_limits(report))


def _findings(report: Report) -> Iterator[str]:
    for figure, meaning in FIGURES.items():
        rows = [
            (one, row) for one in report.variants for row in one.figures if (row.figure, row.by) == (figure, MEAN)
        ]
        for verdict in ("helps", "harms"):
            for variant, row in rows:
                if row.verdict == verdict:
                    yield f"{variant.name} {verdict}: {meaning.name} {_changed(row)} where {variant.told}."
        for undecided, words in OPEN.items():
            if names := [variant.name for variant, row in rows if row.verdict == undecided]:
                yield f"{meaning.name[0].upper()}{meaning.name[1:]}: {words} of {', '.join(names)}."
    if same := [variant.name for variant in report.variants if variant.same_corpus]:
        yield f"Changed nothing in this corpus, and was not trained: {', '.join(same)}."
    if report.missing:
        yield f"Not tried, as the recipe has nothing of it: {', '.join(report.missing)}."


def _changed(row: Row) -> str:
    """How much more or less a figure is, with its interval, and from what on."""
    found = row.difference.model_dump() if row.difference else {}
    value, low, high = found["value"], found["low"], found["high"]
    unit = " points" if FIGURES[row.figure].is_share else ""
    bounds = f"{amount(row.figure, low)} to {amount(row.figure, high)}"
    return (
        f"{amount(row.figure, value)}{unit} ({bounds}), from {amount(row.figure, row.value - value, signed=False)}"
    )


def _limits(report: Report) -> Iterator[str]:
    proxy, seeds = report.proxy, len(report.seeds)
    yield (
        f"A proxy has {proxy.parameters:,} parameters and learnt from {proxy.tokens:,} tokens. What helps it need "
        "not help a larger model, and what does nothing for it may matter to one."
    )
    rows = [row for variant in report.variants for row in variant.figures if row.by == MEAN]
    told = [row for row in rows if row.difference and row.difference.low is not None]
    if seeds == 1:
        yield "One seed does not show how much chance there is in the figures, so that there are no intervals."
    elif len(told) < len(rows):
        yield (
            "Bits per byte have no interval, as of some language fewer than five works were measured: a larger "
            "evaluation.max_bytes takes more of those that are held out."
        )
    if told:
        seen = [f"{_size(noise.figure, noise.smallest)} ({FIGURES[noise.figure].name})" for noise in report.noise]
        yield (
            f"With {seeds} seeds, differences show from about {', '.join(seen)} on. The noise of the seeds is "
            "taken for the same in all variants, and estimated from all of them."
        )
        yield (
            "An interval that has 0 in it does not show that a rule does nothing. And if no choice made a "
            f"difference, {BESIDE * len(told):.1f} of these {len(told)} intervals would lie beside 0 all the same."
        )
    if little := [variant.name for variant in report.variants if _takes_little(variant)]:
        yield (
            f"Less than {percent(SMALL_SHARE)} of the text goes by {', '.join(little)}: of a corpus that is clean "
            "already one can learn what a rule costs, and hardly what it is good for."
        )
    yield (
        f"Harmful continuations are found by {_named(report.classifier)}, the one that removes: what it does not "
        "see it neither takes out nor counts."
    )
    if len(report.versions) > 1:
        versions = " and ".join(report.versions)
        yield f"Proxies are of octavo {versions}: what differs between them may be octavo itself."
    fields = [name for variant in report.variants for name in variant.fields]
    if any(name.startswith("tokenizer.") for name in fields):
        yield (
            "Tokenizers are compared at the same number of tokens, which is not the same text; with another number "
            "of entries the proxy has another number of parameters, too."
        )
    if any(name.startswith("training.optimizer.") for name in fields):
        yield "The other optimizer has a learning rate of octavo's own recipes, which was not sought for this one."


def _named(classifier: str) -> str:
    return "octavo's own classifier" if classifier == OWN_CLASSIFIER else f"the classifier {classifier}"


def _size(figure: FigureName, value: float) -> str:
    return f"{100 * value:.1f} points" if FIGURES[figure].is_share else f"{value:.3f}"


def _takes_little(variant: VariantRow) -> bool:
    return variant.taken is not None and abs(variant.taken) < SMALL_SHARE
