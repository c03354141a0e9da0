"""The tables of memorization in the report: texts that come back, and spans that are in the corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from octavo.evaluation.report.cells import NONE, Cell, Table, share, side_by_side, value
from octavo.evaluation.report.figure_names import DECODINGS, length, licence_name, times_seen
from octavo.evaluation.report.figures import ExtractionRow, Model, SpanRow


def extraction_tables(models: Sequence[Model]) -> list[Table]:
    """Texts that come back whole, and how much comes back on average, by times seen and length of the prompt."""
    tokens = next((model.truth_tokens for model in models if model.extraction), None)
    if tokens is None:
        return []
    return [
        _extraction_table(
            models,
            f"Texts of which all {tokens} tokens come back word for word, by how often training saw them",
            lambda row: share(row.extractable, f"n = {row.n:,}"),
        ),
        _extraction_table(
            models,
            f"Tokens that come back on average before the first other one, of {tokens}",
            lambda row: value(row.verbatim_tokens, 1),
        ),
    ]


def _extraction_table(models: Sequence[Model], caption: str, cell: Callable[[ExtractionRow], Cell]) -> Table:
    rows = [row for model in models for row in model.extraction]
    lengths = sorted({row.prompt_tokens for row in rows})
    seen = list(dict.fromkeys((row.seen_least, row.seen_most) for row in rows))
    of = [{(r.seen_least, r.seen_most, r.prompt_tokens): cell(r) for r in model.extraction} for model in models]
    return side_by_side(
        caption,
        "Texts",
        [f"after {k} tokens" for k in lengths],
        [(times_seen(*key).capitalize(), key) for key in seen],
        models,
        [{key: [found.get((*key, k), Cell(NONE)) for k in lengths] for key in seen} for found in of],
    )


def span_tables(models: Sequence[Model]) -> list[Table]:
    """How long the longest spans are, and the licences of the documents that long ones are from."""
    rows = [row for model in models for row in model.spans]
    lengths = list(dict.fromkeys(reached for row in rows for reached in row.reaching))
    decodings = list(dict.fromkeys(row.decoding for row in rows))
    licences = sorted({licence for row in rows for licence in row.licences})
    found = [{row.decoding: row for row in model.spans} for model in models]

    def cells(row: SpanRow) -> list[Cell]:
        return [
            Cell(f"{row.n:,}"),
            Cell(f"{row.longest:,.0f}", f"median {row.median:g}"),
            value(row.characters, 1),
            *(share(row.reaching.get(reached)) for reached in lengths),
        ]

    def counts(of: dict[str, SpanRow], licence: str) -> list[Cell]:
        return [Cell(f"{of[d].licences.get(licence, 0):,}") if d in of else Cell(NONE) for d in decodings]

    tables = [
        side_by_side(
            "The longest span of each continuation that stands word for word in the training corpus",
            "Continuations",
            ["number", "longest, characters", "mean", *(f"with {length(reached)}" for reached in lengths)],
            [(DECODINGS.get(decoding, decoding).capitalize(), decoding) for decoding in decodings],
            models,
            [{decoding: cells(row) for decoding, row in of.items()} for of in found],
        ),
        side_by_side(
            "Licences of the documents that spans of 50 characters or 20 tokens are from, by continuations",
            "Licence",
            [DECODINGS.get(decoding, decoding) for decoding in decodings],
            [(licence_name(licence), licence) for licence in licences],
            models,
            [{licence: counts(of, licence) for licence in licences} for of in found],
        ),
    ]
    return [table for table in tables if table.rows]
