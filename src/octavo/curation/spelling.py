"""Words in a normal form in which old and new spelling meet, and their hashes; a batch of texts at once."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.compiled import Flags, compiled

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

HASH_BITS: Final = 26
"""Of a word's hash that the lexicon keeps: one strange word in 57 (la) to 405 (en) is taken for known."""

PRINTED, LETTER, MARK, SPACE, SIGN, ABBREVIATION = range(6)
"""What a code point is."""

_FOLDED_SIGNS: Final = dict(
    zip(
        "ſßæÆœŒøØꝛʒđðłıþÞﬁﬂﬀﬃﬄﬅﬆĳĲꝺꝛƷ",
        "sseeeeoorzddlittfffffssiidrz",
        strict=True,
    )
)
_ABBREVIATIONS: Final = frozenset("ꝑꝐꝓꝒꝗꝖꝙꝘꝝꝫꝭꝯꝰ⁊᷑\u0303\u0304\u0305\u0306ƺ")
"""Signs for letters left out: no lexicon has such words, rightly read or not."""

_STROKED: Final = frozenset("ãẽĩõũñāēīōūÃẼĨÕŨÑ")
"""Letters with a stroke for a left-out n or m, except in languages that write them anyway."""

_POINTS: Final = frozenset(".,;:!?-–—'\"“”„‘’‚`´«»‹›()[]…¿¡/&*§°†·⸗‑\u00ad#%+=@")
"""Punctuation of print; all else that is no letter, digit or space counts as an odd sign."""


class Spelling(NamedTuple):
    """Words in the normal form in which they are looked up."""

    codes: U8
    """1 to 26 for a to z, 0 between words."""
    starts: I64
    ends: I64
    places: I64
    """Of each word: where its first letter stood before normalisation."""


