"""The plots of the report, as SVG in the page, whose style gives them their colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from markupsafe import Markup

from octavo.evaluation.report.figure_names import EVERYWHERE, times_seen
from octavo.evaluation.report.figures import Model, Point
from octavo.evaluation.report.summary import language_name
from octavo.plot import mark, round_step, text

WIDTH: Final = 460
"""As wide as a telephone can show at a size that can be read."""
LEFT, RIGHT, ROW, TOP, HEIGHT = 96, 14, 26, 40, 170


class Series(NamedTuple):
    """A line of a plot, or a row of marks."""

    name: str
    points: list[tuple[float, float]]


class Curve(NamedTuple):
    """A figure over the training's tokens."""

    title: str
    figure: Callable[[Point], float | None]
    from_zero: bool


CURVES: Final = (
    Curve("Training loss, nats a token", lambda p: p.loss, False),
    Curve("Held-out text, bits per byte", lambda p: p.held_out, False),
    Curve("Tokens a second", lambda p: p.tokens_per_second, True),
    Curve("Energy so far, Wh", lambda p: None if p.joules is None else p.joules / 3600, True),
)


def bits_plot(models: Sequence[Model]) -> Markup:
    """Bits per byte by language: a mark for each model, with its interval, and for both floors."""
    rows = [
        row for row in models[0].bits_per_byte if row.by in ("language", "mean") and row.model.value is not None
    ]
    found = [{(row.by, row.group): row for row in model.bits_per_byte} for model in models]
    names = [*(model.name for model in models), "xz -9", "unigram"]
    legend, top = _legend(names, 12.0)
    values = [
        v for row in rows for v in (row.model.value, row.model.high, row.unigram, row.xz) if v is not None
    ] + [r.model.value for of in found for r in of.values() if r.model.value is not None]
    if not rows:
        return Markup("")
    step = round_step(max(values), 6)
    high = step * -int(-max(values) // step)

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / high

    bottom = top + ROW * len(rows)
    drawn = list(legend)
    for tick in range(round(high / step) + 1):
        x = across(tick * step)
        drawn.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>')
        drawn.append(text(x, bottom + 18, f"{tick * step:g}", "soft middle"))
    for place, row in enumerate(rows):
        y = top + ROW * (place + 0.5)
        label = "Mean" if row.by == "mean" else language_name(row.group)
        drawn.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(text(LEFT - 10, y + 4, label, "end"))
        for n, floor in ((len(models) + 1, row.unigram), (len(models), row.xz)):
            if floor is not None:
                drawn.append(mark(n, across(floor), y, f"{names[n]}, {label}: {floor:.3f}", 5))
        for n in reversed(range(len(models))):  # the first on top
            of = found[n].get((row.by, row.group))
            if of and of.model.value is not None:
                told = f"{names[n]}, {label}: {of.model.value:.3f}"
                if of.model.low is not None and of.model.high is not None:
                    told += f" ({of.model.low:.3f} to {of.model.high:.3f})"
                    ends = f'x1="{across(of.model.low):.1f}" x2="{across(of.model.high):.1f}"'
                    drawn.append(f'<line class="s{n % 6}" {ends} y1="{y:.1f}" y2="{y:.1f}"/>')
                drawn.append(mark(n, across(of.model.value), y, told, 5.5))
    return _svg(bottom + 28, "Bits per byte by language; fewer are better", drawn)


def curve_plots(models: Sequence[Model]) -> list[Markup]:
    """The course of the training, a line for each model; a figure that no model has is left out."""
    plots = []
    for curve in CURVES:
        series = [
            Series(
                model.name,
                [
                    (float(point.tokens), value)
                    for point in (model.training.curve if model.training else [])
                    if (value := curve.figure(point)) is not None
                ],
            )
            for model in models
        ]
        if any(one.points for one in series):
            plots.append(_line_plot(curve, series))
    return plots


def memorization_plot(models: Sequence[Model]) -> Markup:
    """Texts that come back whole after the longest prompt that all models had, by how often training saw them."""
    measured = [(n, model) for n, model in enumerate(models) if model.extraction]
    lengths = [{row.prompt_tokens for row in model.extraction} for _, model in measured]
    common = set.intersection(*lengths) if lengths else set()
    if not common:
        return Markup("")
    k = max(common)
    rows = [
        (n, (row.seen_least, row.seen_most), row.extractable)
        for n, model in measured
        for row in model.extraction
        if row.prompt_tokens == k and (row.seen_least, row.seen_most) != EVERYWHERE
    ]
    groups = sorted({seen for _, seen, _ in rows})
    if len(groups) < 2:
        return Markup("")
    left = 62
    most = max(v for _, _, found in rows for v in (found.value, found.high) if v is not None)
    step = round_step(100 * most, 5)
    high = step * -int(-100 * most // step)
    drawn, top = _legend([model.name for _, model in measured], 34.0) if len(models) > 1 else ([], TOP)
    drawn.insert(0, text(8, 20, f"Texts that come back whole after {k} tokens, %", "title"))
    bottom, wide = top + HEIGHT, (WIDTH - left - RIGHT) / len(groups)

    def up(share: float) -> float:
        return bottom - HEIGHT * 100 * share / high

    for tick in range(round(high / step) + 1):
        y = up(tick * step / 100)
        drawn.append(f'<line class="grid" x1="{left}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(text(left - 8, y + 4, f"{tick * step:g}", "soft end"))
    for place, seen in enumerate(groups):
        drawn.append(text(left + wide * (place + 0.5), bottom + 18, _times(*seen), "soft middle"))
    drawn.append(
        text(
            (left + WIDTH - RIGHT) / 2, bottom + 36, "times that training saw the text; 0: held out", "soft middle"
        )
    )
    for n, seen, found in rows:
        if found.value is None:
            continue
        x = left + wide * (groups.index(seen) + 0.5) + min(12.0, wide / len(models)) * (n - (len(models) - 1) / 2)
        told = f"{models[n].name}, {times_seen(*seen)}: {100 * found.value:.1f} %"
        if found.low is not None and found.high is not None:
            told += f" ({100 * found.low:.1f} to {100 * found.high:.1f})"
            ends = f'y1="{up(found.low):.1f}" y2="{up(found.high):.1f}"'
            drawn.append(f'<line class="s{n % 6}" x1="{x:.1f}" x2="{x:.1f}" {ends}/>')
        drawn.append(mark(n, x, up(found.value), told, 5))
    return _svg(bottom + 44, f"Texts that come back whole after {k} tokens, by how often training saw them", drawn)


def _times(least: int, most: int | None) -> str:
    if most is None:
        return f"> {least - 1}"
    return f"{least}" if least == most else f"{least}–{most}"


def _line_plot(curve: Curve, series: Sequence[Series]) -> Markup:
    left = 62
    xs = [x for one in series for x, _ in one.points]
    ys = [y for one in series for _, y in one.points]
    low = 0.0 if curve.from_zero else min(ys)
    step = round_step(max(ys) - low, 5)
    low = step * int(low // step)
    high = max(step * -int(-max(ys) // step), low + step)
    across_step = round_step(max(xs), 5)
    last = max(max(xs), across_step)
    drawn, top = _legend([one.name for one in series], 34.0) if len(series) > 1 else ([], TOP)
    drawn.insert(0, text(8, 20, curve.title, "title"))
    bottom = top + HEIGHT

    def across(x: float) -> float:
        return left + (WIDTH - left - RIGHT) * x / last

    def up(y: float) -> float:
        return bottom - HEIGHT * (y - low) / (high - low)

    for tick in range(round((high - low) / step) + 1):
        value = low + tick * step
        y = up(value)
        drawn.append(f'<line class="grid" x1="{left}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(text(left - 8, y + 4, _short(value), "soft end"))
    for tick in range(int(last / across_step + 1e-9) + 1):
        anchor = "soft start" if tick == 0 else "soft middle"
        drawn.append(text(across(tick * across_step), bottom + 18, _short(tick * across_step), anchor))
    drawn.append(text((left + WIDTH - RIGHT) / 2, bottom + 36, "tokens", "soft middle"))
    for n, one in enumerate(series):
        if one.points:
            line = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in one.points)
            drawn.append(f'<polyline class="s{n % 6}" points="{line}"/>')
            x, y = one.points[-1]
            drawn.append(mark(n, across(x), up(y), f"{one.name}, after {x:,.0f} tokens: {y:,.3f}", 4.5))
    return _svg(bottom + 44, f"{curve.title}, over the tokens trained on", drawn)


def _legend(names: Sequence[str], y: float) -> tuple[list[str], float]:
    """Marks with names, in as many lines as they need, and where the plot may begin below."""
    drawn: list[str] = []
    x = 14.0
    for n, name in enumerate(names):
        shown = name if len(name) <= 40 else name[:39] + "…"
        wide = 30 + 7.4 * len(shown)
        if x + wide > WIDTH and x > 14:
            x, y = 14.0, y + 20
        drawn += [mark(n, x, y, name, 5), text(x + 11, y + 4, shown)]
        x += wide
    return drawn, y + 16


def _short(value: float) -> str:
    """A number of few signs: 1.5 M."""
    for size, sign in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {sign}"
    return f"{value:.3g}"


def _svg(height: float, told: str, drawn: Sequence[str]) -> Markup:
    body = "\n".join(drawn)
    return Markup(
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">'
        f"<title>{escape(told)}</title>\n{body}\n</svg>"
    )
