"""What a rewrite keeps: numbers in any writing, dates and names, in the eight languages."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.mentioned_dates import dates
from octavo.curation.mentioned_names import names
from octavo.curation.numerals import numbers
from octavo.curation.retention import retention

LANGUAGES = ("de", "en", "es", "fr", "it", "la", "nl", "pt")


def values(text: str, lang: str) -> list[str]:
    return [number.value for number in numbers(text, lang)]


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("en", "1,234,567 and 3.14 and 1.234", ["1234567", "3.14", "1.234"]),
        ("de", "1.234.567,89 und 3,14 und 1.234", ["1234567.89", "3.14", "1234"]),
        ("fr", "1 234 567 et 12 345,5 et 3,5", ["1234567", "12345.5", "3.5"]),
        ("de", "1'234'567 Franken, 1’000", ["1234567", "1000"]),
        ("en", "the 14th, 007, ½, 1½ and ٣٤", ["14", "7", "1/2", "1", "1/2", "34"]),
        ("en", "from -5 to −7, pages 3-9, at 12:30", ["-5", "-7", "3", "9", "12", "30"]),
        ("en", "Louis XIV, Charles V, chap. iv, MDCCCXII and I went", ["14", "5", "4", "1812"]),
        ("la", "xxiiij milites, MDCCCCX, vix dixi", ["24", "1910"]),
        ("it", "Vittorio Emanuele II, di me, mi ci vi", ["2"]),
        ("fr", "Henri I et L'an V", ["1"]),
        ("en", "MIX THE CIVIL LAW", []),
        ("en", "three hundred and twenty-one; four and twenty; nineteen hundred; two, three", ["321", "24", "1900", "2", "3"]),
        ("en", "two million three hundred thousand and five", ["2300005"]),
        ("en", "one hundred, 3 billion, two trillion, two millions, a thousand million, zero", ["100", "3", "1000000000", "2000000000000", "2000000", "1000000000", "0"]),
        ("en", "zero five; two, zero", ["0", "5", "2", "0"]),
        ("en", "no one, someone, another one", []),
        ("de", "einundzwanzig, dreihundertfünfundvierzig, achtzehnhundertzwölf, ein Mann", ["21", "345", "1812"]),
        ("de", "zwei Milliarden, dreimilliarden, zweitausend Millionen, eine Billion, null", ["2000000000", "3000000000", "2000000000", "1000000000000", "0"]),
        ("nl", "eenentwintig, tweeëndertig, negentienhonderd, een man", ["21", "32", "1900"]),
        ("fr", "quatre-vingt-dix-neuf, soixante et onze, mil huit cent douze, un habit neuf", ["99", "71", "1812"]),
        ("nl", "twee miljard, tweemiljard, twee biljoen, nul", ["2000000000", "2000000000", "2000000000000", "0"]),
        ("fr", "cinq milliards, mille neuf cent douze, neuf cents, cent neuf, neuf mille, zéro", ["5000000000", "1912", "900", "109", "9000", "0"]),
        ("it", "due miliardi, sei mila, mille millioni, zero", ["2000000000", "6000", "1000000000", "0"]),
        ("it", "ventuno, ventotto, milleottocentododici, ottantasei, tu sei", ["21", "28", "1812", "86"]),
        ("es", "treinta y dos, mil ochocientas doce, veintidós, un hombre", ["32", "1812", "22"]),
        ("es", "dos billones, tres mil millones, mil quinientos millones, dos billones tres mil millones, cero", ["2000000000000", "3000000000", "1500000000", "2003000000000", "0"]),
        ("pt", "dois bilhões, dois trilhões, três mil milhões, zero", ["2000000000", "2000000000000", "3000000000", "0"]),
        ("pt", "vinte e um, mil oitocentos e doze, duas mil", ["21", "1812", "2000"]),
        ("la", "viginti quattuor, ducentos, tria milia, duodeviginti", ["24", "200", "3000", "18"]),
        ("la", "duo miliones, tria milliarda, milium", ["2000000", "3000000000", "1000"]),
    ],
)  # fmt: skip
def test_numbers_are_read_to_their_values(lang: str, text: str, expected: list[str]) -> None:
    assert values(text, lang) == expected


def in_words(number: int, lang: str) -> str:
    """A number below a thousand in words, composed independently of the reader: units, tens, hundreds."""
    units = {
        "de": "x ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
        "en": "x one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
        "nl": "x een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien",
        "pt": "x um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezasseis dezassete dezoito dezanove",
    }[lang].split()
    tens = {
        "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
        "en": "twenty thirty forty fifty sixty seventy eighty ninety",
        "nl": "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
        "pt": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    }[lang].split()
    hundreds = [
        "cento",
        "duzentos",
        "trezentos",
        "quatrocentos",
        "quinhentos",
        "seiscentos",
        "setecentos",
        "oitocentos",
        "novecentos",
    ]
    over, rest = divmod(number, 100)
    ten, unit = divmod(rest, 10)
    if rest < 20:
        low = units[rest] if rest else ""
    elif lang == "en":
        low = tens[ten - 2] + (f"-{units[unit]}" if unit else "")
    elif lang == "pt":
        low = tens[ten - 2] + (f" e {units[unit]}" if unit else "")
    else:
        joint = "und" if lang == "de" else "ën" if units[unit].endswith("e") else "en"
        low = (units[unit] + joint if unit else "") + tens[ten - 2]
    if not over:
        return low
    if lang == "en":
        return f"{units[over]} hundred" + (f" and {low}" if low else "")
    if lang == "pt":
        return "cem" if number == 100 else hundreds[over - 1] + (f" e {low}" if low else "")
    return (units[over] if over > 1 else "") + {"de": "hundert", "nl": "honderd"}[lang] + low


@pytest.mark.parametrize("lang", ["de", "en", "nl", "pt"])
def test_every_number_below_a_thousand_is_read_from_its_words(lang: str) -> None:
    wrong = [
        (number, in_words(number, lang), values(in_words(number, lang), lang))
        for number in range(2, 1000)
        if values(in_words(number, lang), lang) != [str(number)] and not (lang in "de nl" and number % 100 == 1)
    ]
    assert wrong == []


def to_roman(number: int) -> str:
    signs = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]  # fmt: skip
    written = ""
    for value, sign in signs:
        written += sign * (number // value)
        number %= value
    return written


@given(st.integers(2, 3999).filter(lambda n: len(to_roman(n)) > 1), st.sampled_from(LANGUAGES))
def test_roman_numerals_are_read_to_their_values(number: int, lang: str) -> None:
    assert values(f"Erat {to_roman(number)}.", lang) == [str(number)]


@given(st.decimals(0, 10**9, places=2, allow_nan=False), st.sampled_from(LANGUAGES))
def test_a_number_is_the_same_in_any_writing_of_its_language(number: Decimal, lang: str) -> None:
    plain = f"{number:,.2f}"
    written = plain if lang == "en" else plain.replace(",", "~").replace(".", ",").replace("~", ".")
    spaced = written.replace("," if lang == "en" else ".", "\u202f")
    expected = [f"{number:.2f}"]
    assert values(f"({written})", lang) == values(f"({spaced})", lang) == expected


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("en", "3 May 1812", "1812-5-3"),
        ("en", "the 3rd of May, 1812", "1812-5-3"),
        ("en", "May 3, 1812", "1812-5-3"),
        ("en", "1812-05-03", "1812-5-3"),
        ("en", "31/05/1812", "1812-5-31"),
        ("en", "in June 1815", "1815-6-"),
        ("en", "in October", "-10-"),
        ("fr", "le 1er mars 1900", "1900-3-1"),
        ("fr", "3 mai 1812", "1812-5-3"),
        ("de", "am 3. Mai 1812", "1812-5-3"),
        ("de", "03.05.1812", "1812-5-3"),
        ("de", "im März des Jahres 1813", "1813-3-"),
        ("es", "3 de mayo de 1812", "1812-5-3"),
        ("it", "il 3 maggio 1812", "1812-5-3"),
        ("nl", "den 3den Mei 1812", "1812-5-3"),
        ("pt", "3 de março de 1812", "1812-3-3"),
        ("la", "idibus Martiis 1812", "1812-3-"),
    ],
)
def test_dates_are_read_as_year_month_day(lang: str, text: str, expected: str) -> None:
    assert [date.value for date in dates(text, lang)] == [expected]


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "May he live; they march on. March!"),
        ("fr", "Mars est une planète"),
        ("pt", "Marco disse que sim"),
        ("la", "Augustus et Iulius"),
        ("en", "version 1.2.3, 99/99/1999"),
    ],
)
def test_what_is_only_like_a_date_is_none(lang: str, text: str) -> None:
    assert dates(text, lang) == []


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("en", 'Then Caesar met Mr. Smith in Rome. "Come," said Anna; and I came.', {"caesar", "smith", "rome", "anna"}),
        ("fr", "Un jour d'Artagnan vit M. de Tréville à Paris. Il rit.", {"artagnan", "treuille", "paris"}),
        ("es", "Ayer don Quijote vio a Sancho en la Mancha. Nadie más.", {"quiiote", "sancho", "mancha"}),
        ("it", "Allora Beatrice parlò a Dante. Egli tacque.", {"beatrice", "dante"}),
        ("pt", "Então Camões partiu de Lisboa. Ninguém sabe.", {"camoes", "lisboa"}),
        ("la", "Tum Caesar Romam uenit. Nemo scit.", {"caesar", "romam"}),
        ("nl", "Toen zag Willem de stad Leiden. Niemand weet het.", {"willem", "leiden"}),
        ("de", "Der Mann ging mit Herrn Müller nach Berlin, wo der Dichter Friedrich Schiller ein Haus hatte.",
         {"muller", "berlin", "dichter", "friedrich", "schiller"}),
        ("en", "ALL OF THIS IS SHOUTED IN LONDON", set()),
    ],
)  # fmt: skip
def test_names_are_told_by_their_capitals(lang: str, text: str, expected: set[str]) -> None:
    assert names(text, lang) == expected


def test_an_ending_is_no_other_name() -> None:
    assert retention("Tum Cicero Marco scripsit.", "Ad Marcum epistula Ciceronis.", "la").names.lost == ()
    assert retention("Das ist von Goethe.", "Goethes Werk.", "de").names.lost == ()
    assert retention("It was near Brown and Austria.", "It was near Browne and Australia.", "en").names.lost == (
        "austria",
        "brown",
    )


@pytest.mark.parametrize(
    ("lang", "passage", "rewrite"),
    [
        ("de", "mehr als drei Milliarden an sie", "mehr als drei an sie"),
        ("en", "a debt of 3 billion francs", "a debt of 3 francs"),
        ("en", "a debt of two billion pounds", "a debt of two trillion pounds"),
        ("en", "at zero degrees", "at degrees"),
        ("es", "una deuda de dos billones", "una deuda de dos trillones"),
        ("fr", "une dette de 5 milliards de francs", "une dette de 5 francs"),
        ("it", "un debito di due miliardi", "un debito di due"),
        ("la", "debitum duorum milliardorum", "debitum duorum"),
        ("nl", "een schuld van twee miljard", "een schuld van twee biljoen"),
        ("pt", "uma dívida de dois bilhões", "uma dívida de dois trilhões"),
    ],
)
def test_a_zero_or_a_word_above_a_million_is_not_lost_unseen(lang: str, passage: str, rewrite: str) -> None:
    assert retention(passage, rewrite, lang).numbers.lost


def test_the_definition_on_a_worked_example() -> None:
    """Three names, a number and a date; one name is replaced, and a number is new: 4 kept of 6."""
    passage = "On 3 May 1812 he saw 12 men with Brown, Smith and Jones."
    rewrite = "On 3 May 1812 he saw 12 men with Brown, Smith and Green, 7 in all."
    found = retention(passage, rewrite, "en")
    assert (found.names.lost, found.names.added) == (("iones",), ("green",))
    assert (found.numbers.kept, found.numbers.added) == (1, ("7",))
    assert found.score == pytest.approx(4 / 6)
    assert found.words == 3 / 4  # with, Brown, Smith, and not Jones


SAMPLES = {
    "de": "Am {date} sah Herr {name} auf dem Markt {number} Pferde und sagte kein Wort dazu.",
    "en": "On {date} old {name} saw {number} horses at the market and said not a word of it.",
    "es": "El {date} el viejo {name} vio {number} caballos en el mercado y no dijo nada.",
    "fr": "Le {date} le vieux {name} vit {number} chevaux au marché et ne dit mot.",
    "it": "Il {date} il vecchio {name} vide {number} cavalli al mercato e non disse nulla.",
    "la": "Die {date} senex {name} uidit {number} equos in foro et nihil dixit.",
    "nl": "Op {date} zag heer {name} op de markt {number} paarden en zei geen woord.",
    "pt": "No dia {date} o velho {name} viu {number} cavalos no mercado e nada disse.",
}
NUMBERS = st.one_of(st.integers(2, 10**7).map(str), st.integers(2, 3999).map(to_roman).filter(lambda n: len(n) > 1))
DATES = st.builds("{:04d}-{:02d}-{:02d}".format, st.integers(1000, 2999), st.integers(1, 12), st.integers(1, 28))
NAMES = st.sampled_from(["Wilhelm", "Quixote", "Ægidius", "Zoë", "Tréville", "Müller", "Iohannes", "Łukasz"])


@given(st.sampled_from(LANGUAGES), NUMBERS, DATES, NAMES)
def test_what_is_dropped_or_changed_lowers_retention_and_nothing_else_does(
    lang: str, number: str, date: str, name: str
) -> None:
    text = SAMPLES[lang].format(number=number, date=date, name=name)
    same = retention(text, text, lang)
    assert same.score == same.words == 1.0
    assert (same.numbers.kept, same.dates.kept) == (1, 1)
    assert same.names.kept >= 1
    values = {"number": number, "date": date, "name": name}
    for dropped in values:
        without = SAMPLES[lang].format(**values | {dropped: ""})
        assert retention(text, without, lang).score < 1.0
    changed = retention(text, SAMPLES[lang].format(**values | {"number": "1234567890"}), lang)
    assert len(changed.numbers.lost) == 1
    assert changed.numbers.added == ("1234567890",)


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from([*LANGUAGES, "pl"]))
def test_any_texts_have_a_retention_and_identical_ones_keep_all(one: str, other: str, lang: str) -> None:
    assert retention(one, one, lang).score == 1.0
    found = retention(one, other, lang)
    assert 0.0 <= found.score <= 1.0
    assert 0.0 <= found.words <= 1.0
    assert found.numbers.kept + len(found.numbers.lost) == len(_counted(one, lang))


def _counted(text: str, lang: str) -> list[str]:
    found = dates(text, lang)
    for date in reversed(found):
        text = text[: date.start] + "~" * (date.end - date.start) + text[date.end :]
    return values(text, lang)
