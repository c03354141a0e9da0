"""Dates as catalogues write them, to a range of years.

Years before the common era are negative, and there is no year 0. A range is never narrower than the words:
`XIXe siècle` is 1801 to 1900, `fin du XIXe siècle` too.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

Years = tuple[int, int]

_LAST_YEAR = 2999
_LONGEST = 200
"""Characters of a date; what is longer is another column's text."""
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))
_UNDATED = re.compile(
    r"(?:[\W_]*|s ?d|n ?d|s ?a|o ?[jd]|z ?j|sine anno|sans date|sin fecha|senza data|sem data|ohne jahr|undatiert"
    r"|zonder jaar|undated|no date|date unknown|unknown|inconnue?|unbekannt|onbekend|unbestimmt|none|null|nan|n/?a)"
)
_ROUGHLY = re.compile(
    r"\b(?:c|ca|circa|cca|approximately|about|approx|um|etwa|vers|environ|hacia|cerca de|alrededor de|por volta de"
    r"|verso(?: il)?|ongeveer|omstreeks|rond)\b\.? ?(?=[\[(]?(?:\d|[md][mdclxvi]+\b))"
)
_BEFORE = re.compile(r"^(?:before|pre|avant|vor|voor|antes de|prima del?|ante|not after|spätestens)\b|^<")
_AFTER = re.compile(
    r"^(?:after|post|apres|nach|na|despues de|depois de|dopo(?: il)?|not before|since|seit|depuis)\b|^>"
    r"|\d{4} ?(?:-|\.\.)\]?$"
)
_BCE = (
    r"(?:b\.? ?c\.?(?: ?e\.?)?|av\.? ?j\.? ?-? ?c\.?|avant j\w*\.?-?c\w*\.?|v\. ?chr\.?|v\. ?u\. ?z\.?"
    r"|vor christus|voor christus"
    r"|a\. ?c\.?(?: ?n\.?)?)"
)
_CE = r"(?:a\. ?d\.|ad|c\.? ?e\.?|ap\.? ?j\.? ?-? ?c\.?|n\. ?chr\.?|d\. ?c\.)"
_CENTURY_WORD = (
    r"(?:centur(?:y|ies)|cent\b\.?|siecles?|jahrhunderts?|jhdt?s?\b\.?|jhs?\b\.?|siglos?|secol[oi]|sec\b\.?"
    r"|seculos?|eeuw(?:en)?|saec\w*\.?|saecul[oi]\b|s\b\.?)"
)
_NUMERAL = r"(?:\d{1,2}|[ivx]{1,6})"
_ORDINAL = rf"({_NUMERAL})(?:st|nd|rd|th|er|re|eme|me|de|ste|ª|º|°|a|o|e|ieme)?\.?"
_TO = r" ?(?:-|/|to|bis|a|al|et|and|und|e|y|en|tot|au) ?"
_CENTURIES = (
    re.compile(rf"\b{_ORDINAL}(?:{_TO}{_ORDINAL})? ?{_CENTURY_WORD}"),
    re.compile(r"\b(\d{1,2})(?:st|nd|rd|th) c\b"),
    re.compile(rf"\b{_CENTURY_WORD} ?{_ORDINAL}(?:{_TO}{_ORDINAL})?(?!\w)"),
)
_ITALIAN_CENTURIES = {
    name: number
    for number, name in enumerate(
        ("duecento", "trecento", "quattrocento", "cinquecento", "seicento", "settecento", "ottocento", "novecento"),
        13,
    )
}
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_ROMAN_YEAR = re.compile(r"(?:anno |a\.? ?d\.? )?([mdclxvi](?:[. ]*[mdclxvi])+)\.?")
_COMPACT = re.compile(r"(?<!\d)(1\d{3}|20\d\d)(0\d|1[0-2])([0-2]\d|3[01])(?!\d)")
_ISO = re.compile(r"(\d{4})[-/.](\d\d)[-/.](\d\d)(?:[t ]\d\d:?\d\d.*)?")
_YEAR_AND_TWO = re.compile(r"(\d{4}) ?[-/] ?(\d\d)")
_DECADE = re.compile(
    r"(?:\b(?:annees|anni|decada de|anos|jaren|the) )?(?<!\d)(\d{3})0(?:s|'s|er(?: jahren?)?)(?!\w)"
    r"|\b(?:annees|anni|decada de|anos|jaren) (\d{3})0(?!\d)"
)
_OPEN_DIGITS = re.compile(r"(\d\d)(?:--|\?\?|xx|uu|\.\.)|(\d{3})[-?xu]")
_FOUR_DIGITS = re.compile(r"(?<!\d)\d{4}(?!\d)")
_FIRST_PRINT = 1440
"""Roman numerals date prints; lower ones are words (`mix`)."""
_BEFORE_REACH = 100
"""How far back `before 1612` reaches."""


