import json
import lzma
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from octavo.evaluation import bits_per_byte, scoring
from octavo.evaluation.bits_per_byte import Floors, difference, measure, unigram_bits, xz_bits
from octavo.evaluation.held_out_text import Text, read_kept
from octavo.evaluation.scoring import text_bits, total_bits, windows
from octavo.modeling.hf import save_hf
from octavo.progress import Progress
from octavo.tokenization.shards import open_shards
from tests.evaluation.writers import BEGIN, END, untrained


@given(st.integers(1, 300), st.integers(1, 64))
def test_the_windows_predict_every_token_once_in_order(length, context):
    ids = list(range(length + 1))
    rows = list(windows(ids, context))
    assert [t for row in rows for t in row.tokens[row.first :]] == ids[1:]
    assert all(len(row.tokens) <= context + 1 and row.first >= 1 for row in rows)


@given(st.integers(100, 300), st.integers(8, 64))
def test_after_the_first_window_at_least_half_a_context_stands_before_each_token(length, context):
    for number, row in enumerate(windows(list(range(length)), context)):
        assert number == 0 or row.first >= context - context // 2


def test_bits_are_those_of_the_chain_rule():
    """A text within the context: minus the logarithm of its probability, token by token."""
    model = untrained(64).model
    texts = [[5, 6, 7, 8], [], [9], [3, 4, 5, 6, 7, 8, 9, 10]]
    expected = []
    with torch.no_grad():
        for ids in texts:
            scores = model(torch.tensor([[BEGIN, *ids]]))[0].double().log_softmax(-1)
            expected.append(-sum(float(scores[n, token]) for n, token in enumerate(ids)) / math.log(2))
    assert text_bits(model, texts, BEGIN) == pytest.approx(expected, rel=1e-5)


def test_bits_are_the_same_to_a_millionth_whatever_the_batch(monkeypatch):
    model = untrained(16).model
    generator = np.random.default_rng(1)
    texts = [generator.integers(3, 250, size).tolist() for size in (0, 1, 15, 16, 17, 40, 100, 3)]
    alone = [float(text_bits(model, [text], BEGIN)[0]) for text in texts]
    for size in (1, 50, 8192):
        monkeypatch.setattr(scoring, "_BATCH_TOKENS", size)
        assert text_bits(model, texts, BEGIN) == pytest.approx(alone, rel=1e-6)
    rows = [row for text in texts for row in windows([BEGIN, *text], 16)]
    assert total_bits(model, rows, bfloat16=False) == pytest.approx(sum(alone), rel=1e-6)


