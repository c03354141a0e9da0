"""Text that was decoded with the wrong encoding is decoded again."""

from __future__ import annotations

import re

import ftfy

_HIGH_1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
MISREAD = (
    ("[ÂÃ]", f"[\u0080-\u00bf{_HIGH_1252}]"),
    ("[âÅÄÆÇÉÊËÎÏÐÑ]", "[\u0080-\u009f€¡-¿]"),
    ("[├┬]", "[^\\s├┬┼─│┤┴]"),
    ("Γ", "[Çò]"),
    ("√", "[±©®™§°∂†®´≤¥µ∏]"),
    ("‚", "Ä"),
    ("в", "Ђ"),
    ("[ÃÅ]", "[ƒ¿]"),
)
"""Which two characters beside each other are the bytes of one."""
C1 = "[\x80-\x9f]"
_SEQUENCE = re.compile("|".join([C1, *(first + second for first, second in MISREAD)]))
_ENCODING_ONLY = ftfy.TextFixerConfig(
    unescape_html=False, replace_lossy_sequences=False, fix_c1_controls=False, restore_byte_a0=True
)
_C1 = re.compile(C1)
_C1_READINGS = {
    chr(b): bytes([b]).decode("cp1252")
    for b in (*range(0x91, 0x98), *b"\x82\x84\x85\x8a\x8b\x8c\x8e\x9a\x9b\x9c\x9e\x9f")
}
"""The C1 controls that are letters, quotes and dashes in Windows-1252; the others are accents and signs, too
rare to be trusted."""


def repair_mojibake(text: str) -> tuple[str, int]:
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


DOS_SIGNS = "αΓπΣστΦΘΩδ∞φε∩≡≥≤⌠⌡≈∙√ⁿ■▀└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐"
_DOS_LETTER = f"[A-Za-z{DOS_SIGNS}]"
_DOS_WORD = re.compile(
    rf"(?<![\w=])(?!(?:sin|sen|cos|tan|log|exp|arc|lim|max|min)[^a-z])"
    rf"{_DOS_LETTER}*(?:[A-Za-z]{{2}}[{DOS_SIGNS}]|[{DOS_SIGNS}][A-Za-z]{{2}}){_DOS_LETTER}*(?![\d=])"
)
_DOS_SIGN = re.compile(f"[{DOS_SIGNS}]")
_FEWEST_DISTINCT_DOS_WORDS = 6
_LEAST_SHARE_IN_WORDS = 0.7
_DOS_SHARP_S = "▀"
FEWEST_SHARP_WORDS = 3
"""No formula has a half block: where all signs are ß, fewer words do."""
_DOS_OF_LATIN = {
    ord(sign): chr(byte)
    for byte in range(0xA1, 0x100)
    if (sign := bytes([byte]).decode("cp437")) not in "íóúñÑ«»¬ "
}
_DOS_LINE = re.compile(f"[\x00-\x7fí{''.join(map(chr, _DOS_OF_LATIN))}]*")
_INVERTED = re.compile(r"(?<!\w)í(?=\w)")


def repair_dos(text: str) -> tuple[str, int]:
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
    fewest = FEWEST_SHARP_WORDS if sharp else _FEWEST_DISTINCT_DOS_WORDS
    if len(words if sharp else set(words)) < fewest or len(in_words) < _LEAST_SHARE_IN_WORDS * (signs - alone):
        return text, 0
    if len(set(in_words)) < 2 and not sharp:
        return text, 0
    for n in chosen:
        lines[n] = _INVERTED.sub("¡", lines[n]).translate(_DOS_OF_LATIN)
    return "\n".join(lines), signs
