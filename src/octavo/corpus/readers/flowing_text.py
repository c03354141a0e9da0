"""Running text out of markup: blocks apart by a blank line, and in each the lines that the source keeps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

JOIN = "\x01"
"""A word goes on here, whatever hyphen or whitespace stands before: no character of XML, so no text has it."""
LINE_BREAK = "\x02"
"""A line of the print ends here."""
PAGE_BREAK = "\x03"
"""A page or column of the print ends here, perhaps within a word."""
TIGHT = "\x04"
"""What follows belongs to what stands before; the whitespace between is the markup's."""

SURE_HYPHENS = "¬\u00ad"
"""At the end of a line they are never a hyphen of the word itself."""
HYPHENS = "-‐⸗" + SURE_HYPHENS

_BREAKS = JOIN + LINE_BREAK + PAGE_BREAK
_MARKS = re.compile(f"[{_BREAKS}{TIGHT}]")
_SPACE = re.compile(r"[ \t\r\n]{2,}|[\t\r\n]")
"""Whitespace that is not one space already: most words are apart by that, and need no work."""
_JOINED = re.compile(
    rf"(?:[{re.escape(HYPHENS)}]|(?<![ {LINE_BREAK}{PAGE_BREAK}]))[ {LINE_BREAK}{PAGE_BREAK}]*{JOIN}[ {_BREAKS}]*"
)
_DIVIDED = re.compile(
    rf"(\S)([{re.escape(HYPHENS)}]) ?[{LINE_BREAK}{PAGE_BREAK}][ {LINE_BREAK}{PAGE_BREAK}]*(?=(\S))"
)
_TIGHT = re.compile(f" ?{TIGHT} ?")


class Flow:
    """Collects text in the order of the document; blocks and lines end where they are told to."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._lines: list[str] = []
        self._pieces: list[str] = []

    def add(self, text: str) -> None:
        """Go on with the line."""
        self._pieces.append(text)

    def end_line(self) -> None:
        """End the line, if it has any text."""
        if self._pieces:
            line = tidy("".join(self._pieces))
            self._pieces.clear()
            if line:
                self._lines.append(line)

    def end_block(self) -> None:
        """End the block, if it has any text."""
        self.end_line()
        if self._lines:
            self._blocks.append("\n".join(self._lines))
            self._lines.clear()

    def set_apart(self, blocks: Iterable[str]) -> None:
        """Put finished blocks here."""
        self.end_block()
        self._blocks.extend(blocks)

    def blocks(self) -> list[str]:
        """What was collected, block by block."""
        self.end_block()
        return self._blocks

    def text(self) -> str:
        """What was collected."""
        return "\n\n".join(self.blocks())

    def line(self) -> str:
        """What was collected, in one line."""
        return " ".join(" ".join(self.blocks()).split("\n"))


def tidy(text: str) -> str:
    """A line with the markup's whitespace normalised and words joined that the print divides.

    Only the four characters that XML calls whitespace are touched: a no-break space is the author's.
    """
    text = _SPACE.sub(" ", text)
    if _MARKS.search(text):
        text = _JOINED.sub("", text)
        text = _DIVIDED.sub(_across_break, text)
        text = _TIGHT.sub("", text).replace(LINE_BREAK, " ").replace(PAGE_BREAK, "")
        text = _SPACE.sub(" ", text)
    return text.strip(" ")


def _across_break(match: re.Match[str]) -> str:
    hyphen, space = seam(match[1] + match[2], match[3])
    return match[1] + ("" if not hyphen else match[2]) + (" " if space else "")


def seam(before: str, after: str) -> tuple[bool, bool]:
    """Whether a line's final hyphen stays, and whether a space follows, where the next line begins.

    A hyphen between two letters of one case divides a word (ha-ben, RANNI-DIS); before a capital it belongs to
    the word (Orgel-Pfeiffen), and before anything else the lines are two.
    """
    mark = before[-1:]
    if mark and mark in SURE_HYPHENS:
        return False, False
    if not mark or mark not in HYPHENS or not _is_letter(before[-2:-1]) or not _is_letter(after[:1]):
        return True, True
    if not after[0].isupper() or before[-2].isupper():
        return False, False
    return True, False


def _is_letter(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LM"
