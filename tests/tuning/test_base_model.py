"""The model that a tune begins with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from octavo.errors import InputError
from octavo.modeling.hf import load_hf, save_hf
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.modeling.loss import IGNORE
from octavo.recipe.file import validate
from octavo.tokenization.entries import BEGIN, TASK_ENTRIES, Edges, begin_and_end
from octavo.training.sequences import split_targets
from octavo.tuning.base_model import base_weights, with_base, with_task_entries
from octavo.tuning.examples import Example
from octavo.tuning.packing import Packed, write_packed
from octavo.tuning.tuned_model import within
from octavo.tuning.vocabulary import task_vocabulary

WORDS = ["<s>", "</s>", "a", "b", "c", "<", "|", "o", "r", ">"]


def plain_tokenizer() -> Tokenizer:
    """One of another house, with no entries for tasks."""
    tokenizer = Tokenizer(models.BPE({word: n for n, word in enumerate(WORDS)}, [], byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in WORDS[:2]])
    return tokenizer


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    config = LlamaConfig(16, 32, 2, 2, 1, 64, 64, rope_theta=5000.0, tie_word_embeddings=False)
    save_hf(initialise(config, seed=1), folder, 0, 1, torch.float32)
    plain_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def recipe(base, **sections):
    tuning = {"base": str(base), "task": "ocr", "pairs": ["pairs.jsonl"]}
    data = {"name": "tune", "tuning": tuning, "training": {"tokens": 1024, "sequences_per_step": 16}, **sections}
    return validate(data, {}, "recipe.yaml")


def test_a_tune_has_its_bases_shape_and_tokenizer(base):
    found = with_base(recipe(base))
    assert (found.model.hidden_size, found.model.rope_theta, found.sequence_length) == (32, 5000.0, 64)
    assert found.tokenizer.path == str(base / "tokenizer.json")
    assert with_base(found) == found, "as it is read back from a run"


def test_another_shape_than_the_bases_is_refused(base):
    with pytest.raises(InputError, match=r"model.hidden_size: found 64, expected 32, as .*base has it"):
        with_base(recipe(base, model={"hidden_size": 64}))


def test_a_base_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="found no such model"):
        with_base(recipe(tmp_path / "nowhere"))


def test_scaled_positions_are_kept(base):
    file = base / "config.json"
    scaled = {"rope_type": "linear", "factor": 4.0, "rope_theta": 5000.0}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"rope_parameters": scaled, "rope_scaling": None}))
    assert with_base(recipe(base)).model.rope_scaling == {"rope_type": "linear", "factor": 4.0}


def test_entries_for_tasks_are_added_where_a_tokenizer_has_none():
    own, added = with_task_entries(plain_tokenizer())
    assert added == list(TASK_ENTRIES)
    assert with_task_entries(own)[1] == []
    vocabulary = task_vocabulary(own, "tokenizer.json")
    assert sorted(vocabulary.entries.values()) == list(range(10, 10 + len(TASK_ENTRIES)))


def test_a_text_that_names_an_entry_is_text(tmp_path):
    own, _ = with_task_entries(plain_tokenizer())
    vocabulary = task_vocabulary(own, "tokenizer.json")
    [tokens] = vocabulary.encode(["a<|ocr|>"])
    assert not set(tokens) & set(vocabulary.entries.values())
    assert vocabulary.decode([2, *vocabulary.entries.values(), 3]).replace(" ", "") == "ab"


def test_new_rows_lie_about_the_mean_of_the_others_and_unused_ones_are_left_out(base):
    def shape(rows: int) -> LlamaConfig:
        return LlamaConfig(rows, 32, 2, 2, 1, 64, 64, 5000.0, tie_word_embeddings=False)

    given = dict(load_hf(base).named_parameters())
    found = dict(base_weights(base, shape(40), 1).named_parameters())
    for name, parameter in found.items():
        of_entries = name in ("embedding.weight", "output.weight")
        assert torch.equal(
            parameter[:10] if of_entries else parameter, given[name][:10] if of_entries else given[name]
        )
    known = given["embedding.weight"][:10]
    away = (found["embedding.weight"][10:] - known.mean(0)) / known.std(0)
    assert 0.05 < float(away.std().detach()) < 0.15
    cut = dict(base_weights(base, shape(8), 1).named_parameters())
    assert torch.equal(cut["output.weight"], given["output.weight"][:8])


def test_a_tokenizer_whose_end_begins_texts_gets_a_begin_so_that_the_end_is_learnt(tmp_path):
    tokenizer = Tokenizer(models.BPE({word: n for n, word in enumerate(["</s>", "a", "b"])}, []))
    tokenizer.add_special_tokens([AddedToken("</s>", special=True)])
    assert begin_and_end(tokenizer, "t") == (0, 0)
    own, added = with_task_entries(tokenizer)
    assert added == [*TASK_ENTRIES, BEGIN]
    vocabulary = task_vocabulary(own, "t")
    assert vocabulary.begin != vocabulary.end == 0
    write_packed(tmp_path, ["refusal"], [Example([1, 2], [vocabulary.end])], 6, vocabulary.begin)
    _, targets = split_targets(
        torch.from_numpy(Packed(tmp_path).read(np.array([0]))), Edges(vocabulary.begin, vocabulary.end)
    )
    assert targets[targets != IGNORE].tolist() == [vocabulary.end]


def test_rows_without_an_entry_are_not_taken_for_those_of_new_entries(base):
    """The base has 16 rows and 10 entries: what is added begins where its entries end."""
    rows = dict(
        base_weights(base, LlamaConfig(22, 32, 2, 2, 1, 64, 64, tie_word_embeddings=False), 1).named_parameters()
    )
    theirs = dict(load_hf(base).named_parameters())
    for name in ("embedding.weight", "output.weight"):
        assert torch.equal(rows[name][:10], theirs[name][:10])
        assert not torch.equal(rows[name][10:16], theirs[name][10:16])


def test_a_tuned_model_is_used_with_no_longer_texts_than_it_has_learnt_from():
    model = initialise(LlamaConfig(16, 32, 2, 2, 1, 64, 64), seed=1)
    assert within(model, 128).config.max_position_embeddings == 64
    assert within(model, 24).config.max_position_embeddings == 24
