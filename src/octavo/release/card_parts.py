"""What model cards share: the templates' environment, and the table of energy."""

from __future__ import annotations

import functools
from typing import Any

import jinja2

from octavo.energy import add_up, co2eq_grams, in_watt_hours
from octavo.evaluation.report.figure_names import group_name
from octavo.recipe.schema import LANGUAGE_NAMES
from octavo.release.papers.markdown import escaped


@functools.cache
def card_template(name: str) -> jinja2.Template:
    """A model card in Markdown, to be filled in."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("octavo.release"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # Markdown, not HTML
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = quoted
    environment.filters["as_it_is"] = as_it_is
    environment.filters["lost"] = lambda bits: f"{round(bits, 4) + 0.0:.4f}"  # no minus before 0
    environment.filters["group_name"] = group_name
    environment.filters["language_name"] = lambda lang: LANGUAGE_NAMES.get(lang, lang)
    return environment.get_template(name)


def energy_rows(figures: dict[str, dict[str, Any]], country: str | None) -> list[dict[str, Any]]:
    """The energy of each stage so far and of all, how it is known and, in a country, grams of CO2eq."""
    taken = {stage: found["energy"] for stage, found in figures.items() if found["energy"].get("parts")}
    rows = taken | {"all of them": add_up(taken.values())} if taken else {}
    return [
        {
            "stage": stage,
            "energy": in_watt_hours(energy["joules"]),
            "method": energy["method"],
            "machines": energy["machines"],
            "co2eq_grams": co2eq_grams(energy["joules"], country) if country else None,
        }
        for stage, energy in rows.items()
    ]


def as_it_is(text: str) -> str:
    """A text of several lines as Markdown that shows it as it is."""
    return "\n".join(escaped(line) for line in text.split("\n"))


def quoted(text: str) -> str:
    """A text of several lines as one Markdown quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
