"""Scores of harmful text: passages, folding, and what a classifier says whatever stands beside a text."""

import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from octavo.curation.code_points import bytes_of
from octavo.curation.toxicity import features as toxicity_features
from octavo.curation.toxicity import scoring as toxicity
from octavo.curation.toxicity.network import FILTERS, VECTOR, WIDTH, answers, fresh, read
from octavo.curation.toxicity.passages import PASSAGE_BYTES, WINDOW_BYTES, passages_of
from octavo.curation.toxicity.scoring import (
    DIMENSIONS,
    OUTPUTS,
    Classifier,
    load_classifier,
    save_classifier,
    score,
    score_passages,
)
from octavo.errors import InputError

TEXTS = st.text(st.sampled_from("ab é.!?\n \t”ſ日"), max_size=600)


@pytest.fixture(scope="module")
def classifier():
    """Weights drawn by lot: scores that mean nothing, and differ for every word."""
    network = fresh(10, OUTPUTS, seed=3)
    return Classifier(network, np.ones(OUTPUTS, np.float32), np.full(OUTPUTS, 2, np.float32), {"of": "a test"})


def cut(text):
    data, offsets = bytes_of(pa.array([text], pa.large_string()))
    return passages_of(data, offsets)


def words(text):
    """The words that the classifier reads."""
    data, _ = bytes_of(pa.array([text], pa.large_string()))
    letters, ends = np.empty(len(data) + 1, np.int64), np.zeros(len(data) + 2, np.int64)
    count = toxicity_features.read_words(data, 0, len(data), letters, ends)
    bounds = [0, *ends[:count]]
    return ["".join(map(chr, letters[a:b])) for a, b in pairwise(bounds)]


@given(TEXTS)
def test_every_character_but_white_space_lies_in_one_passage_and_one_window(text):
    found, encoded = cut(text), text.encode()
    windows = found.windows[:, :2]
    for pieces, most in ((zip(found.start, found.end, strict=True), PASSAGE_BYTES), (windows, WINDOW_BYTES)):
        held, at = "", 0
        for start, end in pieces:
            assert at <= start < end <= start + most
            piece = encoded[start:end].decode()
            assert piece == piece.strip()
            held, at = held + piece, end
        assert "".join(held.split()) == "".join(text.split())
    assert all(found.start[p] <= start and end <= found.end[p] for start, end, p in found.windows)


def test_passages_are_paragraphs_and_long_ones_are_cut_after_a_sentence():
    sentence = "The old man sat in the sun and said nothing for a long while. "
    text = "A line\nof verse.\n\n" + sentence * 40
    found, encoded = cut(text), text.encode()
    passages = [encoded[start:end].decode() for start, end in zip(found.start, found.end, strict=True)]
    assert passages[0] == "A line\nof verse."
    assert len(passages) > 2
    assert all(passage.endswith("while.") for passage in passages[1:])
    assert len(passages[1]) > PASSAGE_BYTES / 2


@pytest.mark.parametrize("end", ["she said.” ", "she said.» ", "(she said.) ", "¡she said! ", "she said? "])
def test_a_sentence_ends_before_what_closes_it(end):
    window = "word " * 30 + end
    found = cut(window + "other " * 60).windows
    assert found[0][1] == len(window.encode()) - 1


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("Idiot", ["idiot"]),
        ("ſcélérat", ["scelerat"]),
        ("i d i o t", ["idiot"]),
        ("i.d.i.o.t!", ["idiot"]),
        ("you a i", ["you", "a", "i"]),
        ("1d10t", ["idiot"]),
        ("idiooooot", ["idiot"]),
        ("id\u200bi\u00adot", ["idiot"]),
        ("ｉｄｉｏｔ 𝐢𝐝𝐢𝐨𝐭", ["idiot", "idiot"]),
        ("іdіоt", ["idiot"]),
        ("$hit b!tch f*ck", ["shit", "bitch", "fck"]),
        ("wait! in 1848, $5 or 3.5%", ["wait", "in", "or"]),
        ("l'homme", ["l", "homme"]),
        ("", []),
    ],
)
def test_ways_to_write_a_word_are_read_as_the_word(written, read_as):
    assert words(written) == read_as


def test_a_word_gives_itself_and_the_sequences_of_its_letters_with_its_ends():
    data, offsets = bytes_of(pa.array(["ab abc ab"], pa.large_string()))
    found = read(data, offsets[:-1], offsets[1:], 20)
    one, two, three = (set(found.buckets[a:b]) for a, b in pairwise(found.words))
    # <ab ab> <ab> ab; of abc: <ab abc bc> <abc abc> <abc> abc
    assert [len(one), len(two)] == [4, 7]
    assert one == three
    assert len(one & two) == 1


