"""Project Gutenberg's files: what its volunteers wrote around a book, and the book itself.

Since 1991 the header and the licence have had several wordings, at the beginning or at the end of a file. The
marks are looked for at the start of a line only, and only where "Project Gutenberg" or the small print is named
there, so that no book is cut for speaking of the project.
"""

from __future__ import annotations

import re

HEADER_CHARACTERS = 40_000
"""The longest header: the small print of 1993 to 2003 takes some 13,000 characters."""

_GUTENBERG = r"proje[ck]t\s+gutenberg"
_START = re.compile(
    rf"^[ \t]*\*{{3}}[ \t]*START[ \t]+OF[ \t]+(?:TH(?:E|IS)[ \t]+)?{_GUTENBERG}(?:[^*]{{0,400}}\*{{3}}|[^\n]*)",
    re.I | re.M,
)
_SMALL_PRINT_END = re.compile(r"^[ \t]*\*+[ \t]*END[ \t]*\**[ \t]*THE[ \t]+SMALL[ \t]+PRINT![^\n]*", re.I | re.M)
_OPENING = re.compile(
    rf"\A\W*(?:(?:this[ \t]+is[ \t]+)?the[ \t]+)?{_GUTENBERG}(?:'s|’s)?[ \t]"
    r"(?P<of>(?:e-?text|e-?book)s?[ \t]+of[ \t]+)?(?P<name>[^\n]+(?:\n[ \t]*\S[^\n]*)?)",
    re.I,
)
_END = re.compile(
    r"^[ \t]*+(?P<stars>\*\*)?+[ \t*]*+(?:(?-i:E)(?:nde?|inde)|(?-i:F)(?:ine?|im))\b"
    # A sentence about the project mostly has a number or a comma there.
    rf"[^\n\d,.;:]{{0,60}}\b{_GUTENBERG}"
    r"(?P<of>(?:'s|’s)?[ \t]+e-?(?:book|text)"
    r"|(?:'s|’s)[ \t](?:[^\n]+\n)?[^\n]*,\s+(?:by|von|door|par|di|de|por)\s)?",
    re.I | re.M,
)
_FULL_LICENCE = re.compile(
    r"^[ \t]*\*+[ \t]*START:?[ \t]+FULL[ \t]+LICEN[SC]E"
    rf"|^[ \t]*THE[ \t]+FULL[ \t]+{_GUTENBERG}[ \t]+LICEN[SC]E[ \t]*\r?$"
    r"|^[ \t]*\*{3,}[ \t]*This[ \t]+file[ \t]+should[ \t]+be[ \t]+named[ \t]"
    rf"|^[ \t]*To[ \t]+protect[ \t]+the[ \t]+{_GUTENBERG}\S*[ \t]+mission[ \t]+of[ \t]+promoting[ \t]",
    re.I | re.M,
)
_CREDIT = re.compile(
    r"(?:(?:this[ \t]+)?(?:e-?text|e-?book|text[ \t]+file|html[ \t]+file|html[ \t]+version)[ \t]+(?:was[ \t]+)?)?"
    r"(?:produced|prepared|transcribed|scanned|typed|digiti[sz]ed|created)[ \t]+(?:by|from)\b"
    r"|(?:e-?text|e-?book)[ \t]+(?:prepared|produced|scanned)\b"
    rf"|note:[ \t]+{_GUTENBERG}\b|\[?this[ \t]+file[ \t]+was[ \t]+(?:first[ \t]+posted|produced[ \t]+from)\b"
    r"|(?:html|updated)[ \t]+(?:file[ \t]+)?(?:version[ \t]+)?by\b|credits:",
    re.I,
)
_FIELD = re.compile(r"^(?P<name>[A-Z][A-Za-z]+(?: [A-Za-z]+){0,2})[ \t]*:[ \t]*(?P<value>[^\n]*)$", re.M)
_FIELD_NAMES = {
    "title": "title",
    "author": "creator",
    "authors": "creator",
    "language": "language",
    "character set encoding": "encoding",
}
_RELEASE = re.compile(r"\[(?:e-?book|e-?text)[ \t]*#[ \t]*(\d+)\]", re.I)
_ORIGINAL = re.compile(r"^original[ \t]+publication[ \t]*:[^\n]*?\b(1[4-9]\d\d|20\d\d)\b(?=[^\d\n]*$)", re.I | re.M)
_COPYRIGHTED = re.compile(
    rf"^[^\w\n]*(this[ \t]+is[ \t]+a[ \t]+COPYRIGHTED[ \t]+{_GUTENBERG}[^\n]*"
    r"|copyright[ \t]+(?:\(c\)|©|by\b|[12]\d{3})[^\n]*)",
    re.I | re.M,
)
_PROTECTED = re.compile(r"SMALL PRINT!?\**[ \t]+for[ \t]+(COPYRIGHT[ \t]+PROTECTED[ \t]+E\w+)", re.I)
_STANDARD = re.compile(
    r"almost[ \t]+no[ \t]+restrictions|legal[ \t]+small[ \t]+print|copyright[ \t]+laws[ \t]+are[ \t]+changing"
    r"|small[ \t]+print![ \t]+for[ \t]+public[ \t]+domain|is[ \t]+a[ \t]+\"public[ \t]+domain\"[ \t]+work",
    re.I,
)
_STATED_ENCODING = re.compile(rb"Character[ \t]+set[ \t]+encoding[ \t]*:[ \t]*([A-Za-z][\w. ()-]{1,30})", re.I)
_PAGE_TITLE = (
    re.compile(rf"(?:the\s+)?{_GUTENBERG}(?:'s|’s)?\s+(?:e-?book|e-?text)\s+of\s+(.+)", re.I | re.S),
    re.compile(rf"(.+?)\s*[,|—-]\s*an?\s+{_GUTENBERG}\s+e-?(?:book|text)\.?", re.I | re.S),
    re.compile(rf"(.+?)\s*\|\s*{_GUTENBERG}", re.I | re.S),
)
_BY = (re.compile(r"(.+), by (.+)", re.I), re.compile(r"(.+?) by (.+)", re.I))


