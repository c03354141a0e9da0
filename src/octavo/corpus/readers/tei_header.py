"""What a TEI header says of a text: title, author, the work's date, licence, language and address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lxml import etree

from octavo.corpus.licences import normalise
from octavo.corpus.readers.elements import child, children, is_url, licence_stated, local, together, words_of

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_SERIES_IN_TITLE = re.compile(r"\s*[:;,.(\[]\s*[^:;(\[]*\bELTeC\b[^:]*$", re.IGNORECASE)
_LIFE = re.compile(
    r"[,\s]*[(\[]?\s*(?P<birth>(?:ca?\.\s*|circa\s+|b\.\s*)?\d{3,4}\??)\s*[-–—]\s*"
    r"(?P<death>(?:ca?\.\s*|circa\s+|d\.\s*)?\d{3,4}\??)\s*[)\]]?\s*[.,;]?$"
)
_FIRST_EDITION = re.compile(r"^(?:first-?edition|edition-?first|editio-?princeps)$", re.IGNORECASE)
_DIGITAL = re.compile(r"digital|electronic", re.IGNORECASE)
_LESSER_TITLES = frozenset({"sub", "short", "alt", "desc", "series", "volume", "filing"})
_EVENTS = ("print", "premiere", "written")


def metadata(
    headers: Sequence[etree._Element], root: etree._Element, text: etree._Element | None
) -> dict[str, str | None]:
    """The columns that the nearest of a text's headers states, by their names in the schema.

    Licence and language are the next one's, which is the corpus's, where it states none.
    """
    header = headers[0] if headers else None
    description = child(header, "fileDesc") if header is not None else None
    return {
        "title": _title(description),
        "creator": _creator(description),
        "date": _date(header, description, root, text),
        "license": _first(_licence(child(outer, "fileDesc")) for outer in headers),
        "language": _language(header, root, text)
        or _first(_language(outer, outer.getparent(), None) for outer in headers[1:]),
        "source_url": _address(description),
    }


def _first(found: Iterable[str | None]) -> str | None:
    return next((one for one in found if one), None)


def _title(description: etree._Element | None) -> str | None:
    """The main title, without the words that name the edition of the file."""
    if description is None:
        return None
    titles = [t for t in children(description, "titleStmt", "title") if words_of(t)]
    main = [t for t in titles if not {t.get("type"), t.get("ana")} & _LESSER_TITLES] or titles
    if not main:
        return None
    title, before = words_of(main[0]), ""
    while title != before:
        title, before = _SERIES_IN_TITLE.sub("", title), title
    return title or words_of(main[0])


def _creator(description: etree._Element | None) -> str | None:
    """The authors, as "Surname, Forename (1832-1898)" where the header says so much; else of the source."""
    if description is None:
        return None
    places = [children(description, "titleStmt", "author")]
    source = child(description, "sourceDesc")
    if source is not None:
        places.append(e for e in source.iter("{*}author"))
    for place in places:
        names = dict.fromkeys(name for author in place if (name := _person(author)))
        if names:
            return "; ".join(names)
    return None


def _person(author: etree._Element) -> str:
    """A person's name with the years of life."""
    named = next((p for p in children(author, "persName") if words_of(p)), author)
    family = " ".join(words_of(e) for e in children(named, "surname") if words_of(e))
    given = " ".join(words_of(e) for e in children(named, "forename") if words_of(e))
    name = ", ".join(part for part in (family, given) if part)
    if not name:
        name = words_of(named) if named is not author else _own_words(author)
    name = name.strip(" ,;")
    years = _life(author)
    stated = _LIFE.search(name)
    if stated:
        name = name[: stated.start()].rstrip(" ,")
        years = years or f"{stated['birth']}-{stated['death']}"
    return f"{name} ({years})" if name and years else name


def _own_words(author: etree._Element) -> str:
    """An author's words without identifiers, dates and the like."""
    parts = [author.text or ""]
    for part in author:
        if local(str(part.tag)) not in ("idno", "date", "birth", "death", "note", "affiliation", "email"):
            parts.append(words_of(part))
        parts.append(part.tail or "")
    return " ".join(" ".join(parts).split())


def _life(author: etree._Element) -> str | None:
    """Years of birth and death, where elements state them."""
    span = child(author, "date")
    if span is not None and span.get("from") and span.get("to"):
        return f"{_year(span.get('from'))}-{_year(span.get('to'))}"
    birth, death = (next(author.iter("{*}" + name), None) for name in ("birth", "death"))
    born = _year(_when(birth)) if birth is not None else None
    died = _last_year(death) if death is not None else None
    return f"{born or ''}-{died or ''}" if born or died else None


def _year(date: str | None) -> str | None:
    match = re.search(r"-?\d{3,4}", date or "")
    return match[0] if match else None


def _last_year(event: etree._Element) -> str | None:
    """The year by which something had happened; None where only that it had not, before some year, is stated."""
    date = event.get("when") or event.get("to") or event.get("notAfter")
    if date is None and not (event.get("from") or event.get("notBefore")):
        date = words_of(event)
    years = re.findall(r"(?<!\d)-?\d{3,4}", date or "")
    return years[-1] if years else None


