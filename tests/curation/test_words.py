"""A batch of texts as arrays, checked against plain Python over each text alone."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from octavo.compiled import are_among, came_before, spread
from octavo.curation.words import Spans, Words, hashes_of, read_words

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
def test_hashes_are_equal_exactly_where_the_words_are_but_for_ascii_case_and_u_v_and_i_j(
    batch: list[str | None],
) -> None:
    batch = [encodable(text) for text in batch]
    words = read_words(pa.array(batch, pa.large_string()))
    by_word: dict[bytes, set[int]] = {}
    lower = (bytes(range(0x41)) + bytes(range(0x61, 0x7B)) + bytes(range(0x5B, 0x100))).translate(
        bytes.maketrans(b"VvJj", b"uuii")
    )
    flat = [word for text in shown(words, words.words) for word in text]
    for word, value in zip(flat, words.words.hash.tolist(), strict=True):
        by_word.setdefault(word.translate(lower), set()).add(value)
    assert all(len(values) == 1 for values in by_word.values())
    assert len({value for values in by_word.values() for value in values}) == len(by_word)


def test_a_word_has_the_same_hash_wherever_it_stands() -> None:
    words = read_words(pa.array(["eine alte Mühle", "", "die Mühle die alte"]))
    value = dict(
        zip(["eine", "alte", "Mühle", "die", "Mühle", "die", "alte"], words.words.hash.tolist(), strict=True)
    )
    assert value["Mühle"] == words.words.hash[2] == words.words.hash[4]
    assert hashes_of("Mühle DIE alte").tolist() == [value["Mühle"], words.words.hash[5], value["alte"]]


def test_cores_are_the_words_without_the_punctuation_around_them() -> None:
    words = read_words(pa.array(["«Voilà!» — dit-elle… (l’été) ſeyn, § 3."]))
    assert [c.decode() for c in shown(words, words.cores)[0]] == ["Voilà", "dit-elle", "l’été", "ſeyn", "3"]


def test_ngrams_lie_within_a_text_and_have_the_same_hash_in_all() -> None:
    words = read_words(pa.array(["a b c d", "x", "b c d."]))
    first, plain = words.plain_ngrams(3)
    assert first.tolist() == [0, 1, 5]
    assert plain[1] == plain[2] != plain[0]


@given(st.lists(st.lists(st.integers(0, 5), max_size=40), max_size=4))
def test_what_came_before_in_its_text_is_told(values: list[list[int]]) -> None:
    hashes = np.array([spread(np.uint64(v)) for text in values for v in text], np.uint64)
    bounds = np.cumsum([0, *map(len, values)])
    expected = [value in text[:place] for text in values for place, value in enumerate(text)]
    assert came_before(hashes, bounds).tolist() == expected
    few = np.array([spread(np.uint64(v)) for v in (2, 3)], np.uint64)
    assert are_among(hashes, few).tolist() == [v in (2, 3) for text in values for v in text]
