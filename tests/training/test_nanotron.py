"""Nanotron's settings: what each becomes in a recipe, and the way back."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.recipe.file import load, validate
from octavo.recipe.schema import Recipe
from octavo.training.nanotron.exporting import export
from octavo.training.nanotron.fates import recipe_text
from octavo.training.nanotron.imported import Imported
from octavo.training.nanotron.importing import read
from octavo.training.schedule import learning_rate_factor
from tests.conftest import small_recipe

OCTAVO = Path(sys.executable).parent / "octavo"
SHARED = Path(__file__).parents[3] / "shared/nanotron"

MODEL = """\
model:
  dtype: bfloat16
  init_method:
    std: 0.025
  model_config:
    hidden_act: silu
    hidden_size: 64
    intermediate_size: 160
    is_llama_config: true
    max_position_embeddings: 128
    num_attention_heads: 4
    num_hidden_layers: 2
    num_key_value_heads: 2
    rms_norm_eps: 1.0e-05
    rope_theta: 10000.0
    tie_word_embeddings: true
    vocab_size: 2048
"""

TOKENS = """\
parallelism:
  dp: 4
  pp: 1
  tp: 1
tokens:
  batch_accumulation_per_replica: 2
  micro_batch_size: 8
  sequence_length: 128
  train_steps: 1000
"""

SCHEDULER = """\
  learning_rate_scheduler:
    learning_rate: 0.003
    lr_decay_starting_step: 800
    lr_decay_steps: 200
    lr_decay_style: linear
    lr_warmup_steps: 20
    lr_warmup_style: linear
    min_decay_lr: 0
"""

FLAT = (
    MODEL
    + TOKENS
    + (
        """\
data:
  dataset:
    hf_dataset_or_datasets: someone/books
    text_column_name: body
  seed: 42
general:
  project: debug
  run: of-old_%date_%jobid
  seed: 7
optimizer:
  accumulate_grad_in_fp32: true
  adam_beta1: 0.9
  adam_beta2: 0.98
  adam_eps: 1e-7
  clip_grad: 1.0
  torch_adam_is_fused: true
  weight_decay: 0.01
  zero_stage: 0
"""
        + SCHEDULER
    )
)
"""To March 2024."""

STAGES = FLAT.replace(
    """\
data:
  dataset:
    hf_dataset_or_datasets: someone/books
    text_column_name: body
  seed: 42
""",
    """\
data_stages:
- name: training
  start_training_step: 1
  data:
    dataset:
      hf_dataset_or_datasets: someone/books
      text_column_name: body
    seed: 42
""",
).replace(
    """\
  adam_beta1: 0.9
  adam_beta2: 0.98
  adam_eps: 1e-7
""",
    """\
  optimizer_factory:
    adam_beta1: 0.9
    adam_beta2: 0.98
    adam_eps: 1e-7
    name: adamW
""",
)
"""From April 2024 on, the published run's."""

QWEN = (
    STAGES.replace("    is_llama_config: true\n", "    is_qwen2_config: true\n    moe_config: null\n")
    .replace("    rope_theta", "    z_loss_enabled: false\n    _use_doc_masking: true\n    rope_theta")
    .replace("general:\n", "metrics_logging: null\ngeneral:\n")
)
"""From 2025 on."""


def imported(folder: Path, text: str) -> Imported:
    file = folder / "nanotron.yaml"
    file.write_text(text, encoding="utf-8")
    return read(file)


def dropped(found: Imported) -> dict[str, int]:
    """The settings that were dropped, with their lines."""
    return {row.key: row.line for row in found.rows if row.fate == "dropped"}


