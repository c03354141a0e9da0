"""The tables of the report: a row for each part that was measured, columns for each model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from octavo.energy import in_watt_hours
from octavo.evaluation.report_cells import NONE, Cell, Group, Row, Table, share, side_by_side, value
from octavo.evaluation.report_figures import (
    BitsRow,
    HarmRow,
    KeptRow,
    Model,
    RepetitionRow,
    SpellingRow,
)
from octavo.evaluation.report_summary import ALL, ANY, language_name
from octavo.page import fine_percent, percent
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
                ["Language", *(_prompts(kind) for kind in kinds)],
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


def training_table(models: Sequence[Model]) -> Table:
    """What was trained, and how fast."""
    rows: dict[str, Callable[[Any], str]] = {
        "Parameters": lambda t: f"{t.parameters:,}",
        "Tokens": lambda t: f"{t.tokens:,}",
        "Passes over the data": lambda t: NONE if t.epochs is None else f"{t.epochs:.2f}",
        "Steps": lambda t: f"{t.steps:,}",
        "Compute": lambda t: NONE if t.flops is None else f"{t.flops:.3g} FLOPs",
        "Last training loss": lambda t: NONE if t.loss is None else f"{t.loss:.3f} nats a token",
        "Tokens a second, median": lambda t: NONE if t.tokens_per_second is None else f"{t.tokens_per_second:,.0f}",
        "MFU, median": lambda t: NONE if t.mfu is None else percent(t.mfu),
        "Device": lambda t: t.device,
        "Processes": lambda t: f"{t.processes:,}",
    }
    return Table(
        "The training",
        ["", *(model.name for model in models)],
        [],
        [Row(n, [Cell(say(m.training) if m.training else NONE) for m in models]) for n, say in rows.items()],
    )


def cost_table(models: Sequence[Model]) -> Table:
    """Time and energy of each stage up to the training."""
    found = [{cost.stage: cost for cost in model.costs} for model in models]
    return side_by_side(
        "Time and energy of the stages, each with all that ran on its machines",
        "Stage",
        ["time", "energy", "how it is known"],
        [(stage, stage) for stage in dict.fromkeys(cost.stage for of in models for cost in of.costs)],
        models,
        [
            {
                stage: [
                    Cell(_seconds(cost.wall_seconds)),
                    Cell(NONE if cost.joules is None else in_watt_hours(cost.joules)),
                    Cell(cost.method),
                ]
                for stage, cost in of.items()
            }
            for of in found
        ],
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
    return f"{_prompts(prompts)}, {'true text' if temperature is None else f'temperature {temperature:g}'}"


def _prompts(kind: str) -> str:
    return {"sentence": "opening sentence", "own": "our own"}.get(kind, f"first {kind}")


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


def _harm(row: HarmRow) -> Cell:
    return share(row.share, f"n = {row.continuations:,}")


def _plain(floor: float | None) -> Cell:
    return Cell(NONE if floor is None else f"{floor:.3f}")


def _count(number: int | None) -> Cell:
    return Cell("" if number is None else f"{number:,}")


def _seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
