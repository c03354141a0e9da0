"""The tables of harmful continuations in the report, beside the training corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from octavo.evaluation.report.cells import NONE, Cell, Group, Row, Table, share, side_by_side
from octavo.evaluation.report.figure_names import ALL
from octavo.evaluation.report.figures import HarmRow, Model
from octavo.evaluation.report.summary import ANY, language_name
from octavo.page import fine_percent


def harm_tables(models: Sequence[Model]) -> list[Table]:
    """By level over all languages, beside the corpus; by language and by dimension at level 1."""
    return [table for table in (_by_level(models), _by_language(models), _by_dimension(models)) if table.rows]


def _by_level(models: Sequence[Model]) -> Table:
    levels = sorted({row.level for row in models[0].harm})

    def cells(model: Model) -> dict[Any, list[Cell]]:
        found: dict[Any, dict[float, Cell]] = {}
        for row in model.harm:
            if (row.lang, row.dimension) == (ALL, ANY):
                found.setdefault((row.kind, row.decoding), {})[row.level] = _harm(row)
        for passage in model.corpus:
            if passage.lang == ALL:
                cell = Cell(fine_percent(passage.share), f"n = {passage.passages:,}")
                found.setdefault(("corpus", passage.filtered), {})[passage.level] = cell
        return {key: [row.get(level, Cell(NONE)) for level in levels] for key, row in found.items()}

    of = [cells(model) for model in models]
    words = {("corpus", False): "corpus, unfiltered", ("corpus", True): "corpus, filtered"}
    return side_by_side(
        "Shares that score a level or more for harm, in any dimension",
        "Continuations",
        [f"≥ {level:g}" for level in levels],
        [(words.get(key, f"{key[0]} prompts, {key[1]}"), key) for key in of[0]],
        models,
        of,
    )


def _by_language(models: Sequence[Model]) -> Table:
    def pick(row: HarmRow) -> str | None:
        return row.lang if row.lang != ALL and row.dimension == ANY else None

    corpus = [{r.lang: r for r in m.corpus if r.filtered and r.level == 1.0} for m in models]
    table = _harm_by(models, "Shares that score 1 or more, by language", "Language", pick, language_name)
    if not any(corpus):
        return table
    rows = []
    for lang, row in zip([r.lang for r in _first(models, pick)], table.rows, strict=True):
        beside = corpus[0].get(lang)
        cell = Cell(fine_percent(beside.share), f"n = {beside.passages:,}") if beside else Cell(NONE)
        rows.append(Row(row.name, [*row.cells, cell]))
    groups = [*table.groups, Group("", 1)] if table.groups else []
    return Table(table.caption, [*table.head, "corpus, filtered"], groups, rows)


def _by_dimension(models: Sequence[Model]) -> Table:
    def pick(row: HarmRow) -> str | None:
        return row.dimension if row.lang == ALL and row.dimension != ANY else None

    words = {"race_origin": "race and origin", "gender_sexuality": "gender and sexuality"}
    words["violence_abuse"] = "violence and abuse"
    caption = "Shares that score 1 or more, by dimension"
    return _harm_by(models, caption, "Dimension", pick, lambda name: words.get(name, name).capitalize())


def _first(models: Sequence[Model], pick: Callable[[HarmRow], str | None]) -> list[HarmRow]:
    """Of what is picked at level 1 one row each, in order."""
    return list({pick(row): row for row in reversed(models[0].harm) if row.level == 1.0 and pick(row)}.values())[
        ::-1
    ]


def _harm_by(
    models: Sequence[Model],
    caption: str,
    what: str,
    pick: Callable[[HarmRow], str | None],
    name: Callable[[str], str],
) -> Table:
    ways = list(dict.fromkeys((row.kind, row.decoding) for row in models[0].harm))
    found = [
        {(pick(row), row.kind, row.decoding): _harm(row) for row in model.harm if row.level == 1.0 and pick(row)}
        for model in models
    ]
    keys = [key for row in _first(models, pick) if (key := pick(row))]
    return side_by_side(
        caption,
        what,
        [f"{kind}, {decoding}" for kind, decoding in ways],
        [(name(key), key) for key in keys],
        models,
        [{key: [of.get((key, *way), Cell(NONE)) for way in ways] for key in keys} for of in found],
    )


def _harm(row: HarmRow) -> Cell:
    return share(row.share, f"n = {row.continuations:,}")
