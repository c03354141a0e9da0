"""Markdown: the text of paragraphs, headings, items and cells; marks, code and HTML stay where they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from html import unescape

from markdown_it import MarkdownIt

from octavo.corpus.readers.markdown import MARKDOWN_BYTES, front_matter_end
from octavo.tuning.files.passages import Change, Passage, Rebuild, Rebuilt, UnfitError, Work
from octavo.tuning.files.plain_text_file import decoded
from octavo.tuning.files.running_pieces import Kind, Piece, corrected, settled, text_of, text_pieces, translated
from octavo.tuning.files.xml_source import Edit, spliced
from octavo.tuning.markup import bare, beside_marks

_INLINE = re.compile(
    r"""
    (?P<code>(`+)(?!`).*?(?<!`)\2(?!`))
    | (?P<escape>\\[!-/:-@\[-`{-~])
    | (?P<stays><[A-Za-z/!?][^<>]*> | !\[[^\[\]]*\](?:\([^()]*\)|\[[^\[\]]*\])?)
    | (?P<mark>\[(?=[^\[\]]*\](?:\(|\[)) | \](?:\([^()]*\)|\[[^\[\]]*\])
       | (?<!\w)_+(?=\S) | (?<=\S)_+(?!\w) | \*+(?=\S) | (?<=\S)\*+ | ~~)
    """,
    re.VERBOSE,
)
_BEFORE = re.compile(r"\A\s*(?:#{2,6}(?=[^\s#])|:[ \t]+(?=\S))")
"""What older dialects have at the beginning of a heading or a definition."""
_BLOCK_MARK = re.compile(r"(?:#{1,6}|[-+>])(?:\s|\Z)")
"""What would make another block of a text that begins with it."""
_SPECIAL = re.compile(r"[\\*_`\[\]<]")


def opened(content: bytes, work: Work) -> tuple[list[Passage], Rebuild]:
    """The passages of a text in Markdown: to be translated with their emphasis and links, which go along.

    Raises UnfitError where it has none or is not in UTF-8.
    """
    if len(content) > MARKDOWN_BYTES:
        raise UnfitError(f"found a file of over {MARKDOWN_BYTES} bytes")
    source, encoding = decoded(content)
    blocks = _blocks(source)
    if not blocks:
        raise UnfitError("found no text, expected some")
    shown = _with_marks if work is Work.TRANSLATION else _without_marks
    passages = [Passage(shown(source, pieces), f"line {line + 1}") for line, pieces in blocks]
    return passages, partial(_rebuilt, source, encoding, [pieces for _, pieces in blocks])


def _without_marks(source: str, pieces: Sequence[Piece]) -> str:
    return text_of(pieces)


def _with_marks(source: str, pieces: Sequence[Piece]) -> str:
    """What pieces read as, with emphasis, links and code as they are written, where all of these can go along.

    An image or a tag within would stand at some share of the new text, perhaps amid a link.
    """
    marks = {Kind.UNREAD, Kind.SIGN}
    marked = "".join(source[p.start : p.end] if p.kind in marks else p.value for p in pieces)
    plain = text_of(pieces)
    can_go_along = bare(marked)[0] == plain and not any(piece.stays for piece in pieces)
    return marked if can_go_along else plain


def _rebuilt(
    source: str, encoding: str, blocks: list[list[Piece]], new: Mapping[int, str], change: Change
) -> Rebuilt:
    is_translated = change.work is Work.TRANSLATION
    put_in = translated if is_translated else corrected
    edits: list[Edit] = []
    kept: list[int] = []
    for number, text in new.items():
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            kept.append(number)
        else:
            text = " ".join(re.findall(r"[^ \t\r\n]+", text))
            first = blocks[number][0].start
            if _BLOCK_MARK.match(text):
                edits.append(Edit(first, first, "\\"))
            has_marks = is_translated and _with_marks(source, blocks[number]) != text_of(blocks[number])
            edits += put_in(blocks[number], text, partial(beside_marks, _escaped) if has_marks else _escaped)
    return Rebuilt(spliced(source, edits).encode(encoding), kept)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _blocks(source: str) -> list[tuple[int, list[Piece]]]:
    """The number of the first line and the pieces of each block with text."""
    mark = 1 if source.startswith("\ufeff") else 0
    start = mark + front_matter_end(source[mark:])
    body = source[start:]
    # The parser counts lines as these are, and its blocks tell theirs.
    ends = [m.end() for m in re.finditer(r"\r\n|\n|\r", body)]
    starts = [0, *ends]
    cursors: dict[int, int] = {}
    blocks: list[tuple[int, list[Piece]]] = []
    skipped = len(re.findall(r"\r\n|\n|\r", source[:start]))
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body):
        if token.type != "inline" or token.map is None:
            continue
        pieces: list[Piece] = []
        end = None
        for number, text in enumerate(token.content.split("\n"), token.map[0]):
            text = _BEFORE.sub("", text).strip()
            line_start = cursors.get(number, starts[number])
            line_end = starts[number + 1] if number + 1 < len(starts) else len(body)
            place = body.find(text, line_start, line_end)
            if place < 0:
                pieces = []
                break
            if end is not None:
                pieces.append(Piece(Kind.SPACE, end, start + place))
            end = start + place + len(text)
            cursors[number] = place + len(text)
            pieces += _inline(text, start + place)
        pieces = settled(pieces)
        shown = [n for n, piece in enumerate(pieces) if piece.value]
        if any(piece.kind is Kind.TEXT and re.search(r"\w", piece.value) for piece in pieces):
            first, last = shown[0], shown[-1]
            while first > 0 and pieces[first - 1].kind is Kind.UNREAD:
                first -= 1
            while last + 1 < len(pieces) and pieces[last + 1].kind is Kind.UNREAD:
                last += 1
            blocks.append((skipped + token.map[0], pieces[first : last + 1]))
    return blocks


def _inline(text: str, start: int) -> list[Piece]:
    """The pieces of a line of a block."""
    pieces: list[Piece] = []
    place = 0
    for found in _INLINE.finditer(text):
        pieces += text_pieces(text[place : found.start()], start + place, unescape)
        where = (start + found.start(), start + found.end())
        if found["code"]:
            pieces.append(Piece(Kind.SIGN, *where, value=found["code"].strip("`").strip()))
        elif found["escape"]:
            pieces.append(Piece(Kind.TEXT, *where, value=found["escape"][1]))
        else:
            pieces.append(Piece(Kind.STAYS if found["stays"] else Kind.UNREAD, *where))
        place = found.end()
    return pieces + text_pieces(text[place:], start + place, unescape)
