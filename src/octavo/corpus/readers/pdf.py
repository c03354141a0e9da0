"""PDF: the text layer in reading order, without running heads, and with its lines joined into paragraphs.

A PDF says where characters stand, not what they make up: what is a paragraph is told from the edges of the lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import pypdfium2 as pdfium
from pypdfium2 import raw

from octavo.corpus.locations import Location
from octavo.corpus.readers.pdf_page import FEW_LINES, Line, usual_leading, without_running_heads
from octavo.corpus.readers.plain_text import one_document, title_of
from octavo.corpus.readers.reading import KEPT_BYTES, Pieces, RefusedError, Unreadable, read_whole
from octavo.recipe.schema import Source

FILE_BYTES = 256 * 1024**2
PAGES = 20_000
PAGE_CHARACTERS = 200_000
"""A page with more is a drawing or an attack, and its geometry would take minutes."""

DOCUMENT_CHARACTERS = 100_000_000
"""A file with more has some pages again and again, or is made to take memory."""

PAGE_LINES = 2_000
"""On a page with more, no lines are joined."""

WITHOUT_TEXT = 0.1
"""With a smaller share of pages that have text, a file is taken for a scan with a text page at its front."""

NARROW = 0.15
"""A gap of less than this share of the line's height is none between words."""

_HYPHEN_MARKS = "\x02\ufffe"
"""What PDFium puts for a hyphen at the end of a line, joining the line with the next."""

_ACCENTS = {"¨": "\u0308", "´": "\u0301", "`": "\u0300", "ˆ": "\u0302", "˜": "\u0303", "ˇ": "\u030c", "˚": "\u030a"}
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_ITEM = re.compile(r"(?:[•◦▪‣∙·*–—-]|\(?(?:\d{1,3}|[a-z]|[ivxlc]{1,5})[.)])\s", re.I)
_SENTENCE_END = re.compile(r"[.!?:;…][\"'”’»)\]]*$")
_COORDINATION = re.compile(r"(?:und|oder|bzw\.?|sowie|and|or|et|ou|en|of|e|ed|o|y|u)\b")
_HYPHENATED = re.compile(r"(?<=[^\W\d_])[-‐\xad]$")


def read(location: Location, source: Source) -> Pieces:
    """Read a PDF as a document; one that is encrypted, damaged or without a text layer is set aside.

    The dates in a PDF's metadata are those of the file, and do not become the document's.
    """
    yield from read_whole(location, FILE_BYTES, lambda content: _pieces(content, location), KEPT_BYTES)


def _pieces(content: bytes, location: Location) -> Pieces:
    try:
        document = pdfium.PdfDocument(content)
        try:
            pages = _pages(document)
            found = _metadata(document) | {"text": text_of_pages(pages.lines)}
        finally:
            document.close()
    except pdfium.PdfiumError as error:
        raise RefusedError(reason_of(error)) from None
    yield one_document({"identifier": location.name, "title": title_of(location)} | found)
    for number, reason in pages.lost.items():
        yield Unreadable(f"{location.name}!page {number}", reason, b"")


def reason_of(error: pdfium.PdfiumError) -> str:
    """Why a PDF could not be opened."""
    if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
        return "an encrypted PDF: needs a password"
    return f"a damaged PDF, or none: {error}"


def texts_of_pages(content: bytes) -> list[str]:
    """The text of each page of a PDF, its paragraphs apart by a blank line; a page may have none.

    Raises RefusedError where it has no text layer or a damaged page, PdfiumError where it cannot be opened.
    """
    document = pdfium.PdfDocument(content)
    try:
        pages = _pages(document)
        for number, reason in pages.lost.items():
            raise RefusedError(f"page {number}: {reason}")
        return [text_of_pages([body]) for body in without_running_heads(pages.lines)]
    finally:
        document.close()


class _Pages(NamedTuple):
    """The lines of each page, and the numbers, from 1, of those that cannot be read, with the reason."""

    lines: list[list[Line]]
    lost: dict[int, str]


def _pages(document: pdfium.PdfDocument) -> _Pages:
    """What stands on the pages. Raises RefusedError where there are too many, or too few with text."""
    count = len(document)
    if count > PAGES:
        raise RefusedError(f"a PDF of {count} pages, over {PAGES}")
    pages: list[list[Line]] = []
    lost, characters = {}, 0
    for number in range(count):
        try:
            pages.append(_page(document, number))
        except RefusedError as error:  # one page is no reason to lose the others
            pages.append([])
            lost[number + 1] = str(error)
        characters += sum(len(line.text) for line in pages[-1])
        if characters > DOCUMENT_CHARACTERS:
            raise RefusedError(f"a PDF of over {DOCUMENT_CHARACTERS} characters")
    with_text = sum(any(character.isalpha() for line in page for character in line.text) for page in pages)
    if not with_text:
        raise RefusedError("no text layer: needs OCR")
    if with_text < WITHOUT_TEXT * count:
        raise RefusedError(f"no text layer on {count - with_text} of {count} pages: needs OCR")
    return _Pages(pages, lost)


