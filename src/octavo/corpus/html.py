"""HTML: the text with its structure kept, and the metadata that a page states of itself.

`text_of` is also how EPUB chapters, Markdown and markup in plain text become text.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

import orjson
from selectolax.lexbor import LexborHTMLParser, LexborNode

from octavo.corpus import gutenberg, hocr
from octavo.corpus.locations import Location
from octavo.corpus.plain_text import one_document, title_of
from octavo.corpus.readers import KEPT_BYTES, Pieces, RefusedError, read_whole
from octavo.recipe import Source

MARKUP_BYTES = 64 * 1024**2
"""A longer page is set aside: its tree takes many times its size in memory."""


@dataclass(frozen=True)
class HtmlDocument:
    """What a page says, and what it says of itself: None where it says nothing."""

    text: str
    title: str | None = None
    creator: str | None = None
    date: str | None = None
    language: str | None = None
    license: str | None = None

    def metadata(self) -> dict[str, str]:
        """What is known, under the names of octavo's columns."""
        names = ("title", "creator", "date", "language", "license")
        return {name: value for name in names if (value := getattr(self, name))}


def read(location: Location, source: Source) -> Pieces:
    """Read a page as a document; of a Project Gutenberg page, the book."""
    yield from read_whole(location, MARKUP_BYTES, lambda content: _pieces(content, location, source), KEPT_BYTES)


def _pieces(content: bytes, location: Location, source: Source) -> Pieces:
    if b"\0" in content[:1024] and not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RefusedError("not HTML: found binary data")
    if b"ocr_page" in content:  # hOCR is HTML
        yield from hocr.read(location, source)
        return
    document = text_of(content)
    fields = {"identifier": location.name, "title": title_of(location)} | document.metadata()
    fields |= without_gutenberg(document)
    yield one_document(fields)


def without_gutenberg(document: HtmlDocument) -> dict[str, str]:
    """A document's text, and what Project Gutenberg's header says where there is one: as columns."""
    if found := gutenberg.cut(document.text):
        return found[1] | {"text": found[0]}
    return {"text": document.text}


def text_of(markup: str | bytes) -> HtmlDocument:
    """The text and metadata of a page or of a piece of one; never raises, whatever the markup."""
    tree = LexborHTMLParser(_parsable(_decoded(markup) if isinstance(markup, bytes) else markup))
    title, creator = _title(tree)
    metas = _metas(tree)
    return HtmlDocument(
        text=_text(tree.root) if tree.root else "",
        title=title,
        creator=_people(metas) or creator,
        date=_first(metas, _DATE_NAMES),
        language=_language(tree) or _first(metas, ("dc.language", "dcterms.language", "content-language")),
        license=_licence(tree) or _first(metas, _LICENCE_NAMES),
    )


# Encoding.

