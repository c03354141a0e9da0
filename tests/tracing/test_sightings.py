"""From documents to the steps that saw them, against a scan of whole trainings."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.modeling.loss import IGNORE
from octavo.tokenization.entries import Edges
from octavo.tokenization.index import open_documents, write_documents
from octavo.tokenization.shards import token_dtype, write_shard
from octavo.tracing.finding import Found, Wanted
from octavo.tracing.index.places import of_identifiers, of_kept
from octavo.tracing.recall.sightings import Occurrences, Steps, in_packed, in_windows, ranges, sightings
from octavo.training.data import Data
from octavo.training.order import Order, Stage
from octavo.training.sequences import open_sequences, split_targets
from octavo.tuning.examples import Example
from octavo.tuning.packing import open_packed, write_packed

BEGIN, LENGTH = 1, 6
NAMES = ["a", "b", "work#s001", "work#s002", "work", "é"]


class Training(NamedTuple):
    """A training over folders of token files."""

    data: Data
    edges: Edges
    steps: Steps
    kept: list[list[tuple[str, int]]]
    """By folder, the identifier and the row of each document that is to be trained on, once each."""


@st.composite
def trainings(draw, tmp_path_factory):
    """One to three folders of a few files of short documents, drawn from in stages, some documents repeatedly."""
    home = tmp_path_factory.mktemp("folders")
    kept, paths = [], []
    edges = Edges(BEGIN, draw(st.sampled_from([2, BEGIN])))
    for number in range(draw(st.integers(1, 3))):
        paths.append(home / str(number))
        kept.append([])
        for file in range(draw(st.integers(1, 2))):
            kept[-1] += _write_file(draw, paths[-1], f"{file:03d}", edges.end)
    sequences = [open_sequences(path, LENGTH) for path in paths]
    stages, first = [], 0
    for _ in range(draw(st.integers(1, 3))):
        some = draw(st.lists(st.sampled_from(range(len(paths))), min_size=1, unique=True))
        parts = draw(st.lists(st.integers(1, 9), min_size=len(some), max_size=len(some)))
        stages.append(Stage(first, tuple(some), tuple(parts)))
        first += draw(st.integers(1, 60))
    order = Order([len(one) for one in sequences], stages, draw(st.integers(0, 2**40)))
    size, done = draw(st.integers(1, 5)), draw(st.integers(1, 30))
    start = draw(st.integers(0, done))
    passed = [range(start, start + draw(st.integers(0, 5)))]
    data = Data([str(path) for path in paths], paths, sequences, order)
    return Training(data, edges, Steps(done, size, passed), kept)


def _write_file(draw, folder, name, end):
    """Documents of up to 20 tokens, of which a few are empty and others held out; enough for one sequence."""
    rows = draw(
        st.lists(
            st.tuples(st.sampled_from(NAMES), st.booleans(), st.integers(0, 2), st.integers(0, 20)), max_size=6
        )
    )
    rows.append(("end", True, 1, 2 * LENGTH))
    names, trained, repeats, lengths = (list(column) for column in zip(*rows, strict=True))
    folder.mkdir(exist_ok=True)
    part = folder / f"{name}.parquet"
    columns = {
        "identifier": pa.array(names, pa.large_string()),
        "split": pa.array(["train" if one else "held-out" for one in trained], pa.large_string()),
        "repeats": pa.array(repeats, pa.int32()),
    }
    pq.write_table(pa.table(columns), part)
    write_documents(part, folder / f"{name}.ds")
    taken = [
        row for row, (one, often) in enumerate(zip(trained, repeats, strict=True)) if one for _ in range(often)
    ]
    tokens = [np.array([BEGIN, *range(10, 8 + lengths[row]), end][: lengths[row]], np.uint32) for row in taken]
    write_shard(folder / f"{name}.ds", iter([tokens]), token_dtype(1000), "made")
    return [(names[row], f"{name}.parquet", row) for row in dict.fromkeys(taken)]


def tokens_of(data, number):
    """The folder and the document of each token of a sequence."""
    folder = int(np.searchsorted(data.order.first_numbers, number, side="right")) - 1
    documents = open_documents(data.folders[folder])
    start = (number - int(data.order.first_numbers[folder])) * LENGTH
    return [(folder, documents[n]) for n in documents.of_tokens(np.arange(start, start + LENGTH + 1)).tolist()]


def scan(data, edges, steps, owner_of):
    """By owner: steps that saw it, positions, tokens read and predicted; by a look at every position in turn.

    `owner_of` has the owner of each token of a sequence, by its number.
    """
    owner_of = cache(owner_of)
    seen, positions, undone = defaultdict(set), defaultdict(set), set()
    read, predicted = Counter(), Counter()
    for position in range(steps.done * steps.size):
        step = position // steps.size
        number = data.at(np.array([position]))
        owners = owner_of(int(number[0]))
        if any(step in some for some in steps.passed_over):
            undone |= {(step + 1, owner) for owner in owners}
            continue
        rows = torch.from_numpy(data.read(number))
        targets = split_targets(rows, edges)[1][0].tolist()
        for owner in owners:
            seen[owner].add(step + 1)
            positions[owner].add(position)
        read.update(owners[:-1])
        predicted.update(owner for owner, target in zip(owners[1:], targets, strict=True) if target != IGNORE)
    return seen, positions, read, predicted, undone


def check(found, documents, data, edges, steps, owner_of):
    """Compare sightings with the scan; `documents` are owners by place."""
    own = sightings(found, len(documents), data.order, steps)
    seen, positions, read, predicted, undone = scan(data, edges, steps, owner_of)
    for place, owner in enumerate(documents):
        assert own.steps[place].tolist() == sorted(seen[owner])
        assert own.sequences[place] == len(positions[owner])
        assert own.read[place] == read[owner]
        assert own.predicted[place] == predicted[owner]
    assert own.passed_over.tolist() == sorted({step for step, owner in undone if owner in documents})


@settings(max_examples=40, deadline=None)
@given(drawn=st.data())
def test_what_saw_a_document_is_what_a_scan_of_the_training_finds(tmp_path_factory, drawn):
    """Over folders, files, stages, epochs, documents taken several times, namesakes and steps that were undone."""
    training = drawn.draw(trainings(tmp_path_factory))
    data, some, found = training.data, [], []
    for number, (path, kept) in enumerate(zip(data.folders, training.kept, strict=True)):
        own = [one for one in kept if drawn.draw(st.booleans())]
        spans = of_kept(open_documents(path), [Found(name, (), part=part, row=row) for name, part, row in own])
        spans = spans._replace(document=spans.document + len(found))
        some.append(
            in_windows(spans, data.sequences[number], int(data.order.first_numbers[number]), training.edges)
        )
        found += [(number, part, row) for _, part, row in own]

    def owner_of(number):
        return [(folder, document.part, document.row) for folder, document in tokens_of(data, number)]

    check(Occurrences.join(some), found, data, training.edges, training.steps, owner_of)


@settings(max_examples=20, deadline=None)
@given(drawn=st.data())
def test_by_identifier_all_documents_of_a_name_and_all_sections_of_a_work_are_meant(tmp_path_factory, drawn):
    """In token files of another run, whose index has identifiers alone."""
    training = drawn.draw(trainings(tmp_path_factory))
    asked = tuple(drawn.draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)))
    data, some, found = training.data, [], []
    for number, path in enumerate(data.folders):
        spans, others = of_identifiers(open_documents(path), Wanted(asked), found)
        found += others
        some.append(
            in_windows(spans, data.sequences[number], int(data.order.first_numbers[number]), training.edges)
        )
    there = {name for kept in training.kept for name, _, _ in kept}
    expected = {name for name in there if name in asked or name.partition("#")[0] in asked}
    assert {one.identifier for one in found} == expected
    assert len(found) == len(expected)

    def owner_of(number):
        return [document.identifier for _, document in tokens_of(data, number)]

    check(Occurrences.join(some), [one.identifier for one in found], data, training.edges, training.steps, owner_of)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(0, 3)), min_size=1, max_size=20),
    st.integers(0, 2**40),
    st.integers(1, 12),
)
def test_what_saw_an_example_of_a_tune_is_what_a_scan_finds(tmp_path_factory, sizes, seed, done):
    """Of a prompt nothing is predicted; some pairs have several examples, and so one id."""
    length, home = 12, tmp_path_factory.mktemp("packed")
    names = [f"pair-{name}" for _, _, name in sizes]
    examples = [Example([5] * prompt, [7] * answer) for prompt, answer, _ in sizes]
    for folder in ("given", "copies"):
        write_packed(home / folder, names, examples, length, BEGIN)
    data = open_packed({0: {"copies": 1.0}, 4: {"given": 1.0}}, home, seed)
    number = data.names.index("given")
    packed, first = data.sequences[number], int(data.order.first_numbers[number])
    ids = packed.places["id"].to_pylist()
    documents = sorted(set(ids))
    which = np.array([documents.index(name) for name in ids])
    found = in_packed(np.arange(len(ids)), which, packed, first, BEGIN)

    def owner_of(sequence):
        if not first <= sequence < first + len(packed):
            return [None] * (length + 1)
        rows = packed.places.slice(packed.first[sequence - first], None).to_pylist()
        own = [row["id"] for row in rows if row["sequence"] == sequence - first for _ in range(row["tokens"])]
        return own + [None] * (length + 1 - len(own))

    check(found, documents, data, Edges(BEGIN, BEGIN + 1), Steps(done, 2, [range(3, 5)]), owner_of)


@given(st.sets(st.integers(1, 60)))
def test_steps_are_told_as_ranges(steps):
    told = ranges(np.array(sorted(steps), np.int64))
    assert [step for first, last in told for step in range(first, last + 1)] == sorted(steps)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(told))
