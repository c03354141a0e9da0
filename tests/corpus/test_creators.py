"""The names in a creator string, however a catalogue writes them."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus.creators import name_of, names_in


@pytest.mark.parametrize(
    "creator",
    [
        "Smith, Anne",
        "anne  SMITH",
        "Smith, Anne (1850-1920).",
        "Smith, Anne, 1850-",
        "Smith, Anne, b. 1850, editor",
        "Smith, Anne 1850-1920",
        "Smith, Anne 1850-",
        "Smith, Anne 1850",
        "Smith, Anne b.1850",
        "Smith, Anne *1850 †1920",
        "Smith, Anne ca. 1850-ca. 1920",
        "Smith, Anne d. 1920",
        "Smith, Anne, active 1880-1900",
        "Smith, Anne, 19th century",
        "Smith, Anne, active 19th century",
        "Smith, Anne, 2nd Baroness",
        "Smith, Anne 1850-1920, Lady",
        "Anne Smith b. 1850",
        "Anne Smith 1850-1920",
        "Jones, Bob; Smith, Anne",
        "Bob Jones & Anne Smith",
        "Bob Jones, Anne Smith, Carla Lee",
        "Jones, Bob [Anne Smith] (1850-1920)",
        "Bob Jones, translated by Anne Smith",
        "Bob Jones (Anne Smith)",
        "Smith, Änne",
    ],
)
def test_a_creator_is_found_in_the_conventions_of_catalogues(creator: str) -> None:
    for entry in (
        *("Smith, Anne", "Anne Smith", "SMITH,  Anne.", "Smith, Anne (1850-1920)", "Smith, Anne 1850-1920"),
    ):
        assert name_of(entry) in names_in(creator)


@pytest.mark.parametrize(
    "creator",
    [
        "Smithson, A.",
        "Smith, A.",
        "Smith",
        "Anne",
        "Smith, Anne Mary",
        "Anne Smithers",
        "Anne, Smith",
        "Mary Anne Smith",
        "Smith, Bob 1850-1920",
        "Smith 1850-1920",
    ],
)
def test_a_part_of_a_name_is_another_name(creator: str) -> None:
    for entry in ("Smith, Anne", "Smith, Anne 1850-1920"):
        assert name_of(entry) not in names_in(creator)


def is_plain(word: str) -> bool:
    """Whether a word stands neither between persons nor for a person's part in a work, as `and` and `ed.` do."""
    return all(
        names_in(said) == {name_of(said)} and len(name_of(said).split()) == 3
        for said in (f"X {word}. Y", f"Y, X {word}")
    )


WORD = st.text(string.ascii_lowercase + "éöñß", min_size=3, max_size=8).filter(is_plain)
NAME = st.tuples(st.lists(WORD, min_size=1, max_size=3), st.lists(WORD, min_size=1, max_size=2))


@st.composite
def written(draw: st.DrawFn, name: tuple[list[str], list[str]]) -> str:
    """A name as some catalogue may write it."""
    given_name, surname = (" ".join(part) for part in name)
    said = f"{surname}, {given_name}" if draw(st.booleans()) else f"{given_name} {surname}"
    said = "".join(draw(st.sampled_from([c, c.upper()])) if c != "ß" else c for c in said)
    said = said.replace(" ", draw(st.sampled_from([" ", "  ", "\u00a0", "-", ". "])))
    return said + draw(st.sampled_from(["", ".", " ", " (1850-1920)", ", 1850-1920.", " 1850-1920"]))


@given(st.data(), NAME, st.lists(NAME, max_size=3))
def test_however_they_are_written_a_name_is_found_among_others(
    data: st.DataObject, name: tuple[list[str], list[str]], others: list[tuple[list[str], list[str]]]
) -> None:
    entry = data.draw(written(name))
    creators = data.draw(st.permutations([data.draw(written(n)) for n in [name, *others]]))
    assert name_of(entry) in names_in("; ".join(creators))


@given(st.data(), NAME, NAME)
def test_a_name_is_not_found_where_it_is_not_whole(
    data: st.DataObject, name: tuple[list[str], list[str]], other: tuple[list[str], list[str]]
) -> None:
    given_name, surname = name
    longer = data.draw(
        st.sampled_from(
            [
                ([*given_name, other[0][0]], surname),
                ([other[0][0], *given_name], surname),
                (given_name, [*surname, other[1][0]]),
                (given_name, [*surname[:-1], f"{surname[-1]}son"]),
                ([given_name[0][:1], *given_name[1:]], surname),
            ]
        )
    )
    creator = data.draw(written(longer))
    assert name_of(data.draw(written(name))) not in names_in(creator)
    assert name_of(creator) not in names_in(data.draw(written(name)))


def test_what_names_nobody_has_no_name() -> None:
    assert name_of("") == name_of(" ,; ") == ""
    assert names_in("") == names_in("()") == frozenset()
