"""PAGE XML: each text region is a passage; its corrected text goes back to its lines, and to their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from octavo.corpus.readers.scanned_page import squeezed
from octavo.tuning.files.boxes import Box, around, shares
from octavo.tuning.files.line_cuts import Line, NewWord, lines_of, running_text, words_of
from octavo.tuning.files.passages import Change, Passage, Rebuild, Rebuilt, UnfitError, Work
from octavo.tuning.files.xml_source import Edit, Element, XmlSource, escaped, spliced, with_attributes


@dataclass(frozen=True)
class _Line:
    element: Element
    text: str


@dataclass(frozen=True)
class _Region:
    element: Element
    lines: list[_Line]


def opened(file: XmlSource) -> tuple[list[Passage], Rebuild]:
    """The passages of a page. Raises UnfitError where no line of it has any text."""
    regions = []
    for element in file.root.below("TextRegion"):
        lines = [_Line(line, _line_text(file, line)) for line in element.elements("TextLine")]
        if not any(line.text for line in lines):
            lines = [_Line(element, squeezed(text)) for text in _own_text(file, element).splitlines()]
        if any(line.text for line in lines):
            regions.append(_Region(element, lines))
    if not regions:
        raise UnfitError("found no Unicode text in a TextRegion, expected transcribed or recognised text")
    passages = [
        Passage(running_text(_lines(region)), f"region {region.element.get('id') or number}")
        for number, region in enumerate(regions, 1)
    ]
    return passages, partial(_rebuilt, file, regions)


def _lines(region: _Region) -> list[Line]:
    return [Line(line.text) for line in region.lines]


def _reading(element: Element) -> Element | None:
    """An element's own reading: of several the one with the lowest index."""
    readings = list(element.elements("TextEquiv"))
    return min(
        readings, key=lambda e: int(e.get("index") or 0) if (e.get("index") or "0").isdigit() else 0, default=None
    )


def _own_text(file: XmlSource, element: Element) -> str:
    reading = _reading(element)
    unicode = reading.child("Unicode") if reading is not None else None
    return file.text(unicode) if unicode is not None else ""


def _line_text(file: XmlSource, line: Element) -> str:
    """A line's text, else that of its words."""
    own = squeezed(_own_text(file, line))
    return own or " ".join(text for word in line.elements("Word") if (text := squeezed(_own_text(file, word))))


def _rebuilt(file: XmlSource, regions: list[_Region], new: Mapping[int, str], change: Change) -> Rebuilt:
    assert change.work is Work.CORRECTION
    edits = _record(file, change)
    for number, text in new.items():
        region = regions[number]
        lines = [line.text for line in lines_of(_lines(region), text)]
        for line, after in zip(region.lines, lines, strict=True):
            if line.text != after and line.element is not region.element:
                edits += _line_edits(file, line, after)
        # A region may repeat the text of its lines.
        edits += _reading_edits(file, region.element, "\n".join(lines))
    return Rebuilt(file.written(dict.fromkeys(edits)), [])


def _line_edits(file: XmlSource, line: _Line, new: str) -> list[Edit]:
    edits = _reading_edits(file, line.element, new)
    words = [word for word in line.element.elements("Word") if squeezed(_own_text(file, word))]
    if words:
        old = [squeezed(_own_text(file, word)) for word in words]
        # Where the words say other things than the line, that is no concern of the correction.
        before = {tuple(group) for group in _groups(words_of(old, line.text))}
        after = _groups(words_of(old, new)) if new else []
        for group in after:
            if tuple(group) not in before:
                edits += _word_edits(file, [words[p] for p in group[0].places], group)
        left = {place for group in after for place in group[0].places}
        stood = {place for group in before for place in group[0].places}
        edits += [_removal(file, word) for place, word in enumerate(words) if place in stood and place not in left]
    return edits


def _groups(words: Iterable[NewWord]) -> list[list[NewWord]]:
    return [list(group) for _, group in groupby(words, key=lambda word: word.places)]


def _reading_edits(file: XmlSource, element: Element, new: str) -> list[Edit]:
    """Edits that make an element's own reading say something else, no longer as sure as it was."""
    reading = _reading(element)
    if reading is None or _own_text(file, element) == new:
        return []
    edits = [Edit(reading.start, reading.inner, with_attributes(reading.tag, {"conf": None}))]
    for name in ("PlainText", "Unicode"):
        part = reading.child(name)
        if part is not None:
            tag = part.tag if part.inner != part.end else part.tag.removesuffix("/>").rstrip() + ">"
            edits.append(Edit(part.start, part.end, f"{tag}{escaped(new)}</{part.prefix}{name}>"))
    return edits


