"""Texts in paragraphs with light markup: what is translated of them, and how it comes back to its place.

A paragraph is a block between blank lines; a heading, an item of a list and a quoted line are paragraphs of their
own. Marks before a paragraph and its number are kept. Emphasis and links within it are taken out, and put around
the same words again where these stand in the translation. Rules, code and what has no letters stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

_MARKS: Final = r"(?:#{1,6}|[-*+•]|>|\d{1,4}[.)]|\(\d{1,4}\)|§[ ]?\d{1,4}[.)]?)(?=[ \t])"
_PREFIX: Final = re.compile(rf"[ \t]*(?:{_MARKS}[ \t]+)*")
_FENCE: Final = re.compile(r"[ \t]*(?:`{3,}|~{3,})")
_WORD: Final = re.compile(r"[^\W\d_]")
_LINK: Final = r"(?P<opened>!?\[)(?P<label>[^\[\]\n]*)(?P<closed>\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\))"
_CODE: Final = r"(?P<code>`{1,2})(?P<said>[^`\n]+)(?P=code)"
_EMPHASIS: Final = r"(?<!\w)(?P<stars>\*{1,3}|_{1,3})(?=[^\s*_])(?P<stressed>[^*_\n]*[^\s*_])(?P=stars)(?!\w)"
_INLINE: Final = re.compile(f"{_LINK}|{_CODE}|{_EMPHASIS}")
_UNUSED: Final = 0xF0000
"""From here on are code points for private use that no font of old letters has."""


class Paragraph(NamedTuple):
    """A paragraph, and all that stands between it and the one before: blank lines, marks, its number."""

    before: str
    body: str
    """What is translated; without white space around it."""
    is_copied: bool
    """It is no text in a language: a rule, a number, code."""


class Mark(NamedTuple):
    """Markup around words of a paragraph."""

    opened: str
    words: str
    closed: str

    @property
    def link(self) -> str:
        """The address of a link, else nothing."""
        return self.closed[2:-1] if self.closed.startswith("](") else ""


def split_paragraphs(text: str) -> tuple[list[Paragraph], str]:
    """The paragraphs of a text and what stands after the last; joined, in order, they are the text."""
    found: list[Paragraph] = []
    space, is_open, in_fence = "", False, False
    for line in _lines(text):
        body = line.strip()
        is_fence = bool(_FENCE.match(line))
        if not body:
            space, is_open = space + line, False
            continue
        prefix = "" if in_fence or is_fence else _prefix(line)
        body = line[len(prefix) :].strip()
        is_copied = in_fence or is_fence or not _WORD.search(body)
        start = line.index(body, len(prefix)) if body else len(line)
        lead, rest = line[:start], line[start + len(body) :]
        if is_open and not prefix.strip() and not is_copied:
            last = found[-1]
            found[-1] = last._replace(body=last.body + space + lead + body)
        else:
            found.append(Paragraph(space + lead, body, is_copied))
        space = rest
        is_open = not is_copied and "#" not in prefix
        in_fence ^= is_fence
    return found, space


def joined(paragraphs: Sequence[Paragraph], after: str) -> str:
    """The text of paragraphs."""
    return "".join(part for one in paragraphs for part in (one.before, one.body)) + after


def fitted(answer: str, body: str) -> str:
    """A translation of a paragraph made to be one: without blank lines, and without marks that would part it.

    Line breaks are kept where the paragraph has some.
    """
    lines = [" ".join(line.split()) for line in _lines(answer)]
    lines = [line for line in lines if line]
    text = ""
    for line in lines:
        is_own = bool(_prefix(line) or _FENCE.match(line)) or not _WORD.search(line) or not _WORD.search(text)
        text += line if not text else f" {line}" if is_own or "\n" not in body else f"\n{line}"
    while (stripped := re.sub(r"^(?:`{3,}|~{3,}|#{1,6}(?=\s|$))\s*", "", text)) != text:
        text = stripped
    return text


def bare(body: str) -> tuple[str, list[Mark]]:
    """A paragraph's text without emphasis and links, and these in order, outer ones after inner ones."""
    marks: list[Mark] = []

    def taken(found: re.Match[str]) -> str:
        marks.append(_mark(found))
        return marks[-1].words

    while (plain := _INLINE.sub(taken, body)) != body:
        body = plain
    return plain, marks


def _mark(found: re.Match[str]) -> Mark:
    groups = found.groupdict()
    if groups["opened"]:
        return Mark(groups["opened"], groups["label"], groups["closed"])
    if groups["code"]:
        return Mark(groups["code"], groups["said"], groups["code"])
    return Mark(groups["stars"], groups["stressed"], groups["stars"])


def beside_marks(change: Callable[[str], str], body: str) -> str:
    """A paragraph with a change of all that is neither markup nor code."""
    hidden: dict[int, str] = {}

    def hide(text: str) -> str:
        hidden[_UNUSED + len(hidden)] = text
        return chr(_UNUSED + len(hidden) - 1)

    def taken(found: re.Match[str]) -> str:
        mark = _mark(found)
        return hide(found[0]) if found["code"] else f"{hide(mark.opened)}{mark.words}{hide(mark.closed)}"

    while (other := _INLINE.sub(taken, body)) != body:
        body = other
    return change(body).translate(hidden)


def marked(translation: str, plain: str, marks: Sequence[Mark]) -> tuple[str, list[Mark]]:
    """The translation of a paragraph with its marks around the same words, and those marks that have none.

    What was around the whole stays around the whole. A link whose words are others now stands at the end.
    """
    missing: list[Mark] = []
    around: list[Mark] = []
    at_end = ""
    place = 0
    for mark in marks:
        if mark.words.strip() == plain.strip():
            around.append(mark)
            continue
        found = _find(translation, mark.words, place)
        if found is None:
            missing.append(mark)
            if mark.link:
                at_end += f" {mark.opened}{mark.words}{mark.closed}"
            continue
        wrapped = f"{mark.opened}{mark.words}{mark.closed}"
        translation = translation[:found] + wrapped + translation[found + len(mark.words) :]
        place = found if "\n" in wrapped else found + len(wrapped)
    for mark in around:
        translation = f"{mark.opened}{translation}{mark.closed}"
    return translation + at_end, missing


def _find(text: str, words: str, start: int) -> int | None:
    if not words.strip():
        return None
    pattern = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")
    found = pattern.search(text, start) or pattern.search(text)
    return found.start() if found else None


def _prefix(line: str) -> str:
    found = _PREFIX.match(line)
    return found[0] if found else ""


def _lines(text: str) -> list[str]:
    """Lines as line feeds end them; other signs of Unicode that end lines are white space within one."""
    return re.findall(r"[^\n]*\n|[^\n]+$", text)
