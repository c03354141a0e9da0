"""A trace index must find what a scan of the texts finds, whatever the texts are."""

import random
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.tracing.asked import ask
from octavo.tracing.index.composing import composed_documents
from octavo.tracing.index.suffix_search import longest, occurrences
from octavo.tracing.index.suffixes import DEPTH, sort_suffixes
from octavo.tracing.index.text import classes, count_words, slot_of, spell_documents, write_documents

WORD = re.compile(r"[^\W_]+")
BYTES = np.arange(256, dtype=np.uint8), np.arange(257, dtype=np.int64)
"""A vocabulary whose entries are the bytes."""


def as_indexed(text):
    """A text as the index is to have it, by other means."""
    return re.sub(r"\s+", lambda gap: "\n" if "\n" in gap[0] else " ", text.strip())


def index_of(texts):
    return index_of_bytes([text.encode() for text in texts])


def index_of_bytes(raw):
    bounds = np.cumsum([0, *map(len, raw)]).astype(np.int64)
    tokens = np.frombuffer(b"".join(raw), np.uint8).astype(np.int64)
    text, starts = np.empty(len(tokens) + len(raw), np.uint8), np.empty(len(tokens) + 1, np.uint32)
    documents = composed_documents(*spell_documents(tokens, bounds[:-1], bounds[1:], *BYTES))
    begins, end, words = write_documents(*documents, classes(), text, 0, starts)
    return text[:end], starts[:words], begins


def words_of(text):
    """Where words begin and end, in characters."""
    return [match.span() for match in re.finditer(r"[^\W_]+", text)]


def stands(stretch, texts):
    """How often a stretch of whole words stands in texts, spaces and line breaks alike."""
    pattern = r"(?<![^\W_])" + re.escape(stretch.replace("\n", " ")) + r"(?![^\W_])"
    return sum(len(re.findall(f"(?={pattern})", text.replace("\n", " "))) for text in texts)


pieces = st.text(st.sampled_from("ab é\n ſ.,'—ß1"), max_size=60)


@settings(max_examples=60)
@given(st.lists(pieces, min_size=1, max_size=6), pieces)
def test_the_longest_stretches_and_their_places_are_those_of_a_scan(texts, asked):
    text, starts, _ = index_of(texts)
    suffixes = sort_suffixes(text, starts)
    plain = [as_indexed(one) for one in texts]
    question, ours = as_indexed(asked), ask(asked)
    words = words_of(question)
    assert bytes(ours.text).decode() == question
    assert [len(question[:first].encode()) for first, _ in words] == ours.starts.tolist()
    assert [len(question[:last].encode()) for _, last in words] == ours.ends.tolist()
    found = longest(text, suffixes, classes(), ours.text, ours.starts, ours.ends)
    for first, length in enumerate(found.tolist()):
        own = [stands(question[words[first][0] : words[last][1]], plain) for last in range(first, len(words))]
        assert length == sum(1 for count in own if count)  # none is found past the first that is not
        for last, count in enumerate(own[:length], first):
            places = occurrences(text, suffixes, classes(), ours.text, ours.starts[first], ours.ends[last])
            assert len(places) == count


@settings(max_examples=40)
@given(st.lists(pieces, min_size=1, max_size=6))
def test_words_are_sorted_by_what_follows_them_and_counted(texts):
    text, starts, begins = index_of(texts)
    plain = [as_indexed(one) for one in texts]
    assert bytes(text).decode() == "".join(f"{one}\0" for one in plain)
    assert begins.tolist() == [0, *np.cumsum([len(one.encode()) + 1 for one in plain])[:-1]]
    suffixes = sort_suffixes(text, starts)
    assert sorted(suffixes.tolist()) == starts.tolist()
    following = [bytes(text[at:]).split(b"\0")[0].replace(b"\n", b" ") for at in suffixes]
    assert following == sorted(following)
    counts = count_words(text, starts, classes(), 1 << 16)
    for word in {one[first:last] for one in plain for first, last in words_of(one)}:
        raw = np.frombuffer(word.encode(), np.uint8)
        assert counts[slot_of(raw, 0, len(raw), 1 << 16)] == stands(word, plain)


@pytest.mark.parametrize("copies", [1, 2, 40])
def test_stretches_longer_than_what_is_sorted_by_are_told_apart(copies):
    passage = " ".join(f"word{n % 7}" for n in range(1000))
    assert len(passage) > 3 * DEPTH
    texts = [f"{passage} end{n}" for n in range(copies)]
    text, starts, _ = index_of(texts)
    suffixes = sort_suffixes(text, starts)
    asked = ask(f"before {passage} end{copies - 1} after")
    found = longest(text, suffixes, classes(), asked.text, asked.starts, asked.ends)
    assert found[:3].tolist() == [0, 1001, 1000]
    whole = occurrences(text, suffixes, classes(), asked.text, asked.starts[1], asked.ends[1001])
    assert len(whole) == 1
    assert len(occurrences(text, suffixes, classes(), asked.text, asked.starts[1], asked.ends[1000])) == copies


def alike(kind):
    """Texts that have much in common, as no other text has."""
    draw = random.Random(kind)
    words = [*"ab", "é", "x" * 1500, "x" * 1499 + "y"]
    base = " ".join(draw.choice(words[:3]) for _ in range(1500))
    return {
        "one word again and again": [" ".join(["a"] * size) for size in (3000, 700, 2999, 1)],
        "a few words again and again": ["a é\nb a " * 700 + end for end in ("a", "", "é")],
        "copies, with ends of their own": [
            base[draw.randrange(900) :] + end for end in ("", " end", " e", ".", "")
        ],
        "a text twice in one document": [base[:1700] + mark + base for mark in "q. "],
        "long words": [f"{draw.choice(words)} {draw.choice(words)}" for _ in range(12)],
    }[kind]