@pytest.mark.parametrize("text", [FLAT, STAGES, QWEN], ids=["flat", "stages", "2025"])
def test_each_generation_gives_the_same_recipe(tmp_path, text):
    recipe = imported(tmp_path, text).recipe
    assert recipe.name == "of-old"
    assert recipe.seed == 7
    assert recipe.steps == 1000
    assert recipe.corpus.sources[0].path == "hf://datasets/someone/books"
    assert recipe.corpus.sources[0].columns == {"text": "body"}
    assert recipe.tokenizer.vocab_size == 2048
    assert recipe.model == small_recipe(model={"initializer_range": 0.025}).model
    training = recipe.training
    assert (training.tokens, training.sequences_per_step) == (1000 * 64 * 128, 64)
    assert training.sequences_per_pass == 8
    assert (training.optimizer.betas, training.optimizer.eps) == ([0.9, 0.98], 1e-7)
    assert training.schedule.name == "warmup-stable-decay"
    assert training.schedule.decay_fraction == pytest.approx(0.2)
    assert training.schedule.final_ratio == 0


@pytest.mark.parametrize("text", [FLAT, STAGES, QWEN], ids=["flat", "stages", "2025"])
def test_each_setting_has_exactly_one_fate(tmp_path, text):
    found = imported(tmp_path, text)

    def leaves(value: Any, key: str) -> list[str]:
        if isinstance(value, dict):
            return [leaf for name, inner in value.items() for leaf in leaves(inner, f"{key}.{name}".lstrip("."))]
        if isinstance(value, list):
            return [leaf for n, inner in enumerate(value) for leaf in leaves(inner, f"{key}[{n}]")]
        return [key]

    assert sorted(row.key for row in found.rows) == sorted(leaves(yaml.safe_load(text), ""))


def test_what_has_no_meaning_here_is_named_with_its_line(tmp_path):
    text = FLAT + "lighteval:\n  batch_size: 8\nprofiler: null\nnonsense: 1\n3: 4\n"
    found = imported(tmp_path, text)
    lines = text.splitlines()
    for key, line in dropped(found).items():
        assert lines[line - 1].split(":")[0].strip() == key.rpartition(".")[2]
    assert {"general.project", "data.seed", "lighteval.batch_size", "nonsense", "3"} <= dropped(found).keys()
    assert "profiler" not in dropped(found)  # null asks for nothing


def test_the_recipe_as_a_file_is_the_same_and_says_what_was_dropped(tmp_path):
    found = imported(tmp_path, FLAT)
    (tmp_path / "recipe.yaml").write_text(recipe_text(found))
    assert load(tmp_path / "recipe.yaml") == found.recipe
    assert "general.project 'debug': dropped; octavo has runs, no projects" in recipe_text(found)


def test_unknown_and_doubled_keys_are_dropped_and_the_last_of_two_counts(tmp_path):
    text = FLAT.replace("  seed: 7\n", "  seed: 6\n  seed: 7\n  sead: 5\n").replace(
        "    hidden_size: 64\n", "    hidden_size: 64\n    attention_dropout: 0.1\n    ? [a, b]\n    : 1\n"
    )
    found = imported(tmp_path, text)
    assert found.recipe.seed == 7
    assert {"general.seed", "general.sead", "model.model_config.attention_dropout"} <= dropped(found).keys()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "is_llama_config: true",
            "is_starcoder2_config: true",
            "is_starcoder2_config: found true, expected a Llama",
        ),
        ("is_llama_config: true", "is_mamba_config: true", "found true, expected is_llama_config"),
        ("is_llama_config: true", "is_llama_config: false", "found false, expected true"),
        ("hidden_act: silu", "hidden_act: gelu", "hidden_act: found 'gelu', expected silu"),
        ("hidden_act: silu", "attention_bias: true", "attention_bias: found true, expected false"),
        ("hidden_act: silu", "moe_config: {num_experts: 8}", "moe_config: found {'num_experts': 8}, expected null"),
        ("hidden_act: silu", "rope_scaling: {factor: 2}", "rope_scaling: found {'factor': 2}, expected null"),
        (
            "hidden_size: 64",
            "hidden_size: 63",
            "num_attention_heads: found 4, expected a divisor of hidden_size (63)",
        ),
        ("hidden_size: 64", "hidden_size: wide", ':7: model.hidden_size: found "wide", expected a valid integer'),
        (
            "vocab_size: 2048",
            "vocab_size: -1",
            "tokenizer.vocab_size: found -1, expected greater than or equal to 512",
        ),
        (
            "train_steps: 1000",
            "train_steps: 0",
            "tokens.train_steps: found 0, expected a whole number of at least 1",
        ),
        ("train_steps: 1000", "train_steps: many", "tokens.train_steps: found 'many', expected a whole number"),
        ("  train_steps: 1000\n", "", "tokens.train_steps: missing; it must be given"),
        ("dp: 4", "dp: 2.5", "parallelism.dp: found 2.5, expected a whole number of at least 1"),
        ("sequence_length: 128", "sequence_length: 256", "expected at most model.max_position_embeddings (128)"),
        ("learning_rate: 0.003", "learning_rate: -1", "learning_rate: found -1, expected a number of at least 0"),
        (
            "learning_rate: 0.003",
            "learning_rate: .nan",
            "learning_rate: found nan, expected a number of at least 0",
        ),
        ("min_decay_lr: 0", "min_decay_lr: 1", "min_decay_lr: found 1, expected at most learning_rate (0.003)"),
        ("lr_decay_style: linear", "lr_decay_style: wsd", "found 'wsd', expected one of linear, cosine, 1-sqrt"),
        ("model:", "modell:", "found no model.model_config, expected nanotron's settings"),
        ("model:", "model: [", "not valid YAML"),
    ],
)
def test_another_model_or_a_value_that_cannot_be_is_an_error_with_its_line(tmp_path, old, new, said):
    with pytest.raises(InputError) as caught:
        imported(tmp_path, FLAT.replace(old, new, 1))
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/nanotron.yaml")


