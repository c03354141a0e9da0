"""A paper in Markdown. Texts of documents and of people are written so that they mean nothing but themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octavo.release.papers.content import Field, Mark, Paper, Table

_ADDRESS = re.compile(r"https?://\w[^\s<>|\\`\"]*")
_AFTER_ADDRESS = ".,;:!?)]}'"
"""Signs that end a sentence rather than an address."""
_SPECIAL = re.compile(r"[\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|^[#>=+-]|!(?=\[)")
"""What Markdown would read as more than a sign: everywhere, or where a line begins."""
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def markdown(paper: Paper) -> str:
    """The whole paper: headings, paragraphs, lists and tables of CommonMark with GitHub's tables."""
    return "\n\n".join(_blocks(paper)) + "\n"


def escaped(text: str) -> str:
    """One line of text, as Markdown that shows it as it is; addresses of the web become links."""
    parts, place = [], 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(_AFTER_ADDRESS)
        parts += [_plain(text[place : found.start()], place == 0), f"<{address}>"]
        place = found.start() + len(address)
    return "".join([*parts, _plain(text[place:], place == 0)])


def _plain(text: str, begins: bool) -> str:
    if not begins and text[:1] in "#>=+-":  # inside a line these mean nothing
        return text[:1] + _SPECIAL.sub(_with_backslash, text[1:])
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(_with_backslash, text))


def _with_backslash(found: re.Match[str]) -> str:
    return "\\" + found[0]


def _blocks(paper: Paper) -> Iterator[str]:
    yield f"# {escaped(paper.title)}"
    for text in paper.about:
        yield escaped(text)
    for section in paper.sections:
        yield f"{'#' * (section.level + 1)} {escaped(f'{section.number} {section.title}'.strip())}"
        for field in section.fields:
            yield from _field(field, section.level)


def _field(field: Field, level: int) -> Iterator[str]:
    yield f"{'#' * (level + 2)} {escaped(field.label)}"
    for text in field.text:
        yield _line(text, field)
    if field.items:
        yield "\n".join(f"- {_line(text, field)}" for text in field.items)
    if field.table:
        yield "\n".join(_table(field.table, field))


def _table(table: Table, field: Field) -> Iterator[str]:
    yield _row([_line(name, field) for name in table.columns])
    yield _row(["---:" if number in table.numbers else "---" for number in range(len(table.columns))])
    for row in table.rows:
        yield _row([_line(cell, field) for cell in row])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _line(text: str, field: Field) -> str:
    """A text, or the mark that a person is to complete it."""
    name = next((name for name in field.to_complete if text == Mark(name)), None)
    return f"**to be completed** (`{name}`)" if name else escaped(text)
