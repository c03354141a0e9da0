import json
import random

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from octavo.evaluation.memorization import (
    TRUTH_TOKENS,
    Recalled,
    Said,
    Written,
    extraction,
    measure_memorization,
    recall,
    span_figures,
)
from octavo.evaluation.openings import Document, read_documents
from octavo.evaluation.passages import Passage, Seen, training_passages
from octavo.evaluation.sources import Source
from octavo.evaluation.speaker import Speaker
from octavo.evaluation.verbatim import Span
from octavo.modeling.continuations import continue_prompts
from octavo.modeling.decoding import Decoding
from octavo.progress import Progress
from octavo.stages import trained_model
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.shards import write_shard
from octavo.training.checkpoint_files import pass_over
from octavo.training.data import open_data
from tests.conftest import small_recipe
from tests.evaluation.writers import BEGIN, END, Scripted, byte_tokenizer, untrained

LENGTH = 96


def letters(seed, count=400):
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz ", k=count))


def given_tokens(home, documents, **training):
    """A recipe that trains on token files without an index of their documents, and these files."""
    tokenizer = byte_tokenizer()
    encoded = [np.array([BEGIN, *tokenizer.encode(d).ids, END], np.uint32) for d in documents]
    home.mkdir(exist_ok=True)
    write_shard(home / "a.ds", iter([encoded[:2], encoded[2:]]), np.dtype("<u2"), "bytes")
    recipe = small_recipe(
        corpus={"sources": [], "languages": ["en"]},
        tokenizer={"path": "bytes.json"},
        training={"data": [{"weights": {str(home): None}}], "sequence_length": LENGTH, **training},
        evaluation={"memorization": {"prompts": 12}},
    )
    return recipe, open_data(recipe, home)


class Parrot(torch.nn.Module):
    """Knows what follows eight letters of its texts, and of anything else nothing."""

    def __init__(self, texts):
        super().__init__()
        self.config = untrained(LENGTH + 32).model.config
        self.output = torch.nn.Linear(258, 258, bias=False)
        torch.nn.init.eye_(self.output.weight)
        rows = [byte_tokenizer().encode(text).ids for text in texts]
        self.following = {tuple(row[n : n + 8]): row[n + 8] for row in rows for n in range(len(row) - 8)}

    def hidden(self, tokens):
        said = [
            [self.following.get(tuple(row[max(0, n - 7) : n + 1]), BEGIN) for n in range(len(row))]
            for row in tokens.tolist()
        ]
        return torch.nn.functional.one_hot(torch.tensor(said), 258).float()


class Knowing(Scripted):
    """Goes on as its texts do, and says nothing of its own."""

    def __init__(self, texts):
        super().__init__(lambda prompt, decoding: "")
        object.__setattr__(self, "model", Parrot(texts))


def measured(home, known):
    texts = [letters(seed) for seed in range(5)]
    recipe, _ = given_tokens(home / "tokens", texts)
    held_out = [Document(f"h{n}", f"h{n}", "en", letters(100 + n)) for n in range(12)]
    held_out[0] = Document("h0", "h0", "en", texts[1])  # that should not be
    return measure_memorization(recipe, Knowing(known(texts)), held_out, home, home, Progress())


def rows_of(found, least):
    return {
        row["prompt_tokens"]: row for row in found["extraction"] if (row["seen_least"], row["seen_most"]) == least
    }


def test_what_is_known_by_heart_comes_back_and_nothing_else(tmp_path):
    found = measured(tmp_path, lambda texts: texts)
    by_heart, others = rows_of(found, (1, None)), rows_of(found, (0, 0))
    assert by_heart.keys() == others.keys() == {32, 64}
    for k in (32, 64):
        assert by_heart[k]["n"] == 12
        assert by_heart[k]["extractable"]["share"] == 1
        assert by_heart[k]["verbatim_tokens"]["value"] == TRUTH_TOKENS
        assert others[k]["n"] == 11
        assert others[k]["extractable"]["share"] == others[k]["verbatim_tokens"]["value"] == 0
    assert found["held_out_seen"] == 1
    written = json.loads((tmp_path / "memorization.json").read_bytes())["passages"]
    assert len(written) == 12 + 11
    texts = [letters(seed) for seed in range(5)]
    assert all(any(p["prompt"] + p["truth"] in text for text in texts) == (p["times_seen"] > 0) for p in written)


