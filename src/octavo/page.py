"""What the HTML pages of a run share: templates that escape what they are given, style, and numbers in words."""

from __future__ import annotations

import functools

import jinja2

_GAP = "\N{NARROW NO-BREAK SPACE}"


@functools.cache
def template(package: str, name: str) -> jinja2.Template:
    """A template of a package, that may include what all pages share (`page.css`)."""
    found = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader("octavo")]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    found.filters["number"] = number
    found.filters["percent"] = percent
    found.filters["fine_percent"] = fine_percent
    return found.get_template(name)


def number(value: int) -> str:
    """A whole number, with its thousands apart."""
    return f"{value:,}"


def percent(part: float, whole: float = 1.0) -> str:
    """A part of a whole, to a tenth of a percent."""
    return f"{_share(part, whole):.1f}{_GAP}%"


def fine_percent(part: float, whole: float = 1.0) -> str:
    """A small part of a whole, to a thousandth of a percent."""
    return f"{_share(part, whole):.3f}{_GAP}%"


def _share(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0
