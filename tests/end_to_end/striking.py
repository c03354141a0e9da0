"""Waits for the moment in a stage at which something is to befall a run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from octavo.lineage import ENERGY_FILES, STAGE_FILE, read_record
from octavo.stages import Stage

MOMENTS = ("start", "middle", "end")


def await_moment(
    moment: str, stage: Stage, run: Path, unbroken: Path, alive: Callable[[], bool], draw: random.Random
) -> None:
    """Wait until a stage of a run that was started just now has begun, has made some of what it made in the unbroken
    one, or the last of that; or until the run is no more `alive`."""
    since = time.time_ns() - 10**8  # the times of files are a little coarse
    last = run / _last_file(unbroken, stage)
    before = _made(run, stage, since)
    goal = before + draw.randint(1, max(1, (_made(unbroken, stage, 0) - before) // 2))
    while alive() and not (
        _is_newer(last if moment == "end" else run / stage.home / STAGE_FILE, since)
        and (moment != "middle" or _made(run, stage, since) >= goal)
    ):
        time.sleep(0.01 if moment == "middle" else 0.002)
    time.sleep(draw.uniform(0, 0.02))


def is_at_work(run: Path, stage: Stage) -> bool:
    """Whether a stage was begun and is not done."""
    record = read_record(run / stage.home)
    return record is not None and not record.done


def _last_file(unbroken: Path, stage: Stage) -> str:
    record = read_record(unbroken / stage.home)
    assert record is not None
    made = [name for name in record.outputs if not name.startswith(("tensorboard", "metrics.jsonl"))]
    return max(made, key=lambda name: record.outputs[name].mtime_ns)


def _made(run: Path, stage: Stage, since: int) -> int:
    """How far a stage is: steps that training has logged, or files that another has made since then."""
    metrics = run / "metrics.jsonl"
    if stage.name == "training":
        return metrics.read_bytes().count(b"\n") if metrics.exists() else 0
    files = (file for output in stage.outputs for file in (run / output).rglob("*"))
    return sum(
        _is_newer(file, since) for file in files if not (file.name == STAGE_FILE or file.match(ENERGY_FILES))
    )


def _is_newer(file: Path, since: int) -> bool:
    try:
        return file.is_file() and file.stat().st_mtime_ns > since
    except FileNotFoundError:  # it had another name for a moment
        return False
