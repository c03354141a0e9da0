"""Where sentences end, in the eight languages and in old spelling: by rules, as no library has Latin.

A full stop ends no sentence after an abbreviation, an initial or an ordinal number, nor before a small letter. In
doubt a text is not cut: two sentences together do less harm than half a one.
"""

from __future__ import annotations

import re
from typing import Final

_CLOSING: Final = "\"'’”»«“)\\]*_"
"""Quotation marks, brackets and emphasis that go with the sentence before."""
_OPENING: Final = "\"'‘“„«»(\\[*_¿¡—–-"
_END: Final = re.compile(rf"(?P<mark>[.!?…]+)(?P<close>[{_CLOSING}]*)(?P<space>\s+)")
_BEGIN: Final = re.compile(rf"[\s{_OPENING}]*(?P<first>\S)")
_LAST_WORD: Final = re.compile(r"(?:^|[\s(\[{\"'’‘“„«»—–-])(?P<word>[^\s(\[{\"'’‘“„«»—–-]+)$")
_NUMERAL: Final = re.compile(r"[IVXLCDM]+")
_INITIALS: Final = re.compile(r"[^\W\d_a-z]h?|(?:\w{1,2}\.-?)+\w{1,3}")
"""J, Ph, U.S, a.d, i.e, J.-C."""

_NAMES_LISTED: Final = """
    mr mrs ms messrs dr drs prof rev hon gen capt lieut lt maj sgt gov mme mlle mlles mgr sr sra sres srta dña ud
    uds vd vds exc exmo exma ilmo sig sigg dott avv hrn frl dhr mevr jhr st ste sto sta vgl cfr cf conf viz vs bzw
    bijv bv ca ibid ib av ej esp trib praet coss kal
"""
_BEFORE_NAMES: Final = frozenset(_NAMES_LISTED.split())
"""After these a name or a word follows."""
_ROMAN_LISTED: Final = " Ap App Cn Mam Ser Sex Sp Ti Tib Cos Imp Non Id "
_ROMAN: Final = frozenset(_ROMAN_LISTED.split())
"""Of Romans, and their dates; small, some are words."""
_NUMBERS_LISTED: Final = """
    no n nr nos num núm nº p pp pag pág págs vol vols tom cap caps kap chap chaps ch art arts sect § fig figs abb
    tab l ll lib libr v vv fol f ff fasc ed bd bde aufl bl blz hfdst s col anm d a.d id eid prid kl
    jan feb mar apr jun jul aug sept sep oct okt nov dec dez déc janv févr avr juil
"""
_BEFORE_NUMBERS: Final = frozenset(_NUMBERS_LISTED.split())
"""After these a number may follow."""
_LETTER: Final = re.compile(r"\w\.")
_LONGEST: Final = 64
"""Characters that are looked at on either side."""
_NUMBER: Final = re.compile(r"[(\[]?(?:\d|[IVXLCDM]+\b)")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each with the white space after it: joined they are the text."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        if _ends_sentence(text, start, end):
            found.append(text[start : end.end()])
            start = end.end()
    rest = text[start:]
    if rest.strip() or not found:
        found.append(rest)
    else:
        found[-1] += rest
    return found if text else []


def _ends_sentence(text: str, start: int, end: re.Match[str]) -> bool:
    before = text[max(start, end.start() - _LONGEST) : end.start()]
    begin = _BEGIN.match(text, end.end())
    if begin is None or not before.strip():
        return False
    if end["space"].count("\n") > 1:
        return True
    if begin["first"].islower():
        return False
    if end["mark"] != ".":
        return True
    is_first = start >= end.start() - _LONGEST and len(before.split()) == 1
    return not _stays(before, is_first, text[end.end() : end.end() + _LONGEST], end["close"])


def _stays(before: str, is_first: bool, after: str, close: str) -> bool:
    """Whether a full stop after these words belongs to the last of them, which may be the first of the sentence."""
    last = _LAST_WORD.search(before)
    if last is None or close.strip("*_"):
        return False
    word = last["word"]
    small = word.casefold()
    if word.isdecimal():  # a paragraph's number or an ordinal, unless it is that of a page
        counted = any(one.strip("([.").casefold() in _BEFORE_NUMBERS for one in before.split()[-2:-1])
        return is_first or (len(word) < 3 and not counted and after[:1].isalpha())
    if small in _BEFORE_NAMES or word in _ROMAN or (small in _BEFORE_NUMBERS and _NUMBER.match(after)):
        return True
    if len(word) == 1 and _LETTER.match(after):
        return True
    if _NUMERAL.fullmatch(word) and (is_first or after[:1].isdecimal()):
        return True
    return word != "I" and bool(_INITIALS.fullmatch(word))
