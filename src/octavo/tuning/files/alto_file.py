"""ALTO 2 to 4: each block is a passage, and its corrected words go back to the strings that they were read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from typing import NamedTuple

from octavo import __version__
from octavo.corpus.readers.flowing_text import HYPHENS
from octavo.corpus.readers.scanned_page import squeezed
from octavo.tuning.files.boxes import Box, around, shares
from octavo.tuning.files.character_owners import owners
from octavo.tuning.files.line_cuts import Line, NewWord, lines_of, running_text, words_of
from octavo.tuning.files.passages import Change, Passage, Rebuild, Rebuilt, UnfitError, Work
from octavo.tuning.files.xml_source import Edit, Element, XmlSource, escaped, with_attributes

CONFIDENCE = ("WC", "CC")
"""How sure the recognition was of a reading, of the whole word and of each character."""
_OF_WORD = ("SUBS_TYPE", "SUBS_CONTENT")
"""Which part of which word a string is."""


class _Unit(NamedTuple):
    """A word of a line: one string, or several with no space between them."""

    strings: list[Element]

    @property
    def text(self) -> str:
        return squeezed("".join(_content(s) for s in self.strings))


@dataclass(frozen=True)
class _Line:
    element: Element
    units: list[_Unit]
    spaced: bool
    """Whether the file marks spaces."""
    line: Line

    @property
    def hyphen(self) -> Element | None:
        return next((e for e in reversed(list(self.element.elements())) if e.name == "HYP"), None)


def opened(file: XmlSource) -> tuple[list[Passage], Rebuild]:
    """The passages of a page. Raises UnfitError where no string of it has any text."""
    blocks: list[list[_Line]] = []
    passages: list[Passage] = []
    for element in file.root.below("TextBlock"):
        lines = _lines(element)
        if text := running_text([line.line for line in lines]):
            blocks.append(lines)
            passages.append(Passage(text, f"block {element.get('ID') or len(blocks)}"))
    if not blocks:
        raise UnfitError("found no String with CONTENT, expected recognised text")
    return passages, partial(_rebuilt, file, blocks)


def _content(string: Element) -> str:
    return string.get("CONTENT") or ""


def _lines(block: Element) -> list[_Line]:
    lines = [_line(element) for element in block.elements("TextLine")]
    if lines and lines[-1].line.divided:  # nothing of its last word follows in the block
        lines[-1] = _Line(lines[-1].element, lines[-1].units, lines[-1].spaced, Line(lines[-1].line.text))
    return lines


def _line(element: Element) -> _Line:
    parts = list(element.elements("String", "SP", "HYP"))
    spaced = any(part.name == "SP" for part in parts)
    units: list[_Unit] = []
    for is_string, group in groupby(parts, key=lambda part: part.name == "String"):
        strings = [s for s in group if squeezed(_content(s))]
        if is_string and strings:
            units += [_Unit(strings)] if spaced else [_Unit([s]) for s in strings]
    text = " ".join(unit.text for unit in units)
    last = units[-1].strings[-1] if units else None
    divided = any(p.name == "HYP" for p in parts) or (last is not None and last.get("SUBS_TYPE") == "HypPart1")
    return _Line(element, units, spaced, Line(text, bool(text) and divided and text[-1] not in HYPHENS))


def _rebuilt(file: XmlSource, blocks: list[list[_Line]], new: Mapping[int, str], change: Change) -> Rebuilt:
    assert change.work is Work.CORRECTION
    edits = _record(file, change)
    for number, text in new.items():
        writing = _Writing(file.source)
        writing.block(blocks[number], lines_of([line.line for line in blocks[number]], text))
        edits += writing.edits()
    return Rebuilt(file.written(edits), [])


class _Writing:
    """Collects what becomes of the strings of a block."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._values: dict[Element, dict[str, str | None]] = {}
        self._after: dict[Element, list[dict[str, str | None]]] = {}
        self._gone: list[Element] = []
        self._spaced: set[Element] = set()

    def block(self, lines: Sequence[_Line], new: Sequence[Line]) -> None:
        """Put new lines in the places of a block's lines."""
        ends: list[tuple[Element, str] | None] = []
        begins: list[tuple[Element, str] | None] = []
        for line, text in zip(lines, new, strict=True):
            first, last = self._line(line, text.text)
            begins.append(first)
            ends.append(last)
        filled = [n for n, line in enumerate(new) if line.text]
        for number, following in pairwise(filled):
            self._division(lines, new, number, ends[number], begins[following])
        self._unmatched(lines, new)
        self._parts_alone()

    def _line(self, line: _Line, new: str) -> tuple[tuple[Element, str] | None, tuple[Element, str] | None]:
        """Put a text in the place of a line's words; its first and its last string and their words."""
        if not line.units:
            return None, None
        units = line.units
        if line.spaced:
            self._spaced.update(string for unit in units for string in unit.strings)
        words = words_of([unit.text for unit in units], new) if new else []
        kept: list[tuple[Element, str]] = []
        for places, group in groupby(words, key=lambda word: word.places):
            # Without any space left in its line, a word of several strings would read as several words.
            alone = line.spaced and len(words) == 1
            kept += self._words([units[p] for p in places], list(group), alone)
        left = {place for word in words for place in word.places}
        for place, unit in enumerate(units):
            if place not in left:
                if not words and place == 0:
                    self._set(unit.strings[0], "")
                    self._gone += unit.strings[1:]
                else:
                    self._gone += unit.strings
        return (kept[0], kept[-1]) if kept else (None, None)

    def _words(self, units: Sequence[_Unit], words: Sequence[NewWord], alone: bool) -> list[tuple[Element, str]]:
        """Put words in the places of others, of one line; their first and last string and these's words."""
        strings = [string for unit in units for string in unit.strings]
        if len(units) == len(words) == 1 and not (alone and len(strings) > 1):
            old = [_content(s) for s in strings]
            if units[0].text == words[0].text:
                return [(strings[0], old[0]), (strings[-1], old[-1])]
            new = _distributed(old, words[0].text)
            if all(new):
                for string, was, text in zip(strings, old, new, strict=True):
                    if was != text:
                        self._set(string, text)
                return [(strings[0], new[0]), (strings[-1], new[-1])]
        first, *others = strings
        self._gone += others
        boxes = shares(around([_box(s) for s in strings]), [len(word.text) for word in words])
        self._set(first, words[0].text)
        self._values[first] |= _place(boxes[0], first)
        self._after[first] = [
            _place(box, first) | {"CONTENT": word.text, "ID": None, "SUBS_TYPE": None, "SUBS_CONTENT": None}
            for word, box in zip(words[1:], boxes[1:], strict=True)
        ]
        return [(first, word.text) for word in words]

    def _set(self, string: Element, text: str) -> None:
        values: dict[str, str | None] = {"CONTENT": text} | dict.fromkeys(CONFIDENCE)
        self._values[string] = self._values.get(string, {}) | values

    def _division(
        self,
        lines: Sequence[_Line],
        new: Sequence[Line],
        number: int,
        last: tuple[Element, str] | None,
        first: tuple[Element, str] | None,
    ) -> None:
        """Let the two parts of a divided word say which word they are of, where they did before."""
        if last is None or first is None:
            return
        hyphens = new[number].text[-1] in HYPHENS and lines[number].line.text[-1:] in HYPHENS
        divided = new[number].divided or hyphens
        if divided and not self._changed(last[0]) and not self._changed(first[0]):
            return
        whole = last[1].rstrip(HYPHENS) + first[1]
        for (string, _), kind in ((last, "HypPart1"), (first, "HypPart2")):
            if string.get("SUBS_TYPE") != kind:
                continue
            copies = self._after.get(string)
            of_word = {"SUBS_TYPE": kind, "SUBS_CONTENT": whole} if divided else dict.fromkeys(_OF_WORD)
            if copies and kind == "HypPart1":
                # Of a string that became several, the last one is at the end of the line.
                copies[-1] |= of_word
                of_word = dict.fromkeys(_OF_WORD)
            self._values.setdefault(string, {}).update(of_word)

    def _changed(self, string: Element) -> bool:
        return "CONTENT" in self._values.get(string, {})

    def _unmatched(self, lines: Sequence[_Line], new: Sequence[Line]) -> None:
        """Take out marks of division where no word is divided any more."""
        for line, text in zip(lines[:-1], new[:-1], strict=True):
            hyphen = line.hyphen
            if hyphen is not None and not text.divided and text.text[-1:] not in HYPHENS:
                self._gone.append(hyphen)

    def _parts_alone(self) -> None:
        """Let parts of words whose other part is in another block, or gone, say no more than is known."""
        for string, values in self._values.items():
            whole, new = string.get("SUBS_CONTENT"), values.get("CONTENT")
            if whole is None or new is None or "SUBS_CONTENT" in values:
                continue
            old = _content(string).rstrip(HYPHENS)
            first = string.get("SUBS_TYPE") == "HypPart1"
            if old and new and whole.startswith(old) and first and string not in self._after:
                values["SUBS_CONTENT"] = new.rstrip(HYPHENS) + whole.removeprefix(old)
            elif old and new and whole.endswith(old) and not first:
                values["SUBS_CONTENT"] = whole.removesuffix(old) + new
            else:
                values |= dict.fromkeys(_OF_WORD)

    def edits(self) -> list[Edit]:
        """What was collected, as edits of the file."""
        edits: list[Edit] = []
        gone = {element.start for element in self._gone}
        for element in self._gone:
            edits.append(self._removal(element))
            edits += self._space_before(element, gone)
        for element, values in self._values.items():
            if element.start in gone or not values:
                continue
            edits.append(Edit(element.start, element.inner, with_attributes(element.tag, values)))
            if "CONTENT" in values:
                edits += [self._removal(glyph) for glyph in element.elements("Glyph")]
            edits += self._copies(element)
        return list(dict.fromkeys(edits))

    def _copies(self, element: Element) -> list[Edit]:
        bare = with_attributes(element.tag, dict.fromkeys(CONFIDENCE)).removesuffix(">").removesuffix("/").rstrip()
        indent = self._source[_whitespace(self._source, element.start) : element.start]
        space = f"{indent}<{element.prefix}SP/>" if element in self._spaced else ""
        text = "".join(
            f"{space}{indent}{with_attributes(bare + '/>', values)}" for values in self._after.get(element, [])
        )
        return [Edit(element.end, element.end, text)] if text else []

    def _removal(self, element: Element) -> Edit:
        return Edit(_whitespace(self._source, element.start), element.end, "")

    def _space_before(self, element: Element, gone: set[int]) -> list[Edit]:
        """The space that stood before a string that is gone; after it, where the string was the first."""
        if element.name != "String" or element.parent is None:
            return []
        parts = list(element.parent.elements("String", "SP", "HYP"))
        place = parts.index(element)
        if place and parts[place - 1].name == "SP":
            return [self._removal(parts[place - 1])]
        following = parts[place + 1] if place + 1 < len(parts) else None
        first = all(part.start in gone or part.name == "SP" for part in parts[:place])
        return [self._removal(following)] if first and following is not None and following.name == "SP" else []