def test_the_network_is_a_convolution_with_a_maximum():
    network = fresh(8, 4, seed=1)
    random = np.random.default_rng(0)
    network = network._replace(filter_bias=random.normal(size=FILTERS).astype(np.float32))
    texts = ["the quick brown fox jumps over", "one", "one two"]
    data, offsets = bytes_of(pa.array(texts, pa.large_string()))
    found = answers(network, data, offsets[:-1].copy(), offsets[1:].copy())
    windows = read(data, offsets[:-1], offsets[1:], 8)
    for row in range(len(texts)):
        first, last = windows.windows[row], windows.windows[row + 1]
        vectors = np.zeros((last - first + 2, VECTOR))
        for word in range(first, last):
            buckets = windows.buckets[windows.words[word] : windows.words[word + 1]]
            vectors[word - first + 1] = network.vectors[buckets].sum(axis=0) / np.sqrt(len(buckets))
        three = np.stack([vectors[at : at + WIDTH].ravel() for at in range(last - first)])
        strongest = np.maximum((three @ network.filters + network.filter_bias).max(axis=0), 0)
        expected = strongest @ network.outputs + network.output_bias
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-4)


@given(st.lists(TEXTS, max_size=5), st.integers(0, 5))
def test_a_text_has_the_same_scores_beside_any_others(classifier, texts, at):
    whole = score_passages(pa.array(texts, pa.large_string()), classifier).to_pylist()
    parts = [score_passages(pa.array(part, pa.large_string()), classifier) for part in (texts[:at], texts[at:])]
    alone = [score_passages(pa.array([text], pa.large_string()), classifier)[0].as_py() for text in texts]
    assert whole == [passages for part in parts for passages in part.to_pylist()] == alone


def test_slices_and_nulls_are_read_as_they_stand(classifier):
    texts = pa.array(["nothing", None, " \n", "some words. And more."], pa.large_string())
    found = score_passages(texts.slice(1), classifier).to_pylist()
    assert found[:2] == [[], []]
    assert found[2] == score_passages(texts, classifier)[3].as_py()
    assert all(0 <= found[2][0][name] <= 3 for name in DIMENSIONS)


def test_a_passage_has_the_highest_score_of_its_windows(classifier):
    sentences = [
        f"Here stands the sentence {word} that is long enough to be read alone, " * 3 + "it ends."
        for word in ("one", "two", "three")
    ]
    whole = score(" ".join(sentences), classifier)
    alone = [score(sentence, classifier) for sentence in sentences]
    assert whole == {name: max(scores[name] for scores in alone) for name in DIMENSIONS}
    assert score("", classifier) == dict.fromkeys(DIMENSIONS, 0.0)


def test_the_score_is_the_level_to_expect(classifier):
    shift = np.tile(np.array([50, 0, 50], np.float32), len(DIMENSIONS))  # sure of 1, even of 2, and 3 not above 2
    certain = Classifier(classifier.network, np.zeros(OUTPUTS, np.float32), shift, {})
    assert score("anything", certain) == pytest.approx(dict.fromkeys(DIMENSIONS, 2.0))


def test_a_file_holds_what_was_saved(classifier, tmp_path):
    file = tmp_path / "classifier.safetensors"
    save_classifier(classifier, file)
    loaded = load_classifier(file)
    save_classifier(loaded, tmp_path / "again.safetensors")
    assert loaded.about == {"of": "a test"}
    text = "Some words that are scored. " * 30
    for name, value in score(text, loaded).items():
        assert value == pytest.approx(score(text, classifier)[name], abs=0.05)  # vectors are kept in bytes
    assert score(text, load_classifier(tmp_path / "again.safetensors")) == score(text, loaded)


def damaged(file, metadata, change=lambda held: held):
    held = load_file(file)
    other = file.with_name("damaged.safetensors")
    save_file(change(held), other, metadata)
    return other


def test_a_file_that_is_no_classifier_of_this_version_is_refused(classifier, tmp_path):
    file = tmp_path / "classifier.safetensors"
    save_classifier(classifier, file)
    good = {toxicity.KIND: json.dumps({"version": toxicity.VERSION, "about": {}})}
    cases = [
        (
            {toxicity.KIND: json.dumps({"version": 0, "about": {}})},
            lambda held: held,
            "is of version 0, this octavo reads version 1",
        ),
        ({"format": "pt"}, lambda held: held, "is no classifier"),
        ({toxicity.KIND: "{"}, lambda held: held, "damaged"),
        ({toxicity.KIND: "3"}, lambda held: held, "damaged"),
        (good, lambda held: {name: held[name] for name in held if name != "scale"}, "damaged"),
        (good, lambda held: held | {"outputs": held["outputs"][:, :3].copy()}, "outputs is float32 (96, 3)"),
        (good, lambda held: held | {"shift": held["shift"] * np.nan}, "shift holds what is no number"),
        (good, lambda held: held | {"vectors": held["vectors"][:3].copy()}, "3 vectors, expected a power of two"),
    ]
    for metadata, change, message in cases:
        with pytest.raises(InputError) as caught:
            load_classifier(damaged(file, metadata, change))
        assert message in str(caught.value)
    file.write_bytes(file.read_bytes()[:1000])
    for path, message in ((file, "cannot be read"), (tmp_path / "none.safetensors", "not found")):
        with pytest.raises(InputError, match=message):
            load_classifier(path)