KINDS = (
    "one word again and again",
    "a few words again and again",
    "copies, with ends of their own",
    "a text twice in one document",
    "long words",
)


@pytest.mark.parametrize("kind", KINDS)
def test_texts_that_are_alike_for_long_are_sorted_to_their_ends(kind):
    text, starts, _ = index_of(alike(kind))
    plain = bytes(text).replace(b"\n", b" ")
    following = [(plain[at : plain.index(b"\0", at)], at) for at in sort_suffixes(text, starts).tolist()]
    assert following == sorted(following)  # those that are equal by their places


def test_a_text_of_one_word_is_looked_up_in_others_of_that_word():
    text, starts, _ = index_of([f"{'0 ' * 3000}end{n}" for n in range(60)])
    suffixes, asked = sort_suffixes(text, starts), ask("0 " * 3500 + "and " + "0 " * 10 + "end7")
    found = longest(text, suffixes, classes(), asked.text, asked.starts, asked.ends)
    assert found[:3500].tolist() == [min(3000, 3500 - word) for word in range(3500)]
    assert found[3500:].tolist() == [0, *range(11, 0, -1)]


def test_words_that_others_begin_with_are_no_words_of_the_text():
    texts = [f"the{one}{two} rest" for one in "abcdefghijklmnopqrstuvwxyz" for two in "aeiou"]
    asked = ask("the " * 500)
    for more, there in (([], 0), (["—the—"], 1), (["the\u4e00"], 1), (["the²"], 0)):
        text, starts, _ = index_of(texts + more)
        found = longest(text, sort_suffixes(text, starts), classes(), asked.text, asked.starts, asked.ends)
        assert set(found.tolist()) == {there}


@pytest.mark.parametrize(
    ("there", "here"), [("un mot¹ dit", "un mot» dit"), ("un motⱥ", "un mot“"), ("abcé", "abc×")]
)
def test_a_word_that_goes_on_with_a_letter_of_the_same_first_byte_is_another_word(there, here):
    text, starts, _ = index_of([there])
    asked = ask(here)
    found = longest(text, sort_suffixes(text, starts), classes(), asked.text, asked.starts, asked.ends)
    assert found.tolist() == ([1, 0, 1][: len(found)] if there.startswith("un") else [0])


def test_nothing_is_found_across_a_special_entry():
    text, starts, _ = index_of_bytes([b"\xff\xff\n one two\xffthree four \xff"])
    assert bytes(text) == b"one two\xffthree four\0"
    suffixes = sort_suffixes(text, starts)
    for asked, expected in ((ask("one two three four"), [2, 1, 2, 1]), (ask("two\u00ffthree"), [0])):
        found = longest(text, suffixes, classes(), asked.text, asked.starts, asked.ends)
        assert found.tolist() == expected


def test_syllables_in_parts_and_marks_without_end_are_composed():
    korean = "이것은 한국어 문장 입니다"
    assert bytes(ask(unicodedata.normalize("NFD", korean)).text).decode() == korean
    marks = "a" + "\u0301\u0316" * 50_000
    asked = ask(f"b {marks} c")
    assert [asked.place(word, word + 1) for word in (0, 1, 2)] == [(0, 1), (2, 100_003), (100_004, 100_005)]


@given(st.text(st.sampled_from("e\u0301\u0327o\u0308 \n\t\u00a0😀ſx.\ud800"), max_size=40))
def test_what_is_found_is_told_where_the_given_text_has_it(text):
    asked = ask(text)
    for first in range(len(asked.starts)):
        for last in range(first + 1, len(asked.starts) + 1):
            start, end = asked.place(first, last)
            own = bytes(asked.text[asked.starts[first] : asked.ends[last - 1]]).decode()
            given_text = unicodedata.normalize("NFC", text[start:end]).encode("utf-8", "replace").decode()
            assert as_indexed(given_text) == own


def test_bytes_that_are_no_utf_8_are_no_words_and_end_nothing():
    raw = b"good \xff\xc3 \xe2\x82 \xf8\x80\xe0\x80\xa0\xf0\x80\x80\xa0 words\xc3"
    text, starts, _ = index_of_bytes([raw])
    assert bytes(text) == raw + b"\0"
    assert [bytes(text[at : at + 4]) for at in starts] == [b"good", b"word"]


@given(st.lists(st.text(st.sampled_from("aé\n ſöñ각.\u0327"), max_size=40), min_size=1, max_size=5))
def test_documents_that_nothing_composed_are_indexed_as_composed_ones(texts):
    apart, together = (index_of([unicodedata.normalize(form, text) for text in texts]) for form in ("NFD", "NFC"))
    for one, other in zip(apart, together, strict=True):
        assert one.tolist() == other.tolist()


def test_a_document_with_marks_without_end_is_composed_as_what_is_asked_is():
    text = "cafe\u0301 a" + "\u0301\u0316" * 50_000 + " end"
    indexed, _, _ = index_of([text])
    assert bytes(indexed[:-1]) == bytes(ask(text).text)


def test_what_is_no_utf_8_in_a_document_stays_while_the_rest_is_composed():
    indexed, _, _ = index_of_bytes([b"one", b"cafe\xcc\x81 \xff\xed\xa0\x80 e\xcc", b"two"])
    assert bytes(indexed) == "one\0café ".encode() + b"\xff\xed\xa0\x80 e\xcc\0two\0"
