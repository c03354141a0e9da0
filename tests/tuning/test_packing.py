"""Examples in sequences: each is whole, in one of them, and none sees another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.modeling.attention import document_starts
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.modeling.loss import IGNORE
from octavo.tokenization.entries import Edges
from octavo.training.sequences import split_targets
from octavo.tuning.examples import Example
from octavo.tuning.packing import Packed, open_packed, write_packed

BEGIN, END, LENGTH = 1, 2, 24

tokens = st.lists(st.integers(3, 90), min_size=1, max_size=LENGTH // 2 - 1)
some_examples = st.lists(st.builds(lambda p, a: Example(p, [*a, END]), tokens, tokens), min_size=1, max_size=40)


def packed(home, examples):
    names = [f"pair-{n}" for n in range(len(examples))]
    write_packed(home, names, examples, LENGTH, BEGIN)
    return Packed(home), dict(zip(names, examples, strict=True))


def found_in(row):
    """The examples of a sequence, read back from what is learnt of it."""
    starts = [*np.flatnonzero(row == BEGIN), len(row)]
    for start, end in pairwise(starts):
        own = row[start + 1 : end]
        if len(own):
            learnt = own >= 0
            yield Example((~own[~learnt]).tolist(), own[learnt].tolist())


@settings(max_examples=60, deadline=None)
@given(some_examples)
def test_each_example_is_whole_in_one_sequence_and_its_answer_alone_is_learnt(tmp_path_factory, examples):
    rows, named = packed(tmp_path_factory.mktemp("packed"), examples)
    assert rows.tokens == sum(1 + len(e.prompt) + len(e.answer) for e in examples)
    found = []
    for n in range(len(rows)):
        here = list(found_in(rows.read(np.array([n]))[0]))
        assert here == [named[name] for name in rows.documents(np.array([n]))]
        found += here
    assert sorted(found) == sorted(examples)


@settings(max_examples=60, deadline=None)
@given(some_examples)
def test_no_two_sequences_would_fit_into_one(tmp_path_factory, examples):
    rows, _ = packed(tmp_path_factory.mktemp("packed"), examples)
    filled = np.sort(np.bincount(rows.places["sequence"].to_numpy(), rows.places["tokens"].to_numpy()))
    assert len(filled) < 2 or filled[0] + filled[1] > LENGTH + 1


def test_what_stands_beside_an_example_changes_nothing_of_what_the_model_says_of_it(tmp_path):
    config = LlamaConfig(96, 32, 2, 2, 1, 64, LENGTH)
    model = initialise(config, seed=3).eval()
    one, other = Example([5, 6, 7], [8, 9, END]), Example([10, 11], [12, 13, 14, END])
    write_packed(tmp_path / "both", ["one", "other"], [one, other], LENGTH, BEGIN)
    write_packed(tmp_path / "alone", ["one"], [one], LENGTH, BEGIN)

    def loss(name):
        rows = torch.from_numpy(Packed(tmp_path / name).read(np.array([0])))
        inputs, targets = split_targets(rows, Edges(BEGIN, BEGIN + 1))
        own = torch.isin(targets, torch.tensor(one.answer[:2])) | (targets == END) & (inputs == 9)
        kept = torch.where(own, targets, IGNORE)
        assert int((kept != IGNORE).sum()) == len(one.answer)
        return float(model.loss(inputs, kept, document_starts(inputs, BEGIN)).detach())

    assert abs(loss("both") - loss("alone")) < 1e-5


def test_folders_are_drawn_from_by_their_shares(tmp_path):
    for name, first in (("given", 10), ("made", 50)):
        examples = [Example([first], [first + n, END]) for n in range(30)]
        write_packed(tmp_path / name, [f"{name}-{n}" for n in range(30)], examples, 3, BEGIN)
    data = open_packed({0: {"given": 0.25, "made": 0.75}}, tmp_path, seed=7)
    numbers = data.at(np.arange(40))
    names = data.documents(numbers)
    assert len(names) == 40
    assert sum(name.startswith("given") for name in names) == 10
    assert data.discarded == 0
    other = open_packed({0: {"given": 0.25, "made": 0.75}}, tmp_path, seed=8)
    assert other.at(np.arange(40)).tolist() != numbers.tolist()


def test_copies_come_first(tmp_path):
    for name, first in (("copies", 10), ("given", 50)):
        examples = [Example([first], [first + n, END]) for n in range(30)]
        write_packed(tmp_path / name, [f"{name}-{n}" for n in range(30)], examples, 3, BEGIN)
    data = open_packed({0: {"copies": 1.0}, 8: {"given": 1.0}}, tmp_path, seed=7)
    names = [data.documents(data.at(np.array([n])))[0].split("-")[0] for n in range(40)]
    assert names == ["copies"] * 8 + ["given"] * 32