def their_bits(model, ids, context):
    """A text by transformers, as its guide to perplexity reads long texts: windows that move on by half a context."""
    nats, before = 0.0, 1
    for start in range(0, len(ids), context // 2):
        row = torch.tensor([ids[start : start + context + 1]])
        counted = start + row.shape[1]
        labels = row.clone()
        labels[:, : before - start] = -100
        with torch.no_grad():
            logits = model(row[:, :-1]).logits.double()
        nats += float(torch.nn.functional.cross_entropy(logits[0], labels[0, 1:], reduction="sum"))
        before = counted
        if counted >= len(ids):
            break
    return nats / math.log(2)


def test_bits_per_byte_are_those_of_transformers(tmp_path):
    speaker = untrained(48)
    save_hf(speaker.model, tmp_path, BEGIN, END, torch.float32)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    texts = ["Kurz.", "Vnd alſo fuhr er dahin, über das waſſer. " * 5]
    ours = text_bits(speaker.model, speaker.encode(texts), BEGIN)
    for text, ids, bits in zip(texts, speaker.encode(texts), ours, strict=True):
        size = len(text.encode())
        assert bits / size == pytest.approx(their_bits(theirs, [BEGIN, *ids], 48) / size, abs=1e-4)


def held_out(counts):
    """Texts of so many works of each language, the works of two centuries."""
    return [
        Text(
            f"{lang}{n}#1", f"{lang}{n}", lang, 17 + n % 2, "books", "a.parquet", "", f"{lang} {n} œuvre " * (n + 1)
        )
        for lang, count in sorted(counts.items())
        for n in range(count)
    ]


def test_groups_add_up_and_an_interval_needs_five_works():
    speaker, texts = untrained(64), held_out({"fr": 6, "la": 3})
    found = measure(speaker, texts, Floors(xz_bits(texts)), Progress())
    for by in ("century", "collection", "source"):
        for lang, rows in (("all", found["languages"].values()), ("fr", [found["languages"]["fr"]])):
            groups = [g for g in found["groups"] if g["by"] == by and g["lang"] == lang]
            assert sum(g["bytes"] for g in groups) == sum(row["bytes"] for row in rows)
            bits = sum(g["bits_per_byte"]["model"] * g["bytes"] for g in groups)
            assert bits == pytest.approx(sum(r["bits_per_byte"]["model"] * r["bytes"] for r in rows), abs=0.2)
    french, latin = found["languages"]["fr"], found["languages"]["la"]
    assert french["interval"]["low"] <= french["bits_per_byte"]["model"] <= french["interval"]["high"]
    assert latin["interval"] == found["mean_interval"] == {"low": None, "high": None}
    assert french["restored"] == 6
    assert sum(work["bytes"] for work in found["works"]) == found["text"]["bytes"]


def test_of_two_models_the_difference_is_surer_than_either():
    """What makes a work hard for both cancels out."""
    texts = held_out({"en": 12, "nl": 12})
    one, other = (measure(untrained(64, seed), texts, Floors(xz_bits(texts)), Progress()) for seed in (1, 2))
    found = difference(other, one)
    for lang in ("en", "nl"):
        values = [f["languages"][lang]["bits_per_byte"]["model"] for f in (other, one)]
        assert found[lang]["value"] == pytest.approx(values[0] - values[1], abs=2e-4)
        assert found[lang]["low"] <= found[lang]["value"] <= found[lang]["high"]
    assert difference(one, one)["mean"] == {"value": 0.0, "low": 0.0, "high": 0.0, "works": 24}


def test_a_text_that_its_tokens_do_not_give_back_is_counted(monkeypatch):
    speaker, texts = untrained(64), held_out({"fr": 2})
    monkeypatch.setattr(type(speaker), "encode", lambda self, texts: [[7] for _ in texts])
    assert measure(speaker, texts, Floors(xz_bits(texts)), Progress())["languages"]["fr"]["restored"] == 0


def test_the_unigram_floor_is_a_distribution_over_the_training_tokens(small_run):
    shards = open_shards(small_run / "tokens")
    bits = unigram_bits(shards, 2048)
    assert (2.0**-bits).sum() == pytest.approx(1)
    counts = sum(np.bincount(s.tokens, minlength=2048) for s in shards)
    assert bits.argmin() == counts.argmax()


def test_only_held_out_documents_are_measured_and_no_work_is_on_both_sides(small_run):
    rows = pq.read_table(small_run / "corpus/kept").to_pylist()
    measured = {text.text for text in read_kept(small_run / "corpus/kept", 10**9)}
    assert measured == {row["text"] for row in rows if row["split"] == "held-out"}
    works = {
        split: {r["identifier"].split("#")[0] for r in rows if r["split"] == split}
        for split in ("train", "held-out")
    }
    assert not works["train"] & works["held-out"]


def test_every_language_is_measured_beside_xz_on_the_same_text(small_run):
    figures = json.loads((small_run / "evaluation" / bits_per_byte.FILE).read_text())
    assert set(figures["languages"]) == {"en", "fr", "es", "de", "it", "nl", "la", "pt"}
    texts = read_kept(small_run / "corpus/kept", 1_000_000)
    for lang, row in figures["languages"].items():
        joined = "\n".join(text.text for text in texts if text.lang == lang).encode()
        expected = 8 * len(lzma.compress(joined, preset=9)) / row["bytes"]
        assert row["bits_per_byte"]["xz"] == pytest.approx(expected, abs=1e-4)
        assert row["bytes"] == sum(len(text.text.encode()) for text in texts if text.lang == lang)
        assert row["bits_per_byte"]["unigram"] > 0
    mean = sum(row["bits_per_byte"]["model"] for row in figures["languages"].values()) / 8
    assert figures["mean"]["model"] == pytest.approx(mean, abs=1e-3)
