"""A batch of texts as arrays, checked against plain Python over each text alone."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.words import Spans, Words, hashes_of, read_words, runs

texts = st.lists(
    st.text(alphabet="ab cſé.A1-\n\t ’", max_size=80) | st.text(max_size=40) | st.none(), min_size=0, max_size=6
)
WHITE = re.compile(rb"[^ \t\n\r\f\v]+")


def shown(words: Words, spans: Spans) -> list[list[bytes]]:
    found: list[list[bytes]] = [[] for _ in range(words.texts)]
    for start, end, doc in zip(spans.start, spans.end, spans.doc, strict=True):
        found[doc].append(words.data[start:end].tobytes())
    return found


def clean(batch: list[str | None]) -> list[bytes]:
    return [(text or "").encode() for text in batch]


def encodable(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "ignore").decode()


@given(texts)
def test_words_are_what_stands_between_white_space(batch: list[str | None]) -> None:
    batch = [encodable(text) for text in batch]
    words = read_words(pa.array(batch, pa.large_string()))
    assert shown(words, words.words) == [WHITE.findall(text) for text in clean(batch)]
    assert words.count.tolist() == [len(WHITE.findall(text)) for text in clean(batch)]
    assert words.length.tolist() == [
        sum(len(word.decode()) for word in WHITE.findall(text)) for text in clean(batch)
    ]


@given(texts)
def test_lines_go_from_their_first_word_to_their_last(batch: list[str | None]) -> None:
    batch = [encodable(text) for text in batch]
    words = read_words(pa.array(batch, pa.large_string()))
    expected = [
        [stripped for line in text.split(b"\n") if (stripped := line.strip(b" \t\r\f\v"))] for text in clean(batch)
    ]
    assert shown(words, words.lines) == expected


@given(texts)
def test_paragraphs_stand_between_blank_lines_or_are_lines_where_there_are_none(batch: list[str | None]) -> None:
    batch = [encodable(text) for text in batch]
    words = read_words(pa.array(batch, pa.large_string()))
    for found, text in zip(shown(words, words.paragraphs), clean(batch), strict=True):
        parts = [p.strip(b" \t\r\f\v\n") for p in re.split(rb"\n[ \t\r\f\v]*(?=\n)", text)]
        parts = [part for part in parts if part]
        if len(parts) == 1:
            parts = [line for part in parts for raw in part.split(b"\n") if (line := raw.strip(b" \t\r\f\v"))]
        assert found == parts


@given(texts)
def test_hashes_are_equal_exactly_where_the_words_are_but_for_ascii_case(batch: list[str | None]) -> None:
    batch = [encodable(text) for text in batch]
    words = read_words(pa.array(batch, pa.large_string()))
    by_word: dict[bytes, set[int]] = {}
    lower = bytes(range(0x41)) + bytes(range(0x61, 0x7B)) + bytes(range(0x5B, 0x100))
    flat = [word for text in shown(words, words.words) for word in text]
    for word, value in zip(flat, words.word_hash.tolist(), strict=True):
        by_word.setdefault(word.translate(lower), set()).add(value)
    assert all(len(values) == 1 for values in by_word.values())
    assert len({value for values in by_word.values() for value in values}) == len(by_word)


def test_a_word_has_the_same_hash_wherever_it_stands() -> None:
    words = read_words(pa.array(["eine alte Mühle", "", "die Mühle die alte"]))
    value = dict(
        zip(["eine", "alte", "Mühle", "die", "Mühle", "die", "alte"], words.word_hash.tolist(), strict=True)
    )
    assert value["Mühle"] == words.word_hash[2] == words.word_hash[4]
    assert hashes_of("Mühle DIE alte").tolist() == [value["Mühle"], words.word_hash[5], value["alte"]]


def test_cores_are_the_words_without_the_punctuation_around_them() -> None:
    words = read_words(pa.array(["«Voilà!» — dit-elle… (l’été) ſeyn, § 3."]))
    assert [c.decode() for c in shown(words, words.cores)[0]] == ["Voilà", "dit-elle", "l’été", "ſeyn", "3"]


def test_ngrams_lie_within_a_text_and_plain_ones_are_the_same_in_all() -> None:
    words = read_words(pa.array(["a b c d", "x", "b c d."]))
    first, own = words.ngrams(3)
    assert first.tolist() == [0, 1, 5]
    assert len(set(own.tolist())) == 3
    first, plain = words.plain_ngrams(3)
    assert plain[1] == plain[2] != plain[0]


@given(st.lists(st.integers(0, 5)))
def test_runs_put_equal_keys_together_in_order(values: list[int]) -> None:
    keys = np.array(values, np.uint64) << np.uint64(50)
    place, first = runs(keys)
    assert sorted(place.tolist()) == list(range(len(values)))
    groups = np.split(place, first[1:]) if len(first) else []
    assert all(len({values[p] for p in group}) == 1 and (np.diff(group) > 0).all() for group in groups)
    assert len(groups) == len(set(values))
