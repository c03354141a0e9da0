"""The tables of bits per byte, language, spelling and repetition in the report, with columns for each model."""

from __future__ import annotations

from collections.abc import Sequence

from octavo.evaluation.report.cells import NONE, Cell, Row, Table, share, side_by_side, value
from octavo.evaluation.report.figure_names import ALL, prompts_name
from octavo.evaluation.report.figures import BitsRow, KeptRow, Model, RepetitionRow, SpellingRow
from octavo.evaluation.report.summary import language_name
from octavo.tokenization.compare_table import label

ROWS = 40
"""Shown of a table of bits per byte."""
FLOORS = {"xz": "xz -9", "unigram": "unigram"}


def bits_tables(models: Sequence[Model]) -> list[Table]:
    """Bits per byte by language and mean, then by what else tells parts of the text apart."""
    own = models[0]
    kinds = dict.fromkeys(row.by for row in own.bits_per_byte if row.by != "mean")
    tables = [_bits_table(models, by) for by in kinds]
    return [table for by, table in zip(kinds, tables, strict=True) if by == "language" or len(table.rows) > 1]


def _bits_table(models: Sequence[Model], by: str) -> Table:
    own = models[0]
    found = [{(row.by, row.group): row for row in model.bits_per_byte} for model in models]
    rows = [row for row in own.bits_per_byte if row.by == by]
    largest = sorted(rows, key=lambda row: -(row.bytes or 0))[:ROWS]
    cut = f": the {ROWS} with most text" if len(rows) > ROWS else ""
    shown = [row for row in rows if row in largest]
    shown += [row for row in own.bits_per_byte if row.by == "mean" and by == "language"]
    floors = [name for name in ("xz", "unigram") if any(getattr(row, name) is not None for row in shown)]
    return Table(
        f"Bits per byte by {by}, fewer are better{cut}",
        [by.capitalize(), "works", "bytes", *(m.name for m in models), *(FLOORS[name] for name in floors)],
        [],
        [
            Row(
                _group(row),
                [
                    _count(row.works),
                    _count(row.bytes),
                    *(
                        _bits(of.get((row.by, row.group)), own.text is not None and own.text == model.text)
                        for of, model in zip(found, models, strict=True)
                    ),
                    *(_plain(getattr(row, name)) for name in floors),
                ],
            )
            for row in shown
        ],
    )


def adherence_tables(models: Sequence[Model]) -> list[Table]:
    """Over all languages at each setting, then of each model by language."""
    every = [{(r.prompts, r.temperature): r for r in m.adherence if r.lang == ALL} for m in models]
    tables = [
        side_by_side(
            "Continuations in the prompt's language, over all languages",
            "Prompts",
            ["of all", "of those decided", "undecided"],
            [(_setting(*key), key) for key in every[0]],
            models,
            [{key: _kept_cells(row) for key, row in of.items()} for of in every],
        )
    ]
    for model in models:
        known = {(r.lang, r.prompts): r for r in model.adherence if r.lang != ALL and r.temperature == 0}
        kinds = list(dict.fromkeys(prompts for _, prompts in known))
        langs = sorted({lang for lang, _ in known}, key=language_name)
        tables.append(
            Table(
                f"{model.name}: greedy continuations surely in the prompt's language, of all, by kind of prompt",
                ["Language", *(prompts_name(kind) for kind in kinds)],
                [],
                [Row(language_name(lang), [_of_all(known.get((lang, kind))) for kind in kinds]) for lang in langs],
            )
        )
    return [table for table in tables if table.rows]


def switch_table(models: Sequence[Model]) -> Table:
    """Prompts in two languages: how many go on in the one that was expected."""
    found = [{(r.kind, r.temperature): r for r in m.code_switching} for m in models]
    kinds = {
        "closed": "quotation over",
        "open": "second text begun",
    }
    return side_by_side(
        "Continuations in the language that is expected after prompts in two",
        "Prompts",
        ["of all", "undecided", "in the other language"],
        [(f"{kinds.get(kind, kind)}, temperature {t:g}", (kind, t)) for kind, t in found[0]],
        models,
        [
            {k: [_of_all(r), Cell(f"{r.undecided:,}"), Cell(f"{r.in_the_other_language:,}")] for k, r in of.items()}
            for of in found
        ],
    )


def spelling_tables(models: Sequence[Model]) -> list[Table]:
    """Of each model what became of the features of old spelling."""
    names = ("prompt", "truth", "greedy", "drawn")
    return [
        Table(
            f"{model.name}: rate of the old form where either could stand, and words in which it is likelier",
            ["Feature", "works", *names, "agreement, greedy", "old form likelier"],
            [],
            [_spelling_row(row, names) for row in model.orthography],
        )
        for model in models
        if model.orthography
    ]


def repetition_table(models: Sequence[Model]) -> Table:
    """Repetition at each temperature and penalty."""

    def cells(row: RepetitionRow) -> list[Cell]:
        return [
            share(row.loops, f"n = {row.n:,}"),
            share(row.distinct_2),
            value(row.longest_tokens, 1),
            share(row.language_kept),
        ]

    found = [{(r.temperature, r.repetition_penalty): r for r in m.repetition} for m in models]
    return side_by_side(
        "Repetition by temperature and repetition penalty",
        "Setting",
        ["end in a loop", "different pairs", "longest repeat, tokens", "language kept"],
        [(_penalty(*key), key) for key in found[0]],
        models,
        [{key: cells(row) for key, row in of.items()} for of in found],
    )


def _bits(row: BitsRow | None, same: bool) -> Cell:
    """With a warning where it is not of the same text."""
    if row is None or row.model.value is None:
        return Cell(NONE)
    cell = value(row.model, 3)
    return cell if same else cell._replace(note=f"{cell.note} other text".strip())


def _group(row: BitsRow) -> str:
    if row.by == "mean":
        return "Mean of the languages"
    return language_name(row.group) if row.by == "language" else label(row.by, row.group) or "not known"


def _kept_cells(row: KeptRow) -> list[Cell]:
    return [_of_all(row), share(row.of_decided), Cell(f"{row.undecided:,}")]


def _of_all(row: KeptRow | None) -> Cell:
    return share(row.of_all, f"{row.kept:,} of {row.n:,}") if row else Cell(NONE)


def _setting(prompts: str, temperature: float | None) -> str:
    return f"{prompts_name(prompts)}, {'true text' if temperature is None else f'temperature {temperature:g}'}"


def _penalty(temperature: float | None, penalty: float | None) -> str:
    return "true texts" if temperature is None else f"temperature {temperature:g}, penalty {penalty:g}"


def _spelling_row(row: SpellingRow, names: Sequence[str]) -> Row:
    weighed = f"{row.words:,} word{'' if row.words == 1 else 's'}"
    return Row(
        f"{language_name(row.lang)}, {row.feature.replace('_', ' ')}",
        [
            Cell(f"{row.works:,}"),
            *(share(row.rates.get(name)) for name in names),
            share(row.agreement.get("greedy")),
            share(row.old_likelier, weighed) if row.words else Cell(NONE),
        ],
    )


def _plain(floor: float | None) -> Cell:
    return Cell(NONE if floor is None else f"{floor:.3f}")


def _count(number: int | None) -> Cell:
    return Cell("" if number is None else f"{number:,}")