def cut(text: str) -> tuple[str, dict[str, str]] | None:
    """The book in a Project Gutenberg file and what its header says; None where the text is no such file.

    The header's words are named as octavo's columns (title, creator, language, license, date, source_url) and
    `encoding`. The release date is not among them: it is the day of the transcription, not of the book.
    """
    start, opening = _start(text)
    stop = _end(text, start)
    if not start and stop == len(text):
        return None
    book = _without_credits(text[start:stop])
    fields = _header(text[:start], opening) if start else {}
    if stated := _licence(text[:start], text[stop:]):
        fields["license"] = stated
    return book.strip(), fields


def span(text: str) -> tuple[int, int]:
    """Where the book in a Project Gutenberg file begins and ends; of any other text, its own beginning and end."""
    start, _ = _start(text)
    stop = _end(text, start)
    if not start and stop == len(text):
        return 0, len(text)
    return stop - len(_without_credits(text[start:stop])), stop


def stated_encoding(content: bytes) -> str | None:
    """The encoding that a Project Gutenberg header states, as Python names it; None where it states none."""
    beginning = content[:HEADER_CHARACTERS]
    found = _STATED_ENCODING.search(beginning)
    if not found or b"gutenberg" not in beginning.lower():
        return None
    name = found[1].decode("ascii").strip().lower().removeprefix("codepage-")
    if re.match(r"(?:iso[ -]?)?(?:8859-1\b(?!\d)|latin-?1)", name):
        return "windows-1252"
    return {"iso-646-us": "ascii", "us-ascii": "ascii"}.get(name, name)


def page_title(title: str) -> tuple[str, str | None]:
    """Title and creator in the title of a Project Gutenberg page; another page's title comes back unchanged."""
    for pattern in _PAGE_TITLE:
        if found := pattern.fullmatch(title):
            return _title_and_creator(found[1])
    return title, None


def _start(text: str) -> tuple[int, str]:
    """Where the book begins, and the header's own title; 0 where there is no header."""
    beginning = text[:HEADER_CHARACTERS]
    opening = _OPENING.match(beginning)
    name = " ".join(opening["name"].split()) if opening else ""
    if mark := _START.search(beginning):
        small_print = _SMALL_PRINT_END.search(beginning, mark.end())
        # Some files of 2003 and 2004 have the mark above the small print.
        unbroken = small_print and _end(beginning[: small_print.start()], mark.end()) == small_print.start()
        return (small_print.end() if small_print and unbroken else mark.end()), name
    if mark := _SMALL_PRINT_END.search(beginning):
        return mark.end(), name
    # Without another mark, only the form that the project gave its first lines: an essay may begin with its name.
    formal = opening and (opening["of"] or ", by " in name)
    return (opening.end(), name) if opening and formal else (0, "")


def _end(text: str, start: int) -> int:
    """Where the book ends: at the last mark before the licence, as its volumes may have marks of their own.

    Without a header, a mark counts only in the form that the project gave it, as an essay may speak of the end.
    """
    licence = _FULL_LICENCE.search(text, start)
    end = limit = licence.start() if licence else len(text)
    for mark in reversed([*_END.finditer(text, start, limit)]):
        if not (start or mark["stars"] or mark["of"]):
            continue
        following = "\n".join(line.strip() for line in text[mark.end() : end].rstrip().splitlines())
        if end < limit and "\n\n" in following:
            break
        end = mark.start()  # two marks may follow each other
    return end


def _without_credits(book: str) -> str:
    """The book without the paragraphs at its beginning that name those who typed or scanned it."""
    while True:
        book = book.lstrip()
        paragraph = re.match(r"(?:[^\n]*\S[^\n]*(?:\n|\Z))+", book)
        if not paragraph or paragraph.end() > 1500 or not _CREDIT.match(book):
            return book
        book = book[paragraph.end() :]


def _header(header: str, opening: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for found in _FIELD.finditer(header):
        name = _FIELD_NAMES.get(found["name"].lower())
        if name and (value := _value(header, found)):
            fields.setdefault(name, value)
    title, creator = _title_and_creator(opening)
    if title:
        fields.setdefault("title", title)
    if creator:
        fields.setdefault("creator", creator)
    if release := _RELEASE.search(header):
        fields["source_url"] = f"https://www.gutenberg.org/ebooks/{release[1]}"
    if original := _ORIGINAL.search(header):
        fields["date"] = original[1]
    return fields


def _value(header: str, field: re.Match[str]) -> str:
    """A field's value with its further lines, which are indented."""
    more = re.match(r"(?:\n[ \t]{2,}\S[^\n]*)*", header[field.end() :])
    return " ".join((field["value"] + (more[0] if more else "")).split())


def _title_and_creator(words: str) -> tuple[str, str | None]:
    words = re.split(r"\s#\d|\s\*", " ".join(words.split()), maxsplit=1)[0].strip(" *.,")
    for pattern in _BY:
        if found := pattern.fullmatch(words):
            return found[1], found[2]
    return words, None


def _licence(header: str, footer: str) -> str | None:
    """The header's words on copyright; the public domain where it is the usual header, which has none."""
    if notice := _COPYRIGHTED.search(header):
        return " ".join(notice[1].split()).rstrip(" *")
    if notice := _PROTECTED.search(header) or _PROTECTED.search(footer):
        return " ".join(notice[1].split())
    return "Public Domain" if _STANDARD.search(header) else None
