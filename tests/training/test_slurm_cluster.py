"""Jobs of octavo on a real Slurm of one machine: interrupted in each way, they go on and end in the same weights."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from octavo.recipe.file import dump, load
from octavo.training.checkpoint import load_model
from octavo.training.checkpoint_files import complete_steps
from octavo.training.memory import llama_config
from tests.conftest import small_recipe
from tests.distributed.processes import octavo_in_two
from tests.training.slurm_cluster import cluster, missing

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}"),
]

OCTAVO = Path(sys.executable).parent / "octavo"
STAGES_BEFORE = ("documents", "corpus", "tokenizer", "tokens")

TWO_TASKS = {"processes_per_node": 2, "cpus_per_process": 1, "time": "00:10:00"}
TRAINING = {"tokens": 102_400, "checkpoint": {"every_steps": 1000}, "log_every": 1, "compile": False}
"""Without a checkpoint before the end, a run that goes on has saved because it was told to."""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment | {"OMP_NUM_THREADS": "1"}


class Run:
    """A run whose first stages are done, and its job."""

    def __init__(self, folder: Path, small_run: Path, environment: dict[str, str], **sections: object) -> None:
        self.folder, self.environment = folder, environment
        folder.mkdir(parents=True)
        for name in STAGES_BEFORE:
            shutil.copytree(small_run / name, folder / name)
        self.recipe = folder / "given.yaml"
        what = {"training": TRAINING, "slurm": TWO_TASKS, "release": {"formats": ["safetensors"], "prompts": {}}}
        self.recipe.write_text(dump(small_recipe(**what | sections)))

    def call(self, *command: object, status: int = 0) -> str:
        done = subprocess.run(
            [str(part) for part in command], env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    def launch(self, *options: str, status: int = 0) -> str:
        return self.call(OCTAVO, "launch", self.recipe, "--slurm", "--out", self.folder, *options, status=status)

    def job(self) -> dict:
        return json.loads(self.call(OCTAVO, "status", self.folder, "--json"))["slurm"]

    def said(self) -> str:
        file = self.folder / "slurm" / f"job-{self.job_id}.txt"
        return file.read_text() if file.exists() else ""

    @property
    def job_id(self) -> str:
        return json.loads((self.folder / "slurm/jobs.jsonl").read_text().splitlines()[-1])["job"]

    def at_step(self, step: int) -> None:
        """Wait until the record has this step."""
        metrics = self.folder / "metrics.jsonl"
        self.until(lambda: metrics.exists() and metrics.read_text().count("\n") >= step)

    def goes_back(self, restarts: int) -> None:
        """Wait until the job is in the queue again."""
        expected = f"JobState=PENDING Reason=BeginTime Dependency=(null) Requeue=1 Restarts={restarts} "
        show = ["scontrol", "show", "job", "--oneliner", self.job_id]
        self.until(lambda: expected in self.call(*show), every=0.3)

    def starts(self) -> None:
        """Spare a job that went back into the queue Slurm's pause of two minutes."""
        time.sleep(2)  # Slurm tells its starts apart by the second
        self.call("scontrol", "update", f"JobId={self.job_id}", "StartTime=now")

    def until(self, holds, seconds: float = 300, every: float = 0.05) -> None:
        patience = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < patience, self.said()
            time.sleep(every)

    def ended(self) -> dict:
        states = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT")
        show = ["scontrol", "show", "job", "--oneliner", self.job_id]
        self.until(
            lambda: any(f"JobState={state} " in said for said in [self.call(*show)] for state in states), every=0.3
        )
        return self.job()

    def weights(self) -> bytes:
        """The parameters of the last step, in the order of their names."""
        home = self.folder / "checkpoints"
        recipe = load(self.folder / "recipe.yaml")
        model = load_model(home, complete_steps(home)[-1], llama_config(recipe, recipe.tokenizer.vocab_size))
        return b"".join(value.numpy().tobytes() for _, value in sorted(model.state_dict().items()))


def unbroken(run: Run) -> bytes:
    """The weights that two processes without Slurm come to, in one go."""
    said = run.folder / "said.txt"
    until = ("--until", "training")
    assert octavo_in_two(said, "run", run.recipe, "--out", run.folder, *until) == [0, 0], said.read_text()
    return run.weights()


def task(run: Run, rank: int) -> int:
    """The process of a task of the run's job."""
    for process in Path("/proc").iterdir():
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            name = (process / "cmdline").read_bytes()
        except OSError:  # it is none, or gone, or not ours
            continue
        if {b"RANK=%d" % rank, b"SLURM_JOB_ID=%s" % run.job_id.encode()} <= set(variables) and b"octavo" in name:
            return int(process.name)
    raise ProcessLookupError(f"task {rank}: {run.said()}")


def test_a_job_that_is_warned_preempted_and_loses_a_task_ends_in_the_weights_of_an_unbroken_run(
    slurm, small_run, tmp_path
):
    expected = unbroken(Run(tmp_path / "unbroken", small_run, slurm))
    run = Run(tmp_path / "a run at 100%", small_run, slurm)
    assert "Slurm job" in run.launch("--until", "training")
    run.at_step(5)
    run.call(
        "scancel", "--batch", "--signal=USR1", run.job_id
    )  # the warning: the job puts itself back into the queue
    run.goes_back(1)
    assert "stopping; what is done is kept" in run.said()
    assert f"its Slurm job {run.job_id} is PENDING" in run.launch(status=2)
    assert run.job()["restarts"] == 1

    run.starts()
    run.at_step(30)
    run.call("scontrol", "requeue", run.job_id)  # as where a job of more weight takes its place
    run.goes_back(2)
    run.starts()
    run.at_step(55)
    os.kill(task(run, 1), signal.SIGKILL)
    assert run.ended()["state"] == "FAILED"  # and the other task has ended too
    assert run.said().count("goes on from step") == 2

    run.launch("--until", "training")  # a new job, as the other is over
    job = run.ended()
    assert (job["state"], job["exit_status"]) == ("COMPLETED", 0), run.said()
    assert "goes on from step" in run.said()
    assert run.weights() == expected
    submitted = (run.folder / "slurm/jobs.jsonl").read_text().splitlines()
    assert len(submitted) == 2


def test_a_job_goes_on_past_its_time_limit_and_stays_away_once_cancelled(slurm, small_run, tmp_path):
    endless = TRAINING | {"tokens": 1_000_000_000}
    limited = TWO_TASKS | {"processes_per_node": 1, "time": "00:01:00", "warning_seconds": 20}
    run = Run(tmp_path / "run", small_run, slurm, training=endless, slurm=limited)
    run.launch("--until", "training")
    run.goes_back(1)
    run.starts()
    run.until(lambda: "goes on from step" in run.said())
    assert "goes back into the queue" in run.said()
    assert "DUE TO TIME LIMIT" not in run.said()
    run.call("scancel", run.job_id)
    assert run.ended()["state"] == "CANCELLED"
    run.until(lambda: "Exited with exit code 130" in run.said().rpartition("CANCELLED")[2])
    assert run.said().count("goes back into the queue") == 1
    assert "CANCELLED" in run.call(OCTAVO, "status", run.folder)


def test_what_slurm_refuses_is_told_in_its_words_and_the_script_stays(slurm, small_run, tmp_path):
    run = Run(tmp_path / "run", small_run, slurm, slurm=TWO_TASKS | {"partition": "moon"})
    said = run.launch(status=1)
    assert "Invalid partition name specified" in said
    assert "nothing was submitted" in said
    assert (run.folder / "slurm/job.sh").exists()
    assert run.job() is None