@pytest.mark.parametrize("text", ["", "[]", "3", "&a [*a]", "a: &a {b: *a}", "- - -", "a: !!python/none x", "\x00"])
def test_what_are_no_settings_is_an_error(tmp_path, text):
    with pytest.raises(InputError):
        imported(tmp_path, text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.data(),
)
def test_whatever_a_setting_is_it_is_read_or_refused_plainly(tmp_path_factory, value, data):
    settings = yaml.safe_load(data.draw(st.sampled_from([FLAT, STAGES, QWEN])))
    here = settings
    while isinstance(here, dict):
        parent, key = here, data.draw(st.sampled_from(sorted(here)))
        here = here[key]
        if data.draw(st.booleans()):
            break
    parent[key] = value
    try:
        found = imported(tmp_path_factory.getbasetemp(), yaml.safe_dump(settings, allow_unicode=True))
    except InputError:
        return
    assert recipe_text(found)


def nanotron_rate(step: int, steps: int, s: dict[str, Any]) -> float:
    """Nanotron's learning rate, by its own words: steps are counted from 0, and the first update has rate 0."""
    peak, least = s["learning_rate"], s["min_decay_lr"]
    if step <= s["lr_warmup_steps"]:
        return peak * step / max(s["lr_warmup_steps"], 1)
    done = step - s["lr_decay_starting_step"]
    if done < 0:
        return peak
    if done >= s["lr_decay_steps"]:
        return least
    share = done / s["lr_decay_steps"]
    left = (1 + math.cos(math.pi * share)) / 2 if s["lr_decay_style"] == "cosine" else 1 - share
    return least + (peak - least) * left


@given(
    st.integers(1, 60),
    st.integers(0, 60),
    st.integers(1, 200),
    st.floats(0, 0.99),
    st.sampled_from([1.0, 1.5, 7.3]),
)
def test_the_linear_decay_is_nanotrons_one_update_earlier(tmp_path_factory, warmup, stable, decay, ratio, overrun):
    """Also where nanotron's decay would end past the last step: its rate there is the final one."""
    steps = warmup + stable + decay
    settings = {
        "learning_rate": 0.01,
        "lr_warmup_steps": warmup,
        "lr_warmup_style": "linear",
        "lr_decay_starting_step": warmup + stable,
        "lr_decay_steps": round(decay * overrun),
        "lr_decay_style": "linear",
        "min_decay_lr": 0.01 * ratio,
    }
    text = FLAT.replace("train_steps: 1000", f"train_steps: {steps}").replace(
        SCHEDULER, yaml.safe_dump({"learning_rate_scheduler": settings}).replace("\n", "\n  ").join(["  ", "\n"])
    )
    schedule = imported(tmp_path_factory.getbasetemp(), text).recipe.training.schedule
    ours = [0.01 * learning_rate_factor(schedule, step, steps) for step in range(steps)]
    theirs = [nanotron_rate(step + 1, steps, settings) for step in range(steps)]
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_a_decay_that_is_missing_to_the_end_is_dropped_with_a_word(tmp_path):
    found = imported(tmp_path, FLAT.replace("lr_decay_steps: 200", "lr_decay_steps: 13"))
    (row,) = (row for row in found.rows if row.key.endswith("lr_decay_steps"))
    assert (row.fate, row.words) == ("dropped", "octavo decays to the last step, 1,000, and not to step 813")


