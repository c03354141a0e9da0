import random
from collections import Counter
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.code_points import bytes_of
from octavo.errors import InputError
from octavo.recipe.schema import Tokenizer as Settings
from octavo.tokenization.entries import SPECIAL_ENTRIES
from octavo.tokenization.merging import NONE, Owners, Text, byte_entries, learn
from octavo.tokenization.sample import balanced_sample
from octavo.tokenization.train import train_tokenizer
from octavo.tokenization.units import units_of

LATIN = st.text("aàſœ ', .\n1½\u0301«", max_size=30)


def sample(texts, lang="en", works=None):
    """Documents as training takes them, each a work of its own unless told."""
    works = works or [f"work {number}" for number in range(len(texts))]
    return pa.table({"text": texts, "lang": [lang] * len(texts), "work": works})


def units(*texts):
    data, offsets = bytes_of(pa.array(texts, pa.large_string()))
    found = units_of(data, offsets)
    pieces = [bytes(data[a:b]).decode() for a, b in zip(found.bounds, found.bounds[1:], strict=False)]
    return pieces, found


def text_of(tokenizer, entry):
    return tokenizer.decode([entry], skip_special_tokens=False)


def learnt(tokenizer):
    """The text of each entry that is neither special nor a byte."""
    return [text_of(tokenizer, n) for n in range(len(SPECIAL_ENTRIES) + 256, tokenizer.get_vocab_size())]


@pytest.fixture(scope="module")
def texts_of_eight_languages():
    return pq.read_table(files("octavo.corpus") / "starter.parquet")["text"].to_pylist()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("the old keeper", ["the", " old", " keeper"]),
        ("l'ami qu'on a", ["l'", "ami", " qu'", "on", " a"]),
        ("dell’arte d’Artagnan", ["dell’", "arte", " d’", "Artagnan"]),
        ("Donaudampfſchiffahrt", ["Donaudampfſchiffahrt"]),
        ("cæſar & œconomia", ["cæſar", " &", " œconomia"]),
        ("q\u0303 p\u0331 eſt", ["q\u0303", " p\u0331", " eſt"]),
        ("Er kam. Dann", ["Er", " kam", ".", " Dann"]),
        ("Ende.\n\nAnfang", ["Ende", ".\n\n", "Anfang"]),
        ("vers\n  vers", ["vers", "\n", "  vers"]),
        ("a   \n b", ["a", "   \n", " b"]),
        ("in 1789, 12345", ["in", " ", "1", "789", ",", " ", "12", "345"]),
        ("| x | y |", ["|", " x", " |", " y", " |"]),
        ("👩‍👩‍👧", ["👩‍👩‍👧"]),
        ("", []),
    ],
)
def test_units_are_those_of_the_eight_languages(text, pieces):
    assert units(text)[0] == pieces


@given(texts=st.lists(st.text(max_size=30), max_size=4))
def test_units_leave_out_nothing_and_cross_no_text(texts):
    pieces, found = units(*texts)
    assert "".join(pieces) == "".join(texts)
    for number, text in enumerate(texts):
        assert "".join(p for p, n in zip(pieces, found.text, strict=True) if n == number) == text


@given(text=st.text("ab1٢½ ,\n", max_size=30))
def test_nothing_reaches_across_where_the_tokenizer_splits_at_digits(any_tokenizer, text):
    pieces, found = units(text)
    rows, row = [], ""
    for piece, closed in zip(pieces, found.closed, strict=True):
        row += piece
        if closed:
            rows, row = [*rows, row], ""
    splits = any_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    assert rows == [text[start:end] for _, (start, end) in splits]


@pytest.fixture(scope="module")
def any_tokenizer(texts_of_eight_languages):
    return train_tokenizer([sample(texts_of_eight_languages)], Settings(vocab_size=2000))


@pytest.fixture(scope="module")
def within_words(texts_of_eight_languages):
    return train_tokenizer([sample(texts_of_eight_languages)], Settings(vocab_size=2000, superwords=0.0))


def test_no_entry_of_the_first_stage_reaches_across_a_unit(within_words):
    assert all(len(units(entry)[0]) == 1 for entry in learnt(within_words) if "\ufffd" not in entry)


@given(text=LATIN)
def test_a_text_is_encoded_as_its_units_are(within_words, text):
    """So the merges of the first stage apply in a whole text as they were learnt."""
    encode = within_words.encode
    whole = encode(text, add_special_tokens=False).ids
    assert whole == [i for piece in units(text)[0] for i in encode(piece, add_special_tokens=False).ids]


