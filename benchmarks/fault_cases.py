"""The faults that benchmarks/faults.py has a run meet with, each with what must come of it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.end_to_end.contents import copy_made, made_otherwise
from tests.end_to_end.damaging import DAMAGES, empty, fill, flip, halve, let_only_read, let_write, make_room
from tests.end_to_end.striking import MOMENTS, await_moment, is_at_work

from octavo.lineage import STAGE_FILE, StageRecord, read_record
from octavo.recipe.file import load
from octavo.stages import Stage, stages_of, stages_to

OCTAVO = Path(sys.executable).parent / "octavo"
TRIES = 5
"""To meet a stage at work."""


@dataclass
class Case:
    """A recipe, and the run of it that nothing disturbed."""

    recipe: Path
    settings: list[str]
    unbroken: Path
    draw: random.Random
    made: dict[str, str] = field(default_factory=dict)
    """What the unbroken run made, by file."""

    def command(self, run: Path, until: str = "trace") -> list[str]:
        return [str(part) for part in (OCTAVO, "run", self.recipe, "--out", run, "--until", until, *self.settings)]

    def stages(self) -> tuple[Stage, ...]:
        return stages_of(load(self.recipe, self.settings[1::2]))

    def up_to(self, stage: Stage) -> tuple[Stage, ...]:
        return stages_to(load(self.recipe, self.settings[1::2]), stage.name)

    def record(self, stage: Stage) -> StageRecord:
        found = read_record(self.unbroken / stage.home)
        assert found is not None
        return found


@dataclass
class Outcome:
    """How often a fault was met with, and what did not hold."""

    met: int = 0
    where: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def count(self, where: str, *wrong: str) -> None:
        self.met += 1
        self.where.append(where)
        self.wrong += [f"{where}: {what}" for what in wrong if what]
        print(f"  {where}{''.join(f' WRONG: {what}' for what in wrong if what)}", file=sys.stderr, flush=True)


def walk(case: Case, run: Path, until: str = "trace") -> tuple[int, str]:
    """Give the command once; its exit status, and what it said, each message on one line."""
    wide = os.environ | {"COLUMNS": "9999"}
    done = subprocess.run(case.command(run, until), capture_output=True, text=True, env=wide)
    return done.returncode, done.stderr


def finish(case: Case, run: Path, stage: Stage) -> tuple[str, str]:
    """Go on up to a stage; what is wrong with that, empty where nothing is, and what was said."""
    status, said = walk(case, run, stage.name)
    if status:
        return f"status {status}: {said[-2000:]}", said
    return ", ".join(made_otherwise(case.made, run, case.up_to(stage))[:5]), said


def prepare(case: Case, run: Path, stage: Stage) -> None:
    """Have what the unbroken run made before a stage, and nothing else, in the directory of a run."""
    for old in run.iterdir() if run.exists() else ():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    copy_made(case.unbroken, run, case.up_to(stage)[:-1])


class Struck(NamedTuple):
    """What a blow came to."""

    hit: bool
    """Whether the stage was at work then."""
    status: int
    said: str


def strike(case: Case, run: Path, stage: Stage, moment: str, blow: Callable[[int], None]) -> Struck:
    """Give the command, and deal its group of processes, by the leader's number, a blow at a moment in a stage."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            case.command(run, stage.name), stderr=said, stdout=subprocess.DEVNULL, start_new_session=True
        )
        await_moment(moment, stage, run, case.unbroken, lambda: process.poll() is None, case.draw)
        with contextlib.suppress(ProcessLookupError):
            blow(process.pid)
        status = process.wait()
        said.seek(0)
        return Struck(is_at_work(run, stage), status, said.read().decode())


def kill_group(leader: int) -> None:
    os.killpg(leader, signal.SIGKILL)


def kill_leader(leader: int) -> None:
    """What it started lives on for a while, as after a kill by the kernel for want of memory."""
    os.kill(leader, signal.SIGKILL)


