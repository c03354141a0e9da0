"""Pairs are read as they stand; what cannot be learnt from is kept aside with what was found."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from octavo.errors import InputError
from octavo.tuning.translation.checks import (
    DUPLICATE,
    EMPTY,
    LENGTHS,
    OTHER_LANGUAGE,
    SAME,
    SWAPPED,
    check_pairs,
)
from octavo.tuning.translation.neighbours import with_neighbours
from octavo.tuning.translation.pairs import TranslationPair, in_both_directions, read_pairs

FRENCH = [
    "Le vieux gardien monta lentement l'escalier de la tour pour allumer la lampe.",
    "Pendant la nuit, la tempête avait arraché trois ardoises du toit de l'église.",
    "Les enfants du village attendaient devant la porte que le boulanger arrive.",
    "Elle referma la lettre sans rien dire et la posa doucement sur la table.",
    "Au matin, toutes les barques étaient rentrées, sauf celle du fils aîné.",
    "Nous avons marché jusqu'à la rivière et nous avons regardé passer les bateaux.",
]
ENGLISH = [
    "The old keeper slowly climbed the stairs of the tower to light the lamp.",
    "During the night the storm had torn three slates from the roof of the church.",
    "The children of the village were waiting at the door for the baker to come.",
    "She folded the letter again without a word and laid it gently on the table.",
    "In the morning all the boats had come home except that of the eldest son.",
    "We walked as far as the river, and we watched the boats as they went by.",
]


def pair(number: int, source: str, target: str, **more: object) -> TranslationPair:
    base = TranslationPair(f"p{number}", "doc", "fr", "en", source, target)
    return base._replace(**more)  # type: ignore[arg-type]


GOOD = [pair(n, *sides) for n, sides in enumerate(zip(FRENCH, ENGLISH, strict=True))]


def reasons(*wrong: TranslationPair) -> dict[str, str]:
    checked = check_pairs([*GOOD, *wrong], "pairs.jsonl")
    assert len(checked.kept) + len(checked.left_out) == len(GOOD) + len(wrong)
    assert checked.kept[: len(GOOD)] == GOOD
    return {left.id: left.reason for left in checked.left_out}


def test_a_file_is_read_as_it_stands(tmp_path: Path) -> None:
    row = {
        "id": "a",
        "doc": "d",
        "src_lang": "la",
        "tgt_lang": "en",
        "src": "Arma\nvirumque\n\ncano",
        "tgt": "Of arms",
    }
    more = {**row, "id": "b", "level": "section", "place": 3, "date": "1743", "licence": "ours"}
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, [row, more])))
    first, second = read_pairs(file)
    assert first == TranslationPair("a", "d", "la", "en", "Arma\nvirumque\n\ncano", "Of arms")
    assert (second.level, second.place, second.century) == ("section", 3, 18)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"src": 5}, r"line 1: src: found 5, expected a text"),
        ({"tgt_lang": "la"}, r'line 1: tgt_lang: found "la", expected another language than src_lang \(la\)'),
        ({"src_lang": "grc"}, r'line 1: src_lang: found "grc", expected one of en'),
        ({"doc": " "}, r"line 1: doc: found .*, expected a text that is not empty"),
        ({"place": -1}, r"line 1: place: found -1, expected a whole number"),
        ({"level": "book"}, r'line 1: level: found "book", expected one of sentence'),
    ],
)
def test_a_wrong_row_is_told_with_line_and_column(tmp_path: Path, change: dict[str, object], message: str) -> None:
    row = {"id": "a", "doc": "d", "src_lang": "la", "tgt_lang": "en", "src": "x", "tgt": "y", **change}
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(orjson.dumps(row))
    with pytest.raises(InputError, match=message):
        read_pairs(file)


def test_each_fault_is_told_apart() -> None:
    german = "Der alte Wärter stieg langsam die Treppe des Turmes hinauf, um die Lampe anzuzünden."
    found = reasons(
        pair(10, "", ENGLISH[0]),
        pair(11, FRENCH[0], " \n"),
        pair(12, FRENCH[0], FRENCH[0].upper()),
        pair(13, ENGLISH[1], FRENCH[1]),
        pair(14, german, ENGLISH[0]),
        pair(15, FRENCH[2], "The children of the village were there. " * 20),
        pair(16, FRENCH[3] + " ", ENGLISH[3]),
    )
    assert found == {
        "p10": EMPTY,
        "p11": EMPTY,
        "p12": SAME,
        "p13": SWAPPED,
        "p14": OTHER_LANGUAGE,
        "p15": LENGTHS,
        "p16": DUPLICATE,
    }


def test_bounds_of_lengths_are_learnt_from_the_file() -> None:
    """Where all translations are three times as long, one of the same length does not belong."""
    long = [pair(100 + n, f"{FRENCH[n % 6][:30]} {n}", f"{ENGLISH[n % 6]} {n} {ENGLISH[0]}") for n in range(60)]
    short = pair(99, FRENCH[0], ENGLISH[0][:40])
    left_out = check_pairs([*long, short], "x").left_out
    assert [(left.id, left.reason) for left in left_out] == [("p99", LENGTHS)]
    assert "77 and 40 characters, expected a ratio from" in left_out[0].evidence


def test_a_file_with_swapped_columns_is_refused_with_the_share() -> None:
    swapped = [one._replace(source=one.target, target=one.source) for one in GOOD]
    with pytest.raises(InputError, match=r"f.jsonl: src, tgt: found 100% of the fr-en pairs with src in en"):
        check_pairs(swapped, "f.jsonl")


def test_short_sides_are_not_judged_by_their_language() -> None:
    assert reasons(pair(20, "Non.", "No."), pair(21, "Taxi!", "A taxi!")) == {}


def test_both_directions_has_each_pair_once_in_each() -> None:
    there_and_back = [GOOD[0], GOOD[0].reversed()._replace(id="other"), GOOD[1]]
    found = in_both_directions(there_and_back)
    assert [(one.languages, one.source) for one in found] == [
        ("fr-en", FRENCH[0]),
        ("en-fr", ENGLISH[0]),
        ("fr-en", FRENCH[1]),
        ("en-fr", ENGLISH[1]),
    ]
    assert len({one.id for one in found}) == 4


def test_pairs_in_order_are_shown_with_what_stands_before_them() -> None:
    pairs = [pair(n, f"Source {n}.", f"Target {n}.", place=n) for n in range(40)]
    found = with_neighbours(pairs)
    alone = [one for one in found if not one.before and "\n\n" not in one.source]
    before = [one for one in found if one.before]
    together = [one for one in found if "\n\n" in one.source]
    assert len(found) == 40
    assert min(map(len, (alone, before, together))) >= 5
    assert all(one.before == f"Source {one.place - 1}." for one in before if one.place)
    assert all(one.target == f"Target {one.place - 1}.\n\nTarget {one.place}." for one in together if one.place)
    gaps = [one._replace(place=2 * n) for n, one in enumerate(pairs)]
    assert with_neighbours(gaps) == gaps
