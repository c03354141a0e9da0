"""An XML file with the place of each of its parts, so that what does not change is written back to the byte.

A serialiser rewrites entities, CDATA sections, quotes and line ends of a whole file to change one word of it. Here
the file is checked by the parser that reads documents, then cut into tags and text by their places.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from octavo.corpus.readers.reading import RefusedError
from octavo.corpus.readers.xml_parsing import FILE_BYTES, declared_characters, doctype_end, parse
from octavo.tuning.files.passages import UnfitError

_TOKEN = re.compile(
    r"<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|<!DOCTYPE|<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>|[^<]+", re.DOTALL
)
_ATTRIBUTE = re.compile(r"(\s+)([^\s=<>\"'/]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_REFERENCE = re.compile(r"&(?:#(x[0-9a-fA-F]+|\d+)|[\w:.-]+);")
_NAME = re.compile(r"</?([^\s/>]+)")
_ENCODING = re.compile(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Edit(NamedTuple):
    """A stretch of the file that becomes another text."""

    start: int
    end: int
    text: str


class Text(NamedTuple):
    """Text between two tags."""

    start: int
    end: int
    cdata: bool


class Aside(NamedTuple):
    """A comment or a processing instruction."""

    start: int
    end: int


@dataclass(slots=True, eq=False)
class Element:
    """An element: its start tag from `start` to `inner`, its end tag from `outer` to `end`."""

    name: str
    """Without prefix."""
    prefix: str
    """With its colon; often empty."""
    namespace: str
    tag: str
    """The start tag as written."""
    parent: Element | None
    start: int
    inner: int
    outer: int = 0
    end: int = 0
    content: list[Element | Text | Aside] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """The value of an attribute, by its name as written."""
        found = next((m for m in _ATTRIBUTE.finditer(self.tag) if m[2] == name), None)
        return unescaped(found[3][1:-1]) if found else None

    def elements(self, *names: str) -> Iterator[Element]:
        """The children that are elements, or those of some names."""
        for part in self.content:
            if isinstance(part, Element) and (not names or part.name in names):
                yield part

    def child(self, name: str) -> Element | None:
        """The first child of a name."""
        return next(self.elements(name), None)

    def below(self, *names: str) -> Iterator[Element]:
        """All elements of some names below this one, in order."""
        for part in self.elements():
            if part.name in names:
                yield part
            yield from part.below(*names)


@dataclass(frozen=True)
class XmlSource:
    """The whole file as text."""

    source: str
    encoding: str
    root: Element
    entities: dict[str, str]

    def written(self, edits: Iterable[Edit]) -> bytes:
        """The file with its edits, which do not overlap; what its encoding lacks is written as a reference."""
        return spliced(self.source, edits).encode(self.encoding, "xmlcharrefreplace")

    def value(self, reference: str) -> str:
        """The character that a reference (`&...;`) stands for."""
        return self.entities.get(reference[1:-1]) or unescaped(reference)

    def text(self, element: Element) -> str:
        """All text in an element."""
        pieces = []
        for part in element.content:
            if isinstance(part, Element):
                pieces.append(self.text(part))
            elif isinstance(part, Text):
                raw = self.source[part.start : part.end]
                pieces.append(raw[9:-3] if part.cdata else _REFERENCE.sub(lambda m: self.value(m[0]), raw))
        return "".join(pieces)


def read(content: bytes) -> XmlSource:
    """The parts of an XML file. Raises UnfitError where it is not well-formed or declares what is not trusted."""
    if len(content) > FILE_BYTES:
        raise UnfitError(f"found a file of over {FILE_BYTES} bytes")
    try:
        parse(content)
        encoding = _encoding(content)
        source = content.decode(encoding)
    except (RefusedError, UnicodeDecodeError, LookupError) as error:
        raise UnfitError(f"found {error}, expected XML that can be read") from None
    if source.encode(encoding) != content:
        raise UnfitError(f"found the encoding {encoding}, in which it cannot be written back; expected UTF-8")
    return _tree(source, encoding)


def _encoding(content: bytes) -> str:
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name
    stated = _ENCODING.search(content)
    return stated[1].decode() if stated else "utf-8"


def _tree(source: str, encoding: str) -> XmlSource:
    entities: dict[str, str] = {}
    root: Element | None = None
    top: Element | None = None
    spaces: list[dict[str, str]] = [{}]
    place = 0
    while match := _TOKEN.match(source, place):
        token, place = match[0], match.end()
        if token == "<!DOCTYPE":
            rest = source[match.start() :].encode()
            length, subset = doctype_end(rest, len(token))
            place = match.start() + len(rest[:length].decode())
            entities = {n.decode(): unescaped(v.decode()) for n, v in declared_characters(subset).items()}
        elif token.startswith("</"):
            assert top is not None
            top.outer, top.end = match.start(), place
            top = top.parent
            spaces.pop()
        elif token.startswith(("<!--", "<?")):
            if top is not None:
                top.content.append(Aside(match.start(), place))
        elif token.startswith("<![CDATA["):
            assert top is not None
            top.content.append(Text(match.start(), place, True))
        elif token.startswith("<"):
            element = _element(token, match.start(), top, spaces)
            if top is None:
                root = element
            else:
                top.content.append(element)
            if token.endswith("/>"):
                element.outer = element.end = place
                spaces.pop()
            else:
                top = element
        elif top is not None:
            top.content.append(Text(match.start(), place, False))
    if root is None or top is not None or place != len(source):
        raise UnfitError("found XML whose parts cannot be told apart, expected well-formed XML")
    return XmlSource(source, encoding, root, entities)


def _element(tag: str, start: int, parent: Element | None, spaces: list[dict[str, str]]) -> Element:
    found = _NAME.match(tag)
    assert found is not None
    prefix, colon, name = found[1].rpartition(":")
    known = spaces[-1]
    if "xmlns" in tag:
        stated = ((m[2], m[3][1:-1]) for m in _ATTRIBUTE.finditer(tag) if m[2].startswith("xmlns"))
        known = known | {n.removeprefix("xmlns").removeprefix(":"): unescaped(value) for n, value in stated}
    spaces.append(known)
    return Element(name, prefix + colon, known.get(prefix, ""), tag, parent, start, start + len(tag))


def spliced(source: str, edits: Iterable[Edit]) -> str:
    """A text with its edits, which do not overlap; those at one place are in the order given."""
    pieces: list[str] = []
    place = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        assert edit.start >= place, edit
        pieces += (source[place : edit.start], edit.text)
        place = edit.end
    return "".join([*pieces, source[place:]])


def unescaped(text: str) -> str:
    """A text with the characters that its references stand for; those of HTML are known too."""
    return _REFERENCE.sub(_character, text)


def _character(reference: re.Match[str]) -> str:
    number = reference[1]
    if number is None:
        return html.unescape(reference[0])
    return chr(int(number[1:], 16) if number[0] == "x" else int(number))


def escaped(text: str) -> str:
    """A text as XML has it, without the characters that no XML can hold."""
    text = _NO_CHARACTER.sub("", text).replace("&", "&amp;").replace("<", "&lt;")
    return text.replace("]]>", "]]&gt;")


def with_attributes(tag: str, values: dict[str, str | None]) -> str:
    """A start tag with attributes set, in their places or at the end; those that are None are taken out."""
    left = dict(values)

    def attribute(found: re.Match[str]) -> str:
        if found[2] not in left:
            return found[0]
        value = left.pop(found[2])
        return "" if value is None else f'{found[1]}{found[2]}="{_quoted(value)}"'

    tag = _ATTRIBUTE.sub(attribute, tag)
    more = "".join(f' {name}="{_quoted(value)}"' for name, value in left.items() if value is not None)
    if not more:
        return tag
    end = re.search(r"\s*/?>\Z", tag)
    assert end is not None
    return tag[: end.start()] + more + tag[end.start() :]


def _quoted(value: str) -> str:
    return html.escape(_NO_CHARACTER.sub("", value), quote=True).replace("\n", "&#10;").replace("\t", "&#9;")


def lines_of(source: str) -> Callable[[int], int]:
    """A function that gives the number of the line that a place is in."""
    from bisect import bisect_left

    ends = [m.start() for m in re.finditer("\n", source)]
    return lambda place: bisect_left(ends, place) + 1