def test_entries_over_several_words_are_learnt(any_tokenizer):
    found = [entry for entry in learnt(any_tokenizer) if " " in entry.strip() and entry.strip().count(" ") >= 1]
    assert len(found) > 100
    assert " of the" in found


def test_no_entry_has_text_on_both_sides_of_the_end_of_a_line_or_sentence(any_tokenizer):
    for entry in learnt(any_tokenizer):
        inner = entry.strip("\r\n.!?;:")
        assert not set(inner) & set("\r\n.!?;:"), entry
        assert entry.startswith(inner) or entry.endswith(inner), entry
    assert any(entry.endswith(".\n\n") for entry in learnt(any_tokenizer))


def test_an_entry_has_no_more_spaces_than_the_recipe_says(texts_of_eight_languages):
    tokenizer = train_tokenizer([sample(texts_of_eight_languages)], Settings(vocab_size=3000, superword_spaces=2))
    assert max(entry.count(" ") for entry in learnt(tokenizer) if entry.strip()) == 2


def test_every_entry_is_whole_characters_or_the_beginning_of_one(texts_of_eight_languages):
    texts = [*texts_of_eight_languages, "日本語の文章。東京都。" * 9, "東京の日本語、本日。" * 9]
    tokenizer = train_tokenizer([sample(texts)], Settings(vocab_size=3000))
    for entry in learnt(tokenizer):
        assert entry == "\ufffd" or "\ufffd" not in entry


def test_what_only_one_work_says_is_no_entry():
    texts = ["the sea and the shore, Sinbad! " * 20, "the sea and the shore, Sinbad! " * 20]
    one = train_tokenizer([sample([*texts, "the sea and the shore " * 9], works=["a", "a", "b"])], few(12))
    two = train_tokenizer([sample([*texts, "the sea and the shore " * 9])], few(24))
    assert not any("S" in entry for entry in learnt(one))
    assert any("S" in entry for entry in learnt(two))


def few(entries):
    """Settings for so few entries that the recipe would not take them."""
    return Settings.model_construct(**{**dict(Settings()), "vocab_size": len(SPECIAL_ENTRIES) + 256 + entries})


@given(words=st.lists(st.text("abc", min_size=1, max_size=8), min_size=2, max_size=12), wanted=st.integers(1, 30))
def test_learning_is_byte_pair_encoding(words, wanted):
    """The same merges as counting all pairs anew after each."""
    data = b"".join(word.encode() for word in words)
    lengths = np.array([len(word) for word in words])
    following = np.arange(1, len(data) + 1, dtype=np.int32)
    following[np.cumsum(lengths) - 1] = NONE
    owner = np.repeat(np.arange(len(words), dtype=np.int32), lengths)
    text = Text(np.frombuffer(data, np.uint8).astype(np.int32), following, owner)
    owners = Owners(
        np.arange(1, len(words) + 1, dtype=np.int64), np.tile(np.array([0, 1], np.int32), (len(words), 1))
    )
    merges = learn(text, owners, byte_entries(256 + wanted), 256, 256 + wanted, 9)
    rows, names, expected = [list(word) for word in words], {}, []
    for number in range(256):
        names[chr(number)] = number
    while len(names) < 256 + wanted:
        counts = Counter()
        for weight, row in enumerate(rows, 1):
            for pair in pairwise(row):
                counts[pair] += weight
        if not counts:
            break
        left, right = min(counts, key=lambda p: (-counts[p], names[p[0]] << 32 | names[p[1]]))
        names.setdefault(left + right, len(names))
        expected.append((names[left], names[right], names[left + right]))
        rows = [_merged(row, left, right) for row in rows]
    assert merges.tolist() == [list(merge) for merge in expected]


def _merged(row, left, right):
    found, at = [], 0
    while at < len(row):
        both = row[at : at + 2] == [left, right]
        found.append(left + right if both else row[at])
        at += 1 + both
    return found


def test_training_depends_neither_on_the_order_of_the_documents_nor_on_batches(texts_of_eight_languages):
    texts = list(texts_of_eight_languages[:60])
    first = train_tokenizer([sample(texts, works=texts)], Settings(vocab_size=1000)).to_str()
    random.Random(1).shuffle(texts)
    parts = [sample(texts[:7], works=texts[:7]), sample(texts[7:], works=texts[7:])]
    assert train_tokenizer(parts, Settings(vocab_size=1000)).to_str() == first


