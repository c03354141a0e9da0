from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.repair import REPAIRED, repair

SHARED = Path(__file__).parent.parent.parent.parent / "shared" / "corpus"

PASSAGES = {
    "en": "The fiancée’s naïve cousin wrote: “No — never!” and left.",
    "fr": "Le garçon naïf, déjà fatigué, rêvait d’un été où l’œuvre serait achevée.",
    "es": "¿Dónde está el niño? La cigüeña voló más allá del río.",
    "de": "Die Mädchen hörten, daß die Größe des Hauſes über alles Maß ging.",
    "it": "Perché la città è così lontana? Andò più giù, e non tornò.",
    "nl": "De geëerde reünisten vonden het café één brug verder.",
    "la": "Cœlum, non animũ, mutant; præterea ꝑ mare currũt.",
    "pt": "A irmã não põe açúcar no café; o avô também já não o quer.",
}
SPARED = [
    "ſo iſt die Waſſerſtraße ﬁnis; ꝑ, ꝓ, ᵽ; aͤ oͤ uͤ; Ὅμηρος, ἀρχή; « Ah ! » „Nein“ ‹ja›",
    "L’area è πr², senα + cosβ ≤ 2Φ; 2≡5 mod 3; T=2πmqB.",
    "HOMBRE.\n\nSí, señora.\n\nMUSA.\n\nNo.\n\n" * 8,
    "Article 5\n\nLes biens sont meubles,\n\n" * 6,
    "celui-\nci et vingt-\nhuit, Jean-\nPaul",
    "die Land-\nund Forstwirtschaft, die GCP-\nVerordnung",
    "kilo-\nk\nmega-\nM\ndeca-\nda\n",
    "A IRMÃ É BOA — NÃO? À « LA FORCE » é’a",
    "`xml unescape '&eacute; &lt;a&gt;'`",
    "a 👩‍👩‍👧 family, and می‌خواهم",
]


def repaired(text: str | None) -> tuple[str | None, dict[str, int]]:
    (row,) = repair(pa.array([text], pa.large_string())).to_pylist()
    return row["text"], json.loads(row["changes"] or "{}")


@pytest.mark.parametrize("text", [*PASSAGES.values(), *SPARED, "", None])
def test_a_sound_text_stays(text: str | None) -> None:
    assert repaired(text) == (text, {})


@pytest.mark.parametrize("lang", PASSAGES)
@pytest.mark.parametrize(("wrong", "times"), [("latin-1", 1), ("latin-1", 2), ("sloppy-windows-1252", 1)])
def test_utf8_read_otherwise_is_read_again(lang: str, wrong: str, times: int) -> None:
    text = PASSAGES[lang]
    for _ in range(times):
        text = text.encode().decode(wrong)
    found, changes = repaired("Line one.\n" + text)
    assert found == "Line one.\n" + PASSAGES[lang]
    assert changes["mojibake"] > 0


def test_a_bad_passage_does_not_change_the_rest() -> None:
    bad = PASSAGES["fr"].encode().decode("latin-1")
    assert repaired(f"{PASSAGES['es']}\n{bad}\n{PASSAGES['de']}")[0] == "\n".join(
        PASSAGES[lang] for lang in ("es", "fr", "de")
    )


def test_latin1_read_as_dos_is_read_again() -> None:
    text = (
        "Andò in città perché l'età è là, però così lontana; poiché già partì la virtù, morì lassù, finì quaggiù."
    )
    found, changes = repaired(text.encode("latin-1").decode("cp437"))
    assert found == text
    assert changes["mojibake"] > 5


def test_lost_letters_are_counted_and_left() -> None:
    assert repaired("d\ufffddain, me\ufffdbalkt") == ("d\ufffddain, me\ufffdbalkt", {"lost-characters": 2})


@pytest.mark.parametrize(
    ("text", "expected", "rule"),
    [
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd", "line-endings"),
        ("represen\xadtatives", "representatives", "control-characters"),
        ("tar\xad dará", "tardará", "control-characters"),
        ("a\x00b\x1b[31mc\ufeffd\u200be", "abcde", "control-characters"),
        ("\x93Yes\x94 \x97 c\x9cna", "“Yes” — cœna", "mojibake"),
        ("cafe\u0301", "café", "normalisation"),
        ("c&oacute;digo, est&aacute; m&aacute;s &lt;x&gt;", "código, está más &lt;x&gt;", "entities"),
        ("&ldquo;Yes,&rdquo; she said&mdash;no more.", "“Yes,” she said—no more.", "entities"),
        ("da▀ er wei▀, da▀ ich", "daß er weiß, daß ich", "mojibake"),
        ("per¬\nſonnages de la", "perſonnages\nde la", "hyphenation"),
    ],
)
def test_damage_is_undone(text: str, expected: str, rule: str) -> None:
    found, changes = repaired(text)
    assert found == expected
    assert list(changes) == [rule]


BROKEN = """Der alte Wärter des Leuchtturms stieg jeden Abend die Trep-
pe hinauf und zündete das Licht an, damit die Boote den Ha-
fen finden konnten, wenn der Sturm von Norden kam und die Wel-
len über die Mole schlugen, bis die Fischer nach ih-
ren Frauen riefen und die Kinder am Ufer stan-
den, um die Land-
und Seeleute zu sehen."""


