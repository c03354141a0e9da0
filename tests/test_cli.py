"""The command line as a person meets it: real processes, their output and their status."""

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from octavo.cli.app import main
from octavo.recipe.file import dump, load
from octavo.starters import STARTERS
from tests.conftest import copy_tokenized, small_recipe
from tests.distributed.processes import octavo_process

OCTAVO = Path(sys.executable).parent / "octavo"
ROOT = Path(__file__).parent.parent
COMMANDS = [
    "init",
    "run",
    "curate",
    "tokenize",
    "pretrain",
    "evaluate",
    "release",
    "status",
    "launch",
    "generate",
    "schema",
    "compare-tokenizers",
    "train-classifier",
    "plan",
    "import-nanotron",
    "export-nanotron",
    "sign",
    "publish",
    "ablate",
]


def octavo(*arguments, cwd=None):
    return subprocess.run([OCTAVO, *map(str, arguments)], capture_output=True, text=True, cwd=cwd)


@pytest.fixture
def recipe(tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(small_recipe()))
    return file


def test_help_imports_nothing_heavy():
    code = "import sys, octavo.cli.app; print([m for m in ('torch', 'daft', 'pyarrow', 'pydantic', 'rich') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_the_version_is_told():
    assert octavo("--version").stdout == f"octavo {version('octavo')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command):
    done = octavo(command, "--help")
    assert done.returncode == 0
    assert f"Example: octavo {command}" in done.stdout


def test_init_writes_the_recipe_that_the_project_runs(tmp_path):
    assert octavo("init", tmp_path / "starter").returncode == 0
    written = (tmp_path / "starter/recipe.yaml").read_text()
    assert written == (ROOT / "recipes/starter.yaml").read_text()
    assert written.count("#") > 40