@dataclass(frozen=True)
class Dated:
    """What a date says: the years, whether it doubts them, and where it says none, why."""

    years: Years | None = None
    doubtful: bool = False
    note: str | None = None


def years_of(date: str, latest: int = _LAST_YEAR) -> Years | None:
    """The first and the last year that a date may mean, or None where it means none up to `latest`."""
    return read_date(date, latest).years


@lru_cache(maxsize=65_536)
def read_date(date: str, latest: int = _LAST_YEAR) -> Dated:
    """A date with its doubts; `latest` is the last year that is not in the future."""
    if len(date) > _LONGEST:
        return Dated(note=f"not a date: {date[:_LONGEST]!r}...")
    said = _fold(date)
    bare = re.sub(r"[.\[\]()]", "", said).strip()
    if _UNDATED.fullmatch(bare):
        return Dated(note="undated")
    said, doubts = _ROUGHLY.subn("", said)
    doubtful = bool(doubts or re.search(r"\d{4}[\])]?\?", said))
    years = _range_of(said)
    if years is None:
        return Dated(note=f"not a date: {date!r}")
    if _AFTER.search(said):
        return Dated(note=f"no last year: {date!r}")
    first, last = years
    if _BEFORE.search(said):
        first = max(last - _BEFORE_REACH, 1) if last > 0 else last - _BEFORE_REACH
    if first > latest:
        return Dated(note=f"in the future: {date!r}")
    if first > last or 0 in (first, last):
        return Dated(note=f"not a date: {date!r}")
    return Dated((first, min(last, latest)), doubtful)


