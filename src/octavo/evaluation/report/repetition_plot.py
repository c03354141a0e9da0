"""Repetition by temperature and repetition penalty as one SVG image, for light and dark pages."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from octavo.plot import image, mark, round_step, text

WIDTH, HEIGHT, GAP, LEFT, TOP = 420, 250, 30, 52, 40
RECOMMENDED: Final = (1.1, 1.2)
"""Repetition penalties that are recommended for small base models."""


class Panel(NamedTuple):
    """A plot of one figure by repetition penalty."""

    title: str
    figure: str
    value: str


PANELS: Final = (
    Panel("Different pairs of tokens, of all", "distinct_2", "value"),
    Panel("Share that ends in a loop", "loops", "share"),
    Panel("Longest span that comes twice, in tokens", "longest_tokens", "value"),
    Panel("Share that is surely in the prompt's language", "language_kept", "share"),
)


def repetition_plot(rows: list[dict[str, Any]]) -> str:
    """Four panels: a line for each temperature with 95 % intervals, the true continuations dashed."""
    width, height = 2 * WIDTH + GAP, 2 * (HEIGHT + TOP + GAP) + 40
    temperatures = sorted({row["temperature"] for row in rows if row["temperature"] is not None})
    drawn: list[str] = []
    x = float(LEFT)
    for n, temperature in enumerate(temperatures):
        drawn += [
            mark(n, x, 20, f"temperature {temperature:g}", 5),
            text(x + 12, 24, f"temperature {temperature:g}"),
        ]
        x += 140
    drawn.append(f'<line class="truth" x1="{x:.0f}" x2="{x + 26:.0f}" y1="20" y2="20"/>')
    drawn.append(text(x + 34, 24, "the true texts"))
    drawn.append(f'<rect class="band" x="{x + 150:.0f}" y="12" width="26" height="16"/>')
    drawn.append(text(x + 184, 24, "recommended penalties"))
    for place, panel in enumerate(PANELS):
        left = (WIDTH + GAP) * (place % 2)
        top = 40 + (HEIGHT + TOP + GAP) * (place // 2)
        drawn += _panel(panel, rows, temperatures, left, top)
    return image(width, height, "Repetition by temperature and repetition penalty", drawn)


def _panel(panel: Panel, rows: list[dict[str, Any]], temperatures: list[float], left: int, top: int) -> list[str]:
    drawn = [text(left + 12, top + 24, panel.title, "title")]
    penalties = sorted({row["repetition_penalty"] for row in rows if row["repetition_penalty"] is not None})
    first, last = left + LEFT, left + WIDTH - 16
    upper, lower = top + TOP, top + HEIGHT + 8
    bounds = [
        row[panel.figure][b] for row in rows for b in (panel.value, "high") if row[panel.figure][b] is not None
    ]
    step = round_step(max([*bounds, 1e-9]), 5)
    high = step * -int(-max([*bounds, 1e-9]) // step)

    def across(penalty: float) -> float:
        span: float = (penalties[-1] - penalties[0]) or 1.0
        return first + 14 + (last - first - 28) * float(penalty - penalties[0]) / span

    def up(value: float) -> float:
        return lower - (lower - upper) * value / high

    begin, end = (across(p) for p in RECOMMENDED)
    drawn.append(
        f'<rect class="band" x="{begin:.1f}" y="{upper}" width="{end - begin:.1f}" height="{lower - upper}"/>'
    )
    for tick in range(round(high / step) + 1):
        y = up(tick * step)
        drawn.append(f'<line x1="{first}" x2="{last}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(text(first - 8, y + 4, f"{tick * step:g}", "soft end"))
    drawn += [text(across(p), lower + 18, f"{p:g}", "soft middle") for p in penalties]
    drawn.append(text((first + last) / 2, lower + 36, "repetition penalty", "soft middle"))
    for row in rows:
        if row["temperature"] is None:
            y = up(row[panel.figure][panel.value])
            drawn.append(f'<line class="truth" x1="{first}" x2="{last}" y1="{y:.1f}" y2="{y:.1f}"/>')
    for n, temperature in enumerate(temperatures):
        of = sorted(
            (r for r in rows if r["temperature"] == temperature), key=lambda r: float(r["repetition_penalty"])
        )
        shift = 5 * (n - (len(temperatures) - 1) / 2)  # so that intervals do not lie on each other
        points = [(across(r["repetition_penalty"]) + shift, r[panel.figure]) for r in of]
        line = " ".join(f"{x:.1f},{up(found[panel.value]):.1f}" for x, found in points)
        drawn.append(f'<polyline class="s{n}" points="{line}"/>')
        for row, (x, found) in zip(of, points, strict=True):
            value, low, up_to = found[panel.value], found["low"], found["high"]
            told = f"temperature {temperature:g}, penalty {row['repetition_penalty']:g}: {value:g}"
            if low is not None:
                told += f" ({low:g} to {up_to:g})"
                drawn.append(
                    f'<line class="s{n}" x1="{x:.1f}" x2="{x:.1f}" y1="{up(low):.1f}" y2="{up(up_to):.1f}"/>'
                )
            drawn.append(mark(n, x, up(value), told, 5))
    return drawn
