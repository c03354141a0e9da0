"""The numbers that a text names: in digits, in Roman numerals, and in the words of eight languages.

A number is read to its value, so that `1,200`, `1.200`, `MCC` and `twelve hundred` are the same. `one` and its
like are mostly articles and count only within a larger number (`twenty-one`); ordinals in words are not read.
Figures with a word behind them (`3 million`) are two numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Final, NamedTuple

from octavo.corpus.dates import roman


class Mention(NamedTuple):
    """What a text names at a place: the places of its first character and of the one after its last."""

    start: int
    end: int
    value: str


class _Level(dict[int, str]):
    """Letters without case or accent, one for one, so that places stay what they are."""

    def __missing__(self, point: int) -> str:
        sign = chr(point)
        letter = {"ſ": "s", "ß": "s", "ʒ": "z"}.get(sign) or unicodedata.normalize("NFKD", sign)[0]
        lower = letter.lower() if sign.isalpha() else sign
        self[point] = lower if len(lower) == 1 else sign
        return self[point]


_LEVEL: Final = _Level()


def level(text: str) -> str:
    """A text of the same length, its letters without case and accent."""
    return text.translate(_LEVEL)


_HUNDREDS_ES: Final = "doscient trescient cuatrocient quinient seiscient setecient ochocient novecient"
_HUNDREDS_PT: Final = "duzent trezent quatrocent quinhent seiscent setecent oitocent novecent"
_HUNDREDS_LA: Final = "ducent trecent quadringent quingent sescent septingent octingent nongent"


def _inflected(stems: str, endings: str, values: Iterable[int] = range(200, 1000, 100)) -> dict[str, int]:
    """The values of words that are declined, in their order."""
    declined = zip(stems.split(), values, strict=True)
    return {stem + ending: value for stem, value in declined for ending in endings.split()}


def _counted(words: str, first: int, step: int = 1) -> dict[str, int]:
    """The values of words in their order; other forms of a word stand behind it with a slash."""
    forms = enumerate(words.split())
    return {level(form): first + step * number for number, group in forms for form in group.split("/")}


def _powers(words: dict[int, str]) -> dict[str, int]:
    """The values of words by their power of ten."""
    return {level(form): 10**power for power, group in words.items() for form in group.split("/")}


_WORDS: Final[dict[str, dict[str, int]]] = {
    "de": {
        **_counted(
            "zwei/zwo drei vier fünf sechs sieben acht neun zehn elf/eilf zwölf dreizehn vierzehn fünfzehn", 2
        ),
        **_counted("sechzehn siebzehn/siebenzehn achtzehn neunzehn zwanzig", 16),
        **_counted("dreißig vierzig fünfzig sechzig siebzig/siebenzig achtzig neunzig hundert", 30, 10),
        **_powers({3: "tausend", 6: "million/millionen", 9: "milliarde/milliarden", 12: "billion/billionen"}),
        **_powers({15: "billiarde/billiarden", 18: "trillion/trillionen"}),
    },
    "en": {
        **_counted("two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen", 2),
        **_counted("sixteen seventeen eighteen nineteen twenty", 16),
        **_counted("thirty forty/fourty fifty sixty seventy eighty ninety hundred", 30, 10),
        **_powers({3: "thousand", 6: "million/millions", 9: "billion/billions/milliard/milliards"}),
        **_powers({12: "trillion/trillions", 15: "quadrillion/quadrillions"}),
    },
    "es": {
        **_counted("dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince", 2),
        **_counted("dieciséis diecisiete dieciocho diecinueve veinte veintiuno/veintiún/veintiuna veintidós", 16),
        **_counted("veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve", 23),
        **_counted("treinta cuarenta cincuenta sesenta setenta ochenta noventa cien/ciento", 30, 10),
        **_inflected(_HUNDREDS_ES, "os as"),
        **_powers({3: "mil", 6: "millón/millones", 9: "millardo/millardos", 12: "billón/billones"}),
        **_powers({18: "trillón/trillones"}),
    },
    "fr": {
        **_counted("deux trois quatre cinq six sept huit", 2),
        **_counted("dix onze douze treize quatorze quinze seize", 10),
        **_counted("vingt/vingts trente quarante cinquante soixante", 20, 10),
        **_counted("septante huitante/octante nonante cent/cents", 70, 10),
        **_powers({3: "mille/mil", 6: "million/millions", 9: "milliard/milliards", 12: "billion/billions"}),
        **_powers({18: "trillion/trillions"}),
    },
    "it": {
        **_counted("due tre quattro cinque", 2),
        **_counted("sette otto nove dieci undici dodici tredici quattordici quindici sedici", 7),
        **_counted("diciassette diciotto diciannove venti", 17),
        **_counted("trenta quaranta cinquanta sessanta settanta ottanta novanta cento", 30, 10),
        **_powers({3: "mille/mila", 6: "milione/milioni/millione/millioni"}),
        **_powers({9: "miliardo/miliardi/milliardo/milliardi", 12: "bilione/bilioni", 18: "trilione/trilioni"}),
    },
    "la": {
        **_counted("duo/duae/duos/duas/duobus/duabus/duorum/duarum tres/tria/trium/tribus quattuor/quatuor", 2),
        **_counted("quinque sex septem octo novem/nouem decem undecim/vndecim duodecim tredecim", 5),
        **_counted("quattuordecim/quatuordecim quindecim sedecim septendecim", 14),
        **_counted("duodeviginti/duodeuiginti undeviginti/undeuiginti viginti/uiginti", 18),
        **_counted("triginta quadraginta quinquaginta sexaginta septuaginta octoginta nonaginta centum", 30, 10),
        **_inflected(_HUNDREDS_LA, "i ae a os as is orum arum"),
        **_powers({3: "mille/milia/millia/milibus/millibus/milium"}),
        **_inflected("mili milli billi", "o onis oni onem one ones onum onibus", (10**6, 10**6, 10**12)),
        **_inflected("milliard miliard", "um i o a orum is", (10**9, 10**9)),
    },
    "nl": {
        **_counted(
            "twee drie vier vijf/vyf zes/ses zeven/seven acht negen tien elf twaalf/twaelf dertien veertien", 2
        ),
        **_counted("vijftien/vyftien zestien/sestien zeventien/seventien achttien negentien twintig/twintigh", 15),
        **_counted("dertig veertig vijftig zestig zeventig tachtig negentig honderd/hondert", 30, 10),
        **_powers({3: "duizend/duysent", 6: "miljoen/miljoenen/millioen/millioenen", 9: "miljard/miljarden"}),
        **_powers({12: "biljoen/biljoenen", 15: "biljard/biljarden", 18: "triljoen/triljoenen"}),
    },
    "pt": {
        **_counted(
            "dois/duas três quatro cinco seis sete oito nove dez onze doze treze catorze/quatorze quinze", 2
        ),
        **_counted("dezasseis/dezesseis dezassete/dezessete dezoito dezanove/dezenove vinte", 16),
        **_counted("trinta quarenta cinquenta/cincoenta sessenta setenta oitenta noventa cem/cento", 30, 10),
        **_inflected(_HUNDREDS_PT, "os as"),
        **_powers({3: "mil", 6: "milhão/milhões", 9: "bilhão/bilhões", 12: "trilhão/trilhões/bilião/biliões"}),
        **_powers({18: "trilião/triliões"}),
    },
}
_WITHIN: Final[dict[str, dict[str, int]]] = {
    "de": {"ein": 1, "eins": 1, "eine": 1, "einen": 1},
    "en": {"one": 1},
    "es": {"uno": 1, "un": 1, "una": 1},
    "fr": {"un": 1, "une": 1, "neuf": 9},
    "it": {"uno": 1, "un": 1, "una": 1, "sei": 6},
    "la": {"unus": 1, "una": 1, "unum": 1, "unius": 1, "uni": 1, "uno": 1, "unam": 1},
    "nl": {"een": 1},
    "pt": {"um": 1, "uma": 1},
}
"""Words that are numbers only within a larger one: `neuf` is also new, `sei` also are."""
_ZERO: Final = {"de": "null", "es": "cero", "nl": "nul"} | dict.fromkeys(("en", "fr", "it", "pt"), "zero")
_AND: Final = {"de": "und", "en": "and", "es": "y", "fr": "et", "it": "e", "la": "et", "nl": "en", "pt": "e"}
_ELIDED: Final = {word[:-1]: value for word, value in _WORDS["it"].items() if 20 <= value <= 90}
"""Italian tens before uno and otto: ventuno, ventotto."""
_COMPOUNDS: Final = ("de", "it", "nl")

_WORD: Final = re.compile(r"[^\W\d_]+")
_DIGITS: Final = re.compile(r"\d+(?:(?:[.,'’]|[ \u00a0\u202f](?=\d{3}(?!\d)))\d+)*")
_MINUS: Final = re.compile(r"(?:^|(?<=[\s(]))[-−–]\Z")
_ROMAN: Final = re.compile(
    r"(?=[MDCLXVI])M{0,4}(?:CM|CD|D?C{0,4})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,3}[IJ]?)", re.IGNORECASE
)
_LABEL: Final = re.compile(
    r"(?:chap(?:ter|itre)?|cap(?:itulo|itolo|ut)?|kap(?:itel)?|hoofdstuk|c|lib(?:er|ro|ri)?|book|livre|livro|buch|boek"
    r"|vol(?:ume)?|tom[eou]?|band|bd|deel|teil|theil|part[ei]?|p|pag|art(?:icle|ikel)?|act[eou]?|atto|scen[ae]|psalm"
    r"|canto|n|nr|no)"
)
_ALSO_WORDS: Final = frozenset(("di", "mi", "li", "ci", "vi", "dix", "mix", "civil", "dici", "id", "vivi", "mm"))
"""What reads as a Roman numeral and is a word, unless it stands in capitals within other text."""


def numbers(text: str, lang: str) -> list[Mention]:
    """The numbers of a text in their order, with their values in plain digits."""
    found = [*_in_digits(text, lang), *_in_roman(text, lang), *_in_words(text, lang)]
    return sorted(found)


def _in_digits(text: str, lang: str) -> Iterator[Mention]:
    for match in _DIGITS.finditer(text):
        minus = "-" if _MINUS.search(text, max(0, match.start() - 2), match.start()) else ""
        for value in _values(match[0], lang):
            yield Mention(match.start(), match.end(), minus + value)
            minus = ""
    for place, sign in enumerate(text):
        if sign > "\u00bb" and "⁄" in (parts := unicodedata.normalize("NFKC", sign)):
            yield Mention(place, place + 1, parts.replace("⁄", "/"))


def _values(digits: str, lang: str) -> list[str]:
    """The value of figures with points, commas or spaces between them, or the values where they are several."""
    parts = [_plain(part) for part in re.split(r"\D", digits)]
    signs = ["" if sign in " \u00a0\u202f'’" else sign for sign in re.findall(r"\D", digits)]
    if not signs:
        return [_bare(parts[0])]
    *before, last = signs
    if len(set(signs)) == 1 and _is_grouped(parts):
        thousands = "," if lang == "en" else "."
        if before or last in ("", thousands):
            return [_bare("".join(parts))]
    if not before and last:
        return [f"{_bare(parts[0])}.{parts[1]}"]
    if before and last and set(before) == {before[0]} != {last} and _is_grouped(parts[:-1]):
        return [f"{_bare(''.join(parts[:-1]))}.{parts[-1]}"]
    return [_bare(part) for part in parts]


def _is_grouped(parts: list[str]) -> bool:
    return len(parts[0]) <= 3 and parts[0][0] != "0" and all(len(part) == 3 for part in parts[1:])


def _plain(digits: str) -> str:
    """Digits of any script as ASCII's."""
    return "".join(str(unicodedata.digit(d)) for d in digits)


