"""How the papers write amounts, names and figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from octavo.evaluation.report.figure_names import ALL, group_name
from octavo.recipe.schema import LANGUAGE_NAMES
from octavo.release.manifest import BITS_LOST, Count, Metric

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_PUBLIC_DOMAIN = {
    "LicenseRef-Public-Domain": "public domain (LicenseRef-Public-Domain)",
    "LicenseRef-PDM-1.0": "Public Domain Mark (LicenseRef-PDM-1.0)",
}
NOT_STATED = "not stated"
OLD = 1950
"""Year before which a text is of another time."""


def amount(count: Count) -> str:
    """Documents and the size of their text."""
    return f"{documents(count.documents)}, {size(count.bytes)} of text"


def documents(number: int) -> str:
    """A number of documents."""
    return counted(number, "document")


def counted(number: int, noun: str, several: str | None = None) -> str:
    """A number of things; `several` is the plural where it does not just end with an s."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def size(number: int) -> str:
    """Bytes, exactly, and in a unit that can be read at a glance."""
    least, unit = next((found for found in _UNITS if number >= 0.9995 * found[0]), (1, ""))
    return f"{number:,} bytes ({number / least:.3g} {unit})" if unit else f"{number:,} bytes"


def power(number: float) -> str:
    """A number to two significant figures, as a product with a power of ten."""
    figures, exponent = f"{number:.1e}".split("e")
    return f"{figures}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def decimal(number: float) -> str:
    """A number to two significant figures without a power of ten, however small it is."""
    return f"{Decimal(f'{number:.1e}'):,f}"


def language(code: str) -> str:
    """The name of a language."""
    return LANGUAGE_NAMES.get(code, code) or NOT_STATED


def languages(codes: Iterable[str]) -> str:
    """Names of languages in one line."""
    return ", ".join(map(language, codes)) or NOT_STATED


def licence(spdx: str) -> str:
    """A licence by its SPDX id."""
    return _PUBLIC_DOMAIN.get(spdx, spdx) or NOT_STATED


def licences(found: Iterable[str]) -> str:
    """Licences in one line."""
    return ", ".join(map(licence, found)) or NOT_STATED


def years(first: int | None, last: int | None) -> str:
    """The years between which texts are dated."""
    if first is None or last is None:
        return "not dated"
    return str(first) if first == last else f"{first} to {last}"


def century(name: str) -> str:
    """A century of the manifest's, whose 19 is the 1800s."""
    return f"{int(name) - 1}00s" if name.lstrip("-").isdigit() else "not dated"


def named(counts: Mapping[str, Count]) -> str:
    """Names with their documents, in one line."""
    return "; ".join(f"{name or NOT_STATED}: {documents(count.documents)}" for name, count in counts.items())


def group(metric: Metric) -> str:
    """What a figure of the evaluation is of."""
    return "all" if metric.group == ALL else group_name(metric.group)


def figure(metric: Metric) -> str:
    """A figure of the evaluation in its unit."""
    if metric.unit == "share":
        return f"{100 * metric.value:.1f} %"
    if metric.unit == BITS_LOST:
        return f"{metric.value:.4f}"
    return f"{metric.value:.3f}" if metric.unit == "bits per byte" else f"{metric.value:.1f}"


def interval(metric: Metric) -> str:
    """The 95 % interval of a figure; a dash where there is none."""
    if metric.low is None or metric.high is None:
        return "–"
    ends = (figure(metric.model_copy(update={"value": end})) for end in (metric.low, metric.high))
    return " to ".join(ends)


def pair_of_languages(name: str) -> str:
    """A language, or two as FROM-TO."""
    return group_name(name)
