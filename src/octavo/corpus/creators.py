"""The names in a creator string, in one form however a catalogue writes them.

`Pirandello, Luigi (1867-1936)`, `Luigi Pirandello` and `PIRANDELLO, Luigi.` are one name. Nothing less than a whole
name is one: `Smith` is not `Smith, A.`, and `A. Smith` is not `Anne Smith`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from octavo.corpus.public_domain import fold, persons

_SQUARE, _ROUND = re.compile(r"\[([^\[\]]*)\]"), re.compile(r"\(([^()]*)\)")
_YEAR = r"\d{3,4}\??"
_OF_A_LIFE = r"(?:ca?|circa|b|born|d|died|fl|active)"
_LIFE_WORD = rf"(?:(?:(?<!\w){_OF_A_LIFE}\b\.?|[*†])\s*)"
_YEARS = re.compile(
    rf"(?:{_LIFE_WORD}{{1,3}}{_YEAR}|(?<!\w){_YEAR}(?=\s*-))(?:\s*-\s*{_LIFE_WORD}{{0,3}}(?:\d{{1,4}}\??)?)?(?!\w)"
)
_NO_NAME = re.compile(rf"\W*(?:\d|{_OF_A_LIFE}\b)")
_LAST_YEAR = re.compile(rf"(?<!\w){_YEAR}\W*$")
_WORD = re.compile(r"[^\W_]+")
_PEN_NAME = re.compile(r"(?:pseud(?:onym)?\b|i\.? ?e\b|that is\b|alias\b)\.?(?: of\b)?[\s:,]*")
_ROLES = frozenset(
    re.findall(
        r"\w+",
        "author aut auteur autor autore editor editors ed eds edt editeur hrsg herausgeber translator translators "
        "trans transl trl tr traducteur traductor traduttore ubersetzer vertaler illustrator illustrateur ill comp",
    )
)
"""What a catalogue may say behind a name that is none of it."""


def name_of(words: str) -> str:
    """One person's or body's name, given name first: `Given Surname` of `Surname, Given`, as both are compared.

    Case, accents, punctuation, brackets, years of life and what a catalogue says of a person's part in the work do
    not count. Empty where there is no letter or digit.
    """
    return _in_order(fold(words))


@lru_cache(maxsize=65_536)
def names_in(creator: str) -> frozenset[str]:
    """The names in a creator string, as `name_of` writes them: of each person, of pen names in brackets, and the
    whole.

    Persons are told apart where octavo.corpus.public_domain tells them, as by `;`, `/`, `&` and `and`; by commas
    only where there are three whole names or more, as `Garcia Marquez, Gabriel Jose` is one name.
    """
    said = fold(creator)
    found = {_in_order(said)}
    found |= {_in_order(_PEN_NAME.sub("", pen)) for pen in _SQUARE.findall(said) if not re.search(r"\d", pen)}
    for person in persons(_SQUARE.sub(" ", said)):
        found.add(_in_order(person))
        found |= {_in_order(_PEN_NAME.sub("", pen)) for pen in _ROUND.findall(person) if not re.search(r"\d", pen)}
        pieces = person.split(",")
        if len(pieces) > 2 and all(len(_WORD.findall(p)) > 1 and not re.search(r"\d", p) for p in pieces):
            found |= {_in_order(piece) for piece in pieces}
    return frozenset(found - {""})


def _in_order(said: str) -> str:
    outside = _ROUND.sub(" ", _SQUARE.sub(" ", said))
    pieces = [piece for piece in (outside if _WORD.search(outside) else said).split(",") if _WORD.search(piece)]
    if not pieces:
        return ""
    own = [_YEARS.sub(" ", pieces[0])]
    for piece in pieces[1:]:
        name = _LAST_YEAR.sub(" ", _YEARS.sub(" ", piece))
        if re.search(r"\d", name) and (len(own) > 1 or _NO_NAME.match(name)):  # such as `19th century`
            break
        own.append(name)
        if name != piece:  # years end a catalogue's heading
            break
    while len(own) > 1 and set(_WORD.findall(own[-1])) <= _ROLES:
        own.pop()
    return " ".join(_WORD.findall(" ".join([*own[1:], own[0]])) or _WORD.findall(said))
