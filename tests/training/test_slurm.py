"""What a Slurm job asks for and does, as its script says it, and what is made of Slurm's answers."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from octavo.errors import InputError, OctavoError
from octavo.recipe.file import load
from octavo.recipe.slurm import SETTLED, Slurm
from octavo.road import stage_states
from octavo.training.slurm import in_words, job_script, last_job, launch, parse_job
from tests.conftest import small_recipe

EVERYTHING = {
    "nodes": 4,
    "gpus_per_node": 8,
    "processes_per_node": 2,
    "cpus_per_process": 12,
    "memory": "96G",
    "time": "2-12:30:00",
    "warning_seconds": 300,
    "partition": "gpu_p6",
    "account": "abc-h100",
    "constraint": "h100&nvlink",
    "options": ["--exclusive", "--qos=long", "--comment=a#b"],
    "setup": ["module load cuda/12.8", 'export NCCL_DEBUG="WARN"'],
}

RUNNING = (
    "JobId=12 JobName=small UserId=ada(1000) GroupId=ada(1000) MCS_label=N/A Priority=4294901759 Nice=0 "
    "Account=(null) QOS=(null) JobState=RUNNING Reason=None Dependency=(null) Requeue=1 Restarts=2 BatchFlag=1 "
    "Reboot=0 ExitCode=0:0 RunTime=00:05:10 TimeLimit=01:00:00 TimeMin=N/A SubmitTime=2026-11-26T00:22:46 "
    "Partition=main AllocNode:Sid=localhost:2946 ReqNodeList=(null) ExcNodeList=(null) NodeList=node[1-2] "
    "Command=/home/ada/a JobState=FAILED run/slurm/job.sh WorkDir=/home/ada Power= \n"
)
"""As Slurm 22.05 prints it, of a run in a folder whose name would mislead."""


def script(run: Path, **slurm: object) -> str:
    return job_script(small_recipe(slurm=slurm), run, "release")


def asked_for(text: str) -> dict[str, str | None]:
    """The options of sbatch, by name, with the quotes read as sbatch reads them."""
    found: dict[str, str | None] = {}
    for line in re.findall(r"(?m)^#SBATCH (.*)$", text):
        (option,) = shlex.split(line)
        name, equals, value = option.partition("=")
        assert name not in found
        found[name] = value if equals else None
    return found


def test_every_field_of_the_recipe_reaches_the_script(tmp_path):
    assert set(EVERYTHING) == set(Slurm.model_fields)
    text = script(tmp_path, **EVERYTHING)
    assert asked_for(text) == {
        "--job-name": "small",
        "--nodes": "4",
        "--ntasks-per-node": "2",
        "--cpus-per-task": "12",
        "--gpus-per-node": "8",
        "--mem": "96G",
        "--time": "2-12:30:00",
        "--partition": "gpu_p6",
        "--account": "abc-h100",
        "--constraint": "h100&nvlink",
        "--exclusive": None,
        "--qos": "long",
        "--comment": "a#b",
        "--signal": "B:USR1@300",
        "--requeue": None,
        "--chdir": str(Path.cwd()),
        "--output": f"{tmp_path}/slurm/job-%j.txt",
        "--open-mode": "append",
    }
    lines = text.splitlines()
    setup = [lines.index(line) for line in EVERYTHING["setup"]]
    assert setup == sorted(setup)
    assert setup[-1] < next(n for n, line in enumerate(lines) if line.startswith("srun "))


def test_what_is_left_out_is_the_clusters_own(tmp_path):
    asked = asked_for(script(tmp_path))
    assert asked["--ntasks-per-node"] == "1"
    assert not {"--gpus-per-node", "--mem", "--partition", "--account", "--constraint"} & set(asked)
    assert asked_for(script(tmp_path, gpus_per_node=4))["--ntasks-per-node"] == "4"


def test_options_that_the_recipe_may_not_give_are_those_that_the_script_gives(tmp_path):
    given = set(asked_for(script(tmp_path, **EVERYTHING | {"options": []})))
    assert given <= set(SETTLED.split())


@pytest.mark.parametrize("slurm", [{}, EVERYTHING])
def test_bash_can_read_the_script(slurm, tmp_path):
    done = subprocess.run(["bash", "-n"], input=script(tmp_path, **slurm), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_paths_keep_their_spaces_and_percent_signs(tmp_path, monkeypatch):
    folder = tmp_path / "100% of $HOME"
    folder.mkdir()
    monkeypatch.chdir(folder)
    text = script(folder / "a run")
    asked = asked_for(text)
    assert asked["--chdir"] == str(folder)
    assert asked["--output"] == f"{folder}/a run/slurm/job-%j.txt".replace("100%", "100%%")
    # What the tasks are told, as bash splits it.
    told = text[text.index("' octavo ") : text.index(" &\nstep=")].removeprefix("' ")
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {told}"], capture_output=True, text=True
    ).stdout.splitlines()
    home = folder / "a run"
    assert words[1:4] == [sys.executable, "-m", "octavo"]
    assert words[4:] == ["run", f"{home}/slurm/recipe.yaml", "--out", str(home), "--until", "release"]


@pytest.mark.parametrize(
    ("slurm", "said"),
    [
        (
            {"options": ["--signal=USR2@9"]},
            "options: found --signal=USR2@9, expected an option that octavo does not",
        ),
        ({"options": ["qos=long"]}, "expected text of the form"),
        ({"partition": 'a" --x'}, "partition: found"),
        ({"constraint": "a b"}, "constraint: found"),
        ({"time": "90"}, "time: found"),
        ({"time": "00:02:00"}, "time: found 00:02:00, expected more than warning_seconds (120 s)"),
        (
            {"gpus_per_node": 2, "processes_per_node": 3},
            "processes_per_node: found 3, expected at most gpus_per_node",
        ),
    ],
)
def test_a_section_that_cannot_be_is_refused(slurm, said):
    with pytest.raises(InputError, match=re.escape(said)):
        small_recipe(slurm=slurm)


def test_a_step_that_the_processes_cannot_share_is_refused_before_the_queue(tmp_path):
    with pytest.raises(InputError, match="sequences_per_step: found 8, expected a multiple of the 6 processes"):
        launch(small_recipe(slurm={"nodes": 2, "processes_per_node": 3}), tmp_path, "release")
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_writes_the_script_and_the_recipe_that_it_uses(tmp_path):
    recipe = small_recipe(slurm={"nodes": 2})
    written = launch(recipe, tmp_path, "training", submit=False)
    assert written == tmp_path / "slurm/job.sh"
    assert "--until training" in written.read_text()
    assert load(tmp_path / "slurm/recipe.yaml") == recipe
    assert {state["state"] for state in stage_states(tmp_path)} == {"waiting"}
    assert last_job(tmp_path) is None


def test_without_slurm_the_script_stays_and_the_message_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        OctavoError, match=r"sbatch: not found .*; nothing was submitted, the script stays in"
    ) as told:
        launch(small_recipe(), tmp_path / "run", "release")
    assert not isinstance(told.value, InputError)  # the person's words are right
    assert (tmp_path / "run/slurm/job.sh").exists()
    assert last_job(tmp_path / "run") is None


def test_where_slurm_cannot_be_asked_after_a_job_nothing_is_submitted_or_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    launch(small_recipe(), tmp_path, "release", submit=False)
    (tmp_path / "slurm/jobs.jsonl").write_text(json.dumps({"job": "12"}) + "\n")
    before = (tmp_path / "slurm/job.sh").read_text()
    with pytest.raises(InputError, match="cannot tell whether its Slurm job 12 has ended: scontrol: not found"):
        launch(small_recipe(slurm={"nodes": 2}), tmp_path, "release")
    assert (tmp_path / "slurm/job.sh").read_text() == before
    assert "Slurm job 12: cannot be asked after: scontrol: not found" in in_words(last_job(tmp_path))


@pytest.mark.parametrize("line", ['{"job":', "12", "{}"])
def test_a_record_of_jobs_that_is_damaged_is_named(line, tmp_path):
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm/jobs.jsonl").write_text(f"{line}\n")
    with pytest.raises(InputError, match=r"jobs\.jsonl:1: found .*, expected"):
        last_job(tmp_path)


@pytest.mark.parametrize("name", ['a "run"', "a\\run", "a\nrun"])
def test_a_path_that_sbatch_cannot_take_is_refused(name, tmp_path):
    with pytest.raises(InputError, match="expected a path that sbatch can take"):
        launch(small_recipe(), tmp_path / name, "release")
    assert list(tmp_path.iterdir()) == []


def test_a_jobs_state_is_read_whatever_its_path_says():
    job = parse_job(RUNNING, "job-12.txt")
    assert (job.id, job.state, job.reason, job.restarts, job.exit_status) == ("12", "RUNNING", None, 2, None)
    assert job.may_run
    assert in_words(job) == (
        "Slurm job 12: RUNNING on node[1-2], 00:05:10 of 01:00:00, started again 2 times; output: job-12.txt"
    )


@pytest.mark.parametrize(
    ("state", "code", "status", "may_run"),
    [
        ("PENDING", "0:0", None, True),
        ("COMPLETING", "0:0", None, True),
        ("SUSPENDED", "0:0", None, True),
        ("COMPLETED", "0:0", 0, False),
        ("FAILED", "1:0", 1, False),
        ("CANCELLED", "0:15", 143, False),
        ("TIMEOUT", "0:0", 0, False),
    ],
)
def test_a_job_that_is_over_may_be_followed_by_another(state, code, status, may_run):
    said = RUNNING.replace("JobState=RUNNING", f"JobState={state}").replace("ExitCode=0:0", f"ExitCode={code}")
    job = parse_job(said, "")
    assert (job.state, job.exit_status, job.may_run) == (state, status, may_run)


@pytest.mark.parametrize("said", ["", "slurm is down", "JobId=12 JobName=small"])
def test_an_answer_without_a_state_is_no_job(said):
    with pytest.raises(OctavoError, match="expected JobId and JobState"):
        parse_job(said, "")