def kills(case: Case, run: Path, wanted: int) -> dict[str, Outcome]:
    """Kill the run in one stage after the other, going on each time; by stage."""
    stages = case.stages()
    found = {stage.name: Outcome() for stage in stages}
    plan = [list(MOMENTS) for _ in stages]
    for n in range(max(0, wanted - len(MOMENTS) * len(stages))):
        plan[n % len(stages)].insert(1, "middle")
    for stage, moments in zip(stages, plan, strict=True):
        for moment in moments:
            blow = case.draw.choice([kill_group, kill_group, kill_leader])
            hit, tries = False, TRIES
            while not hit and tries:
                hit = strike(case, run, stage, moment, blow).hit
                tries -= 1
                if not hit:  # it came to its end first, and has to do it again
                    shutil.rmtree(run / stage.home, ignore_errors=True)
            found[stage.name].count(
                f"{blow.__name__} in {stage.name} at its {moment}", "" if hit else "did not hit"
            )
    return found


@contextlib.contextmanager
def mounted(disk: Path, unbroken: Path) -> Iterator[None]:
    """A small disk, though large enough for a run of its own."""
    disk.mkdir(exist_ok=True)
    size = 4 * sum(file.stat().st_size for file in unbroken.rglob("*") if file.is_file()) + 2**26
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", disk], check=False)


def full_disks(case: Case, disk: Path) -> Outcome:
    """Do each stage on a disk that has too little room for it, then with room."""
    found = Outcome()
    for stage in case.stages():
        size = sum(made.bytes for made in case.record(stage).outputs.values())
        for share in (0, case.draw.uniform(0.05, 0.4), case.draw.uniform(0.4, 0.9)):
            status, said, room = 0, "", size * share
            while not status and room >= 0:
                prepare(case, disk, stage)
                before = [(disk / b.home / STAGE_FILE).stat().st_mtime_ns for b in case.up_to(stage)[:-1]]
                fill(disk, int(room))
                status, said = walk(case, disk, stage.name)
                make_room(disk)
                room = room / 2 - 4096
            plain = status == 1 and "the disk is full, " in said and "Traceback" not in said
            wrong, _ = finish(case, disk, stage)
            after = [(disk / b.home / STAGE_FILE).stat().st_mtime_ns for b in case.up_to(stage)[:-1]]
            found.count(
                f"full in {stage.name} with room for {share:.0%}",
                "" if plain else f"status {status}: {said[-2000:]}",
                wrong,
                "" if after == before else "an earlier stage was done again",
            )
    return found


def damaged_leftovers(case: Case, run: Path) -> Outcome:
    """Damage all that a killed stage left, then go on."""
    found = Outcome()
    for stage in case.stages():
        for damage in (flip, halve, empty):
            hit, left = False, list[Path]()
            for n in range(TRIES):
                prepare(case, run, stage)
                hit = strike(case, run, stage, ("middle", "end")[n % 2], kill_group).hit
                left = [file for output in stage.outputs for file in (run / output).rglob("*") if file.is_file()]
                left = [file for file in left if file.name != STAGE_FILE and file.stat().st_size]
                if hit and left:
                    break
            for file in left:
                damage(file)
            metrics = run / "metrics.jsonl"
            if stage.name == "training" and metrics.exists():  # what lies before the checkpoint is nowhere else
                metrics.write_bytes(metrics.read_bytes()[:-9])
            wrong, _ = finish(case, run, stage)
            met = "" if hit and left else "nothing was left by a kill"
            found.count(f"{damage.__name__} of {len(left)} files that {stage.name} left", wrong, met)
    return found


def damaged_outputs(case: Case, run: Path) -> Outcome:
    """Damage files of a finished run, then give the command again: one of each stage, of which a stage that is done
    again gives the same inputs to the next, but for training and release, which come alone."""
    found = Outcome()
    stages = case.stages()
    alone = [[stage] for stage in stages if stage.name in ("training", "release")]
    for damage in DAMAGES:
        for together in (*alone, [stage for stage in stages if [stage] not in alone]):
            chosen = {stage.name: case.draw.choice(_outputs(run, stage)) for stage in together}
            _judge(case, run, found, damage, chosen)
    for damage in (flip, halve, Path.unlink):
        _judge(case, run, found, damage, {stage.name: f"{stage.home}/{STAGE_FILE}" for stage in stages})
    _judge(case, run, found, flip, {"training": "metrics.jsonl"})
    flip(run / "recipe.yaml")
    wrong, _ = finish(case, run, stages[-1])
    found.count("flip of recipe.yaml", wrong)
    return found


