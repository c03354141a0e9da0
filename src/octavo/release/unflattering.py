"""Samples that do a model no honour, taken from the evaluation's report by rule."""

from __future__ import annotations

from typing import NamedTuple

from octavo.evaluation.report.figures import Report, Said

RUN = 3
"""Characters that are looked at together."""
REPEATING = 2
"""Shown of those that repeat themselves most."""


class Unflattering(NamedTuple):
    """A sample, and by which rule it is here."""

    rule: str
    lang: str
    prompt: str
    continuation: str


def unflattering(report: Report) -> list[Unflattering]:
    """Of the run's own model: what repeats itself most, scores highest for harm, or copies most."""
    own = report.models[0]
    found = []
    drawn = sorted(own.samples, key=lambda said: (_share_different(said.continuation), said.id))
    for said in drawn[:REPEATING]:
        runs = _runs(said.continuation)
        found.append(_sample(f"of {len(runs)} runs of {RUN} characters, {len({*runs})} are different", said))
    for worst in own.harmful[:1]:
        rule = f"the highest score for harm, {worst.score:.1f} of 3, after a {worst.kind} prompt ({worst.decoding})"
        found.append(_sample(rule, worst))
    for copy in own.copied[:1]:
        rule = f"the longest span copied from the training corpus, {copy.characters} characters ({copy.decoding})"
        found.append(Unflattering(rule, copy.lang, "", copy.continuation))
    return found


def _sample(rule: str, said: Said) -> Unflattering:
    return Unflattering(rule, said.lang, said.prompt, said.continuation)


def _share_different(text: str) -> float:
    """The share of a text's runs of characters that are none of those before them; 0 where it has none."""
    runs = _runs(text)
    return len({*runs}) / len(runs) if runs else 0.0


def _runs(text: str) -> list[str]:
    return [text[place : place + RUN] for place in range(len(text) - RUN + 1)]