def _bare(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _in_roman(text: str, lang: str) -> Iterator[Mention]:
    words = list(_WORD.finditer(text))
    shouted = 2 * sum(word[0].isupper() for word in words) > len(words)
    before = ""
    for word in words:
        numeral, previous, before = word[0], before, word[0]
        if not _ROMAN.fullmatch(numeral) or not (numeral.isupper() or numeral[:-1].islower() or len(numeral) == 1):
            continue
        apart = bool(re.search(r"\d\Z|[’']\Z", text[: word.start()][-1:])) or text[word.end() : word.end() + 1] in (
            "'",
            "’",
        )
        labelled = bool(_LABEL.fullmatch(level(previous)))
        if apart or not _is_roman(numeral, labelled, previous[:1].isupper(), shouted, lang):
            continue
        yield Mention(word.start(), word.end(), str(roman(numeral.lower().replace("j", "i"))))


def _is_roman(numeral: str, labelled: bool, after_name: bool, shouted: bool, lang: str) -> bool:
    """Whether letters that could be a Roman numeral are one, by what stands before."""
    if len(numeral) == 1:
        digit = numeral in "VX" or (numeral == "I" and lang != "en") or (labelled and numeral in "ivx")
        return digit and (labelled or (after_name and numeral.isupper() and not shouted))
    if numeral.isupper():
        return labelled or not (shouted and numeral.lower() in _ALSO_WORDS)
    return labelled or (numeral.lower() not in _ALSO_WORDS and not set(numeral) - set("ivxj"))


class _Atom(NamedTuple):
    start: int
    end: int
    values: tuple[int, ...]
    within: bool
    """Whether it counts only within a larger number."""


def _in_words(text: str, lang: str) -> Iterator[Mention]:
    if lang not in _WORDS:
        return
    flat = level(text)
    atoms = [
        _Atom(word.start(), word.end(), values, word[0] in _WITHIN[lang])
        for word in _WORD.finditer(flat)
        if (values := _read_word(word[0], lang))
    ]
    joint = re.compile(rf"(?P<hyphen>[-‐‑])|[\s]+(?P<and>{_AND[lang]}[\s]+)?|-(?P<dashed>{_AND[lang]})-")
    at = 0
    while at < len(atoms):
        if atoms[at].within and not _is_multiplied(atoms[at : at + 2], flat):
            at += 1
            continue
        number = _Number(lang)
        for value in atoms[at].values:
            number.take(value, False)
        last = at
        while number.value and last + 1 < len(atoms):
            gap = joint.fullmatch(flat, atoms[last].end, atoms[last + 1].start)
            bound = gap is not None and bool(gap["and"] or gap["dashed"])
            is_article = atoms[last + 1].within and atoms[last + 1].values == (1,)
            if gap is None or (is_article and not (bound or gap["hyphen"] or lang == "la")):
                break
            if not all(number.take(value, bound) for value in atoms[last + 1].values):
                break
            last += 1
        yield Mention(atoms[at].start, atoms[last].end, str(number.value))
        at = last + 1


def _is_multiplied(atoms: list[_Atom], flat: str) -> bool:
    """Whether the first of two words says how many hundreds, thousands or millions there are: `neuf cents`."""
    if len(atoms) < 2:
        return False
    between, value = flat[atoms[0].end : atoms[1].start], atoms[1].values[0]
    return (between.isspace() or between == "-") and (value == 100 or value >= 1000)


@lru_cache(maxsize=65_536)
def _read_word(word: str, lang: str) -> tuple[int, ...]:
    """The values of a word, several where it is a compound (vierundzwanzig), none where it is no number."""
    whole = _WORDS[lang].get(word) or _WITHIN[lang].get(word)
    if whole or word == _ZERO.get(lang):
        return (whole or 0,)
    return _split(word, lang) if lang in _COMPOUNDS and len(word) < 60 else ()


def _split(word: str, lang: str) -> tuple[int, ...]:
    """A compound's parts, in the order in which they are reckoned: the unit behind its ten."""
    match = _compound(lang).fullmatch(word)
    if not match:
        return ()
    values: list[int] = []
    unit: list[int] = []
    parts = _parts(lang)
    for piece in re.findall(_alternatives(lang), word):
        if piece == _AND[lang] and values and lang != "it" and values[-1] < 10:
            unit = [values.pop()]
        elif piece != _AND[lang]:
            values += [parts[piece], *unit]
            unit = []
    number = _Number(lang)
    return tuple(values) if all(number.take(value, False) for value in values) else ()


@cache
def _parts(lang: str) -> dict[str, int]:
    return {**_WORDS[lang], **_WITHIN[lang], **(_ELIDED if lang == "it" else {})}


@cache
def _alternatives(lang: str) -> str:
    return "|".join(sorted([*_parts(lang), *([] if lang == "it" else [_AND[lang]])], key=len, reverse=True))


@cache
def _compound(lang: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{_alternatives(lang)}){{2,}}")


class _Number:
    """A number in words as it is read: thousands, hundreds, tens and units add up or multiply."""

    def __init__(self, lang: str) -> None:
        self.french = lang == "fr"
        self.over = 0
        """What is done: millions and thousands."""
        self.scale = 0
        """The last of these."""
        self.current = 0
        self.last = 0
        """The value that was taken last."""

    @property
    def value(self) -> int:
        """What was read so far."""
        return self.over + self.current

    def take(self, value: int, bound: bool) -> bool:
        """Take the next word's value, `bound` by an `and`, unless it does not belong to this number."""
        if not value:
            return False
        if not self.value:
            self._set(value)
        elif value >= 1000:
            thousands = self.over % 1_000_000 if value >= 1_000_000 else 0  # three thousand million
            many = thousands + self.current
            if not many or bound or (self.scale and value >= self.scale and not thousands):
                return False
            self.over, self.current, self.scale = self.over - thousands + many * value, 0, value
        elif not self.current:
            self.current = value
        elif value == 100 and 1 <= self.current < 100 and not bound:
            self.current *= 100
        elif self.french and value == 20 and 2 <= self.last <= 15 and not bound:  # quatre-vingts
            self.current += self.last * 19
            value = 80
        elif (
            (self.last % 100 == 0 and value < 100)
            or (20 <= self.last < 100 and value < 10)
            or (self.french and self.last in (60, 80) and value < 20)
            or (self.french and self.last == 10 and value in (7, 8, 9))
            or (bound and self.last < 10 and 20 <= value < 100)  # four and twenty
        ):
            self.current += value
        else:
            return False
        self.last = value
        return True

    def _set(self, value: int) -> None:
        if value >= 1000:
            self.over, self.scale = value, value
        else:
            self.current = value