def test_a_least_rate_that_is_missing_is_the_peak_as_in_nanotron(tmp_path):
    recipe = imported(tmp_path, FLAT.replace("    min_decay_lr: 0\n", "")).recipe
    assert learning_rate_factor(recipe.training.schedule, 999, 1000) == 1


def test_what_the_file_leaves_open_is_as_nanotron_takes_it(tmp_path):
    text = FLAT
    for line in ("rms_norm_eps: 1.0e-05", "num_key_value_heads: 2", "tie_word_embeddings: true"):
        text = text.replace(f"    {line}\n", "")
    model = imported(tmp_path, text).recipe.model
    assert (model.rms_norm_eps, model.num_key_value_heads, model.tie_word_embeddings) == (1e-6, 4, False)


SCHEMA: dict[str, tuple[set[str], set[str]]] = {
    "general": (
        {"project"},
        {"run", "seed", "step", "consumed_train_samples", "benchmark_csv_path", "ignore_sanity_checks"},
    ),
    "parallelism": (
        {"dp", "pp", "tp"},
        {"pp_engine", "tp_mode", "tp_linear_async_communication", "recompute_layer", "expert_parallel_size"},
    ),
    "model": ({"model_config", "init_method"}, {"dtype", "make_vocab_size_divisible_by", "ddp_bucket_cap_mb"}),
    "model.init_method": ({"std"}, set()),
    "model.model_config": (
        set(),
        {
            "bos_token_id",
            "eos_token_id",
            "hidden_act",
            "hidden_size",
            "initializer_range",
            "intermediate_size",
            "is_llama_config",
            "max_position_embeddings",
            "num_attention_heads",
            "num_hidden_layers",
            "num_key_value_heads",
            "pad_token_id",
            "pretraining_tp",
            "rms_norm_eps",
            "rope_interleaved",
            "rope_scaling",
            "rope_theta",
            "tie_word_embeddings",
            "use_cache",
            "vocab_size",
        },
    ),
    "tokenizer": (set(), {"tokenizer_name_or_path", "tokenizer_revision", "tokenizer_max_length"}),
    "checkpoints": (
        {"checkpoints_path", "checkpoint_interval"},
        {
            "save_initial_state",
            "save_final_state",
            "resume_checkpoint_path",
            "checkpoints_path_is_shared_file_system",
        },
    ),
    "logging": (set(), {"log_level", "log_level_replica", "iteration_step_info_interval"}),
    "tokens": (
        {"sequence_length", "train_steps", "micro_batch_size", "batch_accumulation_per_replica"},
        {"val_check_interval", "limit_val_batches", "limit_test_batches"},
    ),
    "optimizer": (
        {
            "optimizer_factory",
            "zero_stage",
            "weight_decay",
            "clip_grad",
            "accumulate_grad_in_fp32",
            "learning_rate_scheduler",
        },
        {"weight_decay_exclude_named_params"},
    ),
    "optimizer.optimizer_factory": ({"adam_eps", "adam_beta1", "adam_beta2", "torch_adam_is_fused"}, {"name"}),
    "optimizer.learning_rate_scheduler": (
        {"learning_rate"},
        {
            "lr_warmup_steps",
            "lr_warmup_style",
            "lr_decay_style",
            "lr_decay_steps",
            "lr_decay_starting_step",
            "min_decay_lr",
        },
    ),
}
"""Required and other fields of nanotron's strict dataclasses of 2024, which those of 2025 know too."""


