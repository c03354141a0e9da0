"""Elements of XML by their local names, and what readers of its formats say of documents alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
_METADATA = r"(?:metadat(?:a|en|os|i)|m[eé]tadonn[eé]es|metadados|(?:tei[ -]?)?header)"
_NO_TEXT = rf"(?:{_METADATA}|data|abstract|cover|images?|pictures?|photographs?|figures?|code|software)"
_OF_SOMETHING_ELSE = re.compile(rf"\b(?:not?|never|{_NO_TEXT})\b[^.;]*$", re.IGNORECASE)
"""What in a sentence before a licence makes it no licence of the text."""
_FOR_SOMETHING_ELSE = re.compile(
    rf"^[^.;]*\b(?:{_METADATA}|(?:to|for|of) (?:the |its |all )?{_NO_TEXT})\b", re.IGNORECASE
)
"""What does so in the rest of the sentence, after the licence."""
_METADATA_FIRST = re.compile(rf"\W*(?:the |die |les |los |i |os )?{_METADATA}\b", re.IGNORECASE)
LICENCE_ADDRESS = re.compile(r"licen[cs]e|publicdomain|rightsstatements")
"""What the address of a licence holds."""
_LONGEST, _MANY = 20_000, 100
"""Characters and links of a statement that is read; what has more is a text, and would take minutes."""
_KEEPS_NOTHING_BACK = re.compile(r"\bsome rights reserved|\b(?:not|no longer) in copyright", re.IGNORECASE)
"""Creative Commons' own slogan, and what says the opposite of what is in it."""


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
    if keeps_back(around) or _CREATIVE_COMMONS.search(around) or _is_of_something_else(before, after):
        return words
    if match["kind"] is None:
        name = "CC0 1.0"
    else:
        kind = re.sub(r"[\s/–-]+", "-", match["kind"])
        name = " ".join(filter(None, ("Creative Commons", kind, match["version"])))
    return name if normalise(words) in (None, normalise(name)) else words


def licence_stated(
    element: etree._Element,
    own: Iterable[str | None],
    links: list[tuple[etree._Element, str | None]],
    around: str | None = None,
) -> str | None:
    """The licence that an element states: the addresses that it gives as its `own`, else those that its words link
    to, else its words. All of what is said `around` it, where that keeps back more than the addresses do.

    `links` are elements within it with their addresses. One that is for the metadata, a picture and such is passed
    over, and several hold together, as one cannot tell which of them is the text's.
    """
    words = words_of(element)
    given = [address for address in own if address and is_url(address)]
    addresses = [address for address in given if LICENCE_ADDRESS.search(address)]
    too_long = len(words) > _LONGEST or len(links) > _MANY
    if too_long or (addresses and _METADATA_FIRST.match(words)):
        return words or None
    if not addresses:
        addresses = [
            address
            for link, address in links
            if address
            and is_url(address)
            and LICENCE_ADDRESS.search(address)
            and not _is_of_something_else(*_words_around(element, link))
        ]
    stated = together(addresses) or next(iter(given), None) or licence_in(words)
    said = words if around is None else around
    forbids = re.search(r"-N[CD]\b", normalise(stated or "") or "")  # and may say so in words
    return said if not forbids and keeps_back(_KEEPS_NOTHING_BACK.sub(" ", said)) else stated


def together(statements: Iterable[str | None]) -> str | None:
    """Statements of licences that all hold, as one; of those that mean the same licence the first."""
    distinct: dict[str, str] = {}
    for stated in statements:
        if stated:
            distinct.setdefault(normalise(stated) or stated, stated)
    return "; ".join(distinct.values()) or None


def _is_of_something_else(before: str, *after: str) -> bool:
    """Whether a licence is for something else than the text, by the words before and after it."""
    return bool(_OF_SOMETHING_ELSE.search(before)) or any(_FOR_SOMETHING_ELSE.search(words) for words in after)


def _words_around(element: etree._Element, part: etree._Element) -> tuple[str, str, str]:
    """The text in an element before a part of it, in the part, and after it."""
    before: list[str] = []
    inside: list[str] = []
    after: list[str] = []
    said = before
    for event, found in etree.iterwalk(element, events=("start", "end")):
        if found is part:
            said = inside if event == "start" else after
        if event == "start":
            said.append(found.text or "")
        elif found is not element:
            said.append(found.tail or "")
    return "".join(before), "".join(inside), "".join(after)


def title_from_name(location: Location) -> str:
    """The title of a file that has none: its name without endings."""
    name = PurePosixPath(location.path).name
    stem = re.sub(r"(?:\.(?:xml|hocr|html?|xhtml|alto|page|tei|gz))+$", "", name, flags=re.IGNORECASE)
    return " ".join(stem.replace("_", " ").split()) or name


def document(text: str, **columns: str | float | None) -> pa.Table:
    """A document as a table of one row; empty columns become null."""
    row = {name: [None if value == "" else value] for name, value in columns.items()}
    return conform(pa.table({"text": [text], **row}))
