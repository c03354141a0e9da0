from __future__ import annotations

from typing import get_args, get_type_hints

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from octavo.corpus.dates import Dated, read_date, roman, years_of
from octavo.corpus.public_domain import JURISDICTIONS, Authorship, authorship, findings
from octavo.recipe.curation import Licences

EU_US = ("EU", "US")


def verdicts(creator: str | None, date: str | None, laws: tuple[str, ...] = EU_US, as_of: int = 2026) -> list[str]:
    found, _ = findings(creator, read_date(date or "", as_of), laws, as_of)
    return [found[law].verdict for law in laws]


@pytest.mark.parametrize(
    ("date", "years"),
    [
        ("1890", (1890, 1890)),
        ("1801-1900", (1801, 1900)),
        ("1801–1900", (1801, 1900)),
        ("1801/1900", (1801, 1900)),
        ("entre 1801 et 1805", (1801, 1805)),
        ("zwischen 1801 und 1805", (1801, 1805)),
        ("1801 or 1802", (1801, 1802)),
        ("1898-99", (1898, 1899)),
        ("2013-05", (2013, 2013)),
        ("1901-02", (1901, 1902)),
        ("18870101", (1887, 1887)),
        ("1887-01-31", (1887, 1887)),
        ("1743-00-00", (1743, 1743)),
        ("1887-01-31T00:00:00Z", (1887, 1887)),
        ("01.02.1887", (1887, 1887)),
        ("12 mars 1887", (1887, 1887)),
        ("1890?", (1890, 1890)),
        ("c. 1743", (1743, 1743)),
        ("ca. 1743", (1743, 1743)),
        ("vers 1743", (1743, 1743)),
        ("um 1743", (1743, 1743)),
        ("hacia 1743", (1743, 1743)),
        ("ongeveer 1743", (1743, 1743)),
        ("[1612]", (1612, 1612)),
        ("[ca. 1612]", (1612, 1612)),
        ("©1987", (1987, 1987)),
        ("1612 [i.e. 1613]", (1612, 1613)),
        ("1890, c1888", (1888, 1890)),
        ("before 1612", (1512, 1612)),
        ("18--", (1800, 1899)),
        ("18??", (1800, 1899)),
        ("188-", (1880, 1889)),
        ("188?", (1880, 1889)),
        ("187X", (1870, 1879)),
        ("1880s", (1880, 1889)),
        ("années 1880", (1880, 1889)),
        ("1880er Jahre", (1880, 1889)),
        ("late 1930s", (1930, 1939)),
        ("the end of the 1930s", (1930, 1939)),
        ("fin des années 1930", (1930, 1939)),
        ("dans les années 1930", (1930, 1939)),
        ("Anfang der 1930er Jahre", (1930, 1939)),
        ("1930s (?)", (1930, 1939)),
        ("1928 or the 1930s", (1928, 1939)),
        ("1920s and 1930s", (1920, 1939)),
        ("1900s", (1900, 1999)),
        ("early 1900s", (1900, 1999)),
        ("1900er Jahre", (1900, 1909)),
        ("MDCXII", (1612, 1612)),
        ("M.DC.XII.", (1612, 1612)),
        ("M. D. C. XII.", (1612, 1612)),
        ("MDCCCLXXXVIIII", (1889, 1889)),
        ("CIↃ IↃ C XII", (1612, 1612)),
        ("19th century", (1801, 1900)),
        ("late 19th c.", (1801, 1900)),
        ("XIXe siècle", (1801, 1900)),
        ("fin du XIXᵉ siècle", (1801, 1900)),
        ("19. Jahrhundert", (1801, 1900)),
        ("2. Hälfte des 19. Jh.", (1801, 1900)),
        ("siglo XIX", (1801, 1900)),
        ("primera mitad del s. XIX", (1801, 1900)),
        ("século XIX", (1801, 1900)),
        ("sec. XIX", (1801, 1900)),
        ("XIX secolo", (1801, 1900)),
        ("Ottocento", (1801, 1900)),
        ("19e eeuw", (1801, 1900)),
        ("19de eeuw", (1801, 1900)),
        ("saec. XIX", (1801, 1900)),
        ("saeculo XIX", (1801, 1900)),
        ("18th-19th century", (1701, 1900)),
        ("17./18. Jahrhundert", (1601, 1800)),
        ("21st century", (2001, 2026)),
        ("5th century BC", (-500, -401)),
        ("Ve siècle av. J.-C.", (-500, -401)),
        ("44 BC", (-44, -44)),
        ("44 v. Chr.", (-44, -44)),
        ("44 a.C.", (-44, -44)),
        ("-44", (-44, -44)),
        ("70-19 BC", (-70, -19)),
        ("63 BCE-14 CE", (-63, 14)),
        ("AD 98", (98, 98)),
        ("750", (750, 750)),
    ],
)
def test_a_date_means_years(date: str, years: tuple[int, int]) -> None:
    assert years_of(date, 2026) == years