def test_the_export_has_the_fields_that_nanotrons_parser_asks_for_and_no_others():
    settings = yaml.safe_load(export(small_recipe(), 2048))
    assert settings.keys() == {*(key for key in SCHEMA if "." not in key), "data_stages"}
    for path, (required, others) in SCHEMA.items():
        section = settings
        for name in path.split("."):
            section = section[name]
        assert required <= section.keys() <= required | others, path
    (stage,) = settings["data_stages"]
    assert stage.keys() == {"name", "start_training_step", "data"}
    assert stage["data"].keys() == {"dataset", "seed", "num_loading_workers"}
    assert stage["data"]["dataset"].keys() == {"dataset_folder", "dataset_weights"}


RECIPES = st.builds(
    lambda **drawn: validate(
        {
            "name": drawn["name"],
            "seed": drawn["seed"],
            "corpus": {"sources": [{"path": "builtin:starter"}]},
            "tokenizer": {"vocab_size": drawn["vocab"]},
            "model": {
                "hidden_size": drawn["kv"] * drawn["group"] * drawn["width"],
                "num_attention_heads": drawn["kv"] * drawn["group"],
                "num_key_value_heads": drawn["kv"],
                "num_hidden_layers": drawn["layers"],
                "intermediate_size": drawn["feed"],
                "max_position_embeddings": drawn["length"] * drawn["longer"],
                "tie_word_embeddings": drawn["tied"],
                "rope_theta": drawn["theta"],
                "rms_norm_eps": drawn["small"],
                "initializer_range": drawn["std"],
            },
            "training": {
                "tokens": drawn["steps"] * drawn["passes"] * drawn["accumulated"] * drawn["length"],
                "sequence_length": drawn["length"] if drawn["longer"] > 1 else None,
                "sequences_per_step": drawn["passes"] * drawn["accumulated"],
                "sequences_per_pass": drawn["passes"],
                "optimizer": {
                    "learning_rate": drawn["rate"],
                    "betas": drawn["betas"],
                    "eps": drawn["small"],
                    "weight_decay": drawn["decay"],
                    "gradient_clip": drawn["clip"],
                },
                "schedule": drawn["schedule"],
                "checkpoint": {"every_steps": drawn["steps"]},
                "precision": drawn["precision"],
                "z_loss": drawn["z_loss"],
                "log_every": drawn["accumulated"],
                "evaluate_every_steps": drawn["evaluated"],
            },
        },
        {},
        "drawn",
    ),
    name=st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True),
    seed=st.integers(0, 2**63 - 1),
    vocab=st.integers(512, 200_000),
    kv=st.integers(1, 4),
    group=st.integers(1, 4),
    width=st.sampled_from([2, 32, 64]),
    layers=st.integers(1, 40),
    feed=st.integers(1, 5000),
    length=st.integers(2, 4096),
    longer=st.integers(1, 3),
    tied=st.booleans(),
    theta=st.floats(1, 1e7),
    small=st.floats(1e-12, 1e-3),
    std=st.floats(1e-4, 1),
    steps=st.integers(1, 300),
    passes=st.integers(1, 8),
    accumulated=st.integers(1, 8),
    rate=st.floats(1e-6, 1),
    betas=st.lists(st.floats(0, 0.9999), min_size=2, max_size=2),
    decay=st.floats(0, 2),
    clip=st.floats(0.01, 100),
    precision=st.sampled_from(["bfloat16", "float32"]),
    z_loss=st.just(0.0) | st.floats(1e-6, 1),
    evaluated=st.none() | st.integers(1, 500),
    schedule=st.fixed_dictionaries(
        {
            "name": st.sampled_from(["cosine", "warmup-stable-decay"]),
            "warmup_steps": st.integers(0, 100),
            "decay_fraction": st.floats(0, 0.99),
            "final_ratio": st.floats(0, 0.99),
        }
    ),
)