def test_broken_words_are_joined_and_compounds_are_not() -> None:
    found, changes = repaired(BROKEN)
    assert changes == {"hyphenation": 5}
    assert found is not None
    assert "Treppe\nhinauf" in found
    assert "Land-\nund Seeleute" in found
    assert found.count("\n") == BROKEN.count("\n")


def test_one_break_needs_the_word_elsewhere() -> None:
    assert repaired("She gave an exam-\nple of it.")[1] == {}
    assert repaired("An example: she gave an exam-\nple of it.")[0] == "An example: she gave an example\nof it."


def page(number: int) -> str:
    return "the sailors went on along the coast and saw " * 30 + f"the\n\n{number} THE VOYAGE\n\n"


def test_a_head_in_the_middle_of_sentences_is_dropped() -> None:
    text = "".join(map(page, range(10, 18))) + "the end."
    found, changes = repaired(text)
    assert changes == {"running-heads": 8}
    assert found is not None
    assert "VOYAGE" not in found
    assert "\n\n" not in found


def test_heads_at_form_feeds_are_dropped() -> None:
    pages = "\f".join(f"{n}\n\nText of a page, which ends here.\n" for n in range(5, 12))
    found, changes = repaired(pages)
    assert found is not None
    assert changes["running-heads"] == 7
    assert "\f" not in found
    assert not any(c.isdigit() for c in found)


SENTENCE = "the sailors went on along the coast and saw " * 5


@pytest.mark.parametrize(
    "make",
    [
        lambda n: f"Lesson {n}\n\nThe sailor reads the book. He goes to the sea.\n",
        lambda n: f"Ode {n}\n\nWhat shining shore, what silver sea\nHas sung so long to you and me.\n",
        lambda n: f"Psalmody, part {n}\n\nSing ye unto him.\n\nAMEN.\n",
    ],
)
def test_what_fills_a_page_keeps_its_heading(make: Callable[[int], str]) -> None:
    text = "\f".join(make(n) for n in range(1, 9))
    found, changes = repaired(text)
    assert "running-heads" not in changes
    assert (found or text).count(make(1).split("\n")[0][:-2]) == 8


@pytest.mark.parametrize("head", ["{n} THE VOYAGE", "THE VOYAGE", "The Voyage [{n}]"])
@pytest.mark.parametrize("at_top", [True, False])
def test_a_head_between_pages_that_part_sentences_is_dropped(head: str, at_top: bool) -> None:
    heads = [head.format(n=n) for n in range(10, 18)]
    text = "\f".join(f"{line}\n\n{SENTENCE}\n" if at_top else f"{SENTENCE}\n\n{line}\n" for line in heads)
    found, changes = repaired(text)
    assert changes["running-heads"] == 8
    assert found is not None
    assert "voyage" not in found.lower()


def test_readers_get_what_is_theirs() -> None:
    texts = pa.array(['<?xml version="1.0"?><p>a</p>', "*** START OF THE PROJECT GUTENBERG EBOOK X ***\nb", "c"])
    rows = repair(texts, markup=lambda t: "M", gutenberg=lambda t: "G").to_pylist()
    assert [row["text"] for row in rows] == ["M", "G", "c"]
    assert [row["changes"] for row in rows] == ['{"markup": 1}', '{"gutenberg": 1}', None]
    assert repair(texts).field("text").to_pylist() == texts.to_pylist()


ANY = st.text(
    st.characters(codec="utf-8") | st.sampled_from("abAÃÂâ€©ΦΘ-\n\f\xad¬⸗1e\u0301&;\x92\r\u200d "), max_size=200
)


@given(st.lists(ANY | st.none(), max_size=3))
def test_any_text_is_repaired_once_and_for_all(texts: list[str | None]) -> None:
    once = repair(pa.array(texts, pa.large_string()))
    assert once.type == REPAIRED
    twice = repair(once.field("text"))
    assert twice.field("text").to_pylist() == once.field("text").to_pylist()
    for before, row in zip(texts, once.to_pylist(), strict=True):
        assert (before is None) == (row["text"] is None)
        assert row["text"] == before or row["changes"]
        assert unicodedata.is_normalized("NFC", row["text"] or "")


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real corpus is not beside the repository")
def test_of_the_open_texts_few_change() -> None:
    changed = total = 0
    for part in sorted((SHARED / "train").glob("*.parquet")):
        changes = repair(pq.read_table(part, columns=["text"])["text"].combine_chunks()).field("changes")
        changed, total = changed + len(changes) - changes.null_count, total + len(changes)
    assert changed < 0.04 * total


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real corpus is not beside the repository")
def test_of_the_dirty_texts_the_mojibake_is_repaired() -> None:
    table = pq.read_table(SHARED / "dirty" / "dirty.parquet", columns=["text", "issue"]).to_pylist()
    rows = repair(pa.array([r["text"] for r in table if r["issue"] == "mojibake"], pa.large_string())).to_pylist()
    assert sum("mojibake" in (row["changes"] or "") for row in rows) >= 19