def test_who_knows_some_of_the_texts_has_a_share_of_them(tmp_path):
    found = measured(tmp_path, lambda texts: texts[:2])
    row = rows_of(found, (1, None))[32]
    known = [p for p in json.loads((tmp_path / "memorization.json").read_bytes())["passages"] if p["times_seen"]]
    expected = sum(any(p["truth"] in letters(seed) for seed in (0, 1)) for p in known) / len(known)
    assert 0 < row["extractable"]["low"] < expected < row["extractable"]["high"] < 1
    assert row["extractable"]["share"] == pytest.approx(expected, abs=1e-4)
    assert row["verbatim_tokens"]["value"] == pytest.approx(TRUTH_TOKENS * expected, abs=1e-3)


@pytest.mark.parametrize("k", [1, 20, 64])
def test_one_reading_tells_where_greedy_decoding_leaves_the_text(k):
    speaker, lot = untrained(), random.Random(k)
    prompts = [[lot.randrange(256) for _ in range(k)] for _ in range(40)]
    decoding = Decoding(TRUTH_TOKENS, repetition_penalty=1.0)
    written = continue_prompts(speaker.model, [[BEGIN, *p] for p in prompts], END, decoding)
    passages, expected = [], []
    for prompt, said in zip(prompts, written, strict=True):
        if len(said) == TRUTH_TOKENS:
            right = lot.randrange(TRUTH_TOKENS + 1)
            truth = [*said[:right], *((token + 1) % 256 for token in said[right:])]
            passages.append(Passage("", [*prompt, *truth], 1, True))
            expected.append(right)
    assert len(set(expected)) > 10
    assert recall(speaker.model, BEGIN, passages, k, Progress()) == expected


def test_texts_are_counted_as_often_as_they_were_seen(tmp_path):
    """Over epochs and repeats, without the steps that were passed over: beside a walk through all of training."""
    repeated = letters(1, 500)
    documents = [letters(2, 300), repeated, letters(3, 700), repeated, repeated[100:], letters(4, 350)]
    recipe, data = given_tokens(
        tmp_path / "tokens", documents, tokens=5000, sequences_per_step=2, sequences_per_pass=2
    )
    (tmp_path / "checkpoints").mkdir()
    pass_over(tmp_path / "checkpoints", range(4, 9))
    steps = np.array([s for s in range(recipe.steps) if s not in range(4, 9)])
    seen = Seen(data, steps, 2)
    found = training_passages(seen, (BEGIN, END), 70, 40, 30, (1, 2, 4, 8), 5, Progress())
    assert len({p.times for p in found}) > 2
    walked = data.read(data.at((steps[:, None] * 2 + np.arange(2)).ravel()))
    windows = np.lib.stride_tricks.sliding_window_view(walked, 40, axis=1)
    for passage in found:
        last = np.array(passage.tokens[-40:])
        assert passage.times == (windows == last).all(axis=2).sum() > 0
        assert not {BEGIN, END} & set(passage.tokens)
    measured = measure_memorization(recipe, untrained(), [], tmp_path, tmp_path, Progress())
    assert measured["extraction"][0]["seen_least"] == 1


def test_groups_by_times_seen():
    def one(times, tokens, by_chance=True):
        return Recalled(Passage("", [], times, by_chance), {32: tokens})

    rows = extraction([one(0, 1), one(1, 32), one(1, 0), one(3, 32), one(4, 32, False), one(99, 8)])
    found = {(row["seen_least"], row["seen_most"]): row for row in rows}
    assert set(found) == {(0, 0), (1, None), (1, 1), (3, 4), (65, None)}
    assert {key: (row["n"], row["extractable"]["share"]) for key, row in found.items()} == {
        (0, 0): (1, 0.0),
        (1, None): (4, 0.5),  # without the one that was added to its group
        (1, 1): (2, 0.5),
        (3, 4): (2, 1.0),
        (65, None): (1, 0.0),
    }
    assert found[1, None]["verbatim_tokens"]["value"] == 18


