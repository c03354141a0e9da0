"""The report of curation that a person reads: one HTML page, whole in itself, the same for the same corpus."""

from __future__ import annotations

import os.path
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from octavo.corpus.parts import scan
from octavo.corpus.schema import FATES
from octavo.curation.evidence import rule_in_words
from octavo.curation.examples import Example, Examples, examples, visible
from octavo.curation.toxicity.page import section
from octavo.lineage import write_atomically
from octavo.page import number, template
from octavo.recipe.schema import LANGUAGE_NAMES

EXAMPLES = 20
"""Shown of each rule."""

ROWS = 40
"""Shown of each table; what is smaller is summed up in one row."""

DIMENSIONS = (
    ("lang", "Language", "The main language found in the text."),
    ("century", "Century", "The century of the date that the source states."),
    ("spdx", "Licence", "The licence as it was understood."),
    ("source", "Source file", "The file that the documents were read from."),
    ("genre", "Genre", "Told from the layout of the text."),
)


class Row(NamedTuple):
    """What came in and what became of it, of one language, century, licence, file or genre."""

    label: str
    documents: dict[str, int]
    """By fate."""
    bytes_in: dict[str, int]
    """By fate."""
    bytes_out: int

    @property
    def came_in(self) -> int:
        """Bytes that came in, whatever became of them."""
        return sum(self.bytes_in.values())


class RuleShown(NamedTuple):
    """A rule that removed or changed documents, with examples."""

    anchor: str
    name: str
    sentence: str
    documents: int
    bytes: int
    examples: list[Example]


def write_page(home: Path, report: dict[str, Any]) -> None:
    """Write `home`/report.html from the report and the ledger, kept, originals and removed files in `home`."""
    counts = {column: _by_fate(home, column) for column, _, _ in DIMENSIONS}
    total = _sum("", counts["genre"].values())
    shorter = _without_folder([visible(str(name)) for name in counts["source"] if name])
    found = _shorter(examples(home, EXAMPLES), shorter)
    page = template("octavo.curation", "report.html").render(
        report=report,
        total=total,
        fates=[fate for fate in FATES if fate in total.documents],
        bar=stacked_bar,
        dimensions=[
            (column, title, note, _rows(column, counts[column], shorter)) for column, title, note in DIMENSIONS
        ],
        removals=_rules("removed", report["rules"], found),
        changes=_rules("changed", report["changes"], found),
        mixed=[(_label("lang", name, shorter), count) for name, count in report["mixed"].items()],
        mixture=_mixture(report.get("mixture", {})),
        opt_outs=_opt_outs(report.get("opt_outs", {"fields": {}, "unmatched": []})),
        toxicity=section(home, report, lambda column, name: _label(column, name, shorter)),
    )
    write_atomically(home / "report.html", page.encode())


def stacked_bar(parts: dict[str, int], whole: int, label: str) -> Markup:
    """One horizontal bar as SVG: amounts by fate, side by side, on a scale that ends at `whole`."""
    drawn, x = [], 0.0
    for fate in FATES:
        width = 1000 * parts.get(fate, 0) / max(whole, 1)
        if width > 0:
            drawn.append(f'<rect class="{fate}" x="{x:.2f}" y="0" width="{width:.2f}" height="10"/>')
        x += width
    told = ", ".join(f"{fate} {number(parts[fate])} bytes" for fate in FATES if parts.get(fate))
    title = escape(f"{label}: {told or 'nothing'}")
    return Markup(
        '<svg class="bar" role="img" viewBox="0 0 1000 10" preserveAspectRatio="none" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{title}</title>{"".join(drawn)}</svg>'
    )


def _by_fate(home: Path, column: str) -> dict[Any, Row]:
    from daft import col

    groups = (
        scan([home / "ledger.parquet"])
        .groupby(column, "fate")
        .agg(
            col("bytes_in").count().alias("documents"),
            col("bytes_in").sum().alias("bytes_in"),
            col("bytes_out").sum().alias("bytes_out"),
        )
    )
    found: dict[Any, list[Row]] = defaultdict(list)
    for group in groups.to_pylist():
        fate, documents, size = group["fate"], group["documents"], group["bytes_in"]
        found[group[column]].append(Row("", {fate: documents}, {fate: size}, group["bytes_out"]))
    return {name: _sum("", rows) for name, rows in found.items()}


def _sum(label: str, rows: Iterable[Row]) -> Row:
    documents: dict[str, int] = defaultdict(int)
    bytes_in: dict[str, int] = defaultdict(int)
    bytes_out = 0
    for row in rows:
        for fate in row.documents:
            documents[fate] += row.documents[fate]
            bytes_in[fate] += row.bytes_in[fate]
        bytes_out += row.bytes_out
    return Row(label, dict(documents), dict(bytes_in), bytes_out)


def _rows(column: str, counts: dict[Any, Row], shorter: Callable[[str], str]) -> list[Row]:
    """The rows of a table: the greatest first, centuries in order, and what is left over in one row."""

    def size(item: tuple[Any, Row]) -> tuple[int, str]:
        return -item[1].came_in, str(item[0])

    ordered = sorted(counts.items(), key=size)
    shown, others = ordered[:ROWS], ordered[ROWS:]
    if column == "century":
        shown.sort(key=lambda item: (item[0] is None, item[0]))
    rows = [row._replace(label=_label(column, name, shorter)) for name, row in shown]
    return rows + ([_sum(f"{len(others):,} others", (row for _, row in others))] if others else [])


def _label(column: str, name: Any, shorter: Callable[[str], str]) -> str:
    if name is None:
        missing = {"century": "No date", "spdx": "None understood", "genre": "Not judged"}
        return missing.get(column, "Not known")
    if column == "lang":
        return f"{LANGUAGE_NAMES[name]} ({name})" if name in LANGUAGE_NAMES else str(name)
    return f"{_ordinal(name)} century" if column == "century" else shorter(visible(str(name)))


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _rules(what: str, counts: dict[str, dict[str, int]], found: Examples) -> list[RuleShown]:
    return [
        RuleShown(
            f"{what}-{rule}",
            rule,
            rule_in_words(rule),
            count["documents"],
            count["bytes"],
            found.get((what, rule), []),
        )
        for rule, count in counts.items()
    ]


def _opt_outs(found: dict[str, Any]) -> dict[str, Any]:
    """The counts by field, the first entries that matched nothing, and how many more there are."""
    missed = sum(field["entries"] - field["matched"] for field in found["fields"].values())
    named = [(one["field"], visible(one["entry"])) for one in found["unmatched"][:EXAMPLES]]
    return {"fields": found["fields"], "unmatched": named, "more": missed - len(named)}


def _mixture(mixture: dict[str, Any]) -> list[tuple[str, str, float, float]]:
    names = {"lang": "Language", "collection": "Collection", "century": "Century"}
    return [
        (names.get(column, column), name, share["asked"], share["got"])
        for column, shares in mixture.items()
        for name, share in shares.items()
    ]


def _without_folder(sources: list[str]) -> Callable[[str], str]:
    """What takes the folder of all sources off a name: the page is the same wherever the corpus lies."""
    folders = [os.path.dirname(name) for name in sources if name.startswith("/")]
    folder = os.path.commonpath(folders).rstrip("/") + "/" if folders else "/"
    return (lambda text: text.replace(folder, "")) if folder != "/" else (lambda text: text)


def _shorter(found: Examples, shorter: Callable[[str], str]) -> Examples:
    return {
        rule: [e._replace(identifier=shorter(e.identifier), evidence=shorter(e.evidence)) for e in shown]
        for rule, shown in found.items()
    }
