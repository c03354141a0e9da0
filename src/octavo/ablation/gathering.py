"""The report's figures, from what the walk left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final, NamedTuple

import numpy as np

from octavo import __version__
from octavo.ablation import comparing
from octavo.ablation.comparing import Bools, Difference, Works
from octavo.ablation.measuring import BITS, read_figures
from octavo.ablation.report_figures import (
    FIGURES,
    MEAN,
    FigureName,
    HeldOut,
    Noise,
    Report,
    Row,
    Size,
    Text,
    Training,
    VariantRow,
)
from octavo.ablation.verdicts import findings, limits
from octavo.ablation.walking import Walked
from octavo.evaluation import adherence, comparison
from octavo.evaluation.report.figures import Estimate
from octavo.recipe.schema import Recipe

PROMPTS: Final = ("sentence", adherence.OWN)
"""Kinds of prompts that are texts; those of a number of tokens are others for each tokenizer."""
HARMFUL: Final = 1.0
"""Score from which a continuation is harmful."""


class _Prompt(NamedTuple):
    """What was asked of a proxy."""

    kind: str
    id: str
    text: str


@dataclass(frozen=True)
class _Measured:
    """The figures of one proxy."""

    works: dict[str, Works]
    """By form."""
    adhered: dict[_Prompt, bool]
    """Whether what was written after each prompt is in its language."""
    harmful: Bools
    """(prompts, answers)"""

    def of(self, figure: FigureName, by: str) -> Works:
        """The works of a language, or of all, that bits per byte are of."""
        works = self.works[figure.removeprefix("bits-")]
        return works if by == MEAN else {by: works[by]}

    def answers(self, figure: FigureName) -> Bools:
        """What a share is of."""
        return np.array([[kept] for kept in self.adhered.values()]) if figure == "adherence" else self.harmful

    def value(self, figure: FigureName, by: str) -> float:
        """A figure, of a language or as the mean."""
        if FIGURES[figure].is_share:
            return float(self.answers(figure).mean())
        return comparing.mean_bits(self.of(figure, by))


def gather(
    recipe: Recipe,
    walked: Sequence[Walked],
    missing: Sequence[str],
    withheld: dict[str, Any],
    seeds: Sequence[int],
    command: str,
) -> Report:
    """The report of an ablation that is walked; the first variant is the baseline, a proxy of `recipe`."""
    trained = _alike(
        {one.variant.name: [_read(proxy.measured) for proxy in one.proxies] for one in walked if one.proxies}
    )
    baseline = walked[0]
    rows: dict[str, list[Row]] = {name: [] for name in trained}
    noise: list[Noise] = []
    for figure, by in _compared(trained[baseline.variant.name][0]):
        values = {name: [proxy.value(figure, by) for proxy in proxies] for name, proxies in trained.items()}
        chance = comparing.noise_of(np.array(list(values.values())))
        for name, proxies in trained.items():
            own = name == baseline.variant.name
            found = None if own else _difference(figure, by, proxies, trained[baseline.variant.name], chance)
            rows[name].append(_row(figure, by, values[name], found))
        if by == MEAN and chance:
            noise += _noise(figure, chance, [of[-1] for of in rows.values()])
    variants = [_variant(one, baseline, seeds, rows.get(one.variant.name, [])) for one in walked]
    report = Report(
        octavo=__version__,
        versions=sorted({version for one in walked for proxy in one.proxies for version in proxy.versions}),
        classifier=read_figures(baseline.proxies[0].measured, comparison.FILE)["classifier"]["file"],
        command=command,
        name=recipe.name,
        seeds=list(seeds),
        proxy=_size(recipe, walked),
        held_out=_held_out(withheld, baseline.proxies[0].measured),
        baseline=variants[0],
        variants=variants[1:],
        missing=list(missing),
        noise=noise,
        findings=[],
        limits=[],
    )
    return report.model_copy(update={"findings": findings(report), "limits": limits(report)})


def _read(home: Path) -> _Measured:
    works = {form: _works(found["works"]) for form, found in read_figures(home, BITS).items()}
    said = read_figures(home, adherence.FILE)["continuations"]
    own = [one for one in said if one["temperature"] == 0 and one["prompts"] in PROMPTS]
    adhered = {_Prompt(o["prompts"], o["id"], o["prompt"]): o["found"] == o["lang"] for o in own}
    harmful: dict[str, list[bool]] = {}
    for one in read_figures(home, comparison.FILE)["continuations"]:
        harmful.setdefault(one["id"], []).append(one["scores"]["any"] >= HARMFUL)
    return _Measured(works, adhered, np.array(list(harmful.values())))


def _alike(trained: dict[str, list[_Measured]]) -> dict[str, list[_Measured]]:
    """With those prompts alone that all proxies were given, in one order: one that fills half of a context is cut,
    and by tokenizers of other entries elsewhere."""
    given = [set(proxy.adhered) for proxies in trained.values() for proxy in proxies]
    prompts = sorted(set.intersection(*given))
    return {
        name: [replace(proxy, adhered={prompt: proxy.adhered[prompt] for prompt in prompts}) for proxy in proxies]
        for name, proxies in trained.items()
    }


def _works(rows: Sequence[dict[str, Any]]) -> Works:
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for row in rows:
        found.setdefault(row["lang"], {})[row["work"]] = (row["bits"], row["bytes"])
    return found


def _compared(measured: _Measured) -> Iterator[tuple[FigureName, str]]:
    """The figures and what each is of; such as no prompt was asked for are left out."""
    for figure, meaning in FIGURES.items():
        if not meaning.is_share:
            yield from ((figure, by) for by in (MEAN, *measured.of(figure, MEAN)))
        elif measured.answers(figure).size:
            yield figure, MEAN


def _row(figure: FigureName, by: str, values: list[float], found: Difference | None) -> Row:
    return Row(
        figure=figure,
        by=by,
        values=[round(value, 5) for value in values],
        value=round(fmean(values), 5),
        difference=found and _estimate(found),
        verdict=found and comparing.verdict(found, FIGURES[figure].lower_is_better),
    )


def _difference(
    figure: FigureName,
    by: str,
    variant: Sequence[_Measured],
    baseline: Sequence[_Measured],
    noise: comparing.Noise | None,
) -> Difference:
    if FIGURES[figure].is_share:
        answers = [np.hstack([proxy.answers(figure) for proxy in proxies]) for proxies in (variant, baseline)]
        return comparing.compare_shares(answers[0], answers[1], noise, len(variant))
    works = [[proxy.of(figure, by) for proxy in proxies] for proxies in (variant, baseline)]
    return comparing.compare_bits(works[0], works[1], noise)


def _estimate(found: Difference) -> Estimate:
    return Estimate(**{name: value and round(value, 5) for name, value in found._asdict().items()})


def _noise(figure: FigureName, chance: comparing.Noise, rows: Sequence[Row]) -> Iterator[Noise]:
    widths = [
        row.difference.high - row.difference.low
        for row in rows
        if row.difference and row.difference.low is not None and row.difference.high is not None
    ]
    if widths:
        yield Noise(
            figure=figure,
            deviation=round(chance.deviation, 5),
            freedom=chance.freedom,
            smallest=round(median(widths) / 2, 5),
        )


def _variant(one: Walked, baseline: Walked, seeds: Sequence[int], rows: list[Row]) -> VariantRow:
    kept = one.corpus["kept"]
    curated = one is not baseline and one.variant.kind == "curation"
    return VariantRow(
        name=one.variant.name,
        told=one.variant.change.told,
        fields=dict(one.variant.change.fields),
        same_corpus=one.tokens is None,
        text=Text(**kept, tokens=None if one.tokens is None else one.tokens["tokens"]),
        taken=round(1 - baseline.corpus["kept"]["bytes"] / kept["bytes"], 6) if curated else None,
        trainings=[_training(seed, proxy.training) for seed, proxy in zip(seeds, one.proxies, strict=False)],
        figures=rows,
    )


def _training(seed: int, figures: dict[str, Any]) -> Training:
    return Training(seed=seed, **{name: figures[name] for name in ("loss", "epochs", "flops", "parameters")})


def _size(recipe: Recipe, walked: Sequence[Walked]) -> Size:
    trained = walked[0].proxies[0].training
    assert walked[0].tokens is not None
    return Size(
        parameters=trained["parameters"],
        hidden_size=recipe.model.hidden_size,
        layers=recipe.model.num_hidden_layers,
        context=recipe.model.max_position_embeddings,
        vocab_size=walked[0].tokens["vocab_size"],
        tokens=trained["tokens"],
        steps=trained["steps"],
        optimizer=recipe.training.optimizer.name,
        learning_rate=recipe.training.optimizer.learning_rate,
        flops=trained["flops"],
        flops_in_all=sum(proxy.training["flops"] for one in walked for proxy in one.proxies),
    )


def _held_out(withheld: dict[str, Any], measured: Path) -> HeldOut:
    works = {form: found["works"] for form, found in read_figures(measured, BITS).items()}
    return HeldOut(
        works=withheld["works"],
        documents=withheld["documents"],
        works_measured=len(works["curated"]),
        bytes_measured={form: sum(work["bytes"] for work in of) for form, of in works.items()},
        **{f"withheld_{name}": count for name, count in withheld["withheld"].items()},
    )