@pytest.mark.parametrize(
    ("date", "note"),
    [
        ("s.d.", "undated"),
        ("[s. d.]", "undated"),
        ("n.d.", "undated"),
        ("o.J.", "undated"),
        ("z.j.", "undated"),
        ("", "undated"),
        ("?", "undated"),
        ("2087", "in the future: '2087'"),
        ("9999", "in the future: '9999'"),
        ("22nd century", "not a date: '22nd century'"),
        ("0000", "not a date: '0000'"),
        ("99999999", "not a date: '99999999'"),
        ("1887-13-45", "not a date: '1887-13-45'"),
        ("1900-1801", "not a date: '1900-1801'"),
        ("20", "not a date: '20'"),
        ("Stuttgart", "not a date: 'Stuttgart'"),
        ("mix", "not a date: 'mix'"),
        ("after 1850", "no last year: 'after 1850'"),
        ("1950-", "no last year: '1950-'"),
    ],
)
def test_a_date_that_means_no_years_says_why(date: str, note: str) -> None:
    assert read_date(date, 2026) == Dated(note=note)


def test_a_text_in_the_place_of_a_date_is_none() -> None:
    assert years_of("c. " * 7000 + "1890") is None


def test_a_question_mark_and_a_circa_are_doubts() -> None:
    assert read_date("1890?").doubtful
    assert read_date("c. 1890").doubtful
    assert read_date("[1890?]").doubtful
    assert not read_date("1890").doubtful


@given(st.text(max_size=40), st.integers(1900, 2100))
def test_any_words_at_all_are_years_in_order_and_not_in_the_future_or_none(date: str, latest: int) -> None:
    read = read_date(date, latest)
    assert (read.years is None) == (read.note is not None)
    if read.years is not None:
        first, last = read.years
        assert first <= last <= latest
        assert first
        assert last


def in_roman(year: int) -> str:
    steps = {1000: "M", 900: "CM", 500: "D", 400: "CD", 100: "C", 90: "XC", 50: "L", 40: "XL", 10: "X", 9: "IX"}
    out = ""
    for value, letters in (steps | {5: "V", 4: "IV", 1: "I"}).items():
        while year >= value:
            out, year = out + letters, year - value
    return out


@given(st.integers(1440, 2026))
def test_a_year_is_the_same_in_every_spelling(year: int) -> None:
    assert roman(in_roman(year).casefold()) == year
    spellings = [f"[{year}]", f"c. {year}", f"{year}?", f"{year}-00-00", f"{year}0101", f"anno {year}", f"c{year}"]
    if len(in_roman(year)) > 1:
        spellings.append(in_roman(year))
    for spelling in spellings:
        assert years_of(spelling, 2026) == (year, year), spelling


@given(
    st.integers(1, 20), st.sampled_from(["{}th century", "{}. Jahrhundert", "{}e siècle", "siglo {}", "{}de eeuw"])
)
def test_a_century_is_a_hundred_years(number: int, form: str) -> None:
    assert years_of(form.format(number), 2026) == (100 * number - 99, 100 * number)
    assert years_of(f"{in_roman(number)}e siècle", 2026) == (100 * number - 99, 100 * number)
    assert years_of(f"século {in_roman(number)}", 2026) == (100 * number - 99, 100 * number)