def _whitespace(source: str, place: int) -> int:
    """Where the whitespace before a place begins."""
    while place and source[place - 1] in " \t\r\n":
        place -= 1
    return place


def _distributed(old: Sequence[str], new: str) -> list[str]:
    """A word over the strings that it was made of."""
    if len(old) == 1:
        return [new]
    ends = [sum(map(len, old[: n + 1])) for n in range(len(old))]
    parts = [""] * len(old)
    for character, place in zip(new, owners("".join(old), new), strict=True):
        parts[next(n for n, end in enumerate(ends) if place < end)] += character
    return parts


def _box(string: Element) -> Box | None:
    try:
        left, top, width, height = (float(string.get(name) or "") for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    except ValueError:
        return None
    return Box(left, top, left + width, top + height)


def _place(box: Box | None, like: Element) -> dict[str, str | None]:
    """Where a string lies, in numbers as precise as those of another."""
    if box is None:
        return {}
    digits = 2 if "." in f"{like.get('HPOS')}{like.get('WIDTH')}" else 0
    left, right = round(box.left, digits), round(box.right, digits)
    values = {"HPOS": left, "VPOS": box.top, "WIDTH": right - left, "HEIGHT": box.bottom - box.top}
    changed = {name: round(value, 2) for name, value in values.items() if float(like.get(name) or "nan") != value}
    return {name: str(int(value) if value == int(value) else value) for name, value in changed.items()}


def _record(file: XmlSource, change: Change) -> list[Edit]:
    """An edit that notes the change among the steps of processing; a comment where a file has no description."""
    root = file.root
    description = root.child("Description")
    if description is None or next(description.elements(), None) is None:
        return [Edit(root.inner, root.inner, f"<!-- {escaped(change.sentence).replace('--', '- -')} -->")]
    p = root.prefix
    step = (
        f"<{p}processingDateTime>{change.when:%Y-%m-%dT%H:%M:%S}</{p}processingDateTime>"
        f"<{p}processingStepDescription>{escaped(change.sentence)}</{p}processingStepDescription>"
        f"<{p}processingSoftware><{p}softwareName>octavo</{p}softwareName>"
        f"<{p}softwareVersion>{__version__}</{p}softwareVersion></{p}processingSoftware>"
    )
    processing = description.elements("OCRProcessing", "Processing")
    steps = [one for one in processing if next(one.elements(), None) is not None]
    if "ns-v4" in root.namespace:
        where, name = (steps[-1] if steps else list(description.elements())[-1]).end, "Processing"
    elif steps:
        where, name = list(steps[-1].elements())[-1].end, "postProcessingStep"
    else:
        where, name = list(description.elements())[-1].end, "OCRProcessing"
        step = f"<{p}ocrProcessingStep>{step}</{p}ocrProcessingStep>"
    first = next(description.elements())
    indent = file.source[_whitespace(file.source, first.start) : first.start]
    identifier = "" if name == "postProcessingStep" else f' ID="{_unused(file.source)}"'
    return [Edit(where, where, f"{indent}<{p}{name}{identifier}>{step}</{p}{name}>")]


def _unused(source: str) -> str:
    number = 1
    while f'"octavo_{number}"' in source:
        number += 1
    return f"octavo_{number}"
