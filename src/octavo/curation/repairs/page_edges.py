"""What a printer sets at the edges of a page: running heads, page numbers, and the form feed between pages."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise
from statistics import median
from typing import NamedTuple

HEAD_CHARACTERS = 70
FEWEST_PAGES = 4
REACH = 40
"""Characters before and after a line in which its sentence must go on."""
_HEAD_GAP = (500, 9000)
"""Characters from a page's head to the next page's."""
_NUMBER = re.compile(r"(?:^|(?<=\s)|(?<=\[))\d{1,4}(?=$|\s|\])")
_HEADING = re.compile(
    r"\W*(?:chapter|chapitre|cap[ií]tulo|capitolo|kapitel|capitel|hoofdstuk|caput|capvt|cap|canto|chant|gesang|zang"
    r"|art(?:icle|ikel|[ií]culo|icolo|igo)?|section|se[cç][cç]?ão|secci[oó]n|sezione|abschnitt|afdeling|paragraph|§+"
    r"|act[eou]?s?|atto|acto|akt|bedrijf|sc[eè]n[ea]|escena|cena|auftritt|tooneel|toneel|aufzug|part[ei]?|teil|deel"
    r"|book|livre|libro|livro|buch|boek|liber|psalm|sonnet|letter|lettre|brief|carta|lettera|epistola|fig(?:ure)?"
    r"|tab(?:le|elle|ula)?|annexe?|anlage|bijlage|titel|title|titre)\b[\W\divxlcdm]*",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"\n[ \t]*\n[ \t]*([^\s][^\n\f]{{0,{HEAD_CHARACTERS - 1}}})(?=\n[ \t]*\n)")
OPEN = r"[^\W\d_A-Z]"
OPEN_MARKS = r"[,\-‐¬⸗]"
_IS_OPEN = re.compile(rf"{OPEN}{OPEN_MARKS}?\Z")
_BEGINS_SMALL = re.compile(r"\s*([^\W\d_])")


class _Line(NamedTuple):
    start: int
    end: int
    text: str
    number: int | None
    interrupts: bool


def drop_running_heads(text: str) -> tuple[str, int]:
    """Drop the lines that a printer repeats at the head or foot of each page.

    With form feeds the pages are known. Without, only a line that stands in the middle of sentences, again and
    again at a page's distance, counts: neither a refrain, nor a speaker's name, nor a heading does that.
    """
    if "\f" in text:
        return _drop_at_page_edges(text)
    alone: dict[str, list[re.Match[str]]] = defaultdict(list)
    for match in _ALONE.finditer(text):
        alone[_key(match[1])].append(match)
    groups = {key: [_line(text, m) for m in ms] for key, ms in alone.items() if len(ms) >= FEWEST_PAGES}
    heads = sorted(line for key, group in groups.items() if _is_running_head(key, group) for line in group)
    for head in reversed(heads):
        text = _cut_line(text, head)
    return text, len(heads)


def _line(text: str, match: re.Match[str]) -> _Line:
    start, end = match.span(1)
    interrupts = _ends_open(text[max(0, start - REACH) : start]) and _begins_small(text[end : end + REACH])
    line = match[1].rstrip()
    return _Line(start, end, line, _page_number(line), interrupts)


def _key(line: str) -> str:
    return "".join(filter(str.isalpha, line.casefold()))


def _page_number(line: str) -> int | None:
    numbers = _NUMBER.findall(line)
    return int(numbers[0]) if len(numbers) == 1 else None


def _ends_open(text: str) -> bool:
    return bool(_IS_OPEN.search(text.rstrip()[-2:]))


def _begins_small(text: str) -> bool:
    first = _BEGINS_SMALL.match(text)
    return bool(first and first[1].islower())


def _is_running_head(key: str, lines: list[_Line]) -> bool:
    if any(_HEADING.fullmatch(line.text) for line in lines):
        return False
    gaps = [b.start - a.start for a, b in pairwise(lines)]
    interrupting = sum(line.interrupts for line in lines) / len(lines)
    numbers = [line.number for line in lines if line.number is not None]
    if len(numbers) == len(lines):
        steps = [b - a for a, b in pairwise(numbers)]
        if min(steps) < 1:
            return False
        pages = [gap / step for gap, step in zip(gaps, steps, strict=True)]
        return (
            _HEAD_GAP[0] <= median(pages) <= _HEAD_GAP[1] and min(pages) > median(pages) / 4 and interrupting >= 0.5
        )
    shouted = all(line.text.upper() == line.text for line in lines)
    return len(key) > 2 and shouted and min(gaps) >= _HEAD_GAP[0] and interrupting >= 0.75


def _cut_line(text: str, line: _Line) -> str:
    before, after = text[: line.start].rstrip(" \t\n"), text[line.end :].lstrip(" \t\n")
    return before + ("\n" if line.interrupts else "\n\n") + after


def _drop_at_page_edges(text: str) -> tuple[str, int]:
    pages = text.split("\f")
    heads = _page_edge_heads(pages)
    if not heads:
        return text, 0
    joined, count, open_end = "", 0, False
    for number, page in enumerate(pages):
        kept, top = _without_edge(page, 0, heads)
        kept, bottom = _without_edge(kept, -1, heads)
        count += top + bottom
        joined = _next_page(joined, kept, top or open_end) if number else kept
        open_end = bottom
    return joined, count


def _next_page(before: str, after: str, cut: bool) -> str:
    """Where a head was cut, a paragraph break stays unless the pages are the halves of a sentence."""
    if cut:
        before, after = before.rstrip(" \t\n"), after.lstrip(" \t\n")
        if before and after and not (_ends_open(before[-REACH:]) and _begins_small(after[:REACH])):
            before += "\n\n"
    return f"{before}\f{after}"


def _edge_lines(page: str) -> list[str]:
    lines = [line.strip() for line in page.split("\n") if line.strip()]
    edges = lines[:1] if len(lines) < 2 else [lines[0], lines[-1]]
    return [line for line in edges if len(line) <= HEAD_CHARACTERS]


def _page_edge_heads(pages: list[str]) -> set[str]:
    """The keys of the lines that recur at the edges of pages and hardly anywhere else ('' for page numbers).

    A line with words must also part sentences, at half of its pages' breaks: a poem, a lesson or a prayer may fill
    a page, and begin or end all alike.
    """
    at_edges: dict[str, list[str]] = defaultdict(list)
    for page in pages:
        for line in dict.fromkeys(_edge_lines(page)):
            at_edges[_key(line)].append(line)
    anywhere = Counter(_key(line) for page in pages for line in page.split("\n") if line.strip())
    heads = set()
    for key, lines in at_edges.items():
        numbers = [n for line in lines if (n := _page_number(line)) is not None]
        numbered = len(numbers) == len(lines) and all(a < b for a, b in pairwise(numbers))
        shouted = len(key) > 2 and all(line.upper() == line for line in lines)
        if (
            len(lines) >= FEWEST_PAGES
            and len(lines) >= 0.8 * anywhere[key]
            and (numbered or shouted)
            and not any(_HEADING.fullmatch(line) for line in lines)
        ):
            heads.add(key)
    return {key for key, share in _parting(pages, heads).items() if share >= 0.5} | (heads & {""})


def _parting(pages: list[str], heads: set[str]) -> dict[str, float]:
    """By key, the share of the breaks that lines stand at which lie within a sentence."""
    bodies = [_without_edge(_without_edge(page, 0, heads)[0], -1, heads)[0].strip() for page in pages]
    within = [_ends_open(a[-REACH:]) or _begins_small(b[:REACH]) for a, b in pairwise(bodies)]
    found: dict[str, list[bool]] = defaultdict(list)
    for number, page in enumerate(pages):
        for edge, there in ((0, number - 1), (-1, number)):
            if _without_edge(page, edge, heads)[1] and 0 <= there < len(within):
                found[_key(page.strip().split("\n")[edge])].append(within[there])
    return {key: sum(parted) / len(parted) for key, parted in found.items()}


def _without_edge(page: str, edge: int, heads: set[str]) -> tuple[str, bool]:
    lines = page.split("\n")
    filled = [n for n, line in enumerate(lines) if line.strip()]
    if not filled:
        return page, False
    line = lines[filled[edge]].strip()
    key = _key(line)
    if len(line) > HEAD_CHARACTERS or key not in heads or (not key and _page_number(line) is None):
        return page, False
    return "\n".join(lines[filled[0] + 1 :] if edge == 0 else lines[: filled[-1]]), True


_FORM_FEED = re.compile(r"(?<=[^\n\f])\f+(?=[^\n\f])|\f")


def drop_form_feeds(text: str) -> tuple[str, int]:
    """Drop form feeds; within a line, where one stands for its end, a line feed takes its place."""
    return _FORM_FEED.subn(lambda m: "\n" if _inside_line(m) else "", text) if "\f" in text else (text, 0)


def _inside_line(feed: re.Match[str]) -> bool:
    around = feed.string[max(0, feed.start() - 1) : feed.start()], feed.string[feed.end() : feed.end() + 1]
    return all(c and c not in "\n\f" for c in around)
