"""The plot of an ablation: of each figure the differences of all variants, with their intervals, around 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from xml.sax.saxutils import escape

from markupsafe import Markup

from octavo.ablation.comparing import Verdict
from octavo.ablation.report_figures import FIGURES, MEAN, FigureName, Report, Row
from octavo.ablation.tables import amount
from octavo.plot import COLOURS, mark, round_step, text

WIDTH: Final = 460
LEFT: Final = 128
RIGHT: Final = 20
TOP: Final = 44
ROW: Final = 26
BOTTOM: Final = 48

MARKS: Final[dict[Verdict, int]] = {"helps": 0, "harms": 3, "no difference shown": 5, "cannot be told": 2}
"""The kind of mark of each verdict."""


def difference_plots(report: Report) -> list[Markup]:
    """A plot for each figure: a row for each variant, what lies right of 0 being larger without it."""
    plots = []
    for figure in FIGURES:
        rows = [
            (variant.name, row)
            for variant in report.variants
            for row in variant.figures
            if (row.figure, row.by) == (figure, MEAN) and row.difference is not None
        ]
        if rows:
            plots.append(_plot(figure, rows))
    return plots


def _plot(figure: FigureName, rows: list[tuple[str, Row]]) -> Markup:
    meaning = FIGURES[figure]
    scale = 100 if meaning.is_share else 1
    ends = [
        abs(end) * scale
        for _, row in rows
        if row.difference
        for end in (row.difference.value, row.difference.low, row.difference.high)
        if end is not None
    ]
    step = round_step(max(*ends, 1e-6) * 2, 5)
    ticks = -int(-max(ends) // step)
    high = step * max(ticks, 1)

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value * scale + high) / (2 * high)

    bottom = TOP + ROW * len(rows)
    unit = ", points" if meaning.is_share else ""
    drawn = [text(8, 20, f"{meaning.name[0].upper()}{meaning.name[1:]}: how much more without it{unit}", "title")]
    for tick in range(-max(ticks, 1), max(ticks, 1) + 1):
        x = across(tick * step / scale)
        kind = "zero" if tick == 0 else "grid"
        drawn.append(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        drawn.append(text(x, bottom + 18, f"{tick * step:+g}" if tick else "0", "soft middle"))
    left, right = ("better", "worse") if meaning.lower_is_better else ("worse", "better")
    drawn.append(text(LEFT, bottom + 38, f"← {left} without it", "soft"))
    drawn.append(text(WIDTH - RIGHT, bottom + 38, f"{right} without it →", "soft end"))
    for place, (name, row) in enumerate(rows):
        y = TOP + ROW * (place + 0.5)
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(text(LEFT - 10, y + 4, name, "end"))
        drawn += _mark(figure, name, row, y, across)
    body = "\n".join(drawn)
    told = f"{meaning.name}: what leaving each out changes"
    return Markup(
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + BOTTOM}" role="img">'
        f"<title>{escape(told)}</title>\n{body}\n</svg>"
    )


def _mark(figure: FigureName, name: str, row: Row, y: float, across: Callable[[float], float]) -> Iterator[str]:
    found, verdict = row.difference, row.verdict
    if found is None or found.value is None or verdict is None:
        return
    kind = MARKS[verdict]
    told = f"{name}: {amount(figure, found.value)}"
    if found.low is not None and found.high is not None:
        told += f" ({amount(figure, found.low)} to {amount(figure, found.high)})"
        ends = f'x1="{across(found.low):.1f}" x2="{across(found.high):.1f}"'
        yield f'<line class="s{kind % COLOURS}" {ends} y1="{y:.1f}" y2="{y:.1f}"/>'
    yield mark(kind, across(found.value), y, f"{told}, {verdict}", 5.5)
