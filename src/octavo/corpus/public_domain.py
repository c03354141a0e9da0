"""The public domain by rule: the lives of those named as creators, the date of the print, and each law's term.

A term is counted in whole years and runs out with a year's last day (Directive 2006/116/EC, art. 8;
17 U.S.C. 305). The date of a document is the year of its print: the text was published in it or before,
so that it can show a text to be old enough, but seldom that it is too young.

What this cannot see: a translator or an editor whom the creator field leaves out, the war extensions of
French law (mort pour la France), and whether a text printed in the US from 1931 on was renewed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from octavo.corpus.dates import Dated, Years, years_of

Verdict = Literal["free", "protected", "unknown"]


@dataclass(frozen=True)
class Jurisdiction:
    """One law's term of copyright in texts, with its source."""

    name: str
    source: str
    life: int | None = None
    """Years from the death of the last author."""
    publication: int | None = None
    """Years from publication, whoever the author is."""
    anonymous: int | None = None
    """Years from publication where the author never told their name."""
    free_if_died_before: int | None = None
    """Authors who died before this year are free whatever `life` says, as it was lengthened too late for them."""


JURISDICTIONS = {
    law.name: law
    for law in (
        Jurisdiction("EU", "Directive 2006/116/EC, art. 1(1) to 1(3) and 8", life=70, anonymous=70),
        Jurisdiction("US", "17 U.S.C. 304(a) and 305: 95 years from publication before 1978", publication=95),
        Jurisdiction("UK", "Copyright, Designs and Patents Act 1988, s. 12(2) and (3)", life=70, anonymous=70),
        Jurisdiction("CH", "Urheberrechtsgesetz 1992, art. 29 to 32", life=70, free_if_died_before=1943),
        Jurisdiction(
            "ES",
            "Ley de Propiedad Intelectual (RDL 1/1996), transitional provision 4: life + 80 (Ley de 1879) for "
            "authors who died before 7 December 1987",
            life=80,
        ),
        Jurisdiction(
            "CA",
            "Copyright Act, s. 6, as amended by S.C. 2022, c. 10 from 30 December 2022: life + 70, life + 50"
            " before, "
            "and nothing revived",
            life=70,
            free_if_died_before=1972,
        ),
        Jurisdiction(
            "MX",
            "Ley Federal del Derecho de Autor, art. 29, as amended in 2003: life + 100; nothing revived of authors "
            "who died before 1944",
            life=100,
            free_if_died_before=1944,
        ),
        Jurisdiction(
            "AU",
            "Copyright Act 1968, s. 33, as amended from 1 January 2005: life + 70, life + 50 before, nothing"
            " revived",
            life=70,
            free_if_died_before=1955,
        ),
        Jurisdiction(
            "JP",
            "Copyright Act, art. 51, as amended from 30 December 2018: life + 70, life + 50 before, nothing"
            " revived",
            life=70,
            free_if_died_before=1968,
        ),
        Jurisdiction("BR", "Lei 9.610/1998, art. 41", life=70),
        Jurisdiction("AR", "Ley 11.723, art. 5", life=70),
        Jurisdiction("IN", "Copyright Act 1957, s. 22", life=60),
        Jurisdiction("CN", "Copyright Law of the People's Republic of China (2020), art. 23", life=50),
    )
}
"""The laws that a recipe may name."""

PRESUMPTION = 140
"""Years from publication after which authors whose death is unknown are presumed dead long enough: no law's
term but the cautious practice of libraries (HathiTrust's for prints from outside the US). It is for terms of
70 years of life; longer ones add the difference."""

YOUNG_EDITION = 30
"""Years in which a print may carry rights of its own: critical editions up to 30, works first published after
the term of copyright 25 (Directive 2006/116/EC, art. 4 and 5)."""

LONGEST_LIFE = 120
POSTHUMOUS = 10
"""A print up to this many years after its author's death may well be the first."""
DOUBT = 10
"""Years that a date with a question mark or a circa may be wrong by."""


@dataclass(frozen=True)
class Life:
    """What a creator string says of one person: years between which they died, None where it says nothing."""

    died_from: int | None = None
    died_by: int | None = None
    born: int | None = None
    stated: bool = False
    """Whether the year of death itself is stated."""


@dataclass(frozen=True)
class Authorship:
    """All those whom a creator string names; none where it names nobody."""

    lives: tuple[Life, ...] = ()
    anonymous: bool = False

    @property
    def died_by(self) -> int | None:
        """The year by which the last of them had died, None where one's is unknown."""
        known = [life.died_by for life in self.lives if life.died_by is not None]
        return max(known) if known and len(known) == len(self.lives) else None

    @property
    def died_from(self) -> int | None:
        """The year before which the last of them had surely not died."""
        return max((life.died_from for life in self.lives if life.died_from is not None), default=None)