@pytest.mark.parametrize(
    ("creator", "died"),
    [
        ("Carroll, Lewis, 1832-1898", (1898, 1898)),
        ("Carroll, Lewis [pseud.] (1832-1898).", (1898, 1898)),
        ("Dixon, Ella Hepworth (1857 – 1932)", (1932, 1932)),
        ("Smith, John, 1832-98", (1898, 1898)),
        ("Smith (12 January 1832 - 3 May 1898)", (1898, 1898)),
        ("Goethe (* 28. August 1749; † 22. März 1832)", (1832, 1832)),
        ("Homer, 751 BCE-650 BCE", (-650, -650)),
        ("Virgil, 70-19 BCE", (-19, -19)),
        ("Ovid, 43 BC-AD 17", (17, 17)),
        ("Ovide (43 av. J.-C.-17 ap. J.-C.)", (17, 17)),
        ("Smith, d. 1655", (1655, 1655)),
        ("Schmidt (gest. 1700)", (1700, 1700)),
        ("García (m. 1916)", (1916, 1916)),
        ("Smith (?-1878)", (1878, 1878)),
        ("Smith, -1655", (1655, 1655)),
        ("Smith, 1600-ca. 1660", (1650, 1670)),
        ("Smith (18??-19??)", (1890, 2009)),
        ("Smith, 1832-", (1832, 1952)),
        ("Smith (1840-?)", (1840, 1960)),
        ("Smith, b. 1920", (1920, 2040)),
        ("Dupont (né en 1930)", (1930, 2050)),
        ("Smith, fl. 1600", (1600, 1720)),
        ("Smith, active 16th century", (1501, 1720)),
        ("Smith, John (fl. 1600-1630)", (1600, 1750)),
        ("Smith, John, active ca. 1600-1630", (1600, 1750)),
        ("Franz Kafka (1883-1924), Max Brod", (1924, None)),
        ("Max Brod und Franz Kafka (1883-1924)", (1924, None)),
        ("Byron (1788-1824), Lord Byron", (1824, 1824)),
        ("Kafka (1883-1924), Dichter", (1924, 1924)),
        ("Otto von und zu Aufsess (1801-1872)", (1872, 1872)),
        ("A (1800-1850); B (1900-1960)", (1960, 1960)),
        ("A (1836-1901) y B (1843-1882)", (1901, 1901)),
        ("A, 1850-1920, B, 1900-1970", (1970, 1970)),
        ("A (1800-1850) / B", (1850, None)),
        ("Homer; Butler, Samuel, 1835-1902", (1902, None)),
        ("Homer, translated by Pope, Alexander (1688-1744)", (1744, None)),
        ("A (1800-1850), traduit par B", (1850, None)),
        ("A (1800-1850), übersetzt von B (1850-1930)", (1930, 1930)),
        ("A [B / C] (1859-1914)", (1914, 1914)),
        ("Echegaray Q127349 79077383 XX910695", (None, None)),
        ("0000000121296128 Q747 Corneille", (None, None)),
        ("Smith, 1898-1832", (None, None)),
        ("Smith, 1700-1900", (None, None)),
        ("Ministry of Works", (None, None)),
    ],
)
def test_a_creator_string_says_when_the_last_author_died(creator: str, died: tuple[int | None, int | None]) -> None:
    read = authorship(creator)
    assert (read.died_from, read.died_by) == died


def test_nobody_and_anonymous_are_told_apart() -> None:
    for nobody in ("", " ", "unknown", "Unbekannt", "[s.n.]", "Various"):
        assert authorship(nobody) == Authorship()
    for nameless in ("Anonymous", "Anon.", "(Anonimo) Q4233718", "anonyme", "Anoniem"):
        assert authorship(nameless) == Authorship(anonymous=True)


@given(st.text(max_size=60))
def test_any_creator_string_is_read(creator: str) -> None:
    read = authorship(creator)
    for life in read.lives:
        assert life.died_from is None or life.died_by is None or life.died_from <= life.died_by


@given(st.lists(st.tuples(st.integers(1500, 1900), st.integers(20, 90)), min_size=1, max_size=4), st.booleans())
def test_the_last_to_die_counts(lives: list[tuple[int, int]], someone_without_dates: bool) -> None:
    said = "; ".join(f"Smith, J. ({born}-{born + age})" for born, age in lives)
    last = max(born + age for born, age in lives)
    assert authorship(said).died_by == last
    assert authorship(said + "; Jones, K.").died_by is None
    expected = "free" if last + 70 < 2026 else "protected"
    assert verdicts(said, None, ("EU",)) == [expected]
    if someone_without_dates:
        assert verdicts(said + "; Jones, K.", None, ("EU",)) == [
            "protected" if expected == "protected" else "unknown"
        ]


