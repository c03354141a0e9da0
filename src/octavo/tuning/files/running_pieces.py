"""Running text that markup cuts: its pieces by their places in the file, and a new text put into these places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from octavo.corpus.readers.flowing_text import HYPHENS, seam
from octavo.tuning.files.character_owners import owners
from octavo.tuning.files.xml_source import Edit, with_attributes

Escape = Callable[[str], str]


class Kind(StrEnum):
    """What a piece is."""

    TEXT = "text"
    SPACE = "space"
    """Whitespace of the file."""
    LINE_BREAK = "line break"
    """A milestone at which a line of print ends."""
    PAGE_BREAK = "page break"
    """A milestone at which a page ends, perhaps within a word."""
    JOIN = "join"
    """A word goes on here, whatever hyphen or whitespace is around; a milestone if it has a source."""
    TIGHT = "tight"
    """The whitespace here is the markup's, and none of the text."""
    SIGN = "sign"
    """Markup that reads as a character, such as a gap; it stays whatever a correction says."""
    VERSE = "verse"
    """A line of verse begins or ends."""
    STAYS = "stays"
    """Markup without text of this passage, such as a note."""
    OPENS = "opens"
    CLOSES = "closes"
    """Tags around a part of the text."""
    UNREAD = "unread"
    """What belongs to the text's markup and goes with it, such as the second of two spellings."""
    HYPHEN = "hyphen"
    """The hyphen of a word that is divided."""


_GAPS = frozenset({Kind.SPACE, Kind.LINE_BREAK, Kind.PAGE_BREAK, Kind.JOIN, Kind.TIGHT})
_MILESTONES = frozenset({Kind.LINE_BREAK, Kind.PAGE_BREAK})
_PARTED = frozenset({*_MILESTONES, Kind.STAYS})


@dataclass(slots=True)
class Piece:
    """A stretch of the file and what it is in the running text."""

    kind: Kind
    start: int
    end: int
    source: str = ""
    """As written, where that may have to be changed."""
    value: str = ""
    """What it reads as."""
    gap: int = -1
    """The number of the gap between two words that it is in."""
    element: object = None
    """What a tag belongs to."""

    @property
    def stays(self) -> bool:
        """Whether it is kept when the text around it is replaced."""
        return self.kind in _PARTED or (self.kind is Kind.JOIN and self.source != "")