@dataclass(frozen=True)
class Finding:
    """What one law says of a work, and by which facts."""

    verdict: Verdict
    why: str


_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_ANONYMOUS = re.compile(
    r"\W*(?:anon|anonym(?:e|us|ous|os|i)?|anonimo|anoniem|anonimi|anonimos|anonyma)\W*(?:author|autor|auteur"
    r"|q\d+)?\W*"
)
_NOBODY = re.compile(
    r"[\W_]*(?:unknown|inconnue?|unbekannt|onbekend|desconocido|desconhecido|sconosciuto|ignoto|incertus|various"
    r"|divers|verschiedene|varios|aa ?vv|none|null|nan|n/?a|s ?n|sine nomine)?(?: (?:author|autor|auteur"
    r"|autore))?[\W_]*"
)
_ROLES = (
    r"(?:(?:edited|translated|revised|adapted|introduced)(?: and (?:edited|translated|revised))? by|trans\."
    r"|transl\."
    r"|traduit(?:e|s)?(?: [a-z' ]{1,20})? par|edite par|traducido por|traduccion de|editado por|edicion de"
    r"|tradotto da"
    r"|traduzione di|a cura di|tradu[cz](?:ido por|ao de)|ubersetzt von|ubers\. v(?:on|\.)|herausgegeben von"
    r"|hrsg\. v(?:on|\.)|vertaald door|vertaling van|bewerkt door|uitgegeven door"
    r"|(?:trad|transl|tr|eds?|hrsg|ubers|vert)\.(?=\s+[^\W\d]{2}))"
)
_BETWEEN = re.compile(
    rf"\s*(?:;|/|\||&|\bwith\b|\band\b|\bet\b|(?<!\bvon )\bund\b|(?<=\))\s*,?\s*(?:y|e|en|ed)\b|{_ROLES})\s*"
)
_ALIAS = re.compile(r"\[[^\[\]\d]*\]")
_ERA = (
    r"(?:b\.? ?c\.?(?: ?e\.?)?|av\.? ?j\.? ?-? ?c\.?|v\. ?chr\.?|a\. ?c\.|a\.? ?d\.?|c\.? ?e\.?"
    r"|ap\.? ?j\.? ?-? ?c\.?|n\. ?chr\.?|d\. ?c\.)"
)
_BCE = re.compile(r"b|av|v\.|a\. ?c")
_ROUGHLY = r"(?:ca?|circa|um|vers|hacia|approximately|about|approx|around|before|after|nach|vor)\.? ?"
_ROUGH = rf"(?:{_ROUGHLY})?(?:a\.? ?d\.? ?)?"
_DAY = r"(?:\d{1,2}\.? (?:de )?)?(?:[^\W\d]{3,}\.?,? (?:de )?)?(?:\d{1,2}, )?"


_DOUBTED = re.compile(rf"\?|\b{_ROUGHLY}(?=\d)")


def _year_named(name: str) -> str:
    digits = r"1[4-9]\?\?|1[4-9]--|1[4-9]\d\?(?! ?b)|\d{1,4}"
    return rf"{_ROUGH}{_DAY}(?P<{name}>{digits})\??(?: ?(?P<{name}_era>{_ERA})(?!\w))?"


