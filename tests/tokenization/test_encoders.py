"""The ids of every encoder are those of Hugging Face's tokenizers, whatever the text and the tokenizer."""

import json
from functools import cache
from importlib import resources
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from octavo.tokenization import encoders
from octavo.tokenization.encoders import Encoder, fastest_encoder, reference_encoder
from octavo.tokenization.superword_encoder import LONGEST, superword_encoder
from octavo.tokenization.train import SPLITS

QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
ELISION = (
    r"\p{L}+['’]|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEXTS = pq.read_table(resources.files("octavo.corpus") / "starter.parquet", columns=["text"])["text"].to_pylist()
LETTERS = st.characters(exclude_categories=["Cs"])
PIECES = st.one_of(
    LETTERS,
    st.sampled_from(
        ["'s", "'ſ", "'S", "l'", "qu’", " of the", " de la", "\r\n", "  ", "e\u0301", "ﬁ", "1789", "½", "٣"]
    ),
    st.sampled_from(["<|end_of_text|>", " the", "ſch", "\n\n", ". ", ", and", "👩‍👩‍👧", "שלום", "\x00", "a" * 40]),
)
ANY_TEXT = st.lists(PIECES, max_size=60).map("".join)


def trained(splits: tuple[str, ...], words_first: bool = False) -> Tokenizer:
    """A tokenizer of 2,000 entries of the starter texts; with `words_first`, of 1,000 within words and some over them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.decoder = decoders.ByteLevel()
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)

    def split(patterns: tuple[str, ...]) -> pre_tokenizers.PreTokenizer:
        return pre_tokenizers.Sequence(
            [*(pre_tokenizers.Split(Regex(p), "isolated") for p in patterns), byte_level]
        )

    trainer = trainers.BpeTrainer(
        vocab_size=1000 if words_first else 2000,
        special_tokens=["<|pad|>", "<|begin_of_text|>", "<|end_of_text|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.pre_tokenizer = split((QWEN,) if words_first else splits)
    tokenizer.train_from_iterator(TEXTS, trainer)
    if words_first:
        tokenizer = with_superwords(tokenizer, 400)
        tokenizer.pre_tokenizer = split(splits)
    tokenizer.encode_special_tokens = True
    return tokenizer


def with_superwords(tokenizer: Tokenizer, count: int) -> Tokenizer:
    """The same with the commonest pairs of neighbouring tokens as entries, over words and over entries so made."""
    content = json.loads(tokenizer.to_str())
    model = content["model"]
    names = {number: name for name, number in model["vocab"].items()}
    rows = [
        encoded.ids for encoded in tokenizer.encode_batch([t[:2000] for t in TEXTS[::6]], add_special_tokens=False)
    ]
    for _ in range(count // 100):
        pairs: dict[tuple[int, int], int] = {}
        for row in rows:
            for pair in pairwise(row):
                pairs[pair] = pairs.get(pair, 0) + 1
        for left, right in sorted(pairs, key=lambda p: (-pairs[p], p))[:100]:
            made = names[left] + names[right]
            number = model["vocab"].setdefault(made, len(names))
            names[number] = made
            if [names[left], names[right]] not in model["merges"]:
                model["merges"].append([names[left], names[right]])
        tokenizer = Tokenizer.from_str(json.dumps(content))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        rows = [
            encoded.ids
            for encoded in tokenizer.encode_batch([t[:2000] for t in TEXTS[::6]], add_special_tokens=False)
        ]
    return tokenizer


KINDS = {
    "of Qwen's split": ((QWEN,), False),
    "of a split of nobody's": ((ELISION,), False),
    "of superwords": (SPLITS, True),
    "of pages": (SPLITS, False),
}


@cache
def tokenizer_of(kind: str) -> Tokenizer:
    return trained(*KINDS[kind])


@cache
def encoder_of(kind: str) -> Encoder:
    return fastest_encoder(tokenizer_of(kind), TEXTS[:5])


def test_a_fast_encoder_is_found_for_each_kind_of_split():
    assert encoder_of("of Qwen's split").name.endswith(", regular expressions")  # by heart it overlooks 'ſ
    assert encoder_of("of a split of nobody's").name.startswith("fastokens ")
    assert encoder_of("of superwords").name == "octavo"
    assert encoder_of("of pages").name == "octavo"


@pytest.mark.parametrize("kind", KINDS)
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=5))
@example(texts=["", "", ""])
@example(texts=["'ſo 's 'S"])
@example(texts=["1", "12", "123", "1234", "1234567", "½123½", "12٣456", "a1b22c333"])
@example(texts=["a" * 5000, " " * 5000, "\n" * 3000, "ab" * 4000, "9" * 5000, " of the" * 2000])
def test_any_texts_have_the_ids_of_the_reference(kind, texts):
    expected = reference_encoder(tokenizer_of(kind)).encode(texts)
    assert [ids.tolist() for ids in encoder_of(kind).encode(texts)] == [ids.tolist() for ids in expected]


@pytest.mark.parametrize("kind", KINDS)
def test_real_texts_have_the_ids_of_the_reference_and_come_back_from_them(kind):
    expected = reference_encoder(tokenizer_of(kind)).encode(TEXTS)
    for text, ids, theirs in zip(TEXTS, encoder_of(kind).encode(TEXTS), expected, strict=True):
        assert ids.dtype == np.uint32
        assert ids.tolist() == theirs.tolist()
        assert tokenizer_of(kind).decode(ids.tolist(), skip_special_tokens=False) == text


def test_many_threads_at_once_do_not_disturb_one_another():
    from concurrent.futures import ThreadPoolExecutor

    for kind in ("of a split of nobody's", "of superwords"):
        encode = encoder_of(kind).encode
        expected = [ids.tolist() for ids in encode(TEXTS)]
        with ThreadPoolExecutor(4) as pool:
            for found in pool.map(encode, [TEXTS] * 8):
                assert [ids.tolist() for ids in found] == expected


def test_an_encoder_that_gives_other_ids_is_refused_and_the_reference_says_why(monkeypatch):
    monkeypatch.setattr(
        encoders, "_fastokens", lambda content, reference: lambda texts: [ids + 1 for ids in reference(texts)]
    )
    tokenizer = tokenizer_of("of a split of nobody's")
    encoder = fastest_encoder(tokenizer, ["a text"])
    assert encoder.name.startswith("tokenizers ")
    assert "gives other ids, first on " in encoder.refused
    assert encoder.encode(["a text"])[0].tolist() == tokenizer.encode("a text", add_special_tokens=False).ids


def test_a_difference_on_the_corpus_alone_is_enough(monkeypatch):
    text = "the one text that it reads in another way"

    def wrong(content, reference):
        return lambda texts: [
            ids[:-1] if t == text else ids for t, ids in zip(texts, reference(texts), strict=True)
        ]

    monkeypatch.setattr(encoders, "_fastokens", wrong)
    tokenizer = tokenizer_of("of a split of nobody's")
    assert fastest_encoder(tokenizer, ["another"]).refused is None
    assert f"first on {text!r}" in fastest_encoder(tokenizer, ["another", text]).refused


def test_a_tokenizer_that_no_fast_encoder_reads_is_left_to_the_reference():
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    encoder = fastest_encoder(tokenizer, ["a b"])
    assert encoder.encode(["a b a"])[0].tolist() == [0, 1, 0]


def test_a_tokenizer_that_does_more_than_split_is_not_encoded_as_if_it_did_not():
    """A normaliser, an entry that stands for itself: octavo's own encoder leaves them to others."""
    tokenizer = Tokenizer.from_str(tokenizer_of("of superwords").to_str())
    tokenizer.encode_special_tokens = True
    tokenizer.normalizer = normalizers.NFC()
    decomposed = "e\u0301te\u0301 of the"
    assert fastest_encoder(tokenizer, []).name != "octavo"
    assert fastest_encoder(tokenizer, []).encode([decomposed])[0].tolist() == tokenizer.encode(decomposed).ids
    tokenizer = Tokenizer.from_str(tokenizer_of("of superwords").to_str())
    tokenizer.encode_special_tokens = True
    tokenizer.add_tokens([AddedToken("[page]")])
    encoder = fastest_encoder(tokenizer, [])
    assert encoder.name != "octavo"
    assert encoder.encode(["a [page] of the"])[0].tolist() == tokenizer.encode("a [page] of the").ids


def test_a_text_that_a_fast_encoder_gives_up_on_is_left_to_the_reference(monkeypatch):
    """Regular expressions end so on some very long runs."""
    tokenizer = tokenizer_of("of a split of nobody's")
    fast = encoders.fastokens.Tokenizer.from_json_str(tokenizer.to_str())

    class GivesUp:
        @staticmethod
        def from_json_str(content):
            return GivesUp()

        def encode_batch_flat(self, texts, **settings):
            if "7" * 20 in "|".join(texts):
                raise ValueError("JIT stack limit reached")
            return fast.encode_batch_flat(texts, **settings)

    monkeypatch.setattr(encoders.fastokens, "Tokenizer", GivesUp)
    texts = ["of the", "7" * 100, "und die"]
    encoder = fastest_encoder(tokenizer, texts)
    assert encoder.name.startswith("fastokens ")
    expected = reference_encoder(tokenizer).encode(texts)
    assert [ids.tolist() for ids in encoder.encode(texts)] == [ids.tolist() for ids in expected]


@given(text=st.text("abcdx y1", max_size=40))
@example("abcd")
@example("x abcdabcx yabcd")
def test_merges_whose_ranks_are_in_no_order_are_followed_as_they_are_ranked(text):
    """Here "abcd" is made by a merge that stands before the one which makes its beginning."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("ab", "c"), ("abc", "d"), ("x", "Ġ"), ("xĠ", "y"), ("a", "b"), ("Ġ", "a"), ("d", "ab"), ("b", "c")]
    vocab = {entry: n for n, entry in enumerate([*letters, *(left + right for left, right in merges)])}
    tokenizer = Tokenizer(models.BPE(vocab, merges))
    tokenizer.pre_tokenizer = tokenizer_of("of pages").pre_tokenizer
    encode = superword_encoder(json.loads(tokenizer.to_str()), reference_encoder(tokenizer).encode)
    assert encode([text])[0].tolist() == tokenizer.encode(text).ids


def test_runs_without_end_are_left_to_the_reference_by_octavos_encoder():
    tokenizer = tokenizer_of("of superwords")
    texts = ["e" * (LONGEST + 1), "e" * LONGEST, " the" * LONGEST, "e" * 10]
    expected = reference_encoder(tokenizer).encode(texts)
    assert [ids.tolist() for ids in encoder_of("of superwords").encode(texts)] == [ids.tolist() for ids in expected]
