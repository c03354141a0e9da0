"""The model that a tune begins with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from octavo.errors import InputError
from octavo.modeling.hf import save_hf
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.recipe_file import validate
from octavo.tokenization.entries import TASK_ENTRIES
from octavo.tuning.base_model import base_weights, with_base, with_task_entries
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
    given = dict(
        base_weights(
            base, LlamaConfig(16, 32, 2, 2, 1, 64, 64, 5000.0, tie_word_embeddings=False), 1
        ).named_parameters()
    )
    larger = LlamaConfig(22, 32, 2, 2, 1, 64, 64, 5000.0, tie_word_embeddings=False)
    found = dict(base_weights(base, larger, 1).named_parameters())
    for name, parameter in found.items():
        assert torch.equal(
            parameter[:16] if name in ("embedding.weight", "output.weight") else parameter, given[name]
        )
    rows, mean, spread = (
        found["embedding.weight"],
        given["embedding.weight"].mean(0),
        given["embedding.weight"].std(0),
    )
    away = (rows[16:] - mean) / spread
    assert 0.05 < float(away.std()) < 0.15
    smaller = LlamaConfig(12, 32, 2, 2, 1, 64, 64, 5000.0, tie_word_embeddings=False)
    cut = dict(base_weights(base, smaller, 1).named_parameters())
    assert torch.equal(cut["output.weight"], given["output.weight"][:12])
