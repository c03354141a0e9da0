"""What the GGUF files of a release lose is measured, and said as it was measured."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.torch import load_file

from octavo.evaluation.openings import read_documents
from octavo.evaluation.speaker import Speaker
from octavo.modeling.decoding import Decoding, next_tokens
from octavo.modeling.gguf.reading import load_gguf
from octavo.modeling.gguf.writing import gguf_name
from octavo.progress import Progress
from octavo.release.metric_facts import quantised_metrics
from octavo.release.quantised import BYTES, WRITTEN, measure_quantised
from octavo.release.quantised_figures import FILE, MEAN, read_quantised
from octavo.stages import trained_model
from tests.conftest import small_recipe
from tests.release.test_bundle import card_of


@pytest.fixture(scope="module")
def found(small_run):
    return read_quantised(small_run / "release")


@pytest.fixture(scope="module")
def files(found):
    return {file.format: file for file in found.files}


def test_bf16_holds_the_numbers_of_the_safetensors_and_loses_nothing(small_run, found, files):
    released = load_file(small_run / "release/model.safetensors")
    tensors = {
        t.name: dequantize(t.data, t.tensor_type)
        for t in GGUFReader(small_run / "release/gguf/small-BF16.gguf").tensors
    }
    for name, weight in released.items():
        own, theirs = tensors[gguf_name(name)], weight.float().numpy()
        turned = "q_proj" in name or "k_proj" in name  # their rows stand in another order
        assert np.array_equal(np.sort(own, 0), np.sort(theirs, 0)) if turned else np.array_equal(own, theirs)
    assert set(files["BF16"].lost.values()) == {0.0}
    assert (files["BF16"].same_tokens, files["BF16"].same_texts) == (found.tokens, found.texts)
    assert found.lossless == ["BF16"]


def test_every_gguf_file_is_there_with_its_size_and_its_types(small_run, found):
    paths = {
        path.relative_to(small_run / "release").as_posix(): path for path in (small_run / "release/gguf").iterdir()
    }
    assert {file.path: file.bytes for file in found.files} == {n: p.stat().st_size for n, p in paths.items()}
    for file in found.files:
        kinds = [tensor.tensor_type.name for tensor in GGUFReader(paths[file.path]).tensors]
        assert file.tensors == {kind: kinds.count(kind) for kind in set(kinds)}


def test_bits_per_byte_are_those_of_the_file_on_held_out_text(small_run, found, files):
    """Counted without octavo's scoring: the negative logarithm of each token's probability after those before it."""
    loaded = load_gguf(small_run / "release/gguf/small-Q8_0.gguf")
    documents = {d.id: d for d in read_documents(small_run / "corpus/kept", ["la"])}
    share = BYTES // len(found.held_out) // found.held_out["la"].passages
    works = {d.work: d for d in documents.values()}
    assert len(works) == found.held_out["la"].passages  # so few that all of them are taken
    speaker, bits, size = Speaker(*loaded), 0.0, 0
    for text in (d.text.encode()[:share].decode(errors="ignore") for d in works.values()):
        [ids] = speaker.encode([text])
        tokens = [speaker.begin, *ids]
        size += len(text.encode())
        for start in range(0, len(ids), speaker.context):
            part = torch.tensor(tokens[start : start + speaker.context + 1])
            with torch.no_grad():
                logprobs = loaded.model(part[None, :-1])[0].log_softmax(-1)
            bits -= float(logprobs[torch.arange(len(part) - 1), part[1:]].sum()) / math.log(2)
    assert size == found.held_out["la"].bytes
    assert files["Q8_0"].bits_per_byte["la"] == pytest.approx(bits / size, abs=2e-5)


def test_what_is_lost_is_the_difference_and_languages_count_alike(found):
    for file in found.files:
        for name, bits in file.bits_per_byte.items():
            assert file.lost[name] == pytest.approx(bits - found.bits_per_byte[name], abs=2e-6)
        assert file.lost[MEAN] == pytest.approx(np.mean([file.lost[lang] for lang in found.held_out]), abs=2e-6)
    assert any(file.lost[MEAN] != 0 for file in found.files)


def test_greedy_texts_are_compared_up_to_the_first_other_token(small_run, tmp_path):
    """Of the recipe's prompts, where nothing is held out."""
    (tmp_path / "tokenizer").symlink_to(small_run / "tokenizer")
    recipe = small_recipe()
    model = trained_model(recipe, small_run)
    found = measure_quantised(recipe, tmp_path, model, small_run / "release", Progress())
    assert (found.held_out, found.bits_per_byte, found.texts) == ({}, {}, len(recipe.release.prompts))
    loaded = load_gguf(small_run / "release/gguf/small-Q8_0.gguf")
    decoding, tokens, same, texts = Decoding(max_tokens=WRITTEN, repetition_penalty=1.1), 0, 0, 0
    for prompt in recipe.release.prompts.values():
        ids = [loaded.begin, *Speaker(*loaded).encode([prompt])[0]]
        own, theirs = (list(next_tokens(of, ids, loaded.end, decoding)) for of in (model, loaded.model))
        tokens, texts = tokens + len(own), texts + (own == theirs)
        same += next((n for n, pair in enumerate(zip(own, theirs, strict=False)) if len({*pair}) > 1), len(own))
    file = next(file for file in found.files if file.format == "Q8_0")
    assert (found.tokens, file.same_tokens, file.same_texts) == (tokens, same, texts)


