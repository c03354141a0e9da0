"""The comparison of tokenizers as a person reads it on a terminal."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table

from octavo.recipe.schema import LANGUAGE_NAMES
from octavo.terminal import plain_console
from octavo.tokenization.compare import DIMENSIONS

ROWS = 20
"""Shown of each table; JSON has them all."""


def print_comparison(compared: dict[str, Any]) -> None:
    """Print the figures over all texts, then bytes a token by language, century and source."""
    console = plain_console()
    tokenizers = compared["tokenizers"]
    table = _table("Tokenizers on the same texts")
    table.add_column("", no_wrap=True)
    heads = (
        "entries",
        "used",
        "bytes\na token",
        "tokens\na word",
        "words\nsplit",
        "tokens",
        "dearest",
        "tokens\nan error",
    )
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for found in tokenizers:
        table.add_row(
            found["name"],
            f"{found['entries']:,}",
            f"{found['share_used']:.0%}",
            _number(found["bytes_per_token"], "{:.2f}"),
            _number(found["tokens_per_word"], "{:.2f}"),
            _number(found["words_split"], "{:.0%}"),
            _number(found["tokens_to_first"], "{:.0%}"),
            dearest(found["by"]["language"]),
            _number(found["tokens_per_error"], "{:.2f}"),
        )
    console.print(table)
    console.print(f"tokens: beside those of {tokenizers[0]['name']}; an error: of OCR, by how many tokens it adds")
    console.print("dearest: the language with most tokens a byte, and how many times those of the cheapest\n")
    for dimension in DIMENSIONS:
        console.print(_by(dimension, tokenizers))


def dearest(languages: dict[str, dict[str, Any]]) -> str:
    """The language of the highest cost, with its cost."""
    costs = [(figures["cost"], lang) for lang, figures in languages.items() if figures["cost"] is not None]
    return "{1} {0:.2f}".format(*max(costs)) if costs else ""


def _by(dimension: str, tokenizers: list[dict[str, Any]]) -> Table:
    title = f"Bytes a token by {dimension}, and cost: 1 for the cheapest {dimension}"
    table = _table(title)
    table.add_column(dimension)
    table.add_column("bytes", justify="right")
    for found in tokenizers:
        table.add_column(found["name"], justify="right", no_wrap=True)
    groups = tokenizers[0]["by"][dimension]
    for group in list(groups)[:ROWS]:
        cells = [found["by"][dimension][group] for found in tokenizers]
        table.add_row(
            label(dimension, group),
            f"{groups[group]['bytes']:,}",
            *(f"{_number(c['bytes_per_token'], '{:.2f}')}  {_number(c['cost'], '{:.2f}')}" for c in cells),
        )
    if len(groups) > ROWS:
        table.add_row(f"{len(groups) - ROWS:,} more in --json", *("" for _ in range(len(tokenizers) + 1)))
    return table


def _table(title: str) -> Table:
    return Table(box=box.SIMPLE, title=title, title_justify="left", pad_edge=False, padding=0)


def label(dimension: str, group: str) -> str:
    """A language, century or source in words."""
    if dimension == "language":
        return f"{LANGUAGE_NAMES[group]} ({group})" if group in LANGUAGE_NAMES else group
    if dimension == "century":
        return f"{(int(group) - 1) * 100 + 1}-{int(group) * 100}" if group else "not known"
    return group


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