_BORN, _DIED = _year_named("born"), _year_named("died")
_LIFE = re.compile(
    rf"(?<![\w.-])(?:\*|b\. ?|n\. ?|ne en )?{_BORN}\s*[-/]\s*(?:†|\+|d\. ?|m\. ?)?\s*{_DIED}(?![\w-])"
)
_DEATH_WORD = (
    r"(?:d|died|dead|ob|obiit|gest|gestorven|gestorben|overl|overleden|mort[eoa]?|muerto|muerta|morreu|m|†|\+)"
)
_BIRTH_WORD = r"(?:b|born|nee?|geb|geboren|nat[oa]|nacid[oa]|nascid[oa]|n|\*)"
_ACTIVE_WORD = r"(?:fl|floruit|active|activ[oa]|actif|aktiv|tatig|attiv[oa]|werkzaam|ativo)"
_DEATH = re.compile(rf"(?:(?<!\w){_DEATH_WORD}\.? ?(?:in |en |nel |em )?|(?<![\w?.\d])\??-\s?){_DIED}(?![\w-])")
_BIRTH = re.compile(
    rf"(?<!\w){_BIRTH_WORD}\.? ?(?:in |en |nel |em )?{_BORN}(?!\w)"
    rf"|(?<![\w.-]){_year_named('open')}\s*-\s*(?:\?|$|(?=[).,;\]]))"
)
_ACTIVE = re.compile(rf"(?<!\w){_ACTIVE_WORD}\.? ?(.{{1,30}})")
_ACTIVE_BEFORE = re.compile(rf"(?<!\w){_ACTIVE_WORD}\.?:? ?\Z")
"""Years after it are those of somebody's work."""
_TITLE = (
    r"(?:1st|2nd|3rd|sir|lord|lady|earl|duke|baron|baroness|count|countess|viscount|marquis|marquess|prince|king"
    r"|queen|bishop|pope|saint|graf|grafin|freiherr|herzog|furst|konig|comte|comtesse|vicomte|duc|roi|reine|eveque"
    r"|conde|duque|marques|rey|conte|duca|marchese|re|papa|santo|hertog|graaf|koning|author|editor|translator|poet)"
)
_ANOTHER = re.compile(rf"\),\s*(?!{_TITLE}\b)(?!{_ROLES})[^\W\d_][\w.'-]*(?: [^\W\d_][\w.'-]*){{1,3}}\s*\Z")
"""A name after a life in brackets."""
_CENTURY = re.compile(
    r"(?:(?:\d{1,2}(?:st|nd|rd|th|e|de)?|[ivx]+e?)\.? ?(?:century|cent\.|siecle|jh\.|jahrhundert|eeuw|secolo)"
    rf"|(?:siglo|seculo|secolo|s\.|saec\.) ?[ivx]+)(?: ?{_ERA})?"
)


@lru_cache(maxsize=65_536)
def authorship(creator: str) -> Authorship:
    """Who wrote, by a creator string in any of the catalogues' conventions; each person with their life's dates."""
    said = fold(creator)
    if _NOBODY.fullmatch(said):
        return Authorship()
    if _ANONYMOUS.fullmatch(said):
        return Authorship(anonymous=True)
    lives: list[Life] = []
    for person in persons(_ALIAS.sub(" ", said)):
        lives += _lives(person)
    return Authorship(tuple(lives))


def fold(words: str) -> str:
    """Words of a catalogue as they are compared: without case and accents, and with one kind of dash and space."""
    words = unicodedata.normalize("NFKD", words.translate(_DASHES).replace("’", "'"))
    return " ".join("".join(c for c in words if not unicodedata.combining(c)).casefold().split())


def persons(said: str) -> list[str]:
    """A folded creator string cut at the signs between persons, never inside of brackets."""
    said = " ".join(said.split())  # as patterns that begin with spaces take long for many of them
    brackets = [m.span() for m in re.finditer(r"\([^()]*\)", said)]
    found, start = [], 0
    for cut in _BETWEEN.finditer(said):
        if not any(opens < cut.start() < closes for opens, closes in brackets):
            found.append(said[start : cut.start()])
            start = cut.end()
    found.append(said[start:])
    return [p for p in found if re.search(r"\w", p)]


def _lives(person: str) -> list[Life]:
    """The lives that a part of a creator string states: mostly one, without dates where it states none."""
    stated = [m for m in _LIFE.finditer(person) if not _ACTIVE_BEFORE.search(person, 0, m.start())]
    if lives := [_life(m) for m in stated]:
        # Franz Kafka (1883-1924), Max Brod
        return [*lives, Life()] if _ANOTHER.match(person, stated[-1].end()) else lives
    if match := _ACTIVE.search(person):
        return [_active(years_of(match[1].strip(" ().,;")))]
    if match := _DEATH.search(person):
        died = _year(match["died"], match["died_era"])
        return [Life(died[0], died[1], stated=True) if died else Life()]
    if match := _BIRTH.search(person):
        name = "born" if match["born"] else "open"
        return [_alive(_year(match[name], match[f"{name}_era"]))]
    if match := _CENTURY.search(person):
        return [_active(years_of(match[0]))]
    return [Life()]


def _life(match: re.Match[str]) -> Life:
    born_era, era = match["born_era"], match["died_era"]
    # In `70-19 BCE` the era is said once, for both.
    both = born_era or (era if era and _BCE.match(era) else None)
    born = _year(match["born"], both, small=len(match["died"]) == 3)
    died = _year(match["died"] if era else _in_full(match["died"], born), era, small=bool(born_era))
    if born is None or died is None or died[1] < born[0] or died[0] - born[1] > LONGEST_LIFE:
        return Life()
    doubt = DOUBT if _DOUBTED.search(match[0]) else 0
    return Life(max(died[0] - doubt, born[0]), min(died[1] + doubt, born[1] + LONGEST_LIFE), born[0], stated=True)


def _in_full(died: str, born: Years | None) -> str:
    """The year of death in 1832-98, in four digits."""
    if born and born[0] >= 100 and len(died) == 2 and died.isdigit() and int(died) > born[0] % 100:
        return f"{born[0] // 100}{died}"
    return died


