"""What plots share: marks told apart without colour, words, and round steps. Colours are the page's classes."""

from __future__ import annotations

from xml.sax.saxutils import escape

COLOURS = 6

_STYLE = """
:root { color-scheme: light dark; --paper: #fcfbf8; --ink: #22252a; --soft: #5d636c; --line: #dcd9d1;
  --band: #efe9d9; --c0: #24557f; --c1: #c99a2c; --c2: #2f9384; --c3: #a9473c; --c4: #8b6fb0; --c5: #5d636c; }
@media (prefers-color-scheme: dark) { :root { --paper: #17191c; --ink: #e2e0db; --soft: #a0a5ac; --line: #363a40;
  --band: #2a2b26; --c0: #8fbbe0; --c1: #d3a945; --c2: #3fa898; --c3: #e0796d; --c4: #b79fdb; --c5: #a0a5ac; } }
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  fill: var(--ink); }
.title { font-size: 15px; font-weight: 600; } .soft { fill: var(--soft); }
.end { text-anchor: end; } .middle { text-anchor: middle; }
line { stroke: var(--line); } .paper { fill: var(--paper); } .band { fill: var(--band); }
.truth { stroke: var(--ink); stroke-dasharray: 5 4; } polyline { fill: none; stroke-width: 2; }
"""
_STYLE += "".join(f".c{n} {{ fill: var(--c{n}); }} .s{n} {{ stroke: var(--c{n}); }} " for n in range(COLOURS))


def image(width: float, height: float, told: str, drawn: list[str]) -> str:
    """A plot as an SVG file of its own, for light and dark pages; `told` is read out in its place."""
    body = "\n".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'role="img" aria-label="{escape(told)}">\n<style>{escape(_STYLE)}</style>\n'
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>\n{body}\n</svg>\n'
    )


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