def _metadata(document: pdfium.PdfDocument) -> dict[str, str]:
    stated = document.get_metadata_dict()
    named = {"title": stated.get("Title", ""), "creator": stated.get("Author", "")}
    words = {name: " ".join(_CONTROLS.sub("", value).split()) for name, value in named.items()}
    # Word processors put the file's name there.
    if re.search(r"^(?:microsoft word|untitled)\b|\.(?:docx?|tex|dvi|odt|indd|qxd|pdf)$", words["title"], re.I):
        words["title"] = ""
    return {name: value for name, value in words.items() if value}


# A page's lines.


def _page(document: pdfium.PdfDocument, number: int) -> list[Line]:
    """The lines of a page. Raises RefusedError where it is damaged, or has too much on it."""
    try:
        page = document[number]
        text_page = page.get_textpage()
    except pdfium.PdfiumError as error:
        raise RefusedError(f"a damaged page: {error}") from None
    try:
        count = text_page.count_chars()
        if count > PAGE_CHARACTERS:
            raise RefusedError(f"a page of over {PAGE_CHARACTERS} characters")
        return _lines(text_page) if count > 0 else []
    finally:
        text_page.close()
        page.close()


def _lines(text_page: pdfium.PdfTextPage) -> list[Line]:
    text = _with_accents(text_page, _in_units(text_page.get_text_range(errors="surrogatepass")))
    lines: list[Line] = []
    for found in re.finditer(rf"[^\r\n{_HYPHEN_MARKS}]+(?:[{_HYPHEN_MARKS}](?![\r\n]|\Z))?", text):
        words = found[0].rstrip(_HYPHEN_MARKS)
        hyphenated = words != found[0] and words[-1:].isalpha()
        bare = _CONTROLS.sub("", _from_units(words)).strip()
        if not bare:
            continue
        start = found.start() + len(words) - len(words.lstrip())
        end = found.start() + len(words.rstrip()) - 1
        first = start + len(re.match(r"\S*", words.lstrip())[0]) - 1  # type: ignore[index]
        left, bottom, _, top = _box(text_page, start)
        _, end_bottom, right, end_top = _box(text_page, end)
        reach = _box(text_page, first)[2] - left
        box = (min(bottom, end_bottom), max(top, end_top))
        line = Line(bare, left, right, *box, first_word=reach, hyphenated=hyphenated)
        if lines and _is_beside(lines[-1], line):
            lines[-1] = _side_by_side(lines[-1], line)
        else:
            lines.append(line)
    return lines


def _in_units(text: str) -> str:
    """Text with a character for each unit of UTF-16, as PDFium counts them: two for a mathematical letter."""
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    return text if len(units) == len(text) else "".join(map(chr, units))


def _from_units(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _is_beside(left: Line, right: Line) -> bool:
    """Whether what PDFium took for two lines is one: some marks are drawn above or below their line."""
    overlap = min(left.top, right.top) - max(left.bottom, right.bottom)
    size = max(left.height, right.height)
    return not left.hyphenated and overlap > 0.5 * size and -0.5 * size < right.left - left.right < size


def _side_by_side(left: Line, right: Line) -> Line:
    space = " " if right.left - left.right > NARROW * left.height else ""
    top, bottom = max(left.top, right.top), min(left.bottom, right.bottom)
    words = f"{left.text}{space}{right.text}"
    return Line(words, left.left, right.right, bottom, top, left.first_word, right.hyphenated)


def _box(text_page: pdfium.PdfTextPage, text_index: int) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a character of the page's text."""
    index: int = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, text_index)
    if index < 0:
        return (0.0, 0.0, 0.0, 0.0)
    try:
        left, bottom, right, top = text_page.get_charbox(index, loose=True)
    except pdfium.PdfiumError:
        return (0.0, 0.0, 0.0, 0.0)
    return left, bottom, right, top


def _with_accents(text_page: pdfium.PdfTextPage, text: str) -> str:
    """Text in which accents that stand as characters of their own are back on their letters.

    TeX's old fonts draw ö as ¨ over o. PDFium gives the accent before the letter or at the end of its line.
    """
    if not 0 < sum(text.count(accent) for accent in _ACCENTS) <= PAGE_LINES:
        return text
    letters = list(text)
    for place, accent in enumerate(text):
        if accent in _ACCENTS and (letter := _letter_below(text_page, text, place)) is not None:
            composed = unicodedata.normalize("NFC", text[letter].replace("ı", "i") + _ACCENTS[accent])
            if len(composed) == 1:
                letters[letter], letters[place] = composed, "\0"
                for gap in _false_gap(text_page, text, letter):
                    letters[gap] = "\0"
    # Of the same length as before, so that places in it are those of the page; the marks go with other controls.
    return "".join(letters)