def test_what_an_output_has_no_sign_for_is_replaced(tmp_path, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    monkeypatch.setattr(sys, "argv", ["octavo", "init", str(tmp_path / "ſtarter")])
    with pytest.raises(SystemExit) as ended:
        main()
    sys.stdout.flush()
    assert ended.value.code == 0
    assert written.getvalue().endswith(b"/?tarter/recipe.yaml\n")


def test_launch_takes_no_place_of_a_persons_files(tmp_path):
    octavo("init", tmp_path)
    done = octavo("launch", tmp_path / "recipe.yaml", "--slurm", "--dry-run", "--out", tmp_path)
    assert done.returncode == 2
    assert "found recipe.yaml, which no octavo made" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["recipe.yaml"]


def test_init_changes_nothing_that_is_there(tmp_path):
    (tmp_path / "recipe.yaml").write_text("mine")
    done = octavo("init", tmp_path)
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert (tmp_path / "recipe.yaml").read_text() == "mine"


@pytest.mark.parametrize("corpus", list(STARTERS))
def test_every_recipe_of_init_is_valid_and_round_trips(corpus, tmp_path):
    assert octavo("init", tmp_path / "mine", "--corpus", corpus).returncode == 0
    written = load(tmp_path / "mine/recipe.yaml")
    assert written.name == "mine"
    assert written.model_copy(update={"name": STARTERS[corpus]().name}) == STARTERS[corpus]()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.yaml"], "octavo: nowhere.yaml: no such recipe"),
        (["run", "recipe.yaml", "--set", "training.tokens=0"], "training.tokens: found 0, expected greater than 0"),
        (["run", "recipe.yaml", "--set", "trainig.tokens=5"], "trainig: unknown field; the nearest is training"),
        (["run", "recipe.yaml", "--set", "corpus.sources=[{path: nowhere}]"], "nowhere: found nothing there"),
        (
            ["curate", "recipe.yaml", "--ray", "localhost"],
            'curation.ray: found "localhost", expected text of the form',
        ),
        (["run", "recipe.yaml", "--ray", "localhost:1"], "found localhost:1, which cannot be reached"),
        (["ablate", "recipe.yaml", "--rules", "qualty"], "--rules: found 'qualty', expected some of repair, "),
        (["ablate", "recipe.yaml", "--rules", "licences"], "--rules: found licences, which no variant leaves out"),
        (["status", "nowhere"], "found no recipe.yaml in it"),
        (["evaluate", "nowhere"], "found no recipe.yaml in it"),
        (["evaluate", "nowhere", "model.gguf"], "--held-out: found none, expected held-out documents"),
        (["evaluate", "nowhere", "--held-out", "recipe.yaml"], "recipe.yaml: found no .parquet files"),
        (["evaluate", "nowhere", "--set", "training.tokens=5"], "expected a field of the recipe's evaluation"),
        (["generate", "nowhere", "Once"], "found no such folder"),
        (["generate", "Once upon a time " * 20, "nowhere"], "cannot be used (File name too long)"),
        (["run", "recipe.yaml", "--set", "name=!!timestamp foo"], "the value is not valid YAML"),
    ],
)
def test_a_mistake_ends_with_status_2_one_message_and_nothing_changed(
    arguments, message, recipe, monkeypatch, capfd
):
    before = sorted(recipe.parent.rglob("*"))
    monkeypatch.chdir(recipe.parent)
    monkeypatch.setattr(sys, "argv", ["octavo", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capfd.readouterr()
    assert ended.value.code == 2
    assert message in said.err
    assert said.out == ""
    assert sorted(recipe.parent.rglob("*")) == before


def test_the_program_itself_ends_so(recipe):
    done = octavo("run", "nowhere.yaml", cwd=recipe.parent)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("octavo: nowhere.yaml: no such recipe")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_status_tells_the_state_of_every_stage(small_run):
    done = octavo("status", small_run)
    assert done.returncode == 0
    assert "All stages are done." in done.stdout
    states = json.loads(octavo("status", small_run, "--json").stdout)["stages"]
    assert [s["state"] for s in states] == ["done"] * 7


def test_a_run_and_its_files_are_measured_side_by_side(small_run, tmp_path):
    gguf = small_run / "release/gguf/small-Q8_0.gguf"
    given = [
        "evaluate",
        small_run,
        gguf,
        "--held-out",
        small_run,
        "--bits-only",
        "--set",
        "evaluation.max_bytes=4000",
    ]
    done = octavo(*given, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["models"].keys() == {"small", "small-Q8_0"}
    assert abs(answer["differences"]["small-Q8_0"]["mean"]["value"]) < 0.01
    again = octavo(*given, cwd=tmp_path)
    assert "small-Q8_0: measured already" in again.stderr
    value = answer["models"]["small"]["bits_per_byte"]["mean"]["model"]
    assert f"{value:.3f}" in again.stdout
    assert "Results: evaluation" in again.stdout


def test_a_stage_command_goes_that_far(recipe, tmp_path):
    done = octavo("curate", recipe, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert list(answer["stages"]) == ["corpus", "curation"]
    assert answer["stages"]["curation"]["removed"]["documents"] > 0
    assert "Next: tokenization." in octavo("status", tmp_path / "out").stdout


def test_a_terminal_shows_the_stages_and_nothing_of_the_libraries(recipe, tmp_path):
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [OCTAVO, "curate", recipe, "--out", tmp_path / "out"], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is closed when the process ends
        while piece := os.read(ours, 4096):
            shown += piece
    assert running.wait() == 0
    assert b"curation: done in" in shown
    assert b"documents kept" in shown
    assert b"Query" not in shown
    assert b"Warning" not in shown


def test_curate_explains_one_document_and_runs_nothing(tmp_path):
    document = {
        "identifier": "contact",
        "license": "CC0-1.0",
        "text": "Write to the keeper of it at keeper@light.org.",
    }
    (tmp_path / "texts.jsonl").write_text(json.dumps(document))
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "out"
    sources = [{"path": str(tmp_path / "texts.jsonl")}]
    recipe.write_text(dump(small_recipe(corpus={"sources": sources}, curation={"quality": {"enabled": False}})))
    early = octavo("curate", recipe, "--out", run, "--explain", "contact")
    assert (early.returncode, run.exists()) == (2, False)
    assert "found no finished curation" in early.stderr
    assert octavo("curate", recipe, "--out", run).returncode == 0
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    told = octavo("curate", recipe, "--out", run, "--explain", "contact")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("contact\n")
    assert "by personal-data" in told.stdout
    answer = json.loads(octavo("curate", recipe, "--out", run, "--explain", "contact", "--json").stdout)
    assert (answer["identifier"], answer["fate"]) == ("contact", "redacted")
    unreadable = octavo("curate", recipe, "--out", run, "--explain", "\udcff")
    assert (unreadable.returncode, unreadable.stderr) == (
        2,
        "octavo: --explain: found no UTF-8 at byte 0, expected a text in UTF-8\n",
    )
    wrong = octavo("curate", recipe, "--out", run, "--explain", "contct")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "the nearest is contact" in wrong.stderr
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_generate_continues_the_prompt_alike_streamed_and_whole(small_run):
    streamed = octavo("generate", small_run, "The old keeper", "--max-tokens", 20)
    whole = octavo("generate", small_run, "The old keeper", "--max-tokens", 20, "--no-stream")
    answer = json.loads(octavo("generate", small_run, "The old keeper", "--max-tokens", 20, "--json").stdout)
    assert streamed.returncode == 0, streamed.stderr
    assert streamed.stdout.startswith("The old keeper")
    assert streamed.stdout == whole.stdout == "The old keeper" + answer["continuation"] + "\n"
    assert answer["engine"] == "llama.cpp"


def test_the_schema_of_the_recipe_is_printed():
    schema = json.loads(octavo("schema").stdout)
    assert schema["properties"]["training"]


def test_a_reader_that_leaves_is_no_error(small_run):
    with subprocess.Popen([OCTAVO, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()


def test_ctrl_c_in_training_ends_soon_and_the_next_call_goes_on(small_run, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(small_recipe(training={"tokens": 150_000, "log_every": 1})))
    run = tmp_path / "run"
    copy_tokenized(small_run, run)
    metrics, step = run / "metrics.jsonl", 0
    for number in (signal.SIGINT, signal.SIGTERM):
        process = octavo_process(tmp_path / f"{number}.txt", "pretrain", file, "--out", run)
        while not (metrics.exists() and metrics.read_text().count("\n") > step + 3):
            assert process.is_alive()
            time.sleep(0.05)
        asked = time.monotonic()
        os.kill(process.pid, number)
        process.join()
        said = (tmp_path / f"{number}.txt").read_text()
        assert time.monotonic() - asked < 10  # four seconds of grace, and a busy machine
        assert process.exitcode == 130
        assert "stopping; what is done is kept" in said
        assert "Traceback" not in said
        assert not step or f"goes on from step {step:,}" in said
        step = max(int(path.name.removeprefix("step-")) for path in (run / "checkpoints").glob("step-*"))
    again = octavo_process(tmp_path / "again.txt", "pretrain", file, "--out", run)
    again.join()
    said = (tmp_path / "again.txt").read_text()
    assert again.exitcode == 0, said
    assert "training: goes on where it stopped" in said
    assert f"goes on from step {step:,}" in said


def test_an_interrupt_in_the_middle_of_native_work_ends_all_the_same(tmp_path):
    """The watcher does not wait for Python's own signal handlers."""
    code = (
        "from octavo.display import Stop; import torch; Stop(); print('ready', flush=True)\n"
        "torch.set_num_threads(1); a = torch.ones(20000, 20000); print(float((a @ a).sum()))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    time.sleep(1.0)
    os.kill(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
