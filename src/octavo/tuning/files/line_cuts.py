"""Lines of print as running text, and a corrected text as lines and words again.

The model sees a paragraph as its readers do: lines joined, divided words whole. What it corrects goes back to the
line, and within a line to the word, that its characters stand for.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from octavo.corpus.readers.flowing_text import HYPHENS, seam
from octavo.tuning.files.character_owners import owners

_SPACE = re.compile(" +")


class Line(NamedTuple):
    """A line of print."""

    text: str
    """Without whitespace around it."""
    divided: bool = False
    """Whether the file says that its last word goes on in the next line, though no hyphen in `text` does."""


class _Seam(NamedTuple):
    """What stands between a line and the next that has text."""

    line: int
    start: int
    """Where the next line begins in the running text."""
    mark: str | None
    """The hyphen of a divided word; empty where the file has it elsewhere, None where no word is divided."""


def running_text(lines: Sequence[Line]) -> str:
    """Lines as one text."""
    return _joined(lines)[0]


def _joined(lines: Sequence[Line]) -> tuple[str, list[_Seam]]:
    filled = [number for number, line in enumerate(lines) if line.text]
    text = ""
    seams: list[_Seam] = []
    for number, following in pairwise(filled):
        line = lines[number]
        if line.divided:
            text += line.text
            seams.append(_Seam(number, len(text), ""))
            continue
        hyphen, space = seam(line.text, lines[following].text)
        text += (line.text if hyphen else line.text[:-1]) + (" " if space else "")
        divided = not hyphen or not space
        seams.append(_Seam(number, len(text), line.text[-1] if divided else None))
    return text + (lines[filled[-1]].text if filled else ""), seams


def lines_of(lines: Sequence[Line], new: str) -> list[Line]:
    """A corrected text as the lines that its characters stand for: as many as there were, some perhaps empty.

    A word that was divided stays so where it can be; a word is newly divided nowhere. So `running_text` of the
    result is the corrected text, with its whitespace as single spaces at the ends of lines.
    """
    text, seams = _joined(lines)
    new = re.sub(r"[\t\r\n]+", " ", new).strip(" ")
    if new == text:
        return list(lines)
    places = owners(text, new) if text else []
    cut = [Line("") for _ in lines]
    before = 0
    for between in seams:
        place = max(bisect_left(places, between.start), before)
        before, cut[between.line] = next(
            (candidate, line)
            for candidate in _candidates(new, before, place, between.mark is not None)
            if (line := _fitting(new, before, candidate, between.mark)) is not None
        )
    if text:
        cut[max(n for n, line in enumerate(lines) if line.text)] = Line(new[before:].strip(" "))
    return cut


def _candidates(new: str, before: int, place: int, divisible: bool) -> Iterator[int]:
    """Where a line might end, best first: in its place, at the nearer end of the word there, or later."""
    inside = 0 < place < len(new) and " " not in new[place - 1 : place + 1]
    if not inside:
        yield place
    else:
        word_start = max((m.end() for m in _SPACE.finditer(new, 0, place)), default=0)
        found = _SPACE.search(new, place)
        word_end = found.start() if found else len(new)
        if divisible or new[place - 1] in HYPHENS:
            yield place
        ends = [word_end, word_start] if place - word_start >= word_end - place else [word_start, word_end]
        yield from (end for end in ends if end >= before)
    yield from (m.start() for m in _SPACE.finditer(new, place + 1))
    yield len(new)


def _fitting(new: str, before: int, place: int, mark: str | None) -> Line | None:
    """The line that ends at a place, if it and the rest read as the text; else None."""
    head, rest = new[before:place], new[place:]
    line, after = head.strip(" "), rest.lstrip(" ")
    if not line or not after:
        return Line(line)
    if head[-1] == " " or rest[0] == " ":
        return Line(line) if seam(line, after) == (True, True) else None
    if line[-1] in HYPHENS and seam(line, after) == (True, False):
        return Line(line)
    if mark == "":
        return Line(line, divided=True)
    if mark is not None and seam(line + mark, after) == (False, False):
        return Line(line + mark)
    return None


class NewWord(NamedTuple):
    """A word of a corrected line."""

    text: str
    places: tuple[int, ...]
    """The old words whose place it takes: one, or several that were joined; those of a split word have the same."""


def words_of(old: Sequence[str], new: str) -> list[NewWord]:
    """The words of a corrected line, by the words whose places they take. `old` are its words before, not empty.

    An old word with spaces in it stands for as many words of the new line as belong there. Old words that are in
    no new one are gone.
    """
    starts = list(accumulate((len(word) + 1 for word in old[:-1]), initial=0))
    places = owners(" ".join(old), new)
    words: list[tuple[str, list[int]]] = []
    for found in re.finditer(r"[^ \t\r\n]+", new):
        of_characters = [bisect_left(starts, place + 1) - 1 for place in places[found.start() : found.end()]]
        counts = {place: of_characters.count(place) for place in dict.fromkeys(of_characters)}
        words.append((found[0], sorted(counts, key=lambda place: -counts[place])))
    first = [ranked[0] for _, ranked in words]
    taken = set(first)
    result: list[NewWord] = []
    for place, group in groupby(range(len(words)), key=lambda n: first[n]):
        numbers = list(group)
        joined = {other for n in numbers for other in words[n][1] if other not in taken}
        taken |= joined
        where = tuple(sorted({place, *joined}))
        if any(" " in old[n] for n in where):
            result.append(NewWord(" ".join(words[n][0] for n in numbers), where))
        else:
            result += [NewWord(words[n][0], where) for n in numbers]
    return result