def _alive(born: Years | None) -> Life:
    return Life(born[0], born[1] + LONGEST_LIFE, born[0]) if born else Life()


def _active(years: Years | None) -> Life:
    return Life(years[0], years[1] + LONGEST_LIFE) if years else Life()


def _year(digits: str, era: str | None, small: bool = False) -> Years | None:
    """A year of a life; of two digits without an era only where the other year tells that it is (`small`)."""
    if digits.endswith(("??", "--")):
        first = int(digits[:2]) * 100
        return first, first + 99
    if digits.endswith("?"):
        first = int(digits[:3]) * 10
        return first, first + 9
    year = int(digits)
    if era and _BCE.match(era):
        return (-year, -year) if year else None
    return (year, year) if year >= 100 or (year and (era or small)) else None


def findings(
    creator: str | None, printed: Dated, jurisdictions: tuple[str, ...], as_of: int
) -> tuple[dict[str, Finding], list[str]]:
    """What each law says in the year `as_of` of the work of a creator string in a print of a date, with notes."""
    authors = authorship(creator or "")
    notes = [printed.note] if printed.note else []
    if any(life.stated and life.died_from and life.died_from > as_of for life in authors.lives):
        authors = Authorship(tuple(_unless_in_the_future(life, as_of) for life in authors.lives))
        notes.append(f"a death in the future: {creator!r}")
    born = [life.born for life in authors.lives if life.born is not None]
    if printed.years and born and len(born) == len(authors.lives) and printed.years[1] < min(born):
        notes.append(f"the print of {_in_words(printed.years[1])} is older than its author")
        printed = Dated()
    return {name: term(JURISDICTIONS[name], authors, printed, as_of) for name in jurisdictions}, notes


def _unless_in_the_future(life: Life, as_of: int) -> Life:
    return Life() if life.died_from and life.died_from > as_of else life


def term(law: Jurisdiction, authors: Authorship, printed: Dated, as_of: int) -> Finding:
    """What one law says in the year `as_of` of a work by these authors, in a print of this date."""
    published = printed.years[1] + (DOUBT if printed.doubtful else 0) if printed.years else None
    if law.publication is not None:
        return _by_publication(law.publication, authors, printed, published, as_of)
    assert law.life is not None
    return _by_life(law, law.life, authors, published, as_of)


def _by_publication(years: int, authors: Authorship, printed: Dated, published: int | None, as_of: int) -> Finding:
    if published is None or printed.years is None:
        return Finding("unknown", "no date of publication")
    if published + years < as_of:
        return Finding("free", f"published by {_in_words(published)}, {years} years")
    first = printed.years[0]
    if first + years >= as_of and any(_in_lifetime(first, life) for life in authors.lives):
        return Finding(
            "protected",
            f"published in {_in_words(first)}, an author's lifetime: {years} years run to {first + years}",
        )
    return Finding("unknown", f"printed by {_in_words(published)}, of a first publication unknown")


def _in_lifetime(year: int, life: Life) -> bool:
    """Whether a print of this year is likely to be a first one: in its author's life, or soon after."""
    if life.died_by is None or (life.born is not None and year < life.born):
        return False
    return year <= life.died_by + (POSTHUMOUS if life.stated else 0)


def _by_life(law: Jurisdiction, years: int, authors: Authorship, published: int | None, as_of: int) -> Finding:
    died_from, died_by = authors.died_from, authors.died_by
    spared = law.free_if_died_before
    if died_from is not None and died_from + years >= as_of and not (spared and died_from < spared):
        what = "died" if any(life.stated and life.died_from == died_from for life in authors.lives) else "lived"
        return Finding(
            "protected", f"an author {what} in {died_from}: {years} years run to {died_from + years} or after"
        )
    if died_by is not None and (died_by + years < as_of or (spared and died_by < spared)):
        if published is not None and published + YOUNG_EDITION >= as_of:
            return Finding("unknown", f"a print of {published} may carry rights of its own")
        return Finding("free", f"the last author had died by {_in_words(died_by)}, {years} years")
    if published is None:
        return Finding("unknown", "no date of publication, and an author's death unknown")
    if authors.anonymous and law.anonymous is not None and published + law.anonymous < as_of:
        return Finding("free", f"anonymous, published by {_in_words(published)}, {law.anonymous} years")
    presumption = PRESUMPTION + max(0, years - 70)
    if published + presumption < as_of:
        return Finding("free", f"published by {_in_words(published)}, {presumption} years: presumed")
    return Finding("unknown", "an author's death unknown")


def _in_words(year: int) -> str:
    return f"{-year} BCE" if year < 0 else str(year)