_DECLARED = (
    re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([\w.:-]+)", re.I),
    re.compile(rb"<meta\b[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I),
)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def _decoded(content: bytes) -> str:
    """Bytes as text: as the byte-order mark says, in UTF-8, as the page declares, or in Windows-1252."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    for encoding in ("utf-8", _declared(content)):
        # UTF-8 comes before what is declared: nothing else is valid UTF-8 by chance, and declarations go stale.
        try:
            return content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    mended = content.decode("utf-8", "replace")
    broken = mended.count("\ufffd")
    whole = sum(1 for character in mended if character > "\x7f") - broken
    return mended if whole > broken else content.decode("windows-1252", "replace")


def _declared(content: bytes) -> str:
    beginning = content[:4096]
    found = [match[1].decode("ascii", "ignore") for rule in _DECLARED if (match := rule.search(beginning))]
    name = found[-1].lower() if found else "utf-8"
    # As browsers do: bytes 0x80 to 0x9f are meant as Windows has them; and UTF-16 cannot declare itself.
    if name in {"iso-8859-1", "latin1", "latin-1", "iso8859-1", "us-ascii", "ascii"}:
        return "windows-1252"
    return "utf-8" if name.startswith("utf-16") else name


_VOID = "area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr"
_EMPTY_ELEMENT = re.compile(rf"<(?!(?:{_VOID})\b)([A-Za-z][\w:.-]*)((?:\s[^<>]*)?)/>", re.I)


_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)[^>]{0,2000}>")
_UNNESTED = frozenset(f"{_VOID}|p|li|dt|dd|td|th|tr|tbody|thead|tfoot|option|html|head|body".split("|"))
DEPTH = 500
"""Elements within elements; those further in are taken as text. Browsers have the same limit."""


def _shallow(markup: str) -> str:
    """Markup without the start tags below DEPTH, as a parser's time grows with the square of the depth."""
    depth = 0

    def kept(tag: re.Match[str]) -> str:
        nonlocal depth
        if tag[2].lower() in _UNNESTED or tag[0].endswith("/>"):
            return tag[0]
        depth = max(0, depth - 1) if tag[1] else depth + 1
        return tag[0] if tag[1] or depth <= DEPTH else ""

    return _TAG.sub(kept, markup) if markup.count("<") > DEPTH else markup


def _parsable(markup: str) -> str:
    """XHTML as an HTML parser takes it: `<title/>` would otherwise open a title that never ends."""
    beginning = markup[:2048]
    if "http://www.w3.org/1999/xhtml" in beginning or beginning.lstrip().startswith("<?xml"):
        markup = _EMPTY_ELEMENT.sub(r"<\1\2></\1>", markup)
    # A lone surrogate has no place in UTF-8.
    return _shallow(markup.encode("utf-8", "replace").decode())


# Metadata.

_CREATOR_NAMES = ("dc.creator", "dcterms.creator", "citation_author", "author", "article:author", "dc.author")
_DATE_NAMES = (
    "dc.date.issued",
    "dcterms.issued",
    "dc.date",
    "dcterms.date",
    "citation_publication_date",
    "article:published_time",
    "datepublished",
    "date",
)
_LICENCE_NAMES = (
    "dcterms.license",
    "dc.rights.license",
    "dc.rights",
    "dcterms.rights",
    "license",
    "licence",
    "rights",
)
_JSON_VALUES = 10_000
"""Values of a page's JSON-LD that are looked at."""


def _title(tree: LexborHTMLParser) -> tuple[str | None, str | None]:
    for selector in ("head > title", "h1", "h2"):
        node = tree.css_first(selector)
        words = " ".join(node.text(deep=True).split())[:1000] if node else ""
        if words:
            return gutenberg.page_title(words)
    return None, None


def _metas(tree: LexborHTMLParser) -> dict[str, list[str]]:
    metas: dict[str, list[str]] = {}
    for node in tree.css("meta"):
        attributes = node.attributes
        name = next((v for k in ("name", "property", "itemprop", "http-equiv") if (v := attributes.get(k))), "")
        value = " ".join((attributes.get("content") or "").split())
        if name and value:
            metas.setdefault(name.lower(), []).append(value)
    return metas


def _first(metas: dict[str, list[str]], names: tuple[str, ...]) -> str | None:
    return next((metas[name][0] for name in names if name in metas), None)


def _people(metas: dict[str, list[str]]) -> str | None:
    """Those who wrote the page; addresses of their profiles are no names."""
    for name in _CREATOR_NAMES:
        people = [person for person in metas.get(name, []) if "://" not in person]
        if people:
            return "; ".join(dict.fromkeys(people))
    return None


def _language(tree: LexborHTMLParser) -> str | None:
    for selector in ("html", "body"):
        if node := tree.css_first(selector):
            stated = node.attributes.get("lang") or node.attributes.get("xml:lang")
            if stated and stated.strip():
                return stated.strip()
    return None


def _licence(tree: LexborHTMLParser) -> str | None:
    """The licence that the page links to as its own, or names in its JSON-LD."""
    for node in itertools.chain(tree.css("link[rel][href]"), tree.css("a[rel][href]")):
        relations = (node.attributes.get("rel") or "").lower().split()
        address = (node.attributes.get("href") or "").strip()
        if "license" in relations and address:
            return address
    for node in tree.css('script[type="application/ld+json"]'):
        try:
            value = orjson.loads(node.text(deep=True))
        except orjson.JSONDecodeError:
            continue
        if stated := _json_licence(value):
            return stated
    return None


def _json_licence(value: object) -> str | None:
    left = [value]
    for _ in range(_JSON_VALUES):
        if not left:
            break
        value = left.pop()
        if isinstance(value, list):
            left.extend(reversed(value))
        elif isinstance(value, dict):
            stated = value.get("license")
            stated = stated[0] if isinstance(stated, list) and stated else stated
            if isinstance(stated, dict):
                stated = stated.get("url") or stated.get("@id") or stated.get("name")
            if isinstance(stated, str) and stated.strip():
                return stated.strip()
            left.extend(reversed(value.values()))
    return None


# Text.


class _Break(Enum):
    LINE = auto()  # the next text begins on a line of its own
    NEW_LINE = auto()  # <br>: two of them leave a line empty
    BLOCK = auto()  # the next text is a paragraph of its own


@dataclass(frozen=True)
class _Verbatim:
    """Lines that are finished: preformatted text, a list item, a row of a table."""

    lines: str


_Part = str | _Break | _Verbatim


@dataclass
class _Frame:
    """What is gathered for an element that becomes text as a whole: the page, a list item, a row or a cell."""

    parts: list[_Part] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)


