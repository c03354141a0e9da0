"""The names that a text mentions, told by their capitals: no model, no list of names.

A word counts as a name where it has a capital that neither the beginning of a sentence nor a heading explains.
Where nouns have capitals (German, and much old print), it must also stand behind a title, a preposition without
an article, or beside another word with a capital.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

_WORD: Final = re.compile(r"[^\W\d_]+")
_MERGED: Final = str.maketrans({"v": "u", "j": "i", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l"})
"""Letters that editions and ages do not tell apart."""


@lru_cache(maxsize=65_536)
def key_of(word: str) -> str:
    """A word without case, accents, or what old spelling does not tell apart (ſ, v and u, j and i)."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c)).translate(_MERGED)


def _keys(words: str) -> frozenset[str]:
    return frozenset(key_of(word) for word in words.split())


_SHORT_TITLES: Final = _keys(
    "mr mrs ms messrs dr st ste sr sra srta d m mm mme mlle mgr hr fr prof rev hon gen col capt lt sgt jr no vol ch"
    " cap lib dhr mw s p pp"
)
"""Abbreviations whose point ends no sentence."""
_FORMS_OF_ADDRESS: Final = _keys(
    "mr mrs ms miss messrs dr sir madam madame monsieur mademoiselle mme mlle herr herrn frau fraulein hr sr sra"
    " don dona senor senora signor signora signore signorina senhor senhora mijnheer mynheer mevrouw dhr mw i o oh"
    " ah"
)
"""What has a capital and is no name by itself."""
_TITLES: Final = _keys(
    "herr herrn frau fraulein doktor dr professor prof konig konigin kaiser kaiserin graf grafin furst furstin"
    " prinz prinzessin herzog papst sankt st meister pastor pater bruder schwester onkel tante baron freiherr"
    " ritter general hauptmann major oberst stadt dorf insel fluss berg heer coningh koning graaf hertog paus sint"
    " king queen lord lady captain saint"
)
_BEFORE_PLACES: Final = _keys("in nach aus bei von zu gen uber van te naar uit tot at from of to")
_NOUN_ENDINGS: Final = re.compile(r".*(?:ung|heit|keit|schaft|nis|tum|ei|en|heid|inge|ness|tion)")
_NOUNS_WITH_CAPITALS: Final = 0.2
"""Share of the words within sentences that have a capital, from which nouns are taken to have them."""
_SHOUTED: Final = 0.5
"""Share of words in capitals only, from which capitals say nothing."""


class _Word(NamedTuple):
    text: str
    key: str
    first: bool
    """Whether it begins a sentence, a line or a quotation."""
    joined: bool
    """Whether only a space stands before it."""


def names(text: str, lang: str) -> set[str]:
    """The words that are surely names, each in the form of `key_of`."""
    words = _read(text)
    if sum(word.text.isupper() and len(word.text) > 1 for word in words) > _SHOUTED * len(words):
        return set()
    inner = [word for word in words if not word.first and len(word.text) > 1]
    capitals = sum(word.text[0].isupper() for word in inner)
    nouns = lang == "de" or (len(inner) >= 20 and capitals > _NOUNS_WITH_CAPITALS * len(inner))
    return set(_found(words, nouns))


def capitalised(text: str) -> set[str]:
    """All words with a capital, in the form of `key_of`: a name of a rewrite may begin a sentence."""
    return {key_of(word) for word in _WORD.findall(text) if word[0].isupper()}


def all_words(text: str) -> set[str]:
    """All words, in the form of `key_of`."""
    return {key_of(word) for word in _WORD.findall(text)}


def without(wanted: Iterable[str], there: set[str], lang: str) -> set[str]:
    """Those of the names that are not among others, whatever their ending."""
    stems = {stem for word in there for stem in _stems(word, lang)}
    missing = {name for name in wanted if not _stems(name, lang) & stems}
    if lang == "la":  # Cicero and Ciceronis
        missing = {
            name for name in missing if not any(_is_grown(_shortest(name), _shortest(word)) for word in there)
        }
    return missing


def _read(text: str) -> list[_Word]:
    words: list[_Word] = []
    done = 0
    for match in _WORD.finditer(text):
        gap = text[done : match.start()]
        previous = words[-1] if words else None
        words.append(_Word(match[0], key_of(match[0]), _begins(gap, previous), gap.isspace() and "\n" not in gap))
        done = match.end()
    return words


def _begins(gap: str, previous: _Word | None) -> bool:
    """Whether a word begins something, by what stands between it and the one before."""
    if previous is None or "\n" in gap:
        return True
    if gap.strip(" \u00a0") == ".":
        return not (previous.key in _SHORT_TITLES or (len(previous.text) == 1 and previous.text.isupper()))
    return bool(set(gap) & set('.!?:;…"“”„«»‹›‘([—–*_'))


def _found(words: list[_Word], nouns: bool) -> Iterable[str]:
    for at, word in enumerate(words):
        if word.first or not _may_be_name(word) or (word.text.isupper() and len(word.text) > 5):
            continue
        before = words[at - 1] if at and word.joined else None
        after = words[at + 1] if at + 1 < len(words) and words[at + 1].joined else None
        if nouns:
            behind = before is not None and (
                before.key in _TITLES
                or (before.key in _BEFORE_PLACES and not _NOUN_ENDINGS.fullmatch(word.key))
                or (_may_be_name(before) and not before.first)
            )
            if behind or (after is not None and _may_be_name(after)):
                yield word.key
        else:
            yield word.key


def _may_be_name(word: _Word) -> bool:
    return word.text[0].isupper() and len(word.text) > 1 and word.key not in _FORMS_OF_ADDRESS


_ENDINGS: Final = {
    "la": ["orum", "arum", "ibus", "que", "us", "um", "ae", "am", "as", "os", "is", "es", "em", *"eioa"],
    "de": ["ens", "es", "ns", "en", "s", "n"],
}
_PLURALS: Final = ["es", "s"]
_SHORTEST_STEM: Final = 3


@lru_cache(maxsize=65_536)
def _stems(key: str, lang: str) -> frozenset[str]:
    """A word, and what is left of it without each ending that its language could have put there."""
    endings = [ending for ending in _ENDINGS.get(lang, _PLURALS) if key.endswith(ending)]
    return frozenset([key, *(s for ending in endings if len(s := key.removesuffix(ending)) >= _SHORTEST_STEM)])


def _shortest(key: str) -> str:
    return min(_stems(key, "la"), key=len)


def _is_grown(one: str, other: str) -> bool:
    """Whether one stem is the other with at most two letters more."""
    short, long = sorted((one, other), key=len)
    return len(short) >= 4 and long.startswith(short) and len(long) - len(short) <= 2
