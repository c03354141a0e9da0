"""Models side by side on the terminal: bits per byte, by language."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.table import Table


def side_by_side_table(answer: dict[str, Any]) -> Table:
    """Languages by models, each figure with its interval; from the second model on, how much more it needs."""
    text = answer["text"]
    models = {name: model["bits_per_byte"] for name, model in answer["models"].items()}
    title = f"Bits per byte on {text['held_out']}: {text['documents']:,} texts, {text['bytes']:,} bytes"
    table = Table(box=box.SIMPLE, title=title, title_justify="left")
    table.add_column("language")
    for column in ("works", "bytes", "xz -9", *models):
        table.add_column(column, justify="right")
    first = next(iter(models.values()))
    for lang, row in first["languages"].items():
        cells = [f"{row['works']:,}", f"{row['bytes']:,}", f"{row['bits_per_byte']['xz']:.3f}"]
        rows = [model["languages"][lang] for model in models.values()]
        table.add_row(lang, *cells, *(_with_bounds(r["bits_per_byte"]["model"], r["interval"]) for r in rows))
    means = [_with_bounds(model["mean"]["model"], model["mean_interval"]) for model in models.values()]
    table.add_section()
    table.add_row("mean", "", "", f"{first['mean']['xz']:.3f}", *means)
    if answer["differences"]:
        more = [_signed(found["mean"]) for found in answer["differences"].values()]
        table.add_row(f"more than {next(iter(models))}", "", "", "", "", *more)
    return table


def _with_bounds(value: float, interval: dict[str, float | None]) -> str:
    if interval["low"] is None:
        return f"{value:.3f}"
    return f"{value:.3f} ({interval['low']:.3f}-{interval['high']:.3f})"


def _signed(found: dict[str, Any]) -> str:
    if found["low"] is None:
        return f"{found['value']:+.3f}"
    return f"{found['value']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"