def test_a_language_counts_as_much_as_another_that_has_more_text():
    dutch, latin = "zee en schepen " * 30, "mare navis " * 10
    table = pa.table({"text": [dutch, dutch, latin, latin], "lang": ["nl", "nl", "la", "la"], "work": list("abcd")})
    alike = learnt(train_tokenizer([table], few(4)))
    more = learnt(train_tokenizer([table], few(4).model_copy(update={"languages": {"nl": 9.0, "la": 1.0}})))
    assert all(set(entry) <= set(" marenvis") for entry in alike)
    assert all(set(entry) <= set(" zeenschp") for entry in more)


def test_id_65535_stays_unused():
    lot = random.Random(1789)
    text = " ".join("".join(lot.choices("etaoinshrdlu", k=9)) for _ in range(60_000))
    tokenizer = train_tokenizer([sample([text, text])], Settings(vocab_size=65_536))
    assert tokenizer.get_vocab_size() == 65_535
    assert tokenizer.id_to_token(65_535) is None
    assert train_tokenizer([sample([text, text])], Settings(vocab_size=65_537)).get_vocab_size() == 65_537


def test_a_sample_too_small_for_the_vocabulary_is_refused_with_what_it_gives():
    with pytest.raises(InputError, match=r"tokenizer.vocab_size: found 5000, expected at most \d+"):
        train_tokenizer([sample(["a short text, a short text"] * 2)], Settings(vocab_size=5000))


def test_a_sample_without_text_is_refused():
    with pytest.raises(InputError, match="tokenizer: found no training text"):
        train_tokenizer([], Settings())


@pytest.fixture
def kept(tmp_path):
    """A part of a corpus: much verse and little law in English, some Dutch, and a held-out document."""

    def write(rows):
        columns = ("identifier", "text", "lang", "collection", "century", "split", "content_hash")
        table = pa.table(
            {name: list(column) for name, column in zip(columns, zip(*rows, strict=True), strict=True)}
        )
        pq.write_table(
            table.cast(pa.schema([f.with_type(large(f.type)) for f in table.schema])), tmp_path / "k.parquet"
        )
        return [tmp_path / "k.parquet"]

    return write


def large(kind):
    return pa.large_string() if kind == pa.string() else kind


def rows(count, lang, collection, split="train"):
    lot = random.Random(f"{lang}{collection}")
    return [
        (
            f"{lang}/{collection}#{n}",
            f"{n:05d} {lang} text",
            lang,
            collection,
            19,
            split,
            f"{lot.getrandbits(64):016x}",
        )
        for n in range(count)
    ]


def drawn(tables):
    return Counter((row["lang"], row["work"]) for table in tables for row in table.to_pylist())


def test_each_language_and_within_it_each_collection_has_its_part(kept):
    corpus = kept([*rows(1000, "en", "verse"), *rows(100, "en", "law"), *rows(400, "nl", "verse")])
    found = drawn(balanced_sample(corpus, Settings(sample_bytes=400 * 13)))
    assert found["en", "en/law"] == 100
    assert 70 < found["en", "en/verse"] < 130
    assert 160 < found["nl", "nl/verse"] < 240
    sole = drawn(balanced_sample(corpus, Settings(sample_bytes=400 * 13, balance=[])))
    assert 5 < sole["en", "en/law"] < 35


def test_the_sample_leaves_out_what_is_held_out(kept):
    corpus = kept([*rows(10, "en", "verse"), *rows(10, "en", "prose", "held-out")])
    assert drawn(balanced_sample(corpus, Settings())) == {("en", "en/verse"): 10}


def test_a_language_that_the_recipe_names_and_the_corpus_lacks_is_told(kept):
    corpus = kept(rows(10, "en", "verse"))
    with pytest.raises(InputError, match=r"tokenizer.languages: found no training text in la, expected .* has en"):
        list(balanced_sample(corpus, Settings(languages={"en": 1.0, "la": 1.0})))


def test_a_text_that_is_no_utf_8_is_told(kept, tmp_path):
    (path,) = kept(rows(2, "en", "verse"))
    table = pq.read_table(path)
    broken = pa.array([b"\xff\xfe", b"fine"], pa.large_binary()).view(pa.large_string())
    pq.write_table(table.set_column(1, "text", broken), path)
    with pytest.raises(InputError, match=r"k.parquet: found a text that is not valid UTF-8"):
        list(balanced_sample([path], Settings()))