def code_points(text: str) -> U32:
    """The code points of a text as an array, those outside the first plane as U+FFFD."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.where(points < 0x10000, points, np.uint32(0xFFFD))


@cache
def kinds_of(language: str) -> U8:
    """Of every code point, what it is."""
    table = np.full(0x10000, SIGN, np.uint8)
    own = {"pt": "ãõÃÕñÑ", "es": "ñÑ"}.get(language, "")
    for point in range(0x10000):
        sign = chr(point)
        if sign in _ABBREVIATIONS or (sign in _STROKED and sign not in own):
            table[point] = ABBREVIATION
        elif sign.isalpha():
            table[point] = LETTER
        elif unicodedata.combining(sign):
            table[point] = MARK
        elif sign.isspace():
            table[point] = SPACE
        elif sign.isdigit() or sign in _POINTS:
            table[point] = PRINTED
    return table


_MERGED: Final = {"j": "i", "y": "i", "v": "u", "w": "u", "k": "c"}
_MERGED_IN: Final = {
    "es": {"z": "c", "x": "i"},
    "fr": {"z": "s"},
    "it": {"z": "t"},
    "nl": {"z": "s"},
    "pt": {"z": "s"},
}
"""Letters that old spelling does not tell apart: in all languages, and by language."""


@cache
def _folds(language: str) -> U8:
    """Of every code point, its letter without case, accent or age: 1 to 26; 0 for what is no Latin letter."""
    merged = _MERGED | _MERGED_IN.get(language, {})
    table = np.zeros(0x10000, np.uint8)
    for point in range(0x3000):
        table[point] = _fold(chr(point), merged)
    for sign in _FOLDED_SIGNS:
        table[ord(sign)] = _fold(sign, merged)
    return table


def _fold(sign: str, merged: dict[str, str]) -> int:
    letter = _FOLDED_SIGNS.get(sign) or unicodedata.normalize("NFKD", sign)[0].lower()
    letter = merged.get(letter, letter)
    return ord(letter) - 96 if "a" <= letter <= "z" and sign.isalpha() else 0


def _letter(sign: str) -> int:
    return ord(sign) - 96


_FALLING: Final = {
    "de": "t(h) r(h) p(h) (d)t a(e) o(e) u(e) u(o) (t)z (c)z s(z)",
    "en": "t(h) r(h) p(h)",
    "es": "t(h) r(h) p(h) (c)t (p)t",
    "fr": "t(h) r(h) p(h) c(h) (s)t (c)t n(g)",
    "it": "t(h) r(h) p(h) c(h) g(h) (c)t (p)t",
    "la": "t(h) r(h) p(h) c(h) (a)e (o)e",
    "nl": "t(h) r(h) p(h) g(h) (d)t a(e) u(e)",
    "pt": "t(h) r(h) p(h) (c)t (p)t",
}
"""By language, pairs of which the letter in brackets falls (after letters are merged): t(h)un, Sta(d)t."""

_TURNING: Final = {"de": {"ph": "f", "ai": "e"}, "fr": {"ph": "f", "oi": "a"}, "la": {"ph": "f", "ti": "c"}}
"""By language, pairs of which the first letter turns into another: (ph)ilosoph, (ai)n, fran(oi)s, ra(ti)o."""


class _Pairs(NamedTuple):
    """Of each two letters, as one number, what happens to them."""

    first_falls: Flags
    second_falls: Flags
    turned: U8


@cache
def _pairs(language: str) -> _Pairs:
    falls = np.zeros((2, 1024), np.bool_)
    turned = np.repeat(np.arange(32, dtype=np.uint8), 32)
    for rule in _FALLING[language].split():
        first, second = [sign for sign in rule if sign.isalpha()]
        falls[0 if rule[0] == "(" else 1, _letter(first) * 32 + _letter(second)] = True
    for pair, letter in _TURNING.get(language, {"ph": "f"}).items():
        turned[_letter(pair[0]) * 32 + _letter(pair[1])] = _letter(letter)
    return _Pairs(falls[0], falls[1], turned)


def normal_form(points: U32, language: str) -> Spelling:
    """Bring words to the form in which old and new spelling meet.

    Marks fall, letters are folded, pairs of the history of spelling lose one letter (_FALLING)
    or turn (_TURNING), and doubled letters become single ones.
    """
    return Spelling(*_normal_form(points, kinds_of(language), _folds(language), *_pairs(language)))


@compiled
def _normal_form(
    points: U32, kinds: U8, folds: U8, first_falls: Flags, second_falls: Flags, turned: U8
) -> tuple[U8, I64, I64, I64]:
    codes = np.empty(len(points), np.uint8)
    starts, ends, places = np.empty((3, len(points) // 2 + 1), np.int64)
    size = words = 0
    last, falls = np.int64(-1), False
    at = _next_sign(points, kinds, 0)
    while at < len(points):
        following = _next_sign(points, kinds, at + 1)
        pair = np.int64(folds[points[at]]) * 32
        if following < len(points):
            pair += folds[points[following]]
        code = np.int64(turned[pair])
        if not (falls or first_falls[pair] or code == last):
            if code > 0 and last < 1:
                starts[words], places[words] = size, at
                words += 1
            elif code == 0 and last > 0:
                ends[words - 1] = size
            codes[size] = code
            size += 1
            last = code
        falls = second_falls[pair]
        at = following
    if last > 0:
        ends[words - 1] = size
    return codes[:size], starts[:words], ends[:words], places[:words]


@compiled
def _next_sign(points: U32, kinds: U8, at: int) -> int:
    """The next place that holds no mark."""
    while at < len(points) and kinds[points[at]] == MARK:
        at += 1
    return at


_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_MIXER: Final = np.uint64(0xD6E8FEB86659FD93)
_SHIFT: Final = np.uint64(64 - HASH_BITS)


@compiled
def rest_sums(codes: U8) -> U64:
    """Of each letter, the polynomial modulo 2**64 over it and those after it in its word; 0 between words."""
    sums = np.zeros(len(codes) + 1, np.uint64)
    for at in range(len(codes) - 1, -1, -1):
        if codes[at] > 0:
            sums[at] = (np.uint64(codes[at]) + np.uint64(1)) * _MIXER + sums[at + 1] * _BASE
    return sums


@compiled
def sum_before(whole: np.uint64, rest: np.uint64, length: int) -> np.uint64:
    """The polynomial over the first letters of a word, so many, from that over all and that over the others."""
    for _ in range(length):
        rest *= _BASE
    return whole - rest


@compiled
def hash_of(total: np.uint64) -> np.uint32:
    """The hash, of HASH_BITS bits, of letters with such a polynomial."""
    return np.uint32(((total ^ (total >> np.uint64(32))) * _MIXER) >> _SHIFT)


@compiled
def _hashes(sums: U64, starts: I64) -> U32:
    hashes = np.empty(len(starts), np.uint32)
    for word in range(len(starts)):
        hashes[word] = hash_of(sums[starts[word]])
    return hashes


def word_hashes(words: list[str], language: str) -> tuple[U32, I64]:
    """The distinct hashes of words in normal form, and their lengths there."""
    spelling = normal_form(code_points("\n".join(words)), language)
    found, first = np.unique(_hashes(rest_sums(spelling.codes), spelling.starts), return_index=True)
    return found, (spelling.ends - spelling.starts)[first]