def century_of(date: str | None, latest: int = _LAST_YEAR) -> int | None:
    """The century of a date (19 for the 1800s), of its middle where there are several; None before our era."""
    years = years_of(date, latest) if date else None
    return None if not years or years[0] < 1 else (sum(years) // 2 - 1) // 100 + 1


def _fold(words: str) -> str:
    """Small letters without accents, plain hyphens, single spaces."""
    words = words.replace("CIↃ", "M").replace("IↃ", "D").replace("cIɔ", "M").replace("Iɔ", "D")
    words = unicodedata.normalize("NFKD", words.translate(_DASHES).replace("’", "'"))
    return " ".join("".join(c for c in words if not unicodedata.combining(c)).casefold().split()).strip(" ,;:")


def _range_of(said: str) -> Years | None:
    readers = (_calendar, _open_digits, _century, _before_the_era, _roman_year, _span, _decades, _plain_years)
    bare = re.sub(r"[\[\]()]", "", said).strip(" .,;")
    for reader in readers:
        if years := reader(bare):
            return years
    return None


def _calendar(said: str) -> Years | None:
    """1887-01-31, 1743-00-00, 18870101, 1901-02 and 1898-99."""
    if match := _ISO.fullmatch(said):
        year, month, day = map(int, match.groups())
        return (year, year) if month <= 12 and day <= 31 else None
    if match := _COMPACT.fullmatch(said):
        return int(match[1]), int(match[1])
    if match := _YEAR_AND_TWO.fullmatch(said):
        year, two = int(match[1]), int(match[2])
        if two > year % 100:
            return year, year - year % 100 + two
        return (year, year) if two <= 12 else None
    return None


def _open_digits(said: str) -> Years | None:
    """18--, 18??, 188-, 187x, 1880s, années 1880."""
    if match := _OPEN_DIGITS.fullmatch(said):
        size = 100 if match[1] else 10
        first = int(match[1] or match[2]) * size
        return max(first, 1), first + size - 1
    if match := _DECADE.fullmatch(said):
        return _years_of_decade(match)
    return None


def _years_of_decade(match: re.Match[str]) -> Years:
    """Those of the 1930s; of the 1900s those of the century, which may be meant."""
    first = int(match[1] or match[2]) * 10
    return first, first + (99 if first % 100 == 0 and match[0].endswith("s") else 9)


def _decades(said: str) -> Years | None:
    """Decades among other words, with the years beside them: late 1930s, fin des années 1930, 1928 or the 1930s."""
    found = [_years_of_decade(match) for match in _DECADE.finditer(said)]
    if not found:
        return None
    rest = _plain_years(_DECADE.sub(" ", said))
    found += [rest] if rest else []
    return min(first for first, _ in found), max(last for _, last in found)


def _century(said: str) -> Years | None:
    for name, number in _ITALIAN_CENTURIES.items():
        if name in said:
            return _years_of_century(number)
    for pattern in _CENTURIES:
        if match := pattern.search(said):
            numbers = [_number(n) for n in match.groups() if n]
            if not all(1 <= n <= 21 for n in numbers):
                return None
            if re.search(_BCE, said[match.end() :]):
                spans = [(-100 * n, -100 * n + 99) for n in numbers]
            else:
                spans = [_years_of_century(n) for n in numbers]
            return min(s[0] for s in spans), max(s[1] for s in spans)
    return None


def _years_of_century(number: int) -> Years:
    return 100 * number - 99, 100 * number


def _number(numeral: str) -> int:
    return int(numeral) if numeral.isdigit() else roman(numeral)


def roman(numeral: str) -> int:
    """The value of a Roman numeral, in the additive spellings of printers (MDCCCCX) too."""
    values = [_ROMAN[letter] for letter in numeral]
    return sum(-v if v < max(values[n:]) and v < values[n + 1] else v for n, v in enumerate(values))


def _roman_year(said: str) -> Years | None:
    if match := _ROMAN_YEAR.fullmatch(said):
        year = roman(re.sub(r"[. ]", "", match[1]))
        return (year, year) if _FIRST_PRINT <= year <= 2100 else None
    return None


_ERA_SPAN = re.compile(
    rf"(?:ca?\.? ?)?(\d{{1,4}})\?? ?({_BCE})?(?: ?(?:-|to|bis|et|and) ?(?:ad )?(\d{{1,4}})\?? ?({_BCE}|{_CE})?)?"
)
_AFTER_CHRIST = re.compile(rf"{_CE} ?(\d{{1,4}})|(\d{{1,4}}) ?{_CE}")


def _before_the_era(said: str) -> Years | None:
    """44 BC, 70-19 av. J.-C., 63 BCE-14 CE, AD 98, -44."""
    if match := re.fullmatch(r"-(\d{1,4})", said):
        return -int(match[1]), -int(match[1])
    if match := _AFTER_CHRIST.fullmatch(said):
        year = int(match[1] or match[2])
        return year, year
    if not (re.search(rf"\d\?? ?{_BCE}", said) and (match := _ERA_SPAN.fullmatch(said))):
        return None
    last_is_bce = bool(match[4]) and not re.fullmatch(_CE, match[4])
    first = -int(match[1]) if match[2] or last_is_bce else int(match[1])
    if match[3] is None:
        return first, first
    return first, -int(match[3]) if last_is_bce else int(match[3])


_SPAN = re.compile(
    r"(?:between |entre |zwischen |from |von |van |de |dal |tra (?:il )?)?(\d{3,4})\?? ?"
    r"(?:-|/|\.\.|to|bis|et|and|und|y|e|en|al?|tot|or|ou|oder|of|o) ?(?:il )?(\d{3,4})\??"
)


def _span(said: str) -> Years | None:
    if match := _SPAN.fullmatch(said):
        return int(match[1]), int(match[2])
    return None


def _plain_years(said: str) -> Years | None:
    """A year alone, or all the years of four digits among other words: the first and the last of them."""
    if match := re.fullmatch(r"(?:anno )?(\d{3,4})\??", said):
        return int(match[1]), int(match[1])
    if _ISO.fullmatch(said) or re.search(r"\d{5,}", said):
        return None
    years = [int(y) for y in _FOUR_DIGITS.findall(said) if 1000 <= int(y) <= _LAST_YEAR]
    return (min(years), max(years)) if years else None