@given(RECIPES)
def test_what_both_sides_know_survives_the_way_there_and_back(tmp_path_factory, recipe: Recipe):
    back = imported(tmp_path_factory.getbasetemp(), export(recipe, recipe.tokenizer.vocab_size)).recipe
    assert (back.name, back.seed, back.tokenizer, back.model) == (
        recipe.name,
        recipe.seed,
        recipe.tokenizer,
        recipe.model,
    )
    same = recipe.training.model_copy(update={"schedule": back.training.schedule})
    assert back.training == same
    for step in {0, recipe.steps // 3, recipe.steps // 2, recipe.steps - 1}:
        ours, theirs = (learning_rate_factor(r.training.schedule, step, r.steps) for r in (recipe, back))
        assert theirs == pytest.approx(ours, abs=1e-9)


def test_a_given_tokenizer_survives_where_it_lies_there(tmp_path):
    given = tmp_path / "tokenizer.json"
    given.touch()
    recipe = small_recipe(tokenizer={"path": str(given)})
    assert imported(tmp_path, export(recipe, 2048)).recipe.tokenizer.path == str(given)


def test_muon_is_not_passed_off_as_adamw():
    assert "muon, which nanotron has not" in export(small_recipe(training={"optimizer": {"name": "muon"}}), 2048)


def test_token_files_of_datatrove_are_training_sequences(tmp_path):
    """What nanotron trains on: written by the library that it takes them from."""
    from datatrove.pipeline.tokens.tokenizer import TokenizedFile

    from octavo.training.sequences import open_sequences

    documents = [[1, *range(10, 10 + length), 2] for length in (5, 40, 17)]
    file = TokenizedFile(str(tmp_path), "00000_tokens.ds", tokenizer_name_or_path="t|2", save_final_metadata=False)
    for tokens in documents:
        file.write(tokens, None)
    file.close()
    (tmp_path / "00000_tokens.ds.metadata").write_text("t|2\n66\n66 tokens")
    sequences = open_sequences(tmp_path, 16)
    stream = np.array([token for tokens in documents for token in tokens])
    for number, row in enumerate(sequences.read(np.arange(len(sequences)))):
        assert row.tolist() == stream[number * 16 : number * 16 + 17].tolist()


SMOLLM = STAGES.replace(
    """\
      hf_dataset_or_datasets: someone/books
      text_column_name: body
    seed: 42
""",
    """\
      dataset_folder: [tokens/web, tokens/books]
      dataset_weights: [0.85, 0.15]
    seed: 42
- name: annealing
  start_training_step: 801
  data:
    dataset:
      dataset_folder: {tokens/books: 3, tokens/code: 1}
- name: the rest
  start_training_step: 901
  data:
    dataset:
      dataset_folder: tokens/all
      dataset_weights: null
tokenizer:
  tokenizer_name_or_path: someone/tokenizer
""",
)
"""Three stages over token files, in the three ways in which nanotron names folders."""


def became(found: Imported) -> dict[str, tuple[str, str]]:
    return {row.key: (row.fate, row.words) for row in found.rows}


def test_stages_over_token_files_are_the_recipes(tmp_path):
    found = imported(tmp_path, SMOLLM)
    recipe = found.recipe
    assert [stage.model_dump() for stage in recipe.training.data] == [
        {"name": "training", "first_step": 1, "weights": {"tokens/web": 0.85, "tokens/books": 0.15}},
        {"name": "annealing", "first_step": 801, "weights": {"tokens/books": 3.0, "tokens/code": 1.0}},
        {"name": "the rest", "first_step": 901, "weights": {"tokens/all": None}},
    ]
    assert recipe.corpus.sources == []
    assert "starter" not in recipe_text(found)
    assert recipe.tokenizer.path == "someone/tokenizer/tokenizer.json"
    rows = became(found)
    for key in ("name", "start_training_step", "data.dataset.dataset_folder"):
        assert rows[f"data_stages[1].{key}"][0] == "taken"
    assert rows["data_stages[1].start_training_step"][1] == "training.data[1].first_step = 801"
    assert rows["data_stages[2].data.dataset.dataset_weights"][1].endswith("null: sequences count alike")
    assert "save it there, or name its place" in rows["tokenizer.tokenizer_name_or_path"][1]
    again = imported(tmp_path, export(recipe, 2048)).recipe
    assert (again.training, again.tokenizer.path, again.corpus) == (
        recipe.training,
        recipe.tokenizer.path,
        recipe.corpus,
    )


def test_stages_are_taken_in_the_order_of_their_steps(tmp_path):
    text = SMOLLM.replace("start_training_step: 901", "start_training_step: 0").replace(
        "start_training_step: 1\n", "start_training_step: 901\n"
    )
    stages = imported(tmp_path, text).recipe.training.data
    assert [(stage.name, stage.first_step) for stage in stages] == [
        ("the rest", 1),
        ("annealing", 801),
        ("training", 901),
    ]


def test_a_stage_of_documents_among_those_of_token_files_draws_from_the_recipes_own(tmp_path):
    text = SMOLLM.replace("dataset_folder: tokens/all", "hf_dataset_or_datasets: someone/books").replace(
        "      dataset_weights: null\n", ""
    )
    recipe = imported(tmp_path, text).recipe
    assert recipe.training.data[2].weights == {"corpus": 1.0}
    assert [source.path for source in recipe.corpus.sources] == ["hf://datasets/someone/books"]


def test_each_stages_documents_have_the_text_column_that_it_names_before_or_after_them(tmp_path):
    text = STAGES.replace(
        "general:\n",
        """\
- name: more
  start_training_step: 501
  data:
    dataset:
      text_column_name: content
      hf_dataset_or_datasets: someone/papers
general:
""",
        1,
    )
    found = imported(tmp_path, text)
    assert [(source.path, source.columns) for source in found.recipe.corpus.sources] == [
        ("hf://datasets/someone/books", {"text": "body"}),
        ("hf://datasets/someone/papers", {"text": "content"}),
    ]
    rows = became(found)
    assert rows["data_stages[0].data.dataset.text_column_name"][0] == "taken"
    assert rows["data_stages[1].data.dataset.text_column_name"][0] == "taken"


def test_a_folder_that_is_called_corpus_is_not_taken_for_the_recipes_own_documents(tmp_path):
    stages = imported(tmp_path, SMOLLM.replace("tokens/all", "corpus")).recipe.training.data
    assert stages[2].weights == {"./corpus": None}


def test_a_folder_of_weight_0_is_left_out(tmp_path):
    stages = imported(tmp_path, SMOLLM.replace("[0.85, 0.15]", "[0, 0.15]")).recipe.training.data
    assert stages[0].weights == {"tokens/books": 0.15}


@pytest.mark.parametrize(
    ("found", "given", "said"),
    [
        (
            "[0.85, 0.15]",
            "[0.85]",
            "dataset_weights: found [0.85], expected a weight of at least 0 for each of the 2",
        ),
        ("[0.85, 0.15]", "[0, 0]", "dataset_weights: found [0, 0], expected a weight of at least 0"),
        ("[0.85, 0.15]", "[1, -1]", "dataset_weights: found [1, -1], expected a weight of at least 0"),
        ("[tokens/web, tokens/books]", "[]", "dataset_folder: found [], expected a folder"),
        ("[tokens/web, tokens/books]", "7", "dataset_folder: found 7, expected a folder"),
        ("step: 801", "step: soon", "start_training_step: found 'soon', expected a whole number of at least 0"),
        ("step: 801", "step: 901", "training.data[2].first_step: found 901, expected a step after 901"),
        ("step: 1\n", "step: 2\n", "training.data[0].first_step: found 2, expected 1"),
    ],
)
def test_stages_that_cannot_be_are_errors(found, given, said, tmp_path):
    assert found in SMOLLM
    with pytest.raises(InputError, match=re.escape(said)):
        imported(tmp_path, SMOLLM.replace(found, given))


def test_the_export_names_each_stage_and_the_runs_own_token_files(tmp_path):
    data = [{"weights": {"corpus": 3, "old": 1}}, {"first_step": 9, "weights": {"corpus": None, "old": None}}]
    recipe = small_recipe(tokenizer={"path": "t/tokenizer.json"}, training={"data": data})
    stages = yaml.safe_load(export(recipe, 2048))["data_stages"]
    assert [(stage["name"], stage["start_training_step"]) for stage in stages] == [("stage 1", 1), ("stage 2", 9)]
    assert stages[0]["data"]["dataset"] == {
        "dataset_folder": ["runs/small/tokens", "old"],
        "dataset_weights": [3.0, 1.0],
    }
    assert stages[1]["data"]["dataset"]["dataset_weights"] is None
    back = imported(tmp_path, export(recipe, 2048)).recipe
    assert [stage.weights for stage in back.training.data] == [stage.weights for stage in recipe.training.data]


def octavo(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([OCTAVO, *map(str, arguments)], capture_output=True, text=True)


def test_the_command_writes_a_recipe_and_tells_every_setting(tmp_path):
    (tmp_path / "config.yaml").write_text(FLAT)
    done = octavo("import-nanotron", tmp_path / "config.yaml", "-o", tmp_path / "recipe.yaml")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/recipe.yaml\n")
    warning = f"octavo: warning: {tmp_path}/config.yaml:{FLAT.splitlines().index('  project: debug') + 1}: general.project"
    assert f"{warning} 'debug': dropped; octavo has runs, no projects\n" in done.stderr
    assert "training.optimizer.weight_decay" in done.stderr
    again = octavo("import-nanotron", tmp_path / "config.yaml", "-o", tmp_path / "recipe.yaml")
    assert again.returncode == 2
    assert "is there already; nothing was changed" in again.stderr
    exported = octavo("export-nanotron", tmp_path / "recipe.yaml")
    assert imported(tmp_path, exported.stdout).recipe.training == load(tmp_path / "recipe.yaml").training


def test_the_command_answers_a_program(tmp_path):
    (tmp_path / "config.yaml").write_text(STAGES + "dates: 2024-03-01\nnumber: .nan\nset: !!set {a, b}\n")
    answer = json.loads(octavo("import-nanotron", tmp_path / "config.yaml", "--json").stdout)
    assert validate(answer["recipe"], {}, "answer") == imported(tmp_path, STAGES).recipe
    assert {row["fate"] for row in answer["settings"]} == {"taken", "alike", "dropped"}


def test_a_terminal_obeys_nothing_of_a_file(tmp_path):
    (tmp_path / "config.yaml").write_text(FLAT + 'nonsense: "\\e[2J[bold]\\x9b"\n"\\e[1mkey": 1\n')
    done = octavo("import-nanotron", tmp_path / "config.yaml")
    assert done.returncode == 0
    assert "'\\x1b[2J[bold]\\x9b'" in done.stderr
    assert not {"\x1b", "\x9b"} & set(done.stderr + done.stdout)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="no real settings beside the repository")
@pytest.mark.parametrize(
    "name", ["350m_llama_2024-03", "smollm1_135M_2024", "smollm2_360M_2024", "tiny_llama", "qwen_example_2025"]
)
def test_real_settings_are_read_and_survive_the_way_back(tmp_path, name):
    found = read(SHARED / f"{name}.yaml")
    settings = yaml.safe_load((SHARED / f"{name}.yaml").read_text())
    tokens = settings["tokens"]
    assert found.recipe.steps == tokens["train_steps"]
    assert found.recipe.training.sequences_per_step == (
        tokens["micro_batch_size"] * tokens["batch_accumulation_per_replica"] * settings["parallelism"]["dp"]
    )
    assert not [row for row in found.rows if "knows no such" in row.words]
    back = imported(tmp_path, export(found.recipe, found.recipe.tokenizer.vocab_size)).recipe
    assert back == found.recipe.model_copy(update={"corpus": back.corpus})


def test_a_z_loss_is_taken_with_nanotrons_coefficient_where_it_is_enabled(tmp_path):
    on = QWEN.replace("is_qwen2_config", "is_llama_config").replace("z_loss_enabled: false", "z_loss_enabled: true")
    assert imported(tmp_path, on).recipe.training.z_loss == 1e-4
    stronger = on.replace("z_loss_enabled: true", "z_loss_enabled: true\n    z_loss_coefficient: 0.01")
    assert imported(tmp_path, stronger).recipe.training.z_loss == 0.01
    off = stronger.replace("z_loss_enabled: true", "z_loss_enabled: false")
    assert imported(tmp_path, off).recipe.training.z_loss == 0
