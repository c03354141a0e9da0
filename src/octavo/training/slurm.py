"""A run as a job of Slurm: the script, its submission, and what Slurm says of the job.

The job starts one process a task with srun. Each then knows its place from Slurm's own variables, and gets the
signals itself; torchrun would end on the warning before the time limit, and turn status 130 into 1.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import jinja2

from octavo.errors import InputError, OctavoError
from octavo.lineage import write_atomically
from octavo.recipe.file import dump
from octavo.recipe.schema import Recipe

ENDED = "COMPLETED FAILED CANCELLED TIMEOUT DEADLINE OUT_OF_MEMORY NODE_FAIL BOOT_FAIL PREEMPTED REVOKED"
"""States that a job does not leave by itself."""

GONE = "Invalid job id specified"
"""What Slurm says of a job that it has forgotten, by default five minutes after its end."""

ANSWER_SECONDS = 60.0
"""How long Slurm has to answer."""


@dataclass(frozen=True)
class Job:
    """What Slurm says of a job: `state` is its word, or None where it says nothing and `reason` why."""

    id: str
    output: str
    state: str | None
    reason: str | None = None
    nodes: str | None = None
    run_time: str | None = None
    time_limit: str | None = None
    restarts: int = 0
    exit_status: int | None = None

    @property
    def forgotten(self) -> bool:
        """Whether Slurm answers, and knows it no more."""
        return self.state is None and self.reason == GONE

    @property
    def may_run(self) -> bool:
        """Whether it runs, may yet run, or nobody can tell."""
        return not self.forgotten and self.state not in ENDED.split()


def launch(recipe: Recipe, run: Path, until: str, submit: bool = True) -> Path:
    """Write the job that walks the road in `run` up to stage `until`, and submit it; returns the script.

    Raises InputError, with nothing changed, where a job of this run has not ended; OctavoError where Slurm does
    not take the job, whose script then stays.
    """
    processes = recipe.slurm.nodes * recipe.slurm.processes
    if recipe.training.sequences_per_step % processes:
        raise InputError(
            f"training.sequences_per_step: found {recipe.training.sequences_per_step}, expected a multiple of the "
            f"{processes} processes that the section slurm asks for"
        )
    run = run.absolute()
    _check_path(run)
    _check_path(Path.cwd())
    with _jobs(run) as record:
        earlier = last_job(run)
        if earlier and earlier.may_run:
            raise InputError(_not_twice(run, earlier))
        script = run / "slurm" / "job.sh"
        write_atomically(run / "slurm" / "recipe.yaml", dump(recipe).encode())
        if not (run / "recipe.yaml").exists():  # so that the run can be asked after before the job begins
            write_atomically(run / "recipe.yaml", dump(recipe).encode())
        write_atomically(script, job_script(recipe, run, until).encode())
        if submit:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            record.write(json.dumps({"job": _submit(script), "until": until, "submitted": now}) + "\n")
    return script


def job_script(recipe: Recipe, run: Path, until: str) -> str:
    """The script of the job, for sbatch; `run` is absolute.

    It takes the recipe from `run`/slurm, as the one that was given may change while the job waits.
    """
    command = [sys.executable, "-m", "octavo", "run", str(run / "slurm" / "recipe.yaml")]
    command += ["--out", str(run), "--until", until]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("octavo.training"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("job.sh").render(
        recipe=recipe,
        slurm=recipe.slurm,
        folder=Path.cwd(),
        output=_output(Path(str(run).replace("%", "%%")), "%j"),
        command=shlex.join(command),
    )


def last_job(run: Path) -> Job | None:
    """What Slurm says of the job that was submitted last for a run; None where none was.

    Raises InputError where the record of jobs cannot be read.
    """
    file = run / "slurm" / "jobs.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    if not lines:
        return None
    try:
        job = str(json.loads(lines[-1])["job"])
    except (ValueError, LookupError, TypeError):
        raise InputError(f'{file}:{len(lines)}: found {lines[-1][:60]}, expected {{"job": "ID", ...}}') from None
    output = str(_output(run, job))
    try:
        return parse_job(_ask("scontrol", "show", "job", "--oneliner", job), output)
    except OctavoError as error:
        return Job(job, output, None, GONE if GONE in str(error) else str(error))


def parse_job(said: str, output: str) -> Job:
    """A job from the one line that `scontrol show job --oneliner` gives, whose last values may have spaces."""
    found: dict[str, str] = {}
    for name, value in re.findall(r"(?:^| )([A-Za-z/:]+)=(\S*)", said):
        found.setdefault(name, value)

    def given(name: str) -> str | None:
        return found.get(name) if found.get(name) not in ("", "None", "(null)", None) else None

    if not given("JobId") or not given("JobState"):
        raise OctavoError(f"scontrol: found {said.strip()[:80]!r}, expected JobId and JobState")
    exit_status, _, number = found.get("ExitCode", "0:0").partition(":")
    return Job(
        found["JobId"],
        output,
        found["JobState"],
        given("Reason"),
        given("NodeList"),
        given("RunTime"),
        given("TimeLimit"),
        int(found.get("Restarts", 0)),
        (128 + int(number) if int(number) else int(exit_status)) if found["JobState"] in ENDED.split() else None,
    )


def in_words(job: Job) -> str:
    """A line on the job, for a person."""
    if job.forgotten:
        said = "is over and forgotten by Slurm"
    elif job.state is None:
        said = f"cannot be asked after: {job.reason}"
    else:
        said = job.state + (f" ({job.reason})" if job.reason else "")
        said += f" on {job.nodes}" if job.nodes else ""
        said += f", {job.run_time} of {job.time_limit}" if job.run_time and job.nodes else ""
        said += f", status {job.exit_status}" if job.exit_status else ""
        said += f", started again {job.restarts} times" if job.restarts else ""
    return f"Slurm job {job.id}: {said}; output: {job.output}"


def _output(run: Path, job: str) -> Path:
    """What a job says, from its first start to its last."""
    return run / "slurm" / f"job-{job}.txt"


def _not_twice(run: Path, job: Job) -> str:
    if job.state is None:
        return f"{run}: cannot tell whether its Slurm job {job.id} has ended: {job.reason}; nothing was submitted"
    return f"{run}: its Slurm job {job.id} is {job.state}; wait for it, or end it: scancel {job.id}"


def _check_path(path: Path) -> None:
    if re.search(r'["\\\n]', str(path)):
        raise InputError(f"{path}: found a quote, backslash or line end, expected a path that sbatch can take")


@contextlib.contextmanager
def _jobs(run: Path) -> Iterator[IO[str]]:
    """The record of the run's jobs, to append to; held, so that no two are submitted at once."""
    try:
        (run / "slurm").mkdir(parents=True, exist_ok=True)
        record = (run / "slurm" / "jobs.jsonl").open("a", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{run}: cannot be written to ({error.strerror}), expected a directory") from None
    with record:
        try:
            fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{run}: another octavo launch is at work in it") from None
        yield record


def _submit(script: Path) -> str:
    """Give a script to Slurm; the job's id."""
    try:
        said = _ask("sbatch", "--parsable", str(script))
    except OctavoError as error:
        raise OctavoError(f"{error}; nothing was submitted, the script stays in {script}") from None
    job = said.strip().partition(";")[0]
    if not job.isdigit():
        raise OctavoError(f"sbatch: found {said.strip()[:80]!r}, expected the job's id; the script is {script}")
    return job


def _ask(program: str, *arguments: str) -> str:
    """What a program of Slurm answers; OctavoError, with its own words, where it does not."""
    if shutil.which(program) is None:
        raise OctavoError(f"{program}: not found on this machine's PATH, expected Slurm's programs")
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        raise OctavoError(f"{program}: gave no answer in {ANSWER_SECONDS:.0f} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise OctavoError(f"{program}: {lines[-1].removeprefix(f'{program}: ') if lines else done.returncode}")
    return done.stdout
