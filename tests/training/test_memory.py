"""The estimate of memory, against what a real process takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from octavo.training.memory import estimate, llama_config, sharded
from tests.conftest import small_recipe

MODEL = {
    "hidden_size": 256,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 640,
    "max_position_embeddings": 256,
}
TRAINING = {"tokens": 3 * 8 * 256, "sequences_per_step": 8, "sequences_per_pass": 8, "compile": False}
VOCABULARY = 4096

PROCESS = """
import json, sys, threading, time
from pathlib import Path

import numpy as np

from octavo.progress import Progress
from octavo.tokenization.entries import Edges
from octavo.tokenization.shards import write_shard
from octavo.training.data import open_data
from octavo.training.loop import train
from octavo.training.memory import llama_config
from tests.conftest import small_recipe

home, settings = Path(sys.argv[1]), json.loads(sys.argv[2])
(home / "tokens").mkdir()
rng = np.random.default_rng(0)
documents = [np.concatenate(([1], rng.integers(3, 500, 700))) for _ in range(40)]
write_shard(home / "tokens/a.ds", iter([documents]), np.dtype("<u2"), "none")


def trained(name, vocab, **sections):
    recipe = small_recipe(**sections)
    train(recipe, llama_config(recipe, vocab), Edges(1, 2), open_data(recipe, home / "tokens"), home / name, Progress())


def taken():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))


def watch():
    while True:
        peaks[0] = max(peaks[0], taken())
        time.sleep(0.002)


first = settings["training"] | {"tokens": 256, "sequences_per_step": 2, "sequences_per_pass": 2}
trained("first", 512, training=first)  # what every training loads, whatever its size
before = taken()
peaks = [before]
threading.Thread(target=watch, daemon=True).start()
trained("second", settings["vocab"], model=settings["model"], training=settings["training"])
print(peaks[0] - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's account of a process's memory")
@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_the_estimate_is_within_a_tenth_of_what_a_process_takes(tmp_path, precision):
    """Freed memory goes back at once there, so that what is counted is what lives, and no gaps of the heap; nor
    are files that are mapped. The only checkpoint is the last step's: its copy does not lie beside a pass.
    """
    settings = {"model": MODEL, "vocab": VOCABULARY, "training": TRAINING | {"precision": precision}}
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, str(tmp_path), json.dumps(settings)],
        capture_output=True,
        text=True,
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"},
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    recipe = small_recipe(model=MODEL, training=settings["training"])
    parts = estimate(recipe, llama_config(recipe, VOCABULARY), "cpu")
    assert sum(parts.values()) - parts["checkpoint"] == pytest.approx(int(done.stdout), rel=0.1)


def test_what_a_pass_needs_grows_with_its_sequences_and_the_state_does_not():
    recipe = small_recipe()
    config = llama_config(recipe, 2048)
    one, four = (estimate(recipe, config, sequences_per_pass=n) for n in (1, 4))
    for part in ("activations", "logits", "mask"):
        assert four[part] == 4 * one[part]
    for part in ("weights", "gradients", "optimizer", "casts"):
        assert four[part] == one[part]


def test_muon_keeps_one_moment_of_a_matrix_where_adamw_keeps_two():
    adamw, muon = (small_recipe(training={"optimizer": {"name": name}}) for name in ("adamw", "muon"))
    config = llama_config(adamw, 2048)
    matrices = sum(
        count * rows * columns
        for count, rows, columns in ((2, 64, 64), (2, 64, 32), (3, 64, 160))  # a layer's
    )
    saved = estimate(adamw, config)["optimizer"] - estimate(muon, config)["optimizer"]
    assert saved == 4 * config.num_hidden_layers * matrices


def test_float32_has_no_casts_and_wider_activations():
    wide, narrow = (small_recipe(training={"precision": p}) for p in ("float32", "bfloat16"))
    config = llama_config(wide, 2048)
    assert estimate(wide, config)["casts"] == 0
    assert estimate(wide, config)["activations"] > estimate(narrow, config)["activations"]


def test_sharding_divides_the_state_and_gathers_layers():
    recipe = small_recipe()
    config = llama_config(recipe, 2048)
    whole = estimate(recipe, config, processes=8)
    parts = sharded(whole, config, 8)
    for part in ("weights", "gradients", "optimizer"):
        assert parts[part] == pytest.approx(whole[part] / 8, abs=1)
    assert parts["activations"] == whole["activations"]
    assert parts["gathered"] > 0


def test_the_compiler_and_the_checkpoints_copy_take_a_gpus_memory_not():
    recipe = small_recipe(training={"compile": True})
    config = llama_config(recipe, 2048)
    assert estimate(recipe, config, "cpu").keys() - estimate(recipe, config, "cuda").keys() == {
        "checkpoint",
        "compiler",
    }