def _false_gap(text_page: pdfium.PdfTextPage, text: str, letter: int) -> range:
    """Spaces before a letter that are there only because its accent was drawn between it and the letter before."""
    before = letter - 1
    while before > 0 and (text[before] == " " or text[before] in _ACCENTS):
        before -= 1
    if before < 0 or before == letter - 1 or not text[before].isalpha():
        return range(0)
    left, bottom, _, top = _box(text_page, letter)
    return range(before + 1, letter) if left - _box(text_page, before)[2] < NARROW * (top - bottom) else range(0)


def _letter_below(text_page: pdfium.PdfTextPage, text: str, place: int) -> int | None:
    left, bottom, right, top = _box(text_page, place)
    middle = (left + right) / 2
    line_start = max(text.rfind("\n", 0, place), place - 300) + 1
    letter: int
    for letter in (place + 1, place - 1, *range(line_start, min(place + 300, len(text)))):
        if not 0 <= letter < len(text) or not text[letter].isalpha():
            continue
        box = _box(text_page, letter)
        if box[0] <= middle <= box[2] and min(top, box[3]) > max(bottom, box[1]):
            return letter
    return None


# From lines to paragraphs.


def text_of_pages(pages: list[list[Line]]) -> str:
    """Pages as one text: without running heads, lines joined into paragraphs, words made whole."""
    bodies = without_running_heads(pages)
    known = Counter(word.lower() for page in bodies for line in page for word in re.findall(r"[\w-]+", line.text))
    paragraphs: list[str] = []
    last: Line | None = None
    for before, page in pairwise([[], *bodies]):
        leading = usual_leading(page)
        column = page if len(page) > FEW_LINES else before + page
        for number, line in enumerate(page):
            if last is None:
                goes_on = False
            elif number:
                goes_on = _goes_on(page, number, leading, column)
            else:
                goes_on = _goes_on_overleaf(last, line)
            if goes_on and last is not None:
                paragraphs[-1] = _joined(paragraphs[-1], line.text, last.hyphenated, known)
            else:
                paragraphs.append(line.text)
            last = line
    return "\n\n".join(paragraphs)


def _goes_on(page: list[Line], number: int, leading: float, column: list[Line]) -> bool:
    """Whether a line goes on with the paragraph of the line before it."""
    before, line = page[number - 1], page[number]
    if before.hyphenated:
        return True
    if len(page) > PAGE_LINES:
        return False
    if line.top > before.top:  # another column
        return _goes_on_overleaf(before, line)
    size = max(before.height, line.height)
    if before.bottom - line.top > leading + 0.35 * size or min(before.height, line.height) < 0.75 * size:
        return False
    if _ITEM.match(line.text) and not _fits_numbered_prose(before, line):
        return False
    indented = line.left > before.left + 0.5 * size
    if indented and _ITEM.match(before.text):
        return True
    if not _is_full(before, line, _right_edge(column, before)):
        return False
    after = page[number + 1] if number + 1 < len(page) else None
    # A first line stands in from the next one; the lines of an item stand in from its first.
    return not (indented and (after is None or after.left < line.left - 0.5 * size))


def _fits_numbered_prose(before: Line, line: Line) -> bool:
    """Whether what looks like an item's number is a number in running text."""
    return (
        line.text[0].isdigit() and abs(line.left - before.left) < 0.5 * line.height and before.text[-1:].isalpha()
    )


def _right_edge(column: list[Line], line: Line) -> float:
    """Where the column of a line ends: as far as nearly all lines above and below reach."""
    rights = sorted(
        other.right
        for other in column
        if min(line.right, other.right) - max(line.left, other.left)
        > 0.5 * min(line.right - line.left, other.right - other.left)
    )
    return rights[int(0.85 * (len(rights) - 1))] if len(rights) > FEW_LINES else max(rights, default=line.right)


def _is_full(line: Line, following: Line, right_edge: float) -> bool:
    """Whether the first word of the following line had no more room."""
    return line.right + 0.25 * line.height + following.first_word > right_edge - 0.1 * line.height


def _goes_on_overleaf(last: Line, first: Line) -> bool:
    if last.hyphenated:
        return True
    return not _SENTENCE_END.search(last.text) and first.text[:1].islower()


def _joined(paragraph: str, line: str, hyphenated: bool, known: Counter[str]) -> str:
    """Two lines of a paragraph; a word divided between them is made whole, but keeps a hyphen of its own."""
    if not hyphenated:
        if not _HYPHENATED.search(paragraph) or _COORDINATION.match(line):
            return f"{paragraph} {line}"
        paragraph = paragraph[:-1]
    first = re.search(r"[^\W\d_]*$", paragraph)
    second = re.match(r"[^\W\d_]*", line)
    before, after = first[0] if first else "", second[0] if second else ""
    if known[f"{before}{after}".lower()]:
        return paragraph + line
    keeps = known[f"{before}-{after}".lower()] or not after[:1].islower()
    return f"{paragraph}-{line}" if keeps else paragraph + line
