"""The quality rules: what each must catch, what it must spare, and the repetition counts against plain Python."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.quality import judge, statistics
from octavo.curation.words import read_words
from octavo.errors import InputError
from octavo.recipe.curation import Quality
from octavo.recipe.file import validate
from tests.conftest import SMALL

PROSE = (
    "The keeper of the light had a dog that was older than the lamp, and he said that it knew the ships by their "
    "bells. In the winter of that year, when the ice came down from the north, the dog lay at the door and would "
    "not eat. The keeper wrote it in his book, which is how we know of it, and he wrote too that the wind had "
    "turned to the east for the first time in eleven days.\n\nNobody came by the sea road until the thaw."
)


def verdict(text: str, lang: str = "en", **limits: Any) -> dict[str, Any]:
    found: dict[str, Any] = judge(read_words(pa.array([text])), pa.array([lang]), Quality(**limits))[0].as_py()
    return found


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("too-short", "Chapter the first."),
        ("short-words", "a b c is it to be of in on at by us we me he I o a e i o u if so no go up an as or " * 3),
        ("long-words", " ".join(f"thethe{n}" + "x" * 12 for n in range(40)) + " the and"),
        ("alphabetic-words", "the of " + " ".join(f"———— ······ ({n}) ?!?" for n in range(40))),
        ("stop-words", " ".join(f"{a}{b}ium" for a in "bcdfg" for b in "aeiourlm") + "."),
        ("ellipses", "\n".join(f"Read more about the story number {n} of the town and its people…" for n in range(9))),
        ("braces", "The page of the shop and of the cart is made by hand, {a} and {b}, with a saw and a plane, for the master of the mill."),
        ("duplicate-lines", "\n".join(["Click here to accept the cookies."] * 9 + [f"And the {n}." for n in range(9)])),
        ("line-punctuation", "\n".join(f"Contact and imprint of the page number {n} " + "with the links " * 7 for n in range(9))),
        ("top-2-gram", PROSE.split("\n")[0] + " buy now" * 40),
    ],
)  # fmt: skip
def test_a_rule_catches_what_it_was_made_for(rule: str, text: str) -> None:
    loose = (
        {} if rule.startswith(("top", "dup")) else {"max_top_ngrams": [1.0] * 3, "max_duplicate_ngrams": [1.0] * 6}
    )
    found = verdict(text, **loose)
    assert found["rule"] == rule
    assert found["value"] != found["threshold"]


def test_one_line_over_and_over_is_caught_in_every_genre() -> None:
    for line in ("t' Amsterdam, by the press of the widow.", "§ 1 Absatz 1 der Verordnung gilt.", "HAMLET. Ha!"):
        assert verdict("\n".join([line] * 60), "nl")["rule"] is not None


SPARED = {
    "prose": ("en", PROSE),
    "verse": (
        "fr",
        "Le vent du soir descend la rue,\nLa lampe tremble au carrefour,\nUne ombre passe et diminue,\n"
        "La cloche sonne pour le jour.\n\nDormez, dormez, la mer est basse,\nLe phare tourne lentement,\n"
        "Et dans le port la barque lasse\nRêve tout bas du continent.\n",
    ),
    "drama": (
        "de",
        "\n".join(
            f"{who}.\n{line}"
            for who, line in zip(
                ["MÜLLER", "FRAU", "MÜLLER", "FRAU", "KNECHT", "MÜLLER", "FRAU", "KNECHT"],
                [
                    "Wer hat das Licht im Stall gelöscht und die Tür nicht zugemacht?",
                    "Ich war es nicht, frag deinen Knecht, der war zuletzt dort.",
                    "So ruf ihn her, und sag ihm, daß ich warte.",
                    "Er kommt schon über den Hof, mit dem Hut in der Hand.",
                    "Herr, es war der Wind, und nicht ich.",
                    "Der Wind? Der Wind hat keine Finger, um den Riegel zu heben.",
                    "Laß ihn doch, es ist spät, und das Korn ist trocken.",
                    "Ich dank euch, Frau, und gute Nacht.",
                ],
                strict=True,
            )
        ),
    ),
    "law": (
        "nl",
        "Artikel 1\n\n1. De vergunning wordt verleend door Onze Minister voor de duur van drie jaren.\n\n2. Zij kan "
        "door Onze Minister worden ingetrokken op grond van artikel 4, tweede lid, van deze wet.\n\nArtikel 2\n\n"
        "1. De houder van de vergunning doet jaarlijks opgave van de vangst.\n\n2. De opgave, bedoeld in het eerste "
        "lid, geschiedt op grond van artikel 4, tweede lid, van deze wet, op een formulier dat Onze Minister "
        "vaststelt.\n\nArtikel 3\n\nDeze wet treedt in werking op een bij koninklijk besluit te bepalen tijdstip.",
    ),
    "old spelling": (
        "de",
        "Es iſt ein alte Sag vnd wird noch heut erzehlt, wie der Müller auff ſeiner Mühlen geſeſſen vnd den Schnee "
        "gezehlet, der vor das Fenſter gefallen, biß daß ihm die Augen zugefallen vnd er im Traum ein Liecht geſehen, "
        "das nicht von dieſer Welt geweſen.",
    ),
    "latin": (
        "la",
        "Erat in monte vetus monasterium, in quo monachi non plus quam septem vivebant; quorum abbas, vir gravis et "
        "senex, cum iam oculis parum videret, libros tamen omnes memoria tenebat, ita ut nemo eum falleret.",
    ),
    "printed lines": (
        "de",
        "welche von den alten Leuten noch er-\nzählt werden, wenn der Abend kommt und\ndas Feuer niedergebrannt iſt, "
        "ſo daß\nman die Geſichter nicht mehr ſieht und\nein jeder an ſeine Todten denkt, die\nvor ihm in der Stube "
        "geſeſſen und auch\nvon andern erzählten, die nicht mehr",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPARED)
def test_what_is_no_bad_prose_is_spared(kind: str) -> None:
    lang, text = SPARED[kind]
    assert verdict(text, lang)["rule"] is None


@pytest.mark.parametrize("kind", ["verse", "drama", "law", "prose"])
def test_the_genre_is_told_from_the_layout(kind: str) -> None:
    lang, text = SPARED[kind]
    assert verdict(text, lang)["genre"] == kind


def test_command_help_is_code_and_a_table_is_a_table() -> None:
    help_page = (
        "# tar\n\n> Archiving utility.\n\n- Create an archive:\n\n`tar cf {{target.tar}} {{file1 file2}}`\n\n"
    )
    assert verdict(help_page * 3)["genre"] == "code"
    rows = "\n".join(f"{year} {year * 7 % 991} {year * 13 % 877}" for year in range(1801, 1830))
    assert verdict(rows)["genre"] == "table"


def test_nearly_all_of_the_starter_corpus_passes(starter_texts: list[str]) -> None:
    found = judge(read_words(pa.array(starter_texts)), pa.array(["??"] * len(starter_texts)), Quality())
    removed = sum(len(t) for t, v in zip(starter_texts, found.to_pylist(), strict=True) if v["rule"])
    assert removed < 0.01 * sum(map(len, starter_texts))


def test_a_genres_limit_stands_before_a_languages_and_that_before_the_general_one() -> None:
    lang, text = SPARED["verse"]
    many, few = {"min_words": 500}, {"min_words": 1}
    assert verdict(text, lang, **many)["rule"] == "too-short"
    assert verdict(text, lang, **many, by_language={"fr": few})["rule"] is None
    assert verdict(text, lang, **many, by_language={"de": few})["rule"] == "too-short"
    assert verdict(text, lang, by_language={"fr": many}, by_genre={"verse": few})["rule"] is None
    assert verdict(text, lang, by_language={"fr": few}, by_genre={"verse": many})["rule"] == "too-short"


def test_limits_given_for_a_genre_are_laid_over_its_defaults() -> None:
    lang, text = SPARED["verse"]
    assert verdict(text, lang, max_short_lines=0.1, by_genre={"verse": {"min_words": 3}})["rule"] is None


def test_an_unknown_limit_of_a_genre_is_refused() -> None:
    recipe = SMALL | {"curation": {"quality": {"by_genre": {"verse": {"max_lines": 3}}}}}
    with pytest.raises(InputError, match=r"curation\.quality\.by_genre\.verse\.max_lines: found 3"):
        validate(recipe, {}, "small")


@given(st.lists(st.sampled_from(["lux", "sol", "luna", "mare", "ventus", "nix", "ignis"]), min_size=1, max_size=60))
def test_repetition_is_counted_as_in_plain_python(drawn: list[str]) -> None:
    found = statistics(read_words(pa.array([" ".join(drawn)])), pa.array(["la"]))
    total = sum(map(len, drawn))
    for n in (2, 3, 4):
        grams = Counter(tuple(drawn[i : i + n]) for i in range(len(drawn) - n + 1))
        most = max((c * sum(map(len, g)) for g, c in grams.items() if c > 1), default=0)
        if n == 2 or found.top_ngrams[n][0]:
            assert found.top_ngrams[n][0] == pytest.approx(most / total)
        else:
            assert most / total <= 0.16
    for n in (5, 7):
        seen: set[tuple[str, ...]] = set()
        covered: set[int] = set()
        for i in range(len(drawn) - n + 1):
            gram = tuple(drawn[i : i + n])
            if gram in seen:
                covered |= set(range(i, i + n))
            seen.add(gram)
        expected = sum(len(drawn[i]) for i in covered) / total
        if n == 5 or found.duplicate_ngrams[n][0]:
            assert found.duplicate_ngrams[n][0] == pytest.approx(expected)


@given(st.lists(st.text(max_size=200), max_size=4))
def test_any_text_has_a_verdict(batch: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in batch]
    assert len(
        judge(read_words(pa.array(texts, pa.large_string())), pa.array(["en"] * len(texts)), Quality())
    ) == len(batch)