# fmt: off
_DROPPED = frozenset(
    (
        "head", "script", "style", "template", "noscript", "nav", "iframe", "object", "embed", "svg", "canvas",
        "audio", "video", "map", "datalist", "button", "select", "input", "textarea", "annotation",
        "annotation-xml", "title",
    )
)
_BLOCKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "body", "caption", "center", "details", "dialog", "div",
        "dl", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
        "header", "hgroup", "hr", "legend", "main", "ol", "p", "search", "section", "summary", "table", "ul",
    )
)
# fmt: on
_LINES = frozenset(["dt", "dd"])
_PREFORMATTED = frozenset(["pre", "listing", "xmp", "plaintext"])
_FRAMED = frozenset(["li", "tr", "td", "th"])
_VERSE = re.compile(r"(?:poem|poetry|verse|stanza|lg|line-?group)s?(?:-?container)?$", re.I)
_STANZA = re.compile(r"(?:stanza|lg|line-?group|strophe)s?$", re.I)
_VERSE_LINE = re.compile(r"(?:i\d+|indent\d*|l|line|vers|verse(?:line)?)$", re.I)
_PAGE_NUMBER = re.compile(
    r"(?:x-ebookmaker-)?(?:page-?(?:num(?:ber)?|no|break)|line-?num(?:ber)?|pb|folio)s?$", re.I
)
_PAGE_ANCHOR = re.compile(r"page[_-]?[\divxlc]+$", re.I)
_PAGE_WORDS = re.compile(r"[\[({]?\s*(?:pg|p|page)?\.?\s*[\divxlc]+\s*[\])}]?", re.I)
_PAGE_ROLES = re.compile(r"\b(?:doc-)?pagebreak\b", re.I)
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_SPACE = re.compile(r"[ \t\n\f\r]+")
_NUMBERED = re.compile(r"-\s|\(?(?:\d{1,4}|[a-z]{1,2})[.)°]\s", re.I)
_PAGE_NUMBER_LENGTH = 20