def _outputs(run: Path, stage: Stage) -> list[str]:
    record = read_record(run / stage.home)
    assert record is not None
    return [name for name, made in record.outputs.items() if made.bytes]


def _judge(case: Case, run: Path, found: Outcome, damage: Callable[[Path], None], chosen: dict[str, str]) -> None:
    for file in chosen.values():
        damage(run / file)
    wrong, said = finish(case, run, case.stages()[-1])
    for stage, file in chosen.items():
        told = any(line.startswith(f"{stage}: again, because ") and file in line for line in said.splitlines())
        found.count(f"{damage.__name__} of {file}", "" if told else f"not told of in {said[-3000:]}", wrong)


def audited(case: Case, run: Path) -> Outcome:
    """Change a bit in a release without changing any time, which the next run believes; the audit must not."""
    found = Outcome()
    release = sorted(file for file in (run / "release").rglob("*") if file.is_file())
    for file in case.draw.sample(release, 8):
        stat = file.stat()
        content = file.read_bytes()
        flip(file)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        done = subprocess.run([OCTAVO, "audit", run, "--json"], capture_output=True, text=True)
        failed = {claim["file"] for claim in json.loads(done.stdout)["claims"] if claim["outcome"] == "failed"}
        named = done.returncode == 1 and failed & {str(file.relative_to(base)) for base in (run, run / "release")}
        found.count(f"bit in {file.relative_to(run)}", "" if named else f"status {done.returncode}: {failed}")
        file.write_bytes(content)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return found


def signals(case: Case, run: Path) -> Outcome:
    """Ask it to stop, make it sleep, start another beside it."""
    found = Outcome()

    def put_to_sleep(leader: int) -> None:
        os.killpg(leader, signal.SIGSTOP)
        time.sleep(1)
        os.killpg(leader, signal.SIGCONT)

    def with_another(leader: int) -> None:
        os.killpg(leader, signal.SIGSTOP)  # it might be done first
        status, said = walk(case, run)
        refused = status == 2 and f"another octavo (process {leader}) is at work in it" in said
        os.killpg(leader, signal.SIGCONT)
        found.count("another run in the directory", "" if refused else f"status {status}: {said}")

    blows: dict[str, Callable[[int], None]] = {
        "SIGTERM": lambda leader: os.kill(leader, signal.SIGTERM),
        "SIGINT": lambda leader: os.killpg(leader, signal.SIGINT),  # as of a terminal
        "SIGSTOP, then SIGCONT": put_to_sleep,
        "another run": with_another,
    }
    for stage in case.stages():
        for name, blow in blows.items():
            if name == "another run" and stage.name != "training":
                continue
            asked_to_stop = name in ("SIGTERM", "SIGINT")
            for _ in range(TRIES):
                prepare(case, run, stage)
                struck = strike(case, run, stage, "middle", blow)
                if not asked_to_stop or struck.status:
                    break  # else it was done before
            completed = struck.status == 0 and "octavo: stopping" in struck.said  # its last piece was in hand
            stopped = struck.status == 130 or completed
            good = (stopped if asked_to_stop else struck.status == 0) and "Traceback" not in struck.said
            wrong, _ = finish(case, run, stage)
            found.count(f"{name} in {stage.name}", "" if good else f"status {struck.status}: {struck.said}", wrong)
    return found


def other_clocks(case: Case, run: Path) -> Outcome:
    """Have the times of all files in the future, as after a clock that was put back."""
    found = Outcome()
    later = time.time_ns() + 10**14
    for file in run.rglob("*"):
        os.utime(file, ns=(later, later))
    wrong, said = finish(case, run, case.stages()[-1])
    again = [line for line in said.splitlines() if "again" in line]
    found.count("all files from the future", wrong, *again)
    return found


def read_only(case: Case, disk: Path) -> Outcome:
    """Let nothing be written any more."""
    found = Outcome()
    stage = case.stages()[1]
    prepare(case, disk, stage)
    let_only_read(disk)
    status, said = walk(case, disk, stage.name)
    clear = status == 2 and "cannot be written to (Read-only file system)" in said and "Traceback" not in said
    found.count("a disk for reading alone", "" if clear else f"status {status}: {said}")
    let_write(disk)
    wrong, _ = finish(case, disk, stage)
    found.count("the same, writable again", wrong)
    return found
