"""Token files in stages with weights: what is read, counted and left out."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octavo.errors import InputError
from octavo.recipe.file import dump, load
from octavo.recipe.training import OWN_TOKENS
from octavo.tokenization.index import write_documents
from octavo.tokenization.shards import token_dtype, write_shard
from octavo.training.data import open_data, training_shards
from tests.distributed.processes import LENGTH, recipe


def folder(path, tokens, document=7):
    """Token files of a folder in which each token is one more than the one before, in short documents."""
    path.mkdir()
    cuts = np.split(np.arange(tokens), range(document, tokens, document))
    write_shard(path / "00000.ds", iter([cuts]), token_dtype(100_000), "made")
    return str(path)


def staged(*stages, steps=40, **training):
    return recipe(steps, data=list(stages), **training)


@pytest.fixture
def folders(tmp_path):
    """Three folders of 50, 20 and 5 sequences."""
    return [folder(tmp_path / name, size * LENGTH + 1) for name, size in (("a", 50), ("b", 20), ("c", 5))]


def test_without_stages_the_recipes_own_documents_are_read_in_the_order_that_they_have(folders, tmp_path):
    data = open_data(recipe(), tmp_path / "a")
    staged_data = open_data(staged({"weights": {OWN_TOKENS: 3}}), tmp_path / "a")
    assert len(data) == 50
    assert data.at(np.arange(200)).tolist() == staged_data.at(np.arange(200)).tolist()
    assert sorted(data.at(np.arange(50)).tolist()) == list(range(50))


def test_the_order_in_which_a_mapping_names_folders_changes_nothing(folders, tmp_path):
    """As the recipe in a run's directory is written with sorted keys, and the training goes on from it."""
    a, b, c = folders
    stages = {"weights": {c: 1, a: 2, b: 3}}, {"first_step": 9, "weights": {b: None, a: None}}
    again = tmp_path / "recipe.yaml"
    again.write_text(dump(staged(*stages)))
    positions = np.arange(320)
    seen = open_data(staged(*stages), tmp_path).at(positions)
    assert open_data(load(again), tmp_path).at(positions).tolist() == seen.tolist()
    turned = [stage | {"weights": dict(reversed(stage["weights"].items()))} for stage in stages]
    assert open_data(staged(*turned), tmp_path).at(positions).tolist() == seen.tolist()


def test_a_sequence_is_read_from_its_folder(folders, tmp_path):
    data = open_data(staged({"weights": dict.fromkeys(folders, 1)}), tmp_path)
    numbers = np.array([74, 0, 50, 49, 70])
    first_tokens = [4 * LENGTH, 0, 0, 49 * LENGTH, 0]
    assert data.read(numbers)[:, 0].tolist() == first_tokens
    assert (np.diff(data.read(numbers)) == 1).all()


def test_a_stage_begins_with_its_step_and_goes_on_in_a_folder_where_it_was(folders, tmp_path):
    a, b, c = folders
    stages = {"weights": {a: 3, b: 1}}, {"first_step": 11, "weights": {b: 1, c: 1}}
    data = open_data(staged(*stages), tmp_path)
    first, second = data.at(np.arange(80)), data.at(np.arange(80, 96))
    assert (first < 70).all()
    assert (second >= 50).all()
    assert ((first < 50).sum(), (first >= 50).sum()) == (60, 20)
    assert sorted(first[first >= 50].tolist()) == list(range(50, 70))  # one epoch of b, to its end
    assert len(set(second[second < 70].tolist())) == 8  # and on into the next


def test_without_weights_each_sequence_counts_alike(folders, tmp_path):
    """So that all are seen in as many epochs, as in one folder with all files."""
    data = open_data(staged({"weights": dict.fromkeys(folders)}), tmp_path)
    assert [f["epochs"] for f in data.figures(75).values()] == pytest.approx([1, 1, 1], abs=0.21)
    assert [f["epochs"] for f in data.figures(75_000).values()] == pytest.approx([1000, 1000, 1000], abs=0.21)


def test_the_figures_say_how_much_of_a_folder_is_seen(folders, tmp_path):
    a, b, _ = folders
    figures = open_data(staged({"weights": {a: 3, b: 1}}), tmp_path).figures(320)
    assert figures[a] == {
        "tokens": 1601,
        "sequences": 50,
        "discarded_tokens": 0.000625,
        "drawn": 240,
        "epochs": 4.8,
    }
    assert (figures[b]["drawn"], figures[b]["epochs"]) == (80, 4.0)


@pytest.mark.parametrize("document", [1, 3, 40, 5000])
def test_of_many_short_documents_in_several_folders_less_than_one_token_in_a_hundred_is_left_out(
    document, tmp_path
):
    """Documents are packed, whole or cut: only what fills no sequence at the end of a folder is left out."""
    sizes = [4_000, 33_333, 64 * LENGTH]
    weights = {folder(tmp_path / str(n), size, document): 1 for n, size in enumerate(sizes)}
    data = open_data(staged({"weights": weights}), tmp_path)
    left_out = sum((size - 1) % LENGTH + 1 for size in sizes)
    assert data.discarded == pytest.approx(left_out / sum(sizes))
    assert data.discarded < 0.01
    read = sum(len(np.unique(row[1:])) for row in data.read(np.arange(len(data))))
    assert read == sum(sizes) - left_out


def test_a_folder_with_too_few_tokens_is_named(folders, tmp_path):
    short = folder(tmp_path / "short", LENGTH)
    with pytest.raises(InputError, match=f"{short}: found {LENGTH} tokens, expected at least {LENGTH + 1}"):
        open_data(staged({"weights": {folders[0]: 1, short: 1}}), tmp_path)


def test_documents_are_named_where_a_folder_tells_them(folders, tmp_path):
    """One folder has octavo's index beside its tokens, the other has not."""
    a, b, _ = folders
    documents = -(-(50 * LENGTH + 1) // 7)
    names = [f"letter-{n}" for n in range(documents)]
    part = pa.table({"identifier": names, "split": ["train"] * documents, "repeats": [1] * documents})
    pq.write_table(
        part.cast(
            pa.schema([("identifier", pa.large_string()), ("split", pa.large_string()), ("repeats", pa.int32())])
        ),
        tmp_path / "a.parquet",
    )
    write_documents(tmp_path / "a.parquet", tmp_path / "a/00000.ds")
    data = open_data(staged({"weights": {a: 1, b: 1}}), tmp_path)
    assert data.documents(np.array([55, 0, 60])) == [f"letter-{n}" for n in range(LENGTH // 7 + 1)]
    assert data.documents(np.array([55])) == []


def test_the_shards_of_a_recipe_are_those_of_all_its_stages(folders, tmp_path):
    _, b, c = folders
    shards = training_shards(staged({"weights": {b: 1}}, {"first_step": 5, "weights": {b: 1, c: 2}}), tmp_path)
    assert [str(shard.path.parent) for shard in shards] == [b, c]
