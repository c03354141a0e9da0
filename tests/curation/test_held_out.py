from __future__ import annotations

from collections import Counter
from random import Random

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.held_out import choose_works
from octavo.recipe.curation import HeldOut

Section = tuple[str, str, int]
"""Identifier, language, bytes."""

SECTIONS = st.lists(
    st.tuples(
        st.builds(
            lambda work, section: f"w{work}{section}", st.integers(0, 15), st.sampled_from(["", "#1", "#2", "#x#y"])
        ),
        st.sampled_from(["en", "la", "pt"]),
        st.integers(1, 5000),
    ),
    max_size=60,
)
SETTINGS = st.builds(
    HeldOut,
    fraction=st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9]),
    max_bytes=st.sampled_from([1, 1000, 10_000, 1_000_000]),
)


def choose(sections: list[Section], settings: HeldOut, seed: int = 1789) -> set[str]:
    columns = list(zip(*sections, strict=True)) or [[], [], []]
    types = {"identifier": pa.large_string(), "lang": pa.large_string(), "bytes": pa.int64()}
    table = {name: pa.array(c, kind) for (name, kind), c in zip(types.items(), columns, strict=True)}
    return choose_works(pa.table(table), settings, seed)


def works(sections: list[Section]) -> dict[str, dict[str, int]]:
    """Bytes of each work, by the language that most of it is in."""
    parts: dict[str, Counter[str]] = {}
    for identifier, lang, size in sections:
        parts.setdefault(identifier.split("#")[0], Counter())[lang] += size
    found: dict[str, dict[str, int]] = {}
    for work, languages in parts.items():
        main = min(languages, key=lambda lang: (-languages[lang], lang))
        found.setdefault(main, {})[work] = languages.total()
    return found


@given(SECTIONS, SETTINGS)
def test_whole_works_are_held_out(sections: list[Section], settings: HeldOut) -> None:
    assert choose(sections, settings) <= {identifier.split("#")[0] for identifier, _, _ in sections}


@given(SECTIONS, SETTINGS, st.integers(0, 100))
def test_the_order_of_the_rows_makes_no_difference(
    sections: list[Section], settings: HeldOut, shuffle: int
) -> None:
    shuffled = list(sections)
    Random(shuffle).shuffle(shuffled)
    assert choose(shuffled, settings) == choose(sections, settings)


@given(SECTIONS, SETTINGS)
def test_the_same_seed_draws_the_same_works(sections: list[Section], settings: HeldOut) -> None:
    assert choose(sections, settings) == choose(sections, settings)


@given(SECTIONS, SETTINGS.filter(lambda s: s.fraction > 0))
def test_in_each_language_one_work_at_least_is_held_out_and_one_stays(
    sections: list[Section], settings: HeldOut
) -> None:
    chosen = choose(sections, settings)
    for in_language in works(sections).values():
        held = chosen & in_language.keys()
        assert len(held) < len(in_language)
        assert held or len(in_language) == 1


@given(SECTIONS, SETTINGS)
def test_no_more_is_held_out_than_asked_but_for_the_first_work_and_half_of_the_last(
    sections: list[Section], settings: HeldOut
) -> None:
    chosen = choose(sections, settings)
    for in_language in works(sections).values():
        sizes = [in_language[work] for work in chosen & in_language.keys()]
        wanted = min(settings.fraction * sum(in_language.values()), settings.max_bytes)
        assert len(sizes) <= 1 or sum(sizes) <= wanted + max(sizes)


@given(SECTIONS)
def test_a_share_of_nothing_holds_out_nothing(sections: list[Section]) -> None:
    assert choose(sections, HeldOut(fraction=0.0)) == set()


def test_another_seed_draws_other_works() -> None:
    sections = [(f"w{n}", "en", 1000) for n in range(100)]
    drawn = {frozenset(choose(sections, HeldOut(fraction=0.1), seed)) for seed in range(5)}
    assert len(drawn) == 5


def test_a_works_lot_does_not_depend_on_works_of_another_language() -> None:
    english = [(f"w{n}", "en", 1000) for n in range(100)]
    latin = [(f"l{n}", "la", 1000) for n in range(100)]
    settings = HeldOut(fraction=0.1)
    assert choose(english + latin, settings) == choose(english, settings) | choose(latin, settings)


def test_about_the_wanted_share_is_held_out() -> None:
    sections = [(f"w{n // 3}#{n}", "en", 1000 + 7 * n) for n in range(600)]
    chosen = choose(sections, HeldOut(fraction=0.1))
    held = sum(size for identifier, _, size in sections if identifier.split("#")[0] in chosen)
    assert 0.09 < held / sum(size for _, _, size in sections) < 0.11
