"""The comparison of tokenizers as one SVG image, for light and dark pages, the same for the same figures."""

from __future__ import annotations

from typing import Any, NamedTuple

from octavo.plot import image, mark, round_step, text
from octavo.tokenization.compare_table import label

WIDTH, LEFT, RIGHT, ROW, HEAD = 880, 190, 30, 26, 70
PANEL_ROWS = 12
"""Shown of each panel: the largest."""


class Panel(NamedTuple):
    """A plot of one figure by the values of one dimension."""

    title: str
    dimension: str
    figure: str


PANELS = (
    Panel("Bytes a token by language: more is better", "language", "bytes_per_token"),
    Panel("Bytes a token by century: more is better", "century", "bytes_per_token"),
    Panel("Tokens that an OCR error adds, by language: fewer is better", "language", "tokens_per_error"),
)


def comparison_plot(compared: dict[str, Any]) -> str:
    """Dots on one scale a panel: a row for each language or century, a colour and shape for each tokenizer."""
    tokenizers = compared["tokenizers"]
    drawn: list[str] = []
    y = 24.0
    x = float(LEFT)
    for n, found in enumerate(tokenizers):
        wide = 34 + 7.2 * len(found["name"])
        if x + wide > WIDTH - RIGHT and x > LEFT:
            x, y = float(LEFT), y + 22
        drawn += [mark(n, x, y - 4, found["name"]), text(x + 12, y, found["name"])]
        x += wide
    y += 16
    for panel in PANELS:
        rows = _rows(panel, tokenizers)
        if rows:
            drawn += _panel(panel, rows, tokenizers, y)
            y += HEAD + ROW * len(rows) + 30
    return image(WIDTH, y, "Tokenizers on the same texts", drawn)


def _rows(panel: Panel, tokenizers: list[dict[str, Any]]) -> list[str]:
    groups = tokenizers[0]["by"][panel.dimension]
    known = [
        g for g in groups if g and any(t["by"][panel.dimension][g][panel.figure] is not None for t in tokenizers)
    ]
    largest = set(sorted(known, key=lambda g: -groups[g]["bytes"])[:PANEL_ROWS])
    return [group for group in known if group in largest]


def _panel(panel: Panel, rows: list[str], tokenizers: list[dict[str, Any]], top: float) -> list[str]:
    values = {
        (n, group): value
        for n, found in enumerate(tokenizers)
        for group in rows
        if (value := found["by"][panel.dimension][group][panel.figure]) is not None
    }
    step = round_step(max(values.values()) - min(0.0, *values.values()), 8)
    low = step * int(min(values.values()) // step)
    high = step * -int(-max(values.values()) // step)
    high = high if high > low else low + step
    first = top + HEAD - 14

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)

    drawn = [text(16, top + 24, panel.title, "title")]
    bottom = first + ROW * len(rows)
    for tick in range(round((high - low) / step) + 1):
        value = low + tick * step
        x = across(value)
        drawn.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{first:.1f}" y2="{bottom:.1f}"/>')
        drawn.append(text(x, bottom + 18, f"{value:g}", "soft middle"))
    for row, group in enumerate(rows):
        y = first + ROW * (row + 0.5)
        name = label(panel.dimension, group)
        drawn.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(text(LEFT - 12, y + 4, name, "end"))
        for n in reversed(range(len(tokenizers))):  # the first on top
            if (n, group) in values:
                told = f"{tokenizers[n]['name']}, {name}: {values[n, group]:.3f}"
                drawn.append(mark(n, across(values[n, group]), y, told))
    return drawn
