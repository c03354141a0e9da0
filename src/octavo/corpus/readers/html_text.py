"""A page as running text: paragraphs, verse, lists and tables out of its tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from selectolax.lexbor import LexborNode


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


def running_text(root: LexborNode) -> str:
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
    return re.sub(r"(?<![ \t\xa0])[ \t\xa0]+\n", "\n", "".join(written)).rstrip()
