"""What the trainer gets of a tune: its held-out answers are measured as another library does, its answers learnt."""

from __future__ import annotations

import math

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from octavo.evaluation.model_files import open_model
from octavo.modeling.attention import document_starts
from octavo.modeling.loss import IGNORE
from octavo.progress import Progress
from octavo.tokenization.entries import Edges
from octavo.training.memory import llama_config
from octavo.training.sequences import split_targets
from octavo.tuning.preparing import prepare
from octavo.tuning.teaching import first_weights, held_out_answers, open_examples
from tests.tuning.small_tunes import TASKS, task_recipe, tokenizer

BEGIN = 1


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", params=TASKS)
def prepared(request, home, tmp_path_factory):
    recipe, run = task_recipe(home, request.param), tmp_path_factory.mktemp(request.param)
    prepare(recipe, run, Progress())
    return recipe, run


def test_held_out_answers_cost_the_bits_that_transformers_finds(prepared, home):
    """Its own loss over the answer alone, in nats a token, turned into bits a byte of the answers' text."""
    from transformers import LlamaForCausalLM

    recipe, run = prepared
    theirs = LlamaForCausalLM.from_pretrained(home / "base", dtype=torch.float32).eval()
    bits: dict[str, float] = {}
    sizes: dict[str, int] = {}
    for row in pq.read_table(run / "pairs" / "held-out.parquet").to_pylist():
        tokens = torch.tensor([[BEGIN, *row["prompt"], *row["answer"]]])
        labels = tokens.clone()
        labels[:, : 1 + len(row["prompt"])] = -100
        with torch.no_grad():
            loss = float(theirs(tokens, labels=labels).loss)
        bits[row["group"]] = bits.get(row["group"], 0) + loss * len(row["answer"]) / math.log(2)
        text = tokenizer().decode(row["answer"], skip_special_tokens=True)
        sizes[row["group"]] = sizes.get(row["group"], 0) + len(text.encode())
    measure = held_out_answers(recipe, run, BEGIN)
    found = measure(open_model(home / "base").model)
    assert found == pytest.approx({group: bits[group] / sizes[group] for group in bits}, abs=2e-4)
    assert list(found) == {"ocr": ["en"], "translation": ["de-en", "en-de"], "rag": ["en"]}[recipe.tuning.task]


def test_nothing_is_measured_where_nothing_is_held_out(home, tmp_path):
    recipe = task_recipe(home, "translation", held_out=0, made=0)
    prepare(recipe, tmp_path, Progress())
    assert held_out_answers(recipe, tmp_path, BEGIN) is None


@pytest.mark.parametrize("made", [0.0, 0.25, 1.0])
def test_given_and_made_pairs_are_drawn_by_the_recipes_share(made, home, tmp_path):
    recipe = task_recipe(home, "translation", made=made)
    prepare(recipe, tmp_path, Progress())
    data = open_examples(recipe, tmp_path)
    drawn = data.at(np.arange(80))
    given = len(data.sequences[0]) if made < 1 else 0
    from_made = int((drawn >= given).sum()) if made else 0
    assert from_made == made * 80
    assert len(data.documents(drawn[:4])) >= 4
    other = recipe.model_copy(update={"seed": 7})
    assert open_examples(other, tmp_path).at(np.arange(80)).tolist() != drawn.tolist()


def test_the_answer_alone_is_learnt(prepared):
    """No target is a prompt's token, and the weights' gradient is that of the answers' likelihood, worked out anew."""
    recipe, run = prepared
    model = first_weights(recipe, llama_config(recipe, tokenizer().get_vocab_size()))()
    data = open_examples(recipe, run)
    rows = torch.from_numpy(data.sequences[data.names.index("given")].read(np.arange(2)))
    inputs, targets = split_targets(rows, Edges(BEGIN, BEGIN + 1))
    answers = rows[:, 1:] >= 0
    answers &= rows[:, 1:] != BEGIN
    assert torch.equal(targets != IGNORE, answers)
    assert torch.equal(targets[answers], rows[:, 1:][answers])
    logits = model(inputs, document_starts(inputs, BEGIN))
    logits.retain_grad()
    likely = torch.log_softmax(logits, -1)[answers].gather(-1, rows[:, 1:][answers][:, None])
    (-likely.sum()).backward()
    assert torch.equal(logits.grad.abs().sum(-1) > 0, answers)
    expected = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    loss = model.loss(inputs, targets, document_starts(inputs, BEGIN))
    torch.testing.assert_close(loss, -likely.sum())
    loss.backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-3, atol=1e-4)


def test_a_tune_begins_with_its_bases_weights(home):
    recipe = task_recipe(home, "ocr")
    given = dict(open_model(home / "base").model.named_parameters())
    begun = dict(first_weights(recipe, llama_config(recipe, tokenizer().get_vocab_size()))().named_parameters())
    assert begun.keys() == given.keys()
    assert all(torch.equal(begun[name], given[name]) for name in given)
