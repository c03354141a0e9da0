"""Damaged files are noticed, told and made again: of done stages, and what a killed stage has left."""

import random
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.lineage import STAGE_FILE, read_record
from octavo.recipe.file import dump
from octavo.road import run_road, stage_states
from octavo.stages import stages_of, stages_to
from tests.conftest import quiet_reporter, small_recipe
from tests.distributed.processes import octavo_process
from tests.end_to_end.contents import contents, copy_made, differing, made_otherwise
from tests.end_to_end.damaging import empty, flip, halve
from tests.end_to_end.striking import await_moment, is_at_work

STAGES = stages_of(small_recipe())


@pytest.fixture
def run(small_run, tmp_path):
    """A copy of the finished small run; times of files are kept."""
    return Path(shutil.copytree(small_run, tmp_path / "small", copy_function=shutil.copy2))


@pytest.mark.parametrize(
    ("stage", "file", "damage"),
    [
        ("corpus", "documents/*.parquet", flip),
        ("corpus", "documents/0*.json", Path.unlink),
        ("curation", "corpus/kept/*.parquet", halve),
        ("curation", "corpus/ledger.parquet", flip),
        ("curation", "corpus/report.json", empty),
        ("tokenization", "tokenizer/tokenizer.json", flip),
        ("tokenization", "tokens/*.ds", halve),
        ("tokenization", "tokens/*.index", empty),
        ("tokenization", "tokens/*.arrow", Path.unlink),
        ("training", "checkpoints/*118/*.distcp", flip),
        ("training", "checkpoints/*118/manifest.json", Path.unlink),
        ("training", "metrics.jsonl", halve),
        ("evaluation", "evaluation/bits_per_byte.json", empty),
        ("release", "release/model.safetensors", flip),
        ("release", "release/gguf/*Q8_0.gguf", halve),
        ("release", "release/compliance/manifest.json", Path.unlink),
        ("trace", "trace/part-00000/suffixes*", flip),
        ("trace", "trace/index.json", Path.unlink),
    ],
)
def test_a_damaged_output_is_told_by_name_and_its_stage_is_the_first_to_be_done_again(run, stage, file, damage):
    (found,) = run.glob(file)
    damage(found)
    what = "is gone" if damage is Path.unlink else "is not as it was made"
    outdated = [(state["stage"], state["reason"]) for state in stage_states(run) if state["state"] == "outdated"]
    assert outdated[0] == (stage, f"output {found.relative_to(run)} {what}")


def test_what_is_damaged_is_set_aside_and_made_again_to_the_same_bytes(run, small_run):
    damaged = {
        "corpus": ("output documents/000-000000-0000.parquet is not as it was made", flip),
        "tokenization": (f"tokens/{STAGE_FILE} is missing or damaged", flip),
        "trace": (f"trace/{STAGE_FILE} is missing or damaged", Path.unlink),
    }
    for reason, damage in damaged.values():
        damage(run / next(word for word in reason.split() if "/" in word))
    told = {state["stage"]: state["reason"] for state in stage_states(run) if state["state"] == "outdated"}
    assert [told[stage] for stage in ("corpus", "trace")] == [damaged[stage][0] for stage in ("corpus", "trace")]
    said: list[str] = []
    run_road(small_recipe(), run, "trace", quiet_reporter(said))
    for stage, (reason, _) in damaged.items():
        kept = run / "superseded" / f"{stage}-1"
        assert f"{stage}: again, because {reason}; what was there is kept in {kept}" in said
    assert "training: done already" in said
    assert differing(contents(small_run), contents(run)) == []


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_of_a_record_no_changed_bit_is_believed(small_run, tmp_path_factory, place, bit):
    content = bytearray((small_run / "tokens" / STAGE_FILE).read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    home = tmp_path_factory.mktemp("record")
    (home / STAGE_FILE).write_bytes(content)
    found, made = read_record(home), read_record(small_run / "tokens")
    assert found is None or found.model_copy(update={"check": made.check}) == made


@pytest.mark.parametrize(
    ("stage", "damage"),
    [("corpus", empty), ("curation", flip), ("tokenization", halve), ("trace", flip)],
)
def test_what_a_killed_stage_left_is_not_believed_where_it_is_damaged(small_run, tmp_path, stage, damage):
    file, run, draw = tmp_path / "recipe.yaml", tmp_path / "killed", random.Random(1789)
    file.write_text(dump(small_recipe()))
    *before, killed = stages_to(small_recipe(), stage)
    while not is_at_work(run, killed):
        shutil.rmtree(run, ignore_errors=True)
        copy_made(small_run, run, before)
        process = octavo_process(run.with_suffix(".txt"), "run", file, "--out", run)
        await_moment("end", killed, run, small_run, process.is_alive, draw)
        process.kill()
        process.join()
    left = [path for output in killed.outputs for path in (run / output).rglob("*") if path.is_file()]
    for path in left:
        if path.name != STAGE_FILE and path.stat().st_size:
            damage(path)
    said: list[str] = []
    run_road(small_recipe(), run, stage, quiet_reporter(said))
    assert f"{stage}: goes on where it stopped" in said
    assert made_otherwise(contents(small_run), run, [*before, killed]) == []


def test_a_killed_training_tells_which_lines_of_its_record_are_lost(small_run, tmp_path):
    file, run = tmp_path / "recipe.yaml", tmp_path / "killed"
    recipe = small_recipe(training={"tokens": 12_000, "log_every": 1, "checkpoint": {"every_steps": 4}})
    file.write_text(dump(recipe))
    copy_made(small_run, run, stages_to(small_recipe(), "tokenization"))
    process = octavo_process(run.with_suffix(".txt"), "run", file, "--out", run)
    while not (run / "checkpoints/step-00000008").exists():
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    metrics = run / "metrics.jsonl"
    lines = metrics.read_text().splitlines()
    metrics.write_text("\n".join([*lines[:6], lines[6][:20], *lines[7:], '{"step": 2']))
    for energy in (run / "checkpoints").glob("energy-*.json"):
        halve(energy)
    said: list[str] = []
    run_road(recipe, run, "training", quiet_reporter(said))
    assert "training: goes on from step 8 of 12" in said
    assert f"training: {metrics}: 1 of its lines cannot be read, and are left out" in said
    steps = [int(line.split()[1][:-1]) for line in metrics.read_text().splitlines()]
    assert steps == [step for step in range(1, 13) if step != 7]


def test_a_training_that_lost_its_last_line_goes_back_for_it(small_run, tmp_path):
    run = tmp_path / "run"
    copy_made(small_run, run, stages_to(small_recipe(), "training"))
    record = run / "checkpoints" / STAGE_FILE
    record.write_text(record.read_text().replace('"done": true', '"done": false').replace('"check"', '"earlier"'))
    metrics = run / "metrics.jsonl"
    metrics.write_bytes(metrics.read_bytes()[:-9])
    said: list[str] = []
    run_road(small_recipe(), run, "training", quiet_reporter(said))
    assert "training: metrics.jsonl has lost its line of step 118; the checkpoint before it is used" in said
    assert "training: goes on from step 100 of 118" in said
    assert made_otherwise(contents(small_run), run, stages_to(small_recipe(), "training")) == []
