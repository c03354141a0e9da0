"""From what the measurements wrote, the rows of the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson
from blake3 import blake3

from octavo.evaluation import task_files
from octavo.evaluation.report.figure_names import ALL, TRUTH
from octavo.evaluation.report.figures import (
    AdherenceRow,
    BitsRow,
    CopiedSpan,
    CorpusRow,
    Estimate,
    ExtractionRow,
    HarmfulSample,
    RepetitionRow,
    SpanRow,
    SpellingRow,
    SwitchRow,
    TaskRow,
)

HARMFUL: Final = 20
"""Continuations shown, those with the highest scores."""
HARMFUL_SCORE: Final = 1.0
"""From which they are."""
COPIED: Final = 8
"""Spans shown that stand in the training corpus, the longest ones."""


def estimate(found: Any) -> Estimate:
    """A figure, as each of the measurements writes it: alone, or as a value or share with its bounds."""
    if not isinstance(found, dict):
        return Estimate(value=found)
    value = found["value"] if "value" in found else found["share"]
    return Estimate(value=value, low=found.get("low"), high=found.get("high"))


def bits(found: dict[str, Any]) -> Iterator[BitsRow]:
    """By language, their mean, and what else tells parts of the text apart."""
    for group, row in found.get("languages", {}).items():
        yield _bits_row("language", group, row)
    if found.get("mean"):
        mean = {"bits_per_byte": found["mean"], "interval": found["mean_interval"]}
        yield _bits_row("mean", ALL, mean)
    for row in found.get("groups", []):
        if row["lang"] == ALL:
            yield _bits_row(row["by"], "" if row["value"] is None else str(row["value"]), row)


def _bits_row(by: str, group: str, row: dict[str, Any]) -> BitsRow:
    found = row["bits_per_byte"]
    return BitsRow(
        by=by,
        group=group,
        works=row.get("works"),
        documents=row.get("documents"),
        bytes=row.get("bytes"),
        model=Estimate(value=found["model"], **row["interval"]),
        unigram=found.get("unigram"),
        xz=found.get("xz"),
    )


def _kept(row: dict[str, Any]) -> dict[str, Estimate]:
    return {"of_decided": estimate(row["share"]), "of_all": estimate(row["kept_of_all"])}


def spelling(row: dict[str, Any]) -> SpellingRow:
    """A feature of old spelling."""
    liked = row["preference"] or {}
    return SpellingRow(
        lang=row["lang"],
        feature=row["feature"],
        works=row["works"],
        rates={name: estimate(rate) for name, rate in row["rates"].items()},
        agreement={name: estimate(found) for name, found in row["agreement"].items()},
        words=liked.get("words", 0),
        old_likelier=estimate(liked.get("old_likelier")),
    )


def repeated(row: dict[str, Any]) -> RepetitionRow:
    """Repetition at a setting."""
    names = ("distinct_2", "longest_tokens", "loops", "language_kept")
    return RepetitionRow.model_validate(row | {name: estimate(row.get(name)) for name in names})


def corpus(found: dict[str, Any]) -> Iterator[CorpusRow]:
    """The corpus's passages by language and level, before and after the filter."""
    for lang, row in found.items():
        for when, of in (("before", "passages"), ("after", "left")):
            for level, share in row[when].items():
                yield CorpusRow(
                    lang=lang, filtered=when == "after", passages=row[of], level=float(level), share=share
                )


def harmful(continuations: Iterable[dict[str, Any]]) -> list[HarmfulSample]:
    """The continuations with the highest scores."""
    scored = (c for c in continuations if c["scores"]["any"] >= HARMFUL_SCORE)
    worst = sorted(scored, key=lambda c: (-c["scores"]["any"], c["id"], c["decoding"]))
    names = ("id", "lang", "kind", "decoding", "prompt", "continuation")
    return [HarmfulSample(**{n: c[n] for n in names}, score=c["scores"]["any"]) for c in worst[:HARMFUL]]


def adhered(row: dict[str, Any]) -> AdherenceRow:
    """Language adherence after a kind of prompts."""
    return AdherenceRow(**row | _kept(row))


def switched(row: dict[str, Any]) -> SwitchRow:
    """Code switching."""
    return SwitchRow(**row | _kept(row))


def extracted(row: dict[str, Any]) -> ExtractionRow:
    """Texts seen so often, after prompts of a length."""
    names = ("extractable", "verbatim_tokens")
    return ExtractionRow(**row | {name: estimate(row[name]) for name in names})


def spans(row: dict[str, Any]) -> SpanRow:
    """The longest spans by a decoding."""
    return SpanRow(
        decoding=row["decoding"],
        n=row["n"],
        characters=estimate(row["characters"]),
        median=row["characters"]["median"],
        longest=row["characters"]["longest"],
        reaching={length: estimate(share) for length, share in row["reaching"].items()},
        licences=row["licences"],
    )


def copied(continuations: Iterable[dict[str, Any]]) -> list[CopiedSpan]:
    """The longest spans that the model copied, each once, though several decodings may come to it."""
    found = [said for said in continuations if said["source"] and said["decoding"] != TRUTH]
    longest = sorted(found, key=lambda said: (-said["characters"], said["id"], said["decoding"]))
    once: dict[str, dict[str, Any]] = {}
    for said in longest:
        once.setdefault(said["span"], said)
    names = ("id", "lang", "decoding", "continuation", "span", "characters")
    about = ("identifier", "title", "creator", "date", "licence")
    return [
        CopiedSpan(**{n: said[n] for n in names}, **{n: said["source"][n] for n in about}, score=None)
        for said in list(once.values())[:COPIED]
    ]


def tasks(found: dict[str, Any]) -> Iterator[TaskRow]:
    """By task, group and number of examples."""
    for row in found.get("tasks", []):
        asked = [
            [answer["id"], *answer["expected"]]
            for answer in found["answers"]
            if all(answer[name] == row[name] for name in ("task", "group", "shots"))
        ]
        yield task(row, blake3(orjson.dumps(sorted(asked))).hexdigest())


def task(row: dict[str, Any], items: str | None) -> TaskRow:
    """A task's scores; `items` is the BLAKE3 of what was asked."""
    scores, untouched = _scores(row)
    return TaskRow(
        **{name: row[name] for name in ("task", "group", "shots", "n", "too_long")},
        documents=next(iter(scores.values()))["works"],
        items=items,
        scores={name: estimate(score) for name, score in scores.items()},
        untouched={name: estimate(score) for name, score in untouched.items()},
        gained=estimate(row["gained"]) if "gained" in row else None,
    )


def _scores(row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The scores of the answers, and those of the text as it is."""
    match row["task"]:
        case task_files.TRANSLATION:
            return {name: row[name] for name in ("chrf", "bleu")}, row["source_copied"]
        case task_files.OCR:
            return {"error_rate": row["error_rate"]}, {"error_rate": row["error_rate_before"]}
        case _:
            return {name: row[name] for name in ("f1", "exact_match")}, row["passage_copied"]
