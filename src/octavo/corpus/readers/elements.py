"""Elements of XML by their local names, and what readers of its formats say of documents alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath

import pyarrow as pa
from lxml import etree

from octavo.corpus.licences import keeps_back, normalise
from octavo.corpus.locations import Location
from octavo.corpus.schema import conform

_CREATIVE_COMMONS = re.compile(
    r"Creative\s+Commons\s+(?:CC0\b(?:\s*1\.0)?|(?P<kind>Attribution(?:[\s/–-]*(?:Non-?Commercial|Share-?Alike"
    r"|No-?Deriv\w*))*)(?P<short>\s+\(CC[\s-]BY[^)]*\))?(?:\s+Licen[cs]e)?,?(?:\s+v?(?:ersion\s+)?(?P<version>[1-4]\.[05]))?)",
    re.IGNORECASE,
)
_OF_SOMETHING_ELSE = re.compile(
    r"\b(?:not?|never|metadata|data|abstract|cover|images?|pictures?|photographs?|figures?|code|software)\b[^.;]*$",
    re.IGNORECASE,
)
"""What in a sentence before a licence makes it no licence of the text."""


@cache
def local(tag: str) -> str:
    """An element's name without its namespace."""
    return tag.rpartition("}")[2]


def names_in(words: str) -> frozenset[str]:
    """The names of elements in a list of words."""
    return frozenset(words.split())


def child(element: etree._Element, *path: str) -> etree._Element | None:
    """The first element at a path of local names below an element, or None."""
    return next(children(element, *path), None)


def children(element: etree._Element, *path: str) -> Iterator[etree._Element]:
    """The elements at a path of local names below an element, in order."""
    for found in element.iterchildren("{*}" + path[0]):
        if len(path) == 1:
            yield found
        else:
            yield from children(found, *path[1:])


def words_of(element: etree._Element | None) -> str:
    """All text in an element with its whitespace normalised; empty where there is none."""
    if element is None:
        return ""
    return " ".join("".join(str(t) for t in element.itertext()).split())


def is_url(value: str | None) -> bool:
    """Whether a value is an address on the web, and nothing else."""
    return bool(value and re.fullmatch(r"https?://[^\s<>\"]+", value))


def licence_in(words: str) -> str | None:
    """The licence that words name, or the words themselves where they are one, name none or restrict it further."""
    match = _CREATIVE_COMMONS.search(words)
    if match is None:
        return words or None
    before, after = words[: match.start()], words[match.end() :]
    around = f"{before} {match['short'] or ''} {after}"
    if keeps_back(around) or _CREATIVE_COMMONS.search(around) or _OF_SOMETHING_ELSE.search(before):
        return words
    if match["kind"] is None:
        name = "CC0 1.0"
    else:
        kind = re.sub(r"[\s/–-]+", "-", match["kind"])
        name = " ".join(filter(None, ("Creative Commons", kind, match["version"])))
    return name if normalise(words) in (None, normalise(name)) else words


def title_from_name(location: Location) -> str:
    """The title of a file that has none: its name without endings."""
    name = PurePosixPath(location.path).name
    stem = re.sub(r"(?:\.(?:xml|hocr|html?|xhtml|alto|page|tei|gz))+$", "", name, flags=re.IGNORECASE)
    return " ".join(stem.replace("_", " ").split()) or name


def document(text: str, **columns: str | float | None) -> pa.Table:
    """A document as a table of one row; empty columns become null."""
    row = {name: [None if value == "" else value] for name, value in columns.items()}
    return conform(pa.table({"text": [text], **row}))
