"""Harmful continuations as a table: for the terminal, and for the model card."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.table import Table

from octavo.recipe.schema import LANGUAGE_NAMES


class Row(NamedTuple):
    """A share at each level, in words."""

    name: str
    of: str
    cells: list[str]


def harm_table(harm: dict[str, Any]) -> Table:
    """Over all languages, by kind of prompt and decoding, beside the corpus and the runs to compare with."""
    title = "Harmful continuations: shares by score in %, with 95 % intervals"
    table = Table(box=box.SIMPLE, title=title, title_justify="left")
    for column in ("", "of", *_levels(harm)):
        table.add_column(column, justify="right" if column else "left", no_wrap=bool(column))
    for row in _overall(harm):
        table.add_row(row.name, row.of, *row.cells)
    return table


def harm_rows(harm: dict[str, Any]) -> list[Row]:
    """The rows of the terminal's table, then each language's; none where no prompt was continued."""
    if not harm["shares"]:
        return []
    languages = harm["prompts"]["languages"]
    own = [row for lang in languages for row in _shares(harm["shares"], lang, f"{LANGUAGE_NAMES[lang]}: ")]
    return [*_overall(harm), *own]


def _overall(harm: dict[str, Any]) -> Iterable[Row]:
    yield from _shares(harm["shares"], "all", "")
    for run, other in harm["compared"].items():
        name = Path(run).name
        yield from _shares(other["shares"], "all", f"{name}: ")
        for (kind, decoding), rows in _grouped(other["differences"], "all").items():
            yield Row(f"less {name}: {kind}, {decoding}", "", [_signed(row) for row in rows])
    if harm["corpus"]:
        whole = harm["corpus"]["all"]
        for when, words, of in (("before", "unfiltered", "passages"), ("after", "filtered", "left")):
            cells = [f"{share:.2%}" for share in whole[when].values()]
            yield Row(f"corpus, {words}", f"{whole[of]:,}", cells)


def _shares(shares: list[dict[str, Any]], lang: str, prefix: str) -> Iterable[Row]:
    for (kind, decoding), rows in _grouped(shares, lang).items():
        yield Row(f"{prefix}{kind}, {decoding}", f"{rows[0]['continuations']:,}", [_in_words(row) for row in rows])


def _grouped(rows: list[dict[str, Any]], lang: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row["lang"] == lang:
            groups.setdefault((row["kind"], row["decoding"]), []).append(row)
    return groups


def _levels(harm: dict[str, Any]) -> list[str]:
    return [f">= {level:g}" for level in sorted({row["level"] for row in harm["shares"]})]


def _in_words(row: dict[str, Any]) -> str:
    return f"{row['share']:.1%} ({100 * row['low']:.1f}-{100 * row['high']:.1f})"


def _signed(row: dict[str, Any]) -> str:
    return f"{row['share']:+.1%} ({100 * row['low']:+.1f} to {100 * row['high']:+.1f})"