def _text(root: LexborNode) -> str:
    """Walk the tree without recursion, as it may be of any depth, and write its text."""
    frames = [_Frame()]
    verse: list[LexborNode] = []
    preformatted: list[LexborNode] = []
    numbers: dict[int, int] = {}
    for node, entering in _walk(root):
        if node.is_text_node:
            words = node.text_content or ""
            frames[-1].parts.append(_Verbatim(words) if preformatted else words.replace("\xad", ""))
            continue
        tag = node.tag or ""
        if tag == "br":
            if entering:
                frames[-1].parts.append(_Verbatim("\n") if preformatted else _Break.NEW_LINE)
            continue
        if tag == "img":
            if entering:
                frames[-1].parts.append(_initial(node))
            continue
        if tag in _PREFORMATTED:
            if entering and not preformatted:
                frames.append(_Frame())
                preformatted.append(node)
            elif not entering and preformatted and preformatted[-1].mem_id == node.mem_id:
                preformatted.pop()
                _end_preformatted(frames)
            continue
        if preformatted:
            continue
        if tag in _FRAMED:
            if entering:
                frames.append(_Frame())
            elif len(frames) > 1:
                _end_frame(node, tag, frames, numbers)
            continue
        classes = (node.attributes.get("class") or "").split()
        if _is_verse(tag, classes):
            if entering:
                verse.append(node)
            elif verse:
                verse.pop()
        if separation := _break_at(node, tag, classes, bool(verse)):
            frames[-1].parts.append(separation)
    return _assembled(frames[0].parts)


