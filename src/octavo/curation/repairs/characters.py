"""Line endings, entities, control characters, soft hyphens and normalisation."""

from __future__ import annotations

import html
import re
import unicodedata

from octavo.curation.code_points import all_characters

LINE_ENDINGS = "[\r\x0b\u2028\u2029]"
_LINE_ENDING = re.compile(f"\r\n|{LINE_ENDINGS}")


def unify_line_endings(text: str) -> tuple[str, int]:
    """Make every line end in a line feed."""
    return _LINE_ENDING.subn("\n", text)


_LETTER_ENTITY = (
    r"&(?:amp;)?(?:[A-Za-z](?:acute|grave|circ|uml|tilde|cedil|ring|caron|slash)"
    r"|szlig|[ao]elig|AElig|OElig|iexcl|iquest"
    r"|[lr][ds]quo|[lr]aquo|bdquo|sbquo|[mn]dash|hellip|nbsp);"
)
_CODE = r"```.*?```|`[^`\n]*`"
_IN_CODE = re.compile(_CODE, re.DOTALL)
_ENTITY = re.compile(rf"{_CODE}|&(?:amp;)?(?P<name>[A-Za-z]{{2,8}}|#\d{{2,6}}|#x[0-9A-Fa-f]{{2,5}});", re.DOTALL)
_FEWEST_ENTITIES = 3
_KEPT_ENTITIES = ("lt", "gt", "amp")


def unescape_entities(text: str) -> tuple[str, int]:
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


CONTROLS = (
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufdd0-\ufdef\ufff9-\uffff]"
)
"""What may be dropped, and U+FFFD, which is counted."""
_TERMINAL = "\x1b\\[[0-9;?]*[A-Za-z]"
_NEVER_TEXT = "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\ufffe\uffff\ufdd0-\ufdef]"
_CONTROL = re.compile(f"{_TERMINAL}|{_NEVER_TEXT}")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u06ff\u0700-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]")
_JOINER = re.compile("(?<![^\x00-\u024f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f])")
"""Zero-width joiners beside Latin letters: elsewhere they shape scripts and emoji."""


def drop_controls(text: str) -> tuple[str, int]:
    """Drop what steers terminals, or is no character; marks of direction stay where a script needs them."""
    text, count = _CONTROL.subn("", text)
    text, joiners = _JOINER.subn("", text)
    directions = 0
    if not _RIGHT_TO_LEFT.search(text):
        text, directions = _DIRECTION.subn("", text)
    return text, count + joiners + directions


_SOFT_HYPHEN = re.compile(r"(?<=\w)\xad+[ \t]+(?=[^\W\d_A-Z])|\xad")


def drop_soft_hyphens(text: str) -> tuple[str, int]:
    """After the broken words are joined: those left are inside a line, sometimes with a space behind."""
    return _SOFT_HYPHEN.subn("", text) if "\xad" in text else (text, 0)


def normalise(text: str) -> tuple[str, int]:
    """Compose letters and accents (NFC)."""
    if unicodedata.is_normalized("NFC", text):
        return text, 0
    return unicodedata.normalize("NFC", text), 1


def unnormalised() -> str:
    """The characters without which every text is in NFC (Unicode Standard Annex 15, quick check)."""
    return "".join(
        c
        for c in all_characters()
        if unicodedata.category(c)[0] == "M"
        or "\u1161" <= c <= "\u1175"
        or "\u11a8" <= c <= "\u11c2"
        or not unicodedata.is_normalized("NFC", c)
    )