@pytest.mark.parametrize(
    ("creator", "date", "expected"),
    [
        ("A (1832-1898)", "1865", ["free", "free"]),
        ("A (1869-1955)", "1920", ["free", "free"]),
        ("A (1869-1956)", "1920", ["protected", "free"]),
        ("A (1850-1920)", "1930", ["free", "free"]),
        ("A (1850-1925)", "1931", ["free", "protected"]),
        ("A (1850-1925)", "1960", ["free", "unknown"]),
        ("A (1832-1898)", "2010", ["unknown", "unknown"]),
        ("A (1832-1898)", None, ["free", "unknown"]),
        ("A (1832-1898)", "1743", ["free", "unknown"]),
        ("A (1975-)", "2010", ["protected", "protected"]),
        (None, "1885", ["free", "free"]),
        (None, "1886", ["unknown", "free"]),
        ("A", "1885", ["free", "free"]),
        ("A", "1890", ["unknown", "free"]),
        ("Anonymous", "1955", ["free", "unknown"]),
        ("Anonymous", "1956", ["unknown", "unknown"]),
        (None, "XVIIIe siècle", ["free", "free"]),
        (None, "c. 1880", ["unknown", "free"]),
        (None, None, ["unknown", "unknown"]),
        (None, "2087", ["unknown", "unknown"]),
        ("A (1900-2087)", "1900", ["unknown", "free"]),
        ("Ministry of Works", "2003", ["unknown", "unknown"]),
    ],
)
def test_the_laws_of_the_eu_and_the_us(creator: str | None, date: str | None, expected: list[str]) -> None:
    assert verdicts(creator, date) == expected


@pytest.mark.parametrize(
    ("law", "last_free", "first_protected"),
    [
        ("EU", 1955, 1956),
        ("UK", 1955, 1956),
        ("CH", 1955, 1956),
        ("ES", 1945, 1946),
        ("CA", 1971, 1972),
        ("MX", 1943, 1944),
        ("AU", 1955, 1956),
        ("JP", 1967, 1968),
        ("BR", 1955, 1956),
        ("AR", 1955, 1956),
        ("IN", 1965, 1966),
        ("CN", 1975, 1976),
    ],
)
def test_the_terms_of_life_in_2026(law: str, last_free: int, first_protected: int) -> None:
    assert verdicts(f"A (1900-{last_free})", "1930", (law,)) == ["free"]
    assert verdicts(f"A (1900-{first_protected})", "1930", (law,)) == ["protected"]


def test_a_term_runs_to_the_last_day_of_its_year() -> None:
    assert verdicts("A (1860-1930)", None, ("EU",), as_of=2000) == ["protected"]
    assert verdicts("A (1860-1930)", None, ("EU",), as_of=2001) == ["free"]
    assert verdicts(None, "1930", ("US",), as_of=2025) == ["unknown"]
    assert verdicts(None, "1930", ("US",), as_of=2026) == ["free"]


@given(st.integers(1500, 1950), st.integers(10, 95), st.integers(1500, 2020), st.integers(2000, 2060))
def test_what_is_free_stays_free(born: int, age: int, printed: int, year: int) -> None:
    assume(max(printed, born + age) <= year)
    said = f"A ({born}-{born + age})"
    now, later = (verdicts(said, str(printed), tuple(JURISDICTIONS), as_of=y) for y in (year, year + 20))
    for law, before, after in zip(JURISDICTIONS, now, later, strict=True):
        assert before != "free" or after == "free", law
        assert before == "protected" or after != "protected", law


def test_notes_tell_of_a_date_that_cannot_be() -> None:
    _, notes = findings("A (1824-1905)", read_date("1743"), EU_US, 2026)
    assert notes == ["the print of 1743 is older than its author"]
    _, notes = findings("A (1990-2087)", read_date("2010"), EU_US, 2026)
    assert notes == ["a death in the future: 'A (1990-2087)'"]
    _, notes = findings("A", read_date("2087", 2026), EU_US, 2026)
    assert notes == ["in the future: '2087'"]


def test_the_recipe_may_name_every_law_of_the_table_and_no_other() -> None:
    (item,) = get_args(get_type_hints(Licences)["jurisdictions"])
    assert set(get_args(item)) == set(JURISDICTIONS)
    assert all(law.source for law in JURISDICTIONS.values())
