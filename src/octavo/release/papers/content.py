"""What a paper says, before it is written: sections of fields, each with its text, its list or its table, and the
recipe's fields that only a person can fill. Markdown, HTML and JSON are made of it, so that none lacks
what another has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from pydantic import BaseModel, ConfigDict
from pydantic import Field as ModelField

from octavo.curation.examples import visible

_BLANKS = re.compile(r"[ \t\n]+")


class Mark(str):
    """The text that stands in place of what only a person knows; `name` is the recipe's field for it."""

    __slots__ = ("name",)

    name: str

    def __new__(cls, name: str) -> Mark:
        """The mark for a field of the recipe, such as provider.name."""
        mark = super().__new__(cls, f"to be completed ({name})")
        mark.name = name
        return mark


class Part(BaseModel):
    """A part of a paper: no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Table(Part):
    """Rows under a header."""

    columns: list[str]
    rows: list[list[str]]
    numbers: list[int] = ModelField(default=[], exclude=True)
    """Columns of numbers, that are set to the right."""


class Field(Part):
    """A question of a paper and its answer."""

    id: str
    """The same in every paper of this kind, whatever the model."""
    label: str
    text: list[str]
    """Paragraphs."""
    items: list[str]
    """A list after them."""
    table: Table | None
    to_complete: list[str]
    """Fields of the recipe that are null: their marks stand in text, items or table."""


class Section(Part):
    """Fields under a heading."""

    number: str
    """As the paper's model counts its sections; empty where the section is octavo's own."""
    title: str
    level: int = ModelField(exclude=True)
    """1 for the uppermost."""
    fields: list[Field]


class Paper(Part):
    """A whole paper."""

    id: str
    """Its file's name, without an ending."""
    title: str
    about: list[str]
    """What it is, whether it is voluntary, and what made it."""
    sections: list[Section]

    @property
    def to_complete(self) -> list[str]:
        """The recipe's fields that are still null, each once, in the paper's order."""
        fields = [one for section in self.sections for one in section.fields]
        return list(dict.fromkeys(name for one in fields for name in one.to_complete))


def field(
    id: str,
    label: str,
    *text: str,
    items: Iterable[str] = (),
    columns: Sequence[str] = (),
    rows: Iterable[Sequence[str]] = (),
    numbers: Iterable[int] = (),
) -> Field:
    """A field of paragraphs, a list and a table, any of which may be missing; marks among them are noted.

    Whatever the texts hold, each is one line here: what cannot be seen is written out, and line ends are spaces.
    """
    lines, listed, cells = list(text), list(items), [list(row) for row in rows]
    marks = [one.name for one in _all(lines, listed, cells) if isinstance(one, Mark)]
    table = None
    if cells:
        table = Table(columns=list(columns), rows=[_clean(row) for row in cells], numbers=list(numbers))
    return Field(
        id=id,
        label=label,
        text=_clean(lines),
        items=_clean(listed),
        table=table,
        to_complete=list(dict.fromkeys(marks)),
    )


def section(number: str, title: str, *fields: Field, level: int | None = None) -> Section:
    """A section, as deep as its number has parts: 2.1 and 2(a) both have two; of none, at the top."""
    depth = level or max(1, len(re.findall(r"\w+", number)))
    return Section(number=number, title=title, level=depth, fields=list(fields))


def told(value: str | None, name: str) -> str:
    """What a person has told in a field of the recipe, or the mark that it is to be completed."""
    return value if value and value.strip() else Mark(name)


def _all(lines: list[str], listed: list[str], cells: list[list[str]]) -> Iterator[str]:
    yield from lines
    yield from listed
    for row in cells:
        yield from row


def _clean(texts: Iterable[str]) -> list[str]:
    return [_BLANKS.sub(" ", visible(str(text))).strip() for text in texts]