def _walk(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Every node that has a place in the text, in order: elements at their beginning and at their end."""
    node: LexborNode | None = root
    depth = 0
    while node is not None:
        dropped = not node.is_text_node and _is_dropped(node)
        if not dropped:
            yield node, True
        child = None if dropped or node.is_text_node else node.child
        if child is not None:
            node, depth = child, depth + 1
            continue
        if not dropped and not node.is_text_node:
            yield node, False
        while depth and node is not None and node.next is None:
            node, depth = node.parent, depth - 1
            if node is not None:
                yield node, False
        node = node.next if depth and node is not None else None


def _is_dropped(node: LexborNode) -> bool:
    if node.is_comment_node or not node.is_element_node:
        return not node.is_document_node
    if node.tag in _DROPPED:
        return True
    attributes = node.attributes
    if not attributes:
        return False
    if "hidden" in attributes or attributes.get("aria-hidden") == "true" or attributes.get("role") == "navigation":
        return True
    if _INVISIBLE.search(attributes.get("style") or ""):
        return True
    classes = (attributes.get("class") or "").split()
    roles = f"{attributes.get('epub:type') or ''} {attributes.get('role') or ''}"
    if any(_PAGE_NUMBER.match(name) for name in classes) or _PAGE_ROLES.search(roles):
        # The same classes also stand on chapters that begin a page.
        return len(node.text(deep=True).strip()) <= _PAGE_NUMBER_LENGTH and node.tag not in {"h1", "h2", "h3"}
    if node.tag == "a" and _PAGE_ANCHOR.match(attributes.get("id") or attributes.get("name") or ""):
        # A parser takes the number out of its span where the span is in a link.
        return _PAGE_WORDS.fullmatch(node.text(deep=True).strip()) is not None
    return False


def _initial(node: LexborNode) -> str:
    """An image that stands for the first letter of a chapter."""
    letter = (node.attributes.get("alt") or "").strip()
    return letter if len(letter) == 1 and letter.isalpha() else ""


def _is_verse(tag: str, classes: list[str]) -> bool:
    return tag in {"div", "p", "blockquote", "section", "span", "table", "ul"} and any(map(_VERSE.match, classes))


def _break_at(node: LexborNode, tag: str, classes: list[str], in_verse: bool) -> _Break | None:
    if in_verse:
        if any(map(_STANZA.match, classes)):
            return _Break.BLOCK
        if any(map(_VERSE_LINE.match, classes)):
            return _Break.LINE
        if tag == "div" and not any(map(_VERSE.match, classes)):
            return _Break.LINE
        if tag == "p" and not classes and not _has_line_breaks(node) and _is_among_lines(node):
            return _Break.LINE
    if tag in _BLOCKS:
        return _Break.BLOCK
    return _Break.LINE if tag in _LINES else None


def _has_line_breaks(node: LexborNode) -> bool:
    return node.css_first("br") is not None


def _is_among_lines(node: LexborNode) -> bool:
    """Whether a paragraph of a poem is a line of it: a stanza has its lines within."""
    return node.css_first("span, div") is None


def _end_preformatted(frames: list[_Frame]) -> None:
    parts = frames.pop().parts
    words = "".join(part.lines for part in parts if isinstance(part, _Verbatim))
    lines = [line.rstrip() for line in words.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines).strip("\n"))
    frames[-1].parts += [_Break.BLOCK, _Verbatim(text), _Break.BLOCK]


def _end_frame(node: LexborNode, tag: str, frames: list[_Frame], numbers: dict[int, int]) -> None:
    frame = frames.pop()
    outer = frames[-1]
    text = _assembled(frame.parts)
    if tag in {"td", "th"}:
        outer.cells.append(text)
    elif tag == "tr":
        outer.parts += [_Break.LINE, _Verbatim(_row(frame.cells)), *frame.parts, _Break.LINE]
    else:
        number = _number(node, numbers)
        if text:
            outer.parts += [_Break.LINE, _Verbatim(_item(number, text)), _Break.LINE]


def _row(cells: list[str]) -> str:
    if any("\n\n" in cell for cell in cells):  # a table that lays out the page
        return "\n\n".join(cell for cell in cells if cell)
    while cells and not cells[-1]:
        cells = cells[:-1]
    return " | ".join(cell.replace("\n", " ") for cell in cells).strip()


def _item(number: int | None, text: str) -> str:
    """A list item with its mark, unless it has one of its own or holds nothing but another list."""
    if _NUMBERED.match(text):
        return text
    mark = "- " if number is None else f"{number}. "
    return mark + text.replace("\n", "\n  ").replace("\n  \n", "\n\n")


def _number(node: LexborNode, numbers: dict[int, int]) -> int | None:
    """The number of an item of an ordered list; `numbers` keeps the last one of each list."""
    parent = node.parent
    if parent is None or parent.tag != "ol" or parent.attributes.get("type") not in (None, "1"):
        return None
    stated = _whole_number(node.attributes.get("value"))
    if stated is None:
        start = _whole_number(parent.attributes.get("start"))
        stated = numbers.get(parent.mem_id, (1 if start is None else start) - 1) + 1
    numbers[parent.mem_id] = stated
    return stated


def _whole_number(stated: str | None) -> int | None:
    return int(stated) if stated and re.fullmatch(r"[0-9]{1,6}", stated) else None


def _assembled(parts: list[_Part]) -> str:
    """Parts as text: white space runs together, breaks become line ends, and no paragraph is empty."""
    written: list[str] = []
    gap: _Break | None = None
    new_lines = 0
    space = False
    for part in parts:
        if isinstance(part, _Break):
            new_lines += part is _Break.NEW_LINE
            if part is _Break.BLOCK or gap is None:
                gap = part
            continue
        words = part.lines if isinstance(part, _Verbatim) else _SPACE.sub(" ", part)
        if not words.strip():
            space = space or bool(words)
            continue
        if written and (gap or new_lines):
            written.append("\n\n" if gap is _Break.BLOCK or new_lines > 1 else "\n")
        elif written and (space or words[0] == " "):
            written.append(" ")
        starts_line = not written or gap or new_lines
        if isinstance(part, _Verbatim):
            written.append(words)
            space = False
        else:
            space = words.endswith(" ")
            bare = words.strip(" ")
            written.append(bare.lstrip() if starts_line else bare)
        gap, new_lines = None, 0
    return re.sub(r"[ \t\xa0]+\n", "\n", "".join(written)).rstrip()
