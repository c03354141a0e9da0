"""The signs that a repair is needed: none is missing where a step would change something."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.curation.repair import STEPS
from octavo.curation.repairs import sieve


def signs(*texts: str | None) -> list[int]:
    found: list[int] = sieve.signs(pa.array(texts, pa.large_string())).tolist()
    return found


def head(text: str) -> str:
    return f"\n\n{text}\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The fiancée’s naïve cousin wrote: “No — never!” and left.",
        "Das Mädchen hörte, daß ſie über-\nHaupt -\nx 3-\nmal ging.",
        "πr², senα + cosβ ≤ 2Φ; « Ah ! » É, Ã e Â; Ὅμηρος",
        "R&D & Co; &c.; &;",
        f"goes{head('HEAD')}on, but once only.",
        f"Ends.{head('HEAD')}begins. Ends.{head('HEAD')}begins.",
        "He praised the project of Gutenberg. THE END",
    ],
)
def test_a_sound_text_shows_none(text: str) -> None:
    assert signs(text) == [0]


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a\rb", sieve.LINE_ENDING),
        ("a\u2029b", sieve.LINE_ENDING),
        ("caf&eacute;", sieve.ENTITY),
        ("cafÃ©", sieve.MOJIBAKE),
        ("Γò", sieve.MOJIBAKE),
        ("cittα poichΘ giα virt∙", sieve.DOS),
        ("a\u200bb", sieve.CONTROL),
        ("a\ufffdb", sieve.CONTROL),
        ("e\u0301", sieve.UNNORMALISED),
        ("a\fb", sieve.FORM_FEED),
        (f"goes{head('12 HEAD')}on and{head('13 HEAD')}on", sieve.RUNNING_HEAD),
        (f"goes,\n \n  {'É' * 70}\n\t\non and{head('HEAD')}on", sieve.RUNNING_HEAD),
        ("exam-\nple", sieve.BROKEN_WORD),
        ("exam⸗ \n  ple", sieve.BROKEN_WORD),
        ("EXAM-\nPLE", sieve.BROKEN_WORD),
        ("*** START OF THE PROJECT GUTENBERG EBOOK X ***", sieve.GUTENBERG),
        ("*END*THE SMALL PRINT! FOR PUBLIC DOMAIN", sieve.GUTENBERG),
    ],
)
def test_damage_shows_its_sign_and_no_other(text: str, sign: int) -> None:
    assert signs(text) == [sign]


def test_each_text_of_a_batch_has_its_own() -> None:
    batch = pa.array(["x", "a-", "\nb", None, "e\u0301", "&amp", ";"], pa.large_string())
    assert sieve.signs(batch).tolist() == [0, 0, 0, 0, sieve.UNNORMALISED, 0, 0]
    assert sieve.signs(batch.slice(4, 1)).tolist() == [sieve.UNNORMALISED]
    assert sieve.signs(batch.slice(0, 0)).tolist() == []


DAMAGED = st.lists(
    st.text(max_size=4)
    | st.sampled_from(
        [
            *"abAZé-¬⸗\n\f\xad\r\u200d\u0301&;,3 ",
            "Ã©",
            "â€œ",
            "├í",
            "αgh",
            "ghα",
            "\x92",
            "&eacute;",
            "\n\n",
            "\n\nHEAD 7\n\n",
        ]
    ),
    max_size=40,
).map("".join)


@settings(deadline=None, max_examples=300)
@given(DAMAGED | DAMAGED.map(lambda text: text * 8))
def test_no_step_changes_a_text_without_its_sign(text: str) -> None:
    [found] = signs(text)
    for rule, sign, step in STEPS:
        assert found & sign or step(text)[0] == text, rule


@pytest.mark.parametrize("piece", ["\n", " ", "\n \n", "a\n\nb", "&a", "P", "-\n", "\u0301", "α", "Ã"])
def test_a_long_run_of_anything_takes_no_time(piece: str) -> None:
    signs(piece)
    before = time.process_time()
    signs(piece * 1_000_000)
    assert time.process_time() - before < 1
