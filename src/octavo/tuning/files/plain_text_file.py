"""Plain text: paragraphs between blank lines, their lines joined as the readers of the page join them."""

from __future__ import annotations

import codecs
import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from octavo.corpus.readers import gutenberg
from octavo.corpus.readers.plain_text import FILE_BYTES
from octavo.corpus.readers.scanned_page import VERSE_LINES, VERSE_SHARE
from octavo.tuning.files.line_cuts import Line, lines_of, running_text
from octavo.tuning.files.passages import Change, Passage, Rebuild, Rebuilt, UnfitError, Work
from octavo.tuning.files.xml_source import Edit, spliced

_LINE = re.compile(r"[^\r\n\f]*[^\s][^\r\n\f]*")
_END = re.compile(r"\r\n|\n|\r")
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class _Stretch(NamedTuple):
    """A line without the whitespace around it, by its place in the file."""

    start: int
    end: int


def opened(content: bytes, work: Work) -> tuple[list[Passage], Rebuild]:
    """The passages of a text. Raises UnfitError where it is empty or in an encoding that nothing states."""
    source, encoding = decoded(content)
    paragraphs = _paragraphs(source)
    if not paragraphs:
        raise UnfitError("found no text, expected some")
    passages: list[Passage] = []
    line = place = 0
    for paragraph in paragraphs:
        line += len(_END.findall(source, place, paragraph[0].start))
        place = paragraph[0].start
        passages.append(Passage(_text(source, paragraph, work), f"line {line + 1}"))
    return passages, partial(_rebuilt, source, encoding, paragraphs)


def decoded(content: bytes) -> tuple[str, str]:
    """A text with its byte-order mark, and its encoding. Raises UnfitError where it is none that is stated."""
    if len(content) > FILE_BYTES:
        raise UnfitError(f"found a file of over {FILE_BYTES} bytes")
    try:
        return content.decode(), "utf-8"
    except UnicodeDecodeError as error:
        reason = f"found byte 0x{content[error.start]:02x} at offset {error.start}, expected UTF-8"
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    encoding = marked or gutenberg.stated_encoding(content)
    try:
        source = content.decode(encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        raise UnfitError(reason) from None
    if source.encode(encoding or "utf-8") != content:
        raise UnfitError(reason)
    return source, encoding or "utf-8"


def _paragraphs(source: str) -> list[list[_Stretch]]:
    """The lines of each paragraph; of a Project Gutenberg file, those of the book."""
    paragraphs: list[list[_Stretch]] = []
    before = None
    for found in _LINE.finditer(source, *gutenberg.span(source)):
        text = found[0].removeprefix("\ufeff") if found.start() == 0 else found[0]
        start = found.end() - len(text.lstrip())
        stretch = _Stretch(start, start + len(text.strip()))
        if stretch.start == stretch.end:
            continue
        if before is not None and _END.fullmatch(source[before : found.start()]):
            paragraphs[-1].append(stretch)
        else:
            paragraphs.append([stretch])
        before = found.end()
    return paragraphs


def _lines(source: str, paragraph: Sequence[_Stretch]) -> list[Line]:
    return [Line(source[line.start : line.end]) for line in paragraph]


def _text(source: str, paragraph: Sequence[_Stretch], work: Work) -> str:
    lines = _lines(source, paragraph)
    if work is Work.TRANSLATION and _is_verse(lines):
        return "\n".join(line.text for line in lines)
    return running_text(lines)


def _is_verse(lines: Sequence[Line]) -> bool:
    """Whether nearly all lines begin with a capital, as the corpus's readers of pages tell verse."""
    capitals = sum(line.text[0].isupper() for line in lines)
    return len(lines) >= VERSE_LINES and capitals >= VERSE_SHARE * len(lines)


def _rebuilt(
    source: str, encoding: str, paragraphs: list[list[_Stretch]], new: Mapping[int, str], change: Change
) -> Rebuilt:
    edits: list[Edit] = []
    kept: list[int] = []
    for number, text in new.items():
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            kept.append(number)
            continue
        put_in = _corrected if change.work is Work.CORRECTION else _translated
        edits += put_in(source, paragraphs[number], text)
    return Rebuilt(spliced(source, edits).encode(encoding), kept)


def _corrected(source: str, paragraph: Sequence[_Stretch], new: str) -> list[Edit]:
    lines = lines_of(_lines(source, paragraph), new)
    filled = [number for number, line in enumerate(lines) if line.text]
    if not filled:
        return [Edit(paragraph[0].start, paragraph[-1].end, "")]
    edits = [Edit(*paragraph[number], lines[number].text) for number in filled]
    # An empty line would make two paragraphs of one.
    if filled[0]:
        edits.append(Edit(paragraph[0].start, paragraph[filled[0]].start, ""))
    for before, after in pairwise([*filled, len(lines)]):
        edits.append(Edit(paragraph[before].end, paragraph[after - 1].end, ""))
    return edits


def _translated(source: str, paragraph: Sequence[_Stretch], new: str) -> list[Edit]:
    """A paragraph of several lines is wrapped as wide as it was; verse keeps the lines of its translation."""
    start, end = paragraph[0].start, paragraph[-1].end
    if len(paragraph) > 1:
        ending = _END.search(source, paragraph[0].end)
        assert ending is not None
        lines = [line.strip() for line in new.splitlines() if line.strip()]
        if not _is_verse(_lines(source, paragraph)):
            width = max(line.end - line.start for line in paragraph)
            lines = textwrap.wrap(" ".join(lines), width, break_long_words=False, break_on_hyphens=False)
        new = ending[0].join(lines)
    else:
        new = " ".join(new.split())
    return [Edit(start, end, new)]
