from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus.locations import expand
from octavo.curation.language import SAMPLE_CHARACTERS, UNDETERMINED, VERDICT, identify, sample

PASSAGES = {
    "en": "The old keeper of the light climbed the stair each evening and set the lamp burning for the boats.",
    "fr": "Le vieux gardien du phare montait chaque soir l'escalier et allumait la lampe pour les bateaux.",
    "es": "El viejo guardián del faro subía cada tarde la escalera y encendía la lámpara para los barcos.",
    "de": "Der alte Wärter des Leuchtturms stieg jeden Abend die Treppe hinauf und zündete das Licht an.",
    "it": "Il vecchio guardiano del faro saliva ogni sera le scale e accendeva la lampada per le barche.",
    "nl": "De oude wachter van de vuurtoren klom elke avond de trap op en stak de lamp aan voor de boten.",
    "la": "Custos senex luminis cotidie vesperi scalas ascendebat et lucernam navibus accendebat.",
    "pt": "O velho guardião do farol subia todas as noites a escada e acendia a lâmpada para os barcos.",
}


def languages(*texts: str | None) -> list[str]:
    return identify(pa.array(texts, pa.large_string())).field("lang").to_pylist()


@pytest.mark.parametrize("lang", PASSAGES)
def test_a_sentence_is_enough(lang: str) -> None:
    assert languages(PASSAGES[lang]) == [lang]


def test_a_page_of_each_language_of_the_starter_corpus_is_told() -> None:
    (location,), _ = expand("builtin:starter")
    rows = [r for r in pq.read_table(location.path).to_pylist() if "fault" not in r["collection"]]
    assert languages(*(r["text"] for r in rows)) == [r["identifier"].split("/")[1] for r in rows]


def test_long_s_does_not_mislead() -> None:
    assert languages(
        "Wer nun dieſes Büchlein lieſt, der wiſſe, daß es nicht aus müßigen Stunden, ſondern aus vieler Arbeit entſtanden iſt."
    ) == ["de"]


@pytest.mark.parametrize("text", ["", None, " \n\t", "1789", "— … !", "\x00\x01"])
def test_a_text_without_letters_has_no_language(text: str | None) -> None:
    assert identify(pa.array([text], pa.large_string())).to_pylist() == [{"lang": UNDETERMINED, "confidence": 0.0}]


def test_control_characters_are_no_obstacle() -> None:
    assert languages("\x00\x0c".join(PASSAGES["fr"].split(" ")) + "\ufffe") == ["fr"]


def test_the_sample_of_a_long_text_is_its_beginning_middle_and_end() -> None:
    text = "a" * 10_000 + "m" * 10_000 + "z" * 10_000
    taken = sample(text)
    assert len(taken) <= SAMPLE_CHARACTERS + 2
    assert {c: taken.count(c) for c in "amz"} == {"a": 1000, "m": 1000, "z": 1000}


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=300) | st.none(), max_size=4))
def test_any_text_has_one_verdict_with_a_confidence_between_0_and_1(texts: list[str | None]) -> None:
    verdicts = identify(pa.array(texts, pa.large_string()))
    assert verdicts.type == VERDICT
    assert len(verdicts) == len(texts)
    assert all(v["lang"] and 0 <= v["confidence"] <= 1 for v in verdicts.to_pylist())
