"""Repair: what scanning, decoding and typesetting did to a text is undone, and nothing else is touched.

Most texts need nothing, and Arrow's RE2 says so at hundreds of MB/s. The rest pass through the steps in
`_STEPS` until none changes anything, so that repairing a text again never changes it. Old spelling is no
damage: ſ, ligatures, abbreviation marks, Greek and typographic quotes stay as they are (NFC, never NFKC).
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import ftfy
import pyarrow as pa
import pyarrow.compute as pc

REPAIRED = pa.struct([("text", pa.large_string()), ("changes", pa.large_string())])

Reader = Callable[[str], str]
"""Reads the running text out of a text with boilerplate in it."""

MARKUP = r"\A\s*<(?:\?xml|!DOCTYPE\s+(?:html|article)|html|TEI|PcGts|meta\s+http-equiv)\b"
"""The beginning of a text that is still in its XML or HTML."""

GUTENBERG = (
    r"\*\*\* ?(?:START|END) OF (?:THE|THIS) PROJECT GUTENBERG|^The Project Gutenberg E(?:Book|text) of"
    r"|\*END\*? ?THE SMALL PRINT|^End of (?:the |this )?Project Gutenberg"
)
"""What Project Gutenberg prints before and after a book."""


def repair(text: pa.Array, markup: Reader | None = None, gutenberg: Reader | None = None) -> pa.Array:
    """Each text repaired, and as JSON how often each rule changed it (null where nothing was done).

    `markup` and `gutenberg` are what reads a text that begins like XML or HTML, or that carries Gutenberg's
    licence, before the other rules see it; without them such a text is left as it is. `lost-characters`
    counts the letters that a wrong decoding replaced by U+FFFD: those nothing brings back.
    """
    text = text.cast(pa.large_string())
    wanted = [
        *(found for _, found, _ in _STEPS),
        *((MARKUP,) if markup else ()),
        *((GUTENBERG,) if gutenberg else ()),
    ]
    found = [pc.fill_null(pc.match_substring_regex(text, f"(?m){pattern}"), False) for pattern in wanted]
    suspect = reduce(pc.or_, found)
    signs = zip(*(f.filter(suspect).to_pylist() for f in found), strict=True)
    repaired = [
        _repair_one(t, s, markup, gutenberg) for t, s in zip(text.filter(suspect).to_pylist(), signs, strict=True)
    ]
    changes = pa.array([c for _, c in repaired], pa.large_string())
    if repaired:
        text = pc.replace_with_mask(text, suspect, pa.array([t for t, _ in repaired], pa.large_string()))
    changes = pc.replace_with_mask(pa.nulls(len(text), pa.large_string()), suspect, changes)
    return pa.StructArray.from_arrays([text, changes], fields=list(REPAIRED))


def _repair_one(
    text: str, signs: tuple[bool, ...], markup: Reader | None, gutenberg: Reader | None
) -> tuple[str, str | None]:
    changes: Counter[str] = Counter()
    steps: Sequence[_Step] = [step for step, sign in zip(_STEPS, signs, strict=False) if sign]
    for rule, pattern, reader in (("markup", MARKUP, markup), ("gutenberg", GUTENBERG, gutenberg)):
        if reader and re.search(pattern, text, re.MULTILINE):
            text, changes[rule], steps = reader(text), 1, _STEPS
    # It ends: a step makes the text shorter, or it leaves fewer form feeds or fewer letters outside Latin-1,
    # or it normalises, which a second time does nothing.
    before = None
    while text != before:
        before = text
        for rule, _, step in steps:
            text, count = step(text)
            changes[rule] += count
        steps = _STEPS
    changes["lost-characters"] = text.count("\ufffd")
    changes = +changes
    return text, json.dumps(changes) if changes else None


# Line endings and entities


_LINE_ENDING = re.compile("\r\n?|[\x0b\u2028\u2029]")


def _unify_line_endings(text: str) -> tuple[str, int]:
    return _LINE_ENDING.subn("\n", text)


_LETTER_ENTITY = (
    r"&(?:amp;)?(?:[A-Za-z](?:acute|grave|circ|uml|tilde|cedil|ring|caron|slash)"
    r"|szlig|[ao]elig|AElig|OElig|iexcl|iquest);"
)
_CODE = r"```.*?```|`[^`\n]*`"
_IN_CODE = re.compile(_CODE, re.DOTALL)
_ENTITY = re.compile(rf"{_CODE}|&(?:amp;)?(?P<name>[A-Za-z]{{2,8}}|#\d{{2,6}}|#x[0-9A-Fa-f]{{2,5}});", re.DOTALL)
_FEWEST_ENTITIES = 3
_KEPT_ENTITIES = ("lt", "gt", "amp")


def _unescape_entities(text: str) -> tuple[str, int]:
    """Unescape where letters are left as entities in running text; one alone may be what the text is about.

    Code stays, and &lt; and &gt; too: they would turn into markup.
    """
    if len(re.findall(_LETTER_ENTITY, _IN_CODE.sub("", text))) < _FEWEST_ENTITIES:
        return text, 0
    count = 0

    def unescape(match: re.Match[str]) -> str:
        nonlocal count
        name = match["name"]
        if name is None or name in _KEPT_ENTITIES:
            return match[0]
        letter = html.unescape(f"&{name};")
        if len(letter) != 1 or letter in "<>&`" or not (letter.isprintable() or letter == "\xa0"):
            return match[0]
        count += 1
        return letter

    return _ENTITY.sub(unescape, text), count


# Mojibake


_HIGH_1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MOJIBAKE = (
    f"[ÂÃ][\u0080-\u00bf{_HIGH_1252}]|[âÅÄÆÇÉÊËÎÏÐÑ][\u0080-\u009f€¡-¿]|[\u0080-\u009f]"
    "|[├┬][^\\s├┬┼─│┤┴]|Γ[Çò]|√[±©®™§°∂†®´≤¥µ∏]|‚Ä|вЂ|[ÃÅ][ƒ¿]"
)
_SEQUENCE = re.compile(_MOJIBAKE)
_ENCODING_ONLY = ftfy.TextFixerConfig(
    unescape_html=False, replace_lossy_sequences=False, fix_c1_controls=False, restore_byte_a0=True
)
_C1 = re.compile("[\x80-\x9f]")
_C1_READINGS = {
    chr(b): bytes([b]).decode("cp1252")
    for b in (*range(0x91, 0x98), *b"\x82\x84\x85\x8a\x8b\x8c\x8e\x9a\x9b\x9c\x9e\x9f")
}
"""The C1 controls that are letters, quotes and dashes in Windows-1252; the others are accents and signs, too
rare to be trusted."""


def _repair_mojibake(text: str) -> tuple[str, int]:
    """UTF-8 read as an 8-bit encoding, once or more, by ftfy (Speer, 2019), line by line."""
    if not _SEQUENCE.search(text):
        return text, 0
    lines = text.split("\n")
    count = 0
    for number, line in enumerate(lines):
        found = len(_SEQUENCE.findall(line))
        if found:
            fixed = _decode_again(line)
            if fixed != line:
                lines[number] = fixed
                count += found
    return "\n".join(lines), count


def _decode_again(line: str) -> str:
    fixed, plan = ftfy.fix_encoding_and_explain(line, _ENCODING_ONLY)
    if plan and any(step.parameter == "windows-1252" for step in plan):
        fixed = line  # that is one 8-bit encoding read as another: below, for the letters that can be trusted
    return _C1.sub(lambda m: _C1_READINGS.get(m[0], m[0]), fixed)


_DOS_SIGNS = "αΓπΣστΦΘΩδ∞φε∩≡≥≤⌠⌡≈∙√ⁿ■▀└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐"
_DOS_IN_WORD = f"[A-Za-z][a-z][{_DOS_SIGNS}]|[{_DOS_SIGNS}][a-z][a-z]|[A-Z][{_DOS_SIGNS}][A-Z]"
_DOS_LETTER = f"[A-Za-z{_DOS_SIGNS}]"
_DOS_WORD = re.compile(
    rf"(?<![\w=])(?!(?:sin|sen|cos|tan|log|exp|arc|lim|max|min)[^a-z])"
    rf"{_DOS_LETTER}*(?:[A-Za-z]{{2}}[{_DOS_SIGNS}]|[{_DOS_SIGNS}][A-Za-z]{{2}}){_DOS_LETTER}*(?![\d=])"
)
_DOS_SIGN = re.compile(f"[{_DOS_SIGNS}]")
_FEWEST_DISTINCT_DOS_WORDS = 6
_LEAST_SHARE_IN_WORDS = 0.7
_DOS_SHARP_S = "▀"
_FEWEST_SHARP_WORDS = 3
"""No formula has a half block: where all signs are ß, fewer words do."""
_DOS_OF_LATIN = {
    ord(sign): chr(byte)
    for byte in range(0xA1, 0x100)
    if (sign := bytes([byte]).decode("cp437")) not in "íóúñÑ«»¬ "
}
_DOS_LINE = re.compile(f"[\x00-\x7fí{''.join(map(chr, _DOS_OF_LATIN))}]*")
_INVERTED = re.compile(r"(?<!\w)í(?=\w)")


def _repair_dos(text: str) -> tuple[str, int]:
    """Latin-1 read as the DOS code page 437, which puts Greek letters and boxes inside Latin words.

    Formulas have these signs too. So only lines that are DOS throughout count (a letter read rightly, é or ü,
    is none), several different words must show it, and most signs must stand in words.
    """
    if not _DOS_WORD.search(text):
        return text, 0
    lines = text.split("\n")
    chosen = [n for n, line in enumerate(lines) if _DOS_SIGN.search(line) and _DOS_LINE.fullmatch(line)]
    words = [word for n in chosen for word in _DOS_WORD.findall(lines[n])]
    signs = sum(len(_DOS_SIGN.findall(lines[n])) for n in chosen)
    in_words = _DOS_SIGN.findall("".join(words))
    alone = sum(lines[n].count(" α ") for n in chosen)  # what becomes of the word à
    sharp = set(in_words) == {_DOS_SHARP_S}
    fewest = _FEWEST_SHARP_WORDS if sharp else _FEWEST_DISTINCT_DOS_WORDS
    if len(set(words)) < fewest or len(in_words) < _LEAST_SHARE_IN_WORDS * (signs - alone):
        return text, 0
    if len(set(in_words)) < 2 and not sharp:
        return text, 0
    for n in chosen:
        lines[n] = _INVERTED.sub("¡", lines[n]).translate(_DOS_OF_LATIN)
    return "\n".join(lines), signs


# Control characters


_TERMINAL = "\x1b\\[[0-9;?]*[A-Za-z]"
_NEVER_TEXT = "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\ufffe\uffff\ufdd0-\ufdef]"
_CONTROL = re.compile(f"{_TERMINAL}|{_NEVER_TEXT}")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u06ff\u0700-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]")
_JOINER = re.compile("(?<![^\x00-\u024f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f])")
"""Zero-width joiners beside Latin letters: elsewhere they shape scripts and emoji."""


def _drop_controls(text: str) -> tuple[str, int]:
    text, count = _CONTROL.subn("", text)
    text, joiners = _JOINER.subn("", text)
    directions = 0
    if not _RIGHT_TO_LEFT.search(text):
        text, directions = _DIRECTION.subn("", text)
    return text, count + joiners + directions


_SOFT_HYPHEN = re.compile(r"(?<=\w)\xad+[ \t]+(?=[^\W\d_A-Z])|\xad")


def _drop_soft_hyphens(text: str) -> tuple[str, int]:
    """After the broken words are joined: those left are inside a line, sometimes with a space behind."""
    return _SOFT_HYPHEN.subn("", text) if "\xad" in text else (text, 0)


def _normalise(text: str) -> tuple[str, int]:
    if unicodedata.is_normalized("NFC", text):
        return text, 0
    return unicodedata.normalize("NFC", text), 1


def _class_of_unnormalised() -> str:
    """The characters without which every text is in NFC (Unicode Standard Annex 15, quick check)."""
    ranges: list[list[int]] = []
    for c in range(0xA0, 0x30000):
        if 0xD800 <= c <= 0xDFFF or unicodedata.is_normalized("NFC", chr(c)):
            continue
        if ranges and ranges[-1][1] == c - 1:
            ranges[-1][1] = c
        else:
            ranges.append([c, c])
    changing = "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges)
    return rf"[\pM\x{{1161}}-\x{{1175}}\x{{11a8}}-\x{{11c2}}{changing}]"


# Running heads and page numbers


HEAD_CHARACTERS = 70
FEWEST_PAGES = 4
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
_OPEN_SENTENCE = r"\p{Ll}[,-]?[ \t]*\n[ \t]*\n[^\n]{1,70}\n[ \t]*\n[ \t]*\p{Ll}"
_ENDS_OPEN = re.compile(r"[^\W\d_A-Z][,\-‐¬⸗]?\s*$")
_BEGINS_SMALL = re.compile(r"\s*([^\W\d_])")


class _Line(NamedTuple):
    start: int
    end: int
    text: str
    number: int | None
    interrupts: bool


def _drop_running_heads(text: str) -> tuple[str, int]:
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
    interrupts = bool(_ENDS_OPEN.search(text[max(0, start - 40) : start])) and _begins_small(text[end : end + 40])
    line = match[1].rstrip()
    return _Line(start, end, line, _page_number(line), interrupts)


def _key(line: str) -> str:
    return "".join(c for c in line.casefold() if c.isalpha())


def _page_number(line: str) -> int | None:
    numbers = _NUMBER.findall(line)
    return int(numbers[0]) if len(numbers) == 1 else None


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
        if before and after and not (_ENDS_OPEN.search(before[-40:]) and _begins_small(after[:40])):
            before += "\n\n"
    return f"{before}\f{after}"


def _edge_lines(page: str) -> list[str]:
    lines = [line.strip() for line in page.split("\n") if line.strip()]
    edges = lines[:1] if len(lines) < 2 else [lines[0], lines[-1]]
    return [line for line in edges if len(line) <= HEAD_CHARACTERS]


def _page_edge_heads(pages: list[str]) -> set[str]:
    """The keys of the lines that recur at the edges of pages and hardly anywhere else ('' for page numbers)."""
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
    return heads


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


def _drop_form_feeds(text: str) -> tuple[str, int]:
    return _FORM_FEED.subn(lambda m: "\n" if _inside_line(m) else "", text) if "\f" in text else (text, 0)


def _inside_line(feed: re.Match[str]) -> bool:
    around = feed.string[max(0, feed.start() - 1) : feed.start()], feed.string[feed.end() : feed.end() + 1]
    return all(c and c not in "\n\f" for c in around)


# Words broken at line ends


_L = r"(?:[^\W\d_]|[\u0300-\u036f])"
_BREAK = re.compile(rf"([-‐¬⸗\xad])[ \t]*\n([ \t]*)({_L}+)(\S*)([ \t]*)(\n?)")
_LAST_WORD = re.compile(rf"{_L}+\Z")
_SURE_MARKS = "¬\xad"
# fmt: off
_SUSPENDED = frozenset(
    (
        "und", "vnd", "vnnd", "oder", "bzw", "sowie", "beziehungsweise", "and", "or", "nor", "to", "en", "of",
        "et", "ou", "e", "y", "o", "u",
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


def _join_broken_words(text: str) -> tuple[str, int]:
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


_Step = tuple[str, str, Callable[[str], tuple[str, int]]]

_STEPS: tuple[_Step, ...] = (
    ("line-endings", r"[\r\x0b\x{2028}\x{2029}]", _unify_line_endings),
    ("entities", _LETTER_ENTITY, _unescape_entities),
    ("mojibake", _MOJIBAKE, _repair_mojibake),
    ("mojibake", _DOS_IN_WORD, _repair_dos),
    (
        "control-characters",
        r"[\x00-\x08\x0e-\x1f\x7f-\x{9f}\x{61c}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}"
        r"\x{feff}\x{fdd0}-\x{fdef}\x{fff9}-\x{ffff}]",  # with U+FFFD, which is counted
        _drop_controls,
    ),
    ("normalisation", _class_of_unnormalised(), _normalise),
    ("running-heads", rf"\f|{_OPEN_SENTENCE}", _drop_running_heads),
    ("control-characters", r"\f", _drop_form_feeds),
    ("hyphenation", r"\pL\pM*[-‐¬⸗\x{ad}][ \t]*\n[ \t]*(?:\p{Ll}|\p{Lu}\p{Lu})", _join_broken_words),
    ("control-characters", r"\x{ad}", _drop_soft_hyphens),
)
"""Each rule, what RE2 finds in every text that it changes, and the rule."""