def _word_edits(file: XmlSource, old: Sequence[Element], new: Sequence[NewWord]) -> list[Edit]:
    """Edits that put words in the place of others; coordinates change only where their number does."""
    first, *others = old
    if len(old) == len(new) == 1:
        return [*_reading_edits(file, first, new[0].text), *_glyphs(file, first)]
    boxes = shares(around([_box(word) for word in old]), [len(word.text) for word in new])
    edits = [_removal(file, word) for word in others]
    edits += [*_reading_edits(file, first, new[0].text), *_glyphs(file, first), *_coordinates(first, boxes[0])]
    indent = file.source[_whitespace(file.source, first.start) : first.start]
    for number, (word, box) in enumerate(zip(new[1:], boxes[1:], strict=True), 2):
        named = {"id": _unused(file.source, f"{first.get('id')}_{number}")} if first.get("id") else {}
        inside = [
            Edit(first.start, first.inner, with_attributes(first.tag, {**named})),
            *_reading_edits(file, first, word.text),
            *_glyphs(file, first),
            *_coordinates(first, box),
        ]
        shifted = [Edit(e.start - first.start, e.end - first.start, e.text) for e in dict.fromkeys(inside)]
        edits.append(Edit(first.end, first.end, indent + spliced(file.source[first.start : first.end], shifted)))
    return edits


def _glyphs(file: XmlSource, word: Element) -> list[Edit]:
    return [_removal(file, glyph) for glyph in word.elements("Glyph")]


def _removal(file: XmlSource, element: Element) -> Edit:
    return Edit(_whitespace(file.source, element.start), element.end, "")


def _whitespace(source: str, place: int) -> int:
    return len(source[:place].rstrip(" \t\r\n"))


def _unused(source: str, name: str) -> str:
    while f'"{name}"' in source:
        name += "_"
    return name


def _box(word: Element) -> Box | None:
    """The box around a word's polygon, which the points of its coordinates make."""
    coordinates = word.child("Coords")
    points = coordinates.get("points") or "" if coordinates is not None else ""
    numbers = re.findall(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)", points)
    if not numbers:
        return None
    across, down = [float(x) for x, _ in numbers], [float(y) for _, y in numbers]
    return Box(min(across), min(down), max(across), max(down))


def _coordinates(word: Element, box: Box | None) -> list[Edit]:
    coordinates = word.child("Coords")
    if box is None or coordinates is None:
        return []
    left, top, right, bottom = (round(value) for value in box)
    points = f"{left},{top} {right},{top} {right},{bottom} {left},{bottom}"
    return [Edit(coordinates.start, coordinates.inner, with_attributes(coordinates.tag, {"points": points}))]


def _record(file: XmlSource, change: Change) -> list[Edit]:
    """Edits that note the change in the metadata: an item of its own where the version of PAGE has these."""
    metadata = file.root.child("Metadata")
    last = metadata.child("LastChange") if metadata is not None else None
    if metadata is None or last is None:
        return []
    when = f"{change.when:%Y-%m-%dT%H:%M:%S}"
    edits = [Edit(last.inner, last.outer, when)] if last.inner != last.end else []
    p, said = metadata.prefix, change.sentence
    indent = file.source[_whitespace(file.source, last.start) : last.start]
    version = re.search(r"(\d{4})-\d\d-\d\d$", file.root.namespace)
    if version and int(version[1]) >= 2018:
        place = list(metadata.elements())[-1].end
        item = with_attributes(
            f"<{p}MetadataItem/>", {"type": "processingStep", "name": "octavo", "value": said, "date": when}
        )
        return [*edits, Edit(place, place, indent + item)]
    comments = metadata.child("Comments")
    if comments is None:
        return [*edits, Edit(last.end, last.end, f"{indent}<{p}Comments>{escaped(said)}</{p}Comments>")]
    if comments.inner == comments.end:
        return [*edits, Edit(comments.start, comments.end, f"<{p}Comments>{escaped(said)}</{p}Comments>")]
    return [*edits, Edit(comments.outer, comments.outer, f" {escaped(said)}.")]