def _when(date: etree._Element) -> str | None:
    """A date, as its attributes or else its words state it."""
    if date.get("when"):
        return date.get("when")
    start, end = date.get("from") or date.get("notBefore"), date.get("to") or date.get("notAfter")
    if start and end and start != end:
        return f"{start}/{end}"
    return start or end or words_of(date).strip(" .,;[]") or None


def _date(
    header: etree._Element | None,
    description: etree._Element | None,
    root: etree._Element,
    text: etree._Element | None,
) -> str | None:
    """When the work came out first, where the header tells; else when the edition did that was transcribed.

    When the file was made is never the answer.
    """
    for date in _dates(header, description, root, text):
        if date:
            return date
    return None


def _dates(
    header: etree._Element | None,
    description: etree._Element | None,
    root: etree._Element,
    text: etree._Element | None,
) -> Iterator[str | None]:
    source = child(description, "sourceDesc") if description is not None else None
    books = [] if source is None else list(source.iter("{*}bibl", "{*}biblStruct", "{*}biblFull"))
    for book in books:
        if _FIRST_EDITION.match(book.get("type", "")):
            yield from _dates_in(book)
    for kind in _EVENTS:
        for event in root.iter("{*}event"):
            if event.get("type") == kind:
                yield _when(event) if event.get("when") or event.get("notBefore") else None
        for book in books:
            for date in children(book, "date"):
                if date.get("type") == kind:
                    yield _when(date)
    if header is not None:
        for date in children(header, "profileDesc", "creation", "date"):
            yield _when(date)
    for book in books:
        if not _DIGITAL.search(book.get("type", "")):
            yield from _dates_in(book)
    if source is not None:
        for date in source.iter("{*}date"):
            if not any(_DIGITAL.search(e.get("type", "")) for e in date.iterancestors("{*}bibl")):
                yield _when(date)
    if description is not None:
        for date in children(description, "editionStmt", "edition", "date"):
            yield _when(date)
    if text is not None:
        for date in text.iter("{*}docDate"):
            yield _when(date) if date.get("when") else _year(words_of(date))


def _dates_in(book: etree._Element) -> Iterator[str | None]:
    for path in (("date",), ("monogr", "imprint", "date"), ("imprint", "date"), ("publicationStmt", "date")):
        for date in children(book, *path):
            yield _when(date)


def _licence(description: etree._Element | None) -> str | None:
    """The licence of the file: its address where one is given, else its words."""
    if description is None:
        return None
    stated: list[str | None] = []
    for availability in children(description, "publicationStmt", "availability"):
        around = words_of(availability)
        for licence in list(availability.iter("{*}licence", "{*}license")) or [availability]:
            links = [(e, e.get("target")) for e in licence.iter("{*}ref", "{*}ptr")]
            found = licence_stated(licence, [licence.get("target")], links, around)
            if availability.get("status") == "restricted" and normalise(found or "") is None:
                found = f"restricted: {found}" if found else "restricted"
            stated.append(found)
    return together(stated)


def _language(
    header: etree._Element | None, root: etree._Element | None, text: etree._Element | None
) -> str | None:
    """The language that the text, else the header, else the whole file says it is in."""
    if text is not None:
        for element in (text, child(text, "body"), child(text, "body", "div")):
            if element is not None and _lang(element):
                return _lang(element)
    languages = [] if header is None else list(children(header, "profileDesc", "langUsage", "language"))
    if languages and (len(languages) == 1 or languages[0].get("usage")):
        most = max(languages, key=lambda e: float(_percentage(e.get("usage"))))
        if most.get("ident") or most.get("id"):
            return most.get("ident") or most.get("id")
    return _lang(root) or (languages[0].get("ident") if languages else None)


def _percentage(usage: str | None) -> str:
    """A percentage as a plain number."""
    match = re.match(r"\s*(\d+(?:\.\d+)?)", usage or "")
    return match[1] if match else "0"


def _lang(element: etree._Element | None) -> str | None:
    return None if element is None else element.get(XML_LANG) or element.get("lang")


def _address(description: etree._Element | None) -> str | None:
    """Where the text was found: the file's own address, else its source's; a bare host only for want of both."""
    if description is None:
        return None
    source = child(description, "sourceDesc")
    candidates = [words_of(e) for e in children(description, "publicationStmt", "idno")]
    candidates += [words_of(e) for e in children(description, "publicationStmt", "pubPlace")]
    if source is not None:
        books = sorted(source.iter("{*}bibl"), key=lambda e: not _DIGITAL.search(e.get("type", "")))
        for book in [*books, source]:
            for found in book.iter("{*}idno", "{*}ref", "{*}ptr", "{*}pubPlace"):
                candidates += [found.get("target") or "", words_of(found)]
    addresses = [c for c in candidates if is_url(c)]
    return next((a for a in addresses if re.match(r"https?://[^/]+/.", a)), addresses[0] if addresses else None)