def test_spans_are_counted_by_decoding_and_licence():
    def one(decoding, text, span):
        return Written(Said("p", "en", decoding, [bytes([b]) for b in text]), span)

    free, other = Source("a", licence="CC0-1.0"), Source("b")
    written = [
        one("drawn", b"x" * 60, Span(0, 55, 1)),
        one("drawn", b"x" * 60, Span(2, 19, 1)),
        one("drawn", b"x" * 60, None),
        one("drawn", b"", None),  # nothing was written
        one("truth", "é".encode() * 40, Span(1, 60, 2)),
    ]
    drawn, truth = span_figures(written, {1: free, 2: other}, 64)
    assert drawn["n"] == 3
    assert drawn["characters"]["longest"] == 55
    assert drawn["characters"]["median"] == 19
    assert drawn["reaching"]["50_characters"]["share"] == pytest.approx(1 / 3, abs=1e-4)
    assert drawn["reaching"]["20_tokens"]["share"] == pytest.approx(1 / 3, abs=1e-4)
    assert drawn["licences"] == {"CC0-1.0": 1}
    assert truth["characters"]["longest"] == 29  # the halves at either end are none
    assert truth["licences"] == {"unknown": 1}
    assert "50_tokens" not in span_figures(written, {1: free, 2: other}, 49)[0]["reaching"]


class Reciter(Speaker):
    """Says the beginning of a text, whatever it is asked."""

    def __init__(self, run, text):
        tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
        model = trained_model(small_recipe(), run).eval()
        super().__init__(model, tokenizer, tokenizer.token_to_id("<|begin_of_text|>"), 2)
        object.__setattr__(self, "text", text)

    def say(self, prompts, ids, decoding, progress, note):
        return [self.encode([self.text])[0][: decoding.max_tokens] for _ in prompts]


def test_a_recited_text_is_found_with_its_document(tmp_path, small_run):
    kept = pq.read_table(next((small_run / "corpus" / "kept").glob("*.parquet"))).to_pylist()
    text = next(row["text"] for row in kept if row["split"] == "train" and row["repeats"])
    recipe = small_recipe(evaluation={"memorization": {"prompts": 4}, "continuations": {"max_tokens": 30}})
    documents = read_documents(small_run / "corpus" / "kept", recipe.corpus.languages)
    found = measure_memorization(recipe, Reciter(small_run, text[:200]), documents, small_run, tmp_path, Progress())
    rows = {row["decoding"]: row for row in found["spans"]}
    assert rows["greedy"]["reaching"]["20_tokens"]["share"] == 1
    assert rows["truth"]["reaching"]["20_tokens"]["share"] < 1
    assert rows["greedy"]["tokens"]["longest"] == 30
    said = json.loads((tmp_path / "memorization.json").read_bytes())["continuations"]
    [span] = {
        (s["span"], s["source"]["identifier"], s["source"]["licence"]) for s in said if s["decoding"] == "drawn"
    }
    [source] = [row for row in kept if row["identifier"] == span[1]]
    assert span[0] in source["text"]
    assert text.startswith(span[0])
    assert span[2] == source["spdx"]
    assert list(rows["greedy"]["licences"]) == [source["spdx"]]


def test_a_run_has_its_memorization(small_run):
    found = json.loads((small_run / "evaluation" / "memorization.json").read_bytes())
    assert found["command"] == "octavo evaluate RUN"
    assert found["settings"]["prompt_tokens"] == [32, 64]
    assert {row["decoding"] for row in found["spans"]} == {"recommended", "greedy", "drawn", "truth"}
    figures = json.loads((small_run / "evaluation" / "stage.json").read_bytes())["figures"]
    assert figures["memorization"]["extraction"] == found["extraction"]
    assert figures["tasks"] == {}
    assert not (small_run / "evaluation" / "tasks.json").exists()
