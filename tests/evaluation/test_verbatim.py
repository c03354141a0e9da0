"""What stands word for word in token files, against a search of every place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from octavo.evaluation import verbatim
from octavo.evaluation.verbatim import LEAST, Span, entry_bytes, longest_spans, occurrences
from octavo.progress import Progress
from octavo.tokenization.shards import Shard
from tests.evaluation.writers import BEGIN, END, byte_tokenizer

PIECES = st.sampled_from([b"the old ", b"keeper of ", b"light", b"a", b"\xc3\xa9", b"lorem ipsum dolor"])
TEXT = st.lists(PIECES, max_size=14).map(b"".join)


def entries_of(tokenizer=None):
    return entry_bytes(tokenizer or byte_tokenizer())


def shard(documents, path="a.ds"):
    """Token files of documents, each already in tokens."""
    tokens = np.array([t for document in documents for t in document], np.uint16)
    return Shard(path, tokens, np.cumsum([len(d) for d in documents]).astype(np.uint64))


def spell(text):
    """As the tokenizer of a token a byte has it."""
    of_byte = {entry[0]: token for token, entry in enumerate(entries_of()) if token < BEGIN}
    return [of_byte[byte] for byte in text]


def by_hand(documents, text):
    """The longest span of LEAST bytes or more, and the document that has it first."""
    for length in range(len(text), LEAST - 1, -1):
        spans = {text[at : at + length] for at in range(len(text) - length + 1)}
        for number, document in enumerate(documents):
            if any(span in document for span in spans):
                return length, number
    return None


@given(st.lists(TEXT, min_size=1, max_size=6), st.lists(TEXT, max_size=5), st.integers(3, 40), st.booleans())
@settings(max_examples=150)
def test_spans_are_those_of_a_search_of_every_place(documents, texts, block, marked):
    framed = [[BEGIN, *spell(d), END] if marked else spell(d) for d in documents]
    shards = [shard(framed[:2]), shard(framed[2:], "b.ds")]
    old, verbatim.BLOCK = verbatim.BLOCK, block
    try:
        found = longest_spans(shards, entries_of(), texts, Progress())
    finally:
        verbatim.BLOCK = old
    ends = np.cumsum([len(d) for d in framed])
    for text, span in zip(texts, found, strict=True):
        expected = by_hand(documents, text)
        assert (span is None) == (expected is None)
        if span is not None:
            number = int(np.searchsorted(ends, span.token, side="right"))
            assert (span.length, number) == expected
            place = span.token - (int(ends[number - 1]) if number else 0) - marked
            there = documents[number][place : place + span.length]
            assert there == text[span.start : span.start + span.length]


def test_a_span_reaches_over_no_border():
    documents = [spell(b"the old keeper of "), spell(b"the light in the tower")]
    [span] = longest_spans(
        [shard(documents)], entries_of(), [b"the old keeper of the light in the tower"], Progress()
    )
    assert span == Span(18, 22, 18)


def test_bytes_that_are_no_text_match_no_border():
    documents = [[BEGIN, END] * 40]
    assert longest_spans([shard(documents)], entries_of(), [b"\xff" * 60], Progress()) == [None]


def test_words_that_are_cut_otherwise_are_found_too():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e")]
    vocabulary = {letter: n for n, letter in enumerate([*letters, "th", "the"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    entries = entry_bytes(tokenizer)
    text = "over the hills and the dales"
    [span] = longest_spans([shard([tokenizer.encode(text).ids])], entries, [text[6:].encode()], Progress())
    assert span == Span(0, len(text) - 6, 5)  # begins within the token "the"


def test_entries_of_a_tokenizer_of_characters():
    vocabulary = {"<unk>": 0, "▁the": 1, "é": 2, "<0x0A>": 3}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(["<s>"])
    assert entry_bytes(tokenizer)[1:] == [b" the", "é".encode(), b"\n", b"\xff"]


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=30), min_size=1, max_size=6),
    st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), max_size=8),
    st.integers(1, 9),
    st.integers(1, 5),
)
@settings(max_examples=150)
def test_occurrences_are_those_of_a_search_of_every_place(documents, windows, block, most):
    shards = [shard(documents[:2]), shard(documents[2:], "b.ds")]
    old, verbatim.BLOCK = verbatim.BLOCK, block
    try:
        found = occurrences(shards, np.array(windows, np.int64).reshape(-1, 3), most, Progress())
    finally:
        verbatim.BLOCK = old
    files = [[t for d in part for t in d] for part in (documents[:2], documents[2:])]
    for window, places in zip(windows, found, strict=True):
        expected = [
            first + n
            for first, tokens in zip((0, len(files[0])), files, strict=True)
            for n in range(len(tokens) - 2)
            if tokens[n : n + 3] == window
        ]
        assert places.tolist() == expected[:most]


@pytest.mark.parametrize("length", [LEAST - 1, LEAST])
def test_the_shortest_span_that_counts(length):
    text = b"abcdefghijklmnopqrstuvwxyz"[:length]
    [span] = longest_spans([shard([spell(b"  " + text + b"  ")])], entries_of(), [b"__" + text + b"__"], Progress())
    assert span == (Span(2, length, 2) if length == LEAST else None)