def test_measured_again_it_is_the_same_to_the_byte(small_run, found):
    recipe = small_recipe()
    again = measure_quantised(
        recipe, small_run, trained_model(recipe, small_run), small_run / "release", Progress()
    )
    assert again.model_dump_json() == found.model_dump_json()


def test_a_release_without_gguf_files_says_nothing_of_them(small_run, tmp_path):
    recipe = small_recipe(release={"formats": ["safetensors"]})
    assert measure_quantised(recipe, small_run, trained_model(recipe, small_run), tmp_path, Progress()) is None
    card = card_of(small_run, release={"formats": ["safetensors"]})
    assert "GGUF files" not in card
    assert "gguf-files" not in card


def test_the_card_and_the_manifest_say_what_was_measured(small_run, found):
    told = (small_run / "release/README.md").read_text().partition("\n## GGUF files\n")[2].partition("\n## ")[0]
    for file in found.files:
        lost = f"{file.lost[MEAN]:.4f}".replace("-0.0000", "0.0000")
        assert (
            f"| `{file.path}` | {file.bytes / 1e6:.1f} | {file.bits_per_byte[MEAN]:.4f} | {lost} | "
            f"{file.same_texts} of {found.texts} | {file.same_tokens:,} of {found.tokens:,} |" in told
        )
    assert "No loss was found in BF16:" in told
    assert "{{" not in told
    assert not re.search(r"\|\n\n\|", told)  # a table is not torn
    stated = json.loads((small_run / "release/compliance/manifest.json").read_text())["metrics"]
    metrics = {metric["name"]: metric for metric in stated if metric["file"] == f"release/{FILE}"}
    assert (
        metrics["bits per byte lost in Q8_0"]["value"]
        == next(f for f in found.files if f.format == "Q8_0").lost[MEAN]
    )
    assert [metric.name for metric in quantised_metrics(small_run / "release")] == list(metrics)


def test_no_loss_is_claimed_only_where_none_was_measured(small_run, found):
    def told(**changes):
        files = [file.model_copy(update=changes if file.format == "BF16" else {}) for file in found.files]
        return card_of(small_run, quantised=found.model_copy(update={"files": files}))

    assert "No loss was found in BF16:" in told()
    for change in (
        {"lost": {MEAN: 0.0, **dict.fromkeys(found.held_out, 2e-06)}},
        {"same_tokens": found.tokens - 1},
    ):
        assert "No loss" not in told(**change)
    unmeasured = {"held_out": {}, "bits_per_byte": {}, "tokens": 0, "texts": 0}
    empty = [
        f.model_copy(update={"lost": {}, "bits_per_byte": {}, "same_tokens": 0, "same_texts": 0})
        for f in found.files
    ]
    card = card_of(small_run, quantised=found.model_copy(update=unmeasured | {"files": empty}))
    assert "What the files lose was not measured" in card
    assert "No loss" not in card
