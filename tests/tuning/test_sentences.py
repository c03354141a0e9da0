"""Sentences are told in the eight languages; in doubt a text is not cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.tuning.sentences import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["Mr. Smith met J. S. Bach at no. 5. ", "He said no. ", "Then I left."],
        ["So do I. ", "You too."],
        ["Am 1. Januar kam Dr. Müller. ", "Er ging z. B. nach Hause."],
        ["«Où vas-tu?» dit-elle. ", "«À Paris.» ", "Il partit."],
        ["J.-C. Dupont, né en 50 av. J.-C., mourut. ", "On l'oublia."],
        ["El Sr. D. Juan vive en la pág. 12. ", "¿Quién es? ", "¡Nadie!"],
        ["Il sig. Rossi abita qui. ", "Lo vedo per te. ", "Non so."],
        ["Dat is bijv. zo. ", "Hij heeft er 12 op. ", "Wat nu?"],
        ["O Exmo. Sr. Ministro falou. ", "Ninguém ouviu."],
        ["M. Tullius Cicero Cn. Pompeio s. d. ", "Si vales bene est."],
        ["a. d. VI Kal. Ian. profectus est. ", "Postea rediit."],
        ["XIV. De bello Gallico. ", "Gallia est omnis divisa."],
        ["Wait... what? ", '"Yes!" she said. ', '"No."'],
        ["First line.\n", "Second line."],
    ],
)
def test_real_ends_are_cut_and_abbreviations_are_not(sentences: list[str]) -> None:
    assert split_sentences("".join(sentences)) == sentences


@given(st.text(alphabet='aB1. !?…\n"»(Mr', max_size=60))
def test_nothing_is_lost(text: str) -> None:
    found = split_sentences(text)
    assert "".join(found) == text
    assert all(found)


def test_a_text_of_one_abbreviation_after_another_takes_no_squared_time() -> None:
    text = "Mr. " * 50_000 + "Smith."
    assert split_sentences(text) == [text]
