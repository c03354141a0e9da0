"""The dates that a text names: those with a month. A year alone is a number like any other."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from octavo.curation.numerals import Mention, level

_MONTHS: Final = {
    "de": "januar/jänner/jan februar/feber/feb märz april/apr mai juni juli august/aug september/sept"
    " oktober/october/okt november/nov dezember/december/dez",
    "en": "january/jan february/feb march april/apr may june july august/aug september/sept october/oct"
    " november/nov december/dec",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre/setiembre octubre noviembre diciembre",
    "fr": "janvier/janv février/févr mars avril mai juin juillet août/aoust septembre octobre novembre décembre",
    "it": "gennaio/gennajo febbraio/febbrajo marzo aprile maggio giugno luglio agosto settembre ottobre novembre"
    " dicembre",
    "la": "ianuari/januari februari marti april mai iuni/juni iuli/juli august septembr/september octobr/october"
    " novembr/november/nouembr decembr/december",
    "nl": "januari/januarij februari/februarij maart/maert april mei/mey juni/junij juli/julij augustus september"
    " october/oktober november december",
    "pt": "janeiro fevereiro março abril maio/mayo junho julho agosto setembro outubro novembro dezembro",
}
_DOUBTFUL: Final = frozenset(("may", "march", "mars", "jan", "mai", "april", "augustus", "august"))
"""Months that are also something else, and count only beside a day or a year."""
_DAY_MARKS: Final = r"(?:\b(?:kal|calend|kalend|non|id|mens)[a-z]*\.?[ ]+)"
"""What stands before a month in Latin, where a month is an adjective and often a person's name."""

_NUMERIC: Final = re.compile(r"(?<![\d.,/-])(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?![\d/-]|[.,]\d)")


def dates(text: str, lang: str) -> list[Mention]:
    """The dates of a text in their order, as year-month-day, with nothing for what is not said."""
    found = [
        Mention(match.start(), match.end(), value)
        for match in _NUMERIC.finditer(text)
        if (value := _numeric(match, lang))
    ]
    if lang in _MONTHS:
        pattern, months = _pattern(lang)
        for match in pattern.finditer(level(text)):
            if any(d.start < match.end() and match.start() < d.end for d in found):
                continue
            day = match["day"] or match.groupdict().get("after")
            if not (day or match["year"] or lang == "la") and _is_doubtful(text[slice(*match.span("month"))]):
                continue
            value = "-".join(_bare(part) for part in (match["year"], str(months[match["month"]]), day))
            found.append(Mention(match.start(), match.end(), value))
    return sorted(found)


def _bare(digits: str | None) -> str:
    return digits.lstrip("0") if digits else ""


def _is_doubtful(month: str) -> bool:
    return level(month) in _DOUBTFUL or (level(month) == "marco" and month[0].isupper())


def _numeric(match: re.Match[str], lang: str) -> str | None:
    """A date in figures; in English, where the order is not known, as it stands."""
    first, middle, last = match[1], match[3], match[4]
    if len(first) == 4 and match[2] != "." and len(last) <= 2:
        year, month, day = first, middle, last
    elif len(first) <= 2 and len(last) == 4:
        year, month, day = last, middle, first
        if lang == "en" and int(day) <= 12:
            if int(month) <= 12:
                return f"{year}-{int(day)}/{int(month)}"
            month, day = day, month
    else:
        return None
    return f"{_bare(year)}-{int(month)}-{int(day)}" if 1 <= int(month) <= 12 and 1 <= int(day) <= 31 else None


@cache
def _pattern(lang: str) -> tuple[re.Pattern[str], dict[str, int]]:
    """The expression for a date in words without case and accents, and its months."""
    listed = enumerate(_MONTHS[lang].split(), 1)
    months = {level(form): number for number, forms in listed for form in forms.split("/")}
    names = "|".join(sorted(months, key=len, reverse=True))
    ending = r"(?:st|nd|rd|th|er|re|o|ten|sten|den|de|ste|[°.])?"
    day = rf"(?:\b(?P<day>\d{{1,2}}){ending}[ \u00a0]+(?:(?:day[ ]+)?(?:of|de|di|del|van|des)[ ]+)?)?"
    year = (
        r"(?:,?[ ]+(?:(?:of|in|de|del|do|du|des|anni|anno|the|year|jaar|jahres|ano|año|annee|an)[ ]+){0,4}"
        r"(?P<year>\d{3,4})(?![\d]|[.,]\d))?"
    )
    if lang == "la":
        month = rf"{_DAY_MARKS}(?P<month>{names})(?:us|um|o|i|is|ii|as|iis|os|ibus|ae|am|e|em|arum|orum)?\b"
        return re.compile(rf"(?:\b(?P<day>\d{{1,2}})\.?[ ]+)?{month}{year}"), months
    after = r"(?(day)|(?:[ ]+(?:the[ ]+)?(?P<after>\d{1,2})(?:st|nd|rd|th)?(?![\d.,:]*\d))?)"
    return re.compile(rf"{day}\b(?P<month>{names})\b\.?{after}{year}"), months
