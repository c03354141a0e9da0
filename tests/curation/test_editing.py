"""Stretches of a text are cut and replaced all at once, and marks follow."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.editing import Span, edit


class Case(NamedTuple):
    text: bytes
    cuts: list[Span]
    rewrites: list[tuple[int, int, bytes]]
    marks: list[Span]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A text, any cuts in it, and replacements and marks that do not overlap each other."""
    text = draw(st.binary(max_size=40))
    at = st.integers(0, len(text))
    cuts = [(min(a, b), max(a, b)) for a, b in draw(st.lists(st.tuples(at, at), max_size=4))]
    ends = sorted(draw(st.sets(at, max_size=10)))
    spans = list(zip(ends[::2], ends[1::2], strict=False))
    kinds = draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans)))
    rewrites = [
        (*span, draw(st.binary(min_size=1, max_size=5))) for span, kind in zip(spans, kinds, strict=True) if kind
    ]
    return Case(text, cuts, rewrites, [span for span, kind in zip(spans, kinds, strict=True) if not kind])


def byte_by_byte(case: Case) -> tuple[bytes, list[bytes | None], list[bytes]]:
    """The text as it must come out, what stands for each replacement, and what is left of each mark."""
    cut = {byte for start, end in case.cuts for byte in range(start, end)}
    replaced: dict[int, bytes] = {}
    found: list[bytes | None] = []
    for start, end, instead in case.rewrites:
        if cut & set(range(start, end)):
            cut |= set(range(start, end))
            found.append(None)
        else:
            replaced |= dict.fromkeys(range(start, end), b"") | {start: instead}
            found.append(instead)
    out = [b"" if byte in cut else replaced.get(byte, case.text[byte : byte + 1]) for byte in range(len(case.text))]
    return b"".join(out), found, [b"".join(out[start:end]) for start, end in case.marks]


@given(cases())
def test_any_cuts_and_replacements_give_the_text_that_doing_it_byte_by_byte_gives(case: Case) -> None:
    done = edit(*case)
    text, replacements, marks = byte_by_byte(case)
    assert done.text == text
    assert [span and done.text[slice(*span)] for span in done.rewritten] == replacements
    assert [done.text[slice(*span)] if span else b"" for span in done.marks] == marks


def test_a_replacement_that_a_cut_overlaps_goes_whole_so_that_no_half_of_it_stays() -> None:
    done = edit(b"before HARMFUL after", [(10, 16)], [(7, 14, b"mild")], [(0, 6)])
    assert (done.text, done.rewritten, done.marks) == (b"before fter", [None], [(0, 6)])


def test_neighbouring_changes_do_not_touch_each_other() -> None:
    done = edit(b"aabbccdd", [(2, 4)], [(0, 2, b"x"), (4, 6, b"yyyy")], [(6, 8)])
    assert (done.text, done.rewritten, done.marks) == (b"xyyyydd", [(0, 1), (1, 5)], [(5, 7)])


def test_an_empty_cut_within_a_replacement_cuts_nothing() -> None:
    assert edit(b"ab", [(1, 1)], [(0, 2, b"c")]).text == b"c"
