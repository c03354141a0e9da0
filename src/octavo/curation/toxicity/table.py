"""The figures of a classifier of harmful text as a person reads them on a terminal."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table

from octavo.terminal import plain_console


def print_figures(figures: dict[str, Any]) -> None:
    """Print AUROC by language, source and dimension, and what the clean sets score."""
    console = plain_console()
    counts = ", ".join(f"{count:,} {part.replace('_', ' ')}" for part, count in figures["texts"].items())
    console.print(f"Texts: {counts}")
    tables = {
        "Held-out texts: level 0 against the levels above": figures["auroc"],
        "Held-out clean texts: share whose highest score reaches 1, 2, 2.5": figures["clean"],
        "Held-out texts: level 2 or 3 against the clean ones": figures["apart"],
    }
    for title, rows in tables.items():
        if rows:
            console.print(_table(title, rows))


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in rows[0]:
        if name not in ("low", "high"):
            left = name in ("lang", "source", "dimension")
            table.add_column(name.replace("from_", ">= "), justify="left" if left else "right", no_wrap=True)
    if "low" in rows[0]:
        table.add_column("95 %", justify="right", no_wrap=True)
    for row in rows:
        shown = [_shown(value) for name, value in row.items() if name not in ("low", "high")]
        table.add_row(*shown, *([f"{row['low']:.3f}-{row['high']:.3f}"] if "low" in row else []))
    return table


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
