"""Texts in NFC, as curated texts are: what is asked after, and documents that no curation has composed."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from typing import Final

import numpy as np

from octavo.compiled import Ints
from octavo.tracing.index.text import Bytes

_TOGETHER: Final = 32
"""Characters that are composed with one another at most, as in Unicode's stream-safe texts: of more, marks would be
put into order in quadratic time."""


def composed_documents(raw: Bytes, bounds: Ints) -> tuple[Bytes, Ints]:
    """Documents in NFC: document n is the bytes of `raw` from `bounds[n]` to `bounds[n + 1]`, before and after.

    Bytes that are no UTF-8 stay as they are, and so does a document that would become longer.
    """
    if unicodedata.is_normalized("NFC", _text(raw)):
        return raw, bounds
    found = []
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        own = raw[first:last]
        made = np.frombuffer(_composed(_text(own)).encode("utf-8", "surrogateescape"), np.uint8)
        found.append(made if len(made) <= len(own) else own)
    return np.concatenate(found), np.cumsum([0, *map(len, found)])


def _text(raw: Bytes) -> str:
    return raw.tobytes().decode("utf-8", "surrogateescape")


def _composed(text: str) -> str:
    if unicodedata.is_normalized("NFC", text):
        return text
    if _long_stretch().search(text):
        return composed_with_places(text)[0]
    return unicodedata.normalize("NFC", text)


def composed_with_places(text: str) -> tuple[str, Ints]:
    """The text in NFC, and where each of its characters begins in the given text, and the last one ends.

    What is composed of several characters stands where the first of these does.
    """
    if unicodedata.is_normalized("NFC", text):
        return text, np.arange(len(text) + 1)
    written: list[str] = []
    bounds: list[int] = []
    first = 0
    for last in range(1, len(text) + 1):
        if last == len(text) or text[last] not in _followers() or last - first == _TOGETHER:
            own = unicodedata.normalize("NFC", text[first:last])
            written.append(own)
            bounds += range(first, last) if len(own) == last - first else [first] * len(own)
            first = last
    return "".join(written), np.array([*bounds, len(text)])


@functools.cache
def _followers() -> frozenset[str]:
    """Characters that may be composed with what stands before them: marks, vowels and ends of syllables in Hangul,
    and vowels of some Indic scripts."""
    characters = [chr(point) for point in range(sys.maxunicode + 1)]
    pairs = [unicodedata.decomposition(one).split() for one in characters[:0x20000]]
    seconds = {chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and "<" not in pair[0]}
    hangul = {chr(point) for point in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    return frozenset(seconds | hangul | {one for one in characters if unicodedata.combining(one)})


@functools.cache
def _long_stretch() -> re.Pattern[str]:
    """As many followers as are not composed together any more."""
    return re.compile(f"[{''.join(map(re.escape, sorted(_followers())))}]{{{_TOGETHER - 1}}}")
