"""What plots share: marks told apart without colour, words, and round steps. Colours are the page's classes."""

from __future__ import annotations

from xml.sax.saxutils import escape

COLOURS = 6


def mark(n: int, x: float, y: float, told: str, size: float = 6) -> str:
    """The n-th series' mark, with words that show on pointing: a dot, a square, a diamond or a triangle."""
    title = f"<title>{escape(told)}</title>"
    colour = f'class="c{n % COLOURS}"'
    match n % 4:
        case 0:
            return f'<circle {colour} cx="{x:.1f}" cy="{y:.1f}" r="{size:g}">{title}</circle>'
        case 1:
            half = size * 5 / 6
            where = f'x="{x - half:.1f}" y="{y - half:.1f}" width="{2 * half:.3g}" height="{2 * half:.3g}"'
            return f"<rect {colour} {where}>{title}</rect>"
        case 2:
            far = size * 7 / 6
            points = f"{x:.1f},{y - far:.1f} {x + far:.1f},{y:.1f} {x:.1f},{y + far:.1f} {x - far:.1f},{y:.1f}"
        case _:
            wide, low = size * 13 / 12, size * 5 / 6
            points = f"{x:.1f},{y - size:.1f} {x + wide:.1f},{y + low:.1f} {x - wide:.1f},{y + low:.1f}"
    return f'<polygon {colour} points="{points}">{title}</polygon>'


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Words in a plot; `kind` are classes such as `soft end`."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def round_step(span: float, parts: int) -> float:
    """A round step that divides a span into about so many parts."""
    rough = max(span, 1e-9) / parts
    power: float = 10.0 ** int(f"{rough:e}".partition("e")[2])
    return power * next(f for f in (1, 2, 5, 10) if f * power >= rough)