def settled(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces with what each reads as: whitespace is one space, divided words are whole, lines of verse apart."""
    done: list[Piece] = []
    gap: list[Piece] = []
    verse: Piece | None = None
    last: int | None = None
    gaps = 0
    for piece in pieces:
        if piece.kind in _GAPS:
            piece.gap = gaps
            gap.append(piece)
        elif piece.kind is Kind.VERSE:
            gap.clear()
            gaps += 1
            if last is not None:
                verse = piece
        elif piece.kind in (Kind.TEXT, Kind.SIGN) and piece.value:
            if verse is not None:
                verse.value = "\n"
            elif last is not None and gap:
                _bridge(done, last, gap, piece)
            verse = None
            gap.clear()
            gaps += 1
            last = len(done)
        done.append(piece)
    return done


def _bridge(done: list[Piece], last: int, gap: list[Piece], after: Piece) -> None:
    """Settle what a gap between two words reads as, and set the hyphen of a divided word apart."""
    kinds = {piece.kind for piece in gap}
    before, place = "", last
    while len(before) < 2 and place >= 0:
        before, place = done[place].value[-2:] + before, place - 1
    space = Kind.TIGHT not in kinds and (Kind.SPACE in kinds or Kind.LINE_BREAK in kinds)
    hyphen_stays = True
    if Kind.JOIN in kinds:
        space, hyphen_stays = False, before[-1] not in HYPHENS
    elif kinds & _MILESTONES and before[-1] in HYPHENS:
        hyphen_stays, between = seam(before, after.value)
        space = space and between
    if space:
        next((p for p in gap if p.kind is Kind.SPACE), gap[0]).value = " "
    if hyphen_stays or done[last].kind is not Kind.TEXT:
        return
    word = done[last]
    if len(word.value) == 1:
        word.kind, word.value, word.gap = Kind.HYPHEN, "", gap[0].gap
        return
    word.value = word.value[:-1]
    word.end -= 1
    done.insert(last + 1, Piece(Kind.HYPHEN, word.end, word.end + 1, gap=gap[0].gap))


def text_of(pieces: Sequence[Piece]) -> str:
    """What pieces read as."""
    return "".join(piece.value for piece in pieces)


def corrected(pieces: Sequence[Piece], new: str, escape: Escape) -> list[Edit]:
    """The edits that make pieces read as a corrected text; each character stays in the piece that it stands for."""
    ends = _ends(pieces, new)
    edits: list[Edit] = []
    closed: set[int] = set()
    start = 0
    for piece, end in zip(pieces, ends, strict=True):
        share, around = new[start:end], new[max(0, start - 1) : end + 1]
        start = end
        if share == piece.value or (piece.kind is Kind.VERSE and share == " "):
            continue
        if piece.kind is Kind.TEXT:
            edits.append(Edit(piece.start, piece.end, escape(share)))
        elif piece.kind in (Kind.SIGN, Kind.VERSE):
            edits += _beside(piece, share, escape)
        else:
            if " " not in around:
                closed.add(piece.gap)
            if piece.kind is Kind.SPACE:
                edits.append(Edit(piece.start, piece.end, ""))
    opened, unlike = _divisions(pieces, new, ends)
    return edits + _at_breaks(pieces, closed | unlike, opened)


def _beside(piece: Piece, share: str, escape: Escape) -> list[Edit]:
    """What a new text has around a sign, which stays; words that stay, such as code, get no other reading."""
    before, known, after = share.partition(piece.value) if piece.value else ("", "", share)
    if not known and len(piece.value) > 1:
        return []
    if not known:
        before, after = (share, "") if piece.value else ("", share)
    beside = ((piece.start, before), (piece.end, after))
    return [Edit(place, place, escape(text)) for place, text in beside if text]


def _ends(pieces: Sequence[Piece], new: str) -> list[int]:
    """For each piece where in the new text what stands for it ends; for a gap that is a space or nothing."""
    old = text_of(pieces)
    counts = [0] * (len(old) + 1)
    for place in owners(old, new):
        counts[place + 1] += 1
    reached = list(accumulate(counts))
    ends = [reached[place] for place in accumulate(len(piece.value) for piece in pieces)]
    last = 0
    for number, piece in enumerate(pieces):
        if piece.kind in _GAPS and piece.value:
            start, end = ends[number - 1], ends[number]
            space = new.find(" ", start, end)
            before, after = (end, end) if space < 0 else (space, space + 1)
            ends[last:number] = [before] * (number - last)
            following = number
            while following < len(pieces) and (following == number or not pieces[following].value):
                ends[following] = after
                following += 1
        elif piece.value:
            last = number
    return ends


def _divisions(pieces: Sequence[Piece], new: str, ends: Sequence[int]) -> tuple[set[int], set[int]]:
    """Gaps within a divided word: those where two words are now, and those that would not read as a division."""
    opened: set[int] = set()
    unlike: set[int] = set()
    places: dict[int, int] = {}
    gaps: dict[int, list[int]] = {}
    for number, piece in enumerate(pieces):
        if piece.gap >= 0:
            gaps.setdefault(piece.gap, []).append(number)
    for gap, numbers in gaps.items():
        if any(pieces[n].value for n in numbers):
            continue
        kinds = {pieces[n].kind for n in numbers}
        place = ends[numbers[0]]
        left, right = new[:place], new[place:]
        if not left or not right or left[-1] == " " or right[0] == " ":
            opened.add(gap)
        elif Kind.JOIN not in kinds and kinds & _MILESTONES:
            hyphen = Kind.HYPHEN in kinds
            stays, space = seam(left[-4:] + "-" * hyphen, right[:1])
            # Without a hyphen, a page alone parts no words.
            parts = hyphen or Kind.LINE_BREAK in kinds or Kind.SPACE in kinds or left[-1] in HYPHENS
            if parts and (stays or space if hyphen else space):
                unlike.add(gap)
            if place in places:  # all text between two divisions is gone: they are one
                unlike |= {gap, places[place]}
        places[place] = gap
    return opened, unlike


def _at_breaks(pieces: Sequence[Piece], closed: set[int], opened: set[int]) -> list[Edit]:
    """Edits of the gaps where words were joined or parted."""
    edits: list[Edit] = []
    for piece in pieces:
        if piece.gap in closed:
            if piece.kind is Kind.SPACE and not piece.value:
                edits.append(Edit(piece.start, piece.end, ""))
            elif piece.kind in _MILESTONES:
                edits.append(Edit(piece.start, piece.end, with_attributes(piece.source, {"break": "no"})))
        elif piece.gap in opened:
            if piece.kind is Kind.HYPHEN:
                edits.append(Edit(piece.start, piece.end, ""))
            elif piece.kind is Kind.JOIN:
                tag = with_attributes(piece.source, {"break": None}) if piece.source else ""
                edits.append(Edit(piece.start, piece.end, tag))
    return edits


def translated(pieces: Sequence[Piece], new: str, escape: Escape) -> list[Edit]:
    """The edits that put a text with other words into the place of pieces.

    Tags around parts of the old text and signs go, for nothing says which new words they belong to; milestones,
    notes and other markup of its own stays, after the same share of the text as before. Lines of verse keep their
    lines where there are as many.
    """
    lines: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece.kind is Kind.VERSE:
            if piece.value:
                lines.append([])
        else:
            lines[-1].append(piece)
    texts = new.split("\n")
    if len(texts) != len(lines):
        texts = shared_out(_words(new), [len(text_of(line)) for line in lines])
    return [edit for line, text in zip(lines, texts, strict=True) for edit in _replaced(line, text, escape)]


def _replaced(line: Sequence[Piece], new: str, escape: Escape) -> list[Edit]:
    """The edits that put a text into the place of a line's pieces."""
    line = _without_frame(line)
    if not line:
        return []
    opens = {id(p.element) for p in line if p.kind is Kind.OPENS}
    closes = {id(p.element) for p in line if p.kind is Kind.CLOSES}
    whole = opens & closes
    slots: list[list[Piece]] = [[]]
    edits: list[Edit] = []
    for piece in line:
        if piece.stays or (piece.kind in (Kind.OPENS, Kind.CLOSES) and id(piece.element) not in whole):
            slots.append([])
            if piece.kind is Kind.JOIN:
                edits.append(Edit(piece.start, piece.end, with_attributes(piece.source, {"break": None})))
        else:
            slots[-1].append(piece)
    texts = shared_out(_words(new), [len(text_of(_trimmed(slot))) for slot in slots])
    spaced = True
    for slot, text in reversed(list(zip(slots, texts, strict=True))):
        inner = _trimmed(slot)
        if not inner:
            spaced = spaced or bool(slot)
            continue
        # Whitespace around what stays is the file's; between words there is some.
        spaced = spaced or inner[-1] is not slot[-1]
        space = "" if spaced or not text else " "
        edits.append(Edit(inner[0].start, inner[-1].end, escape(text) + space))
        spaced = inner[0] is not slot[0] or (spaced and not text)
    return edits


def _trimmed(slot: Sequence[Piece]) -> Sequence[Piece]:
    """Pieces without whitespace around them."""
    while slot and slot[0].kind is Kind.SPACE:
        slot = slot[1:]
    while slot and slot[-1].kind is Kind.SPACE:
        slot = slot[:-1]
    return slot


def _without_frame(line: Sequence[Piece]) -> Sequence[Piece]:
    """A line without what stands around its text, and the tags around the whole of it."""
    outside = (Kind.SPACE, Kind.STAYS, Kind.LINE_BREAK, Kind.PAGE_BREAK, Kind.JOIN)
    while line:
        if line[0].kind in outside:
            line = line[1:]
        elif line[-1].kind in outside:
            line = line[:-1]
        elif line[0].kind is Kind.OPENS and line[-1].kind is Kind.CLOSES and line[0].element is line[-1].element:
            line = line[1:-1]
        else:
            break
    return line


def shared_out(words: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """Words in as many stretches as there are sizes, in proportion to these."""
    total = sum(sizes) or 1
    length = sum(map(len, words)) or 1
    middles = [(end - len(word) / 2) / length for word, end in zip(words, accumulate(map(len, words)), strict=True)]
    ends = [end / total for end in accumulate(sizes)]
    last = max((n for n, size in enumerate(sizes) if size), default=len(sizes) - 1)
    stretches: list[list[str]] = [[] for _ in sizes]
    for word, middle in zip(words, middles, strict=True):
        stretches[min(last, next((n for n, end in enumerate(ends) if middle <= end), last))].append(word)
    return [" ".join(stretch) for stretch in stretches]


def _words(text: str) -> list[str]:
    return re.findall(r"[^ \t\r\n]+", text)


_RUNS = re.compile(r"[^ \t\r\n&]+(?: [^ \t\r\n&]+)*|[ \t\r\n]+|&[^;\s]*;|&")
"""Words with one space between, which read as they are written; other whitespace; references."""


def text_pieces(text: str, start: int, value_of: Callable[[str], str]) -> list[Piece]:
    """The pieces of a stretch of plain text in the file; `value_of` a reference (`&...;`)."""
    pieces: list[Piece] = []
    for found in _RUNS.finditer(text):
        run = found[0]
        value = value_of(run) if run[0] == "&" and len(run) > 1 else run
        if not value.strip(" \t\r\n"):
            kind, value = Kind.SPACE, ""
        else:
            kind = Kind.TEXT
        pieces.append(Piece(kind, start + found.start(), start + found.end(), value=value))
    return pieces
