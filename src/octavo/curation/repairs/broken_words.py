"""Words broken at the ends of lines are joined."""

from __future__ import annotations

import re
from typing import NamedTuple

LETTER = r"(?:[^\W\d_]|[\u0300-\u036f])"
HYPHENS = "[-‐¬⸗\xad]"
_BREAK = re.compile(rf"({HYPHENS})[ \t]*\n([ \t]*)({LETTER}+)(\S*)([ \t]*)(\n?)")
_LAST_WORD = re.compile(rf"{LETTER}+\Z")
_SURE_MARKS = "¬\xad"
# fmt: off
_SUSPENDED = frozenset(
    (
        "und", "vnd", "vnnd", "oder", "bzw", "sowie", "beziehungsweise", "and", "or", "nor", "to", "en", "of",
        "et", "ou", "e", "y", "o", "u", "bis", "als", "noch", "bezw", "bezüglich", "resp", "respektive", "dan",
    )
)
"""What follows a hyphen that stands for a word to come: in- and exports."""
_WHOLE_WORDS = frozenset(
    (
        "und", "vnd", "daß", "daſs", "dass", "hat", "ist", "iſt", "von", "mit", "auf", "nicht", "sich", "ſich",
        "auch", "wie", "wird", "eine", "einer", "einen", "dem", "welche", "durch", "zum", "zur", "nach", "aus",
        "bei", "für", "ſein", "ſie", "ſo", "the", "of", "and", "that", "with", "was", "which", "for", "from",
        "this", "pour", "dans", "avec", "cum", "quod", "non", "sed", "qui", "een", "het", "van", "met", "niet",
        "voor", "che", "della", "para", "com", "por", "los",
    )
)
"""Words that hardly ever are the second half of another."""
# fmt: on
_LOWEST_RATE = 0.03
_HIGHEST_DOUBT = 0.15
_FEWEST_BREAKS = 5


class _Break(NamedTuple):
    match: re.Match[str]
    first: str
    mark: str
    second: str


def join_broken_words(text: str) -> tuple[str, int]:
    """Join a word to its half on the next line; the line break moves behind the word.

    A hyphen at a line end may also be a compound's own. The joined form elsewhere in the text speaks for
    joining, the hyphenated one against it; without either, the text must break words as a matter of course.
    """
    breaks = _breaks(text)
    if not breaks:
        return text, 0
    lowered = text.casefold()
    habitual = _breaks_words(text, breaks)
    pieces, done, count = [], 0, 0
    for found in breaks:
        if found.match.start() < done or not _belongs_together(text, lowered, found, habitual):
            continue
        indent, tail, end = found.match[2], found.match[4], found.match[6]
        pieces += [text[done : found.match.start()], found.second, tail, "\n", "" if end else indent]
        done = found.match.end()
        count += 1
    return "".join([*pieces, text[done:]]), count


def _breaks(text: str) -> list[_Break]:
    breaks = []
    for match in _BREAK.finditer(text):
        first = _LAST_WORD.search(text, max(0, match.start() - 40), match.start())
        if first:
            breaks.append(_Break(match, first[0], match[1], match[3]))
    return breaks


def _breaks_words(text: str, breaks: list[_Break]) -> bool:
    uncertain = [b.second for b in breaks if b.mark not in _SURE_MARKS and b.second not in _SUSPENDED]
    if len(uncertain) < _FEWEST_BREAKS:
        return False
    doubtful = sum(not second.islower() or second in _WHOLE_WORDS for second in uncertain)
    lines = len(re.findall(r"\n[ \t]*[^\s]", text))
    return doubtful <= _HIGHEST_DOUBT * len(uncertain) and len(uncertain) >= _LOWEST_RATE * lines


def _belongs_together(text: str, lowered: str, found: _Break, habitual: bool) -> bool:
    match, first, mark, second = found
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    if any(c in line or c in match[0] for c in "|`\t"):
        return False
    if not second.islower():
        return len(first) > 1 and first.isupper() and second.isupper() and _is_word(first + second, lowered)
    if mark in _SURE_MARKS:
        return True
    if second in _SUSPENDED or " " not in line.strip():
        return False
    if _is_word(first + second, lowered):
        return True
    if match[4].startswith(tuple("-‐")):  # father-in-law
        return False
    if not habitual or second in _WHOLE_WORDS:
        return False
    return not (
        _occurs(f"{first}-", lowered, before=False, after=True) or _occurs(f"-{second}", lowered, True, False)
    )


def _is_word(word: str, lowered: str) -> bool:
    return _occurs(word, lowered, before=False, after=False)


def _occurs(part: str, lowered: str, before: bool, after: bool) -> bool:
    """Whether `part` occurs with a letter (or with none) before and after it."""
    part = part.casefold()
    at = lowered.find(part)
    while at >= 0:
        end = at + len(part)
        if lowered[max(0, at - 1) : at].isalpha() == before and lowered[end : end + 1].isalpha() == after:
            return True
        at = lowered.find(part, at + 1)
    return False
