"""Commands as the benchmarks time them: in processes of their own, with the memory of all of these."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil


class Spent(NamedTuple):
    """What a command took: seconds by the clock, and most bytes of memory, looked at once a second."""

    seconds: float
    peak: int


def run(command: Sequence[object], home: Path, log: Path, environment: Mapping[str, str]) -> Spent:
    """Run a command in a folder, what it prints going to `log`; ends the benchmark where the command fails."""
    started, peak = time.perf_counter(), 0
    with log.open("w") as output:
        process = psutil.Popen(
            [str(word) for word in command],
            cwd=home,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | environment,
        )
        while True:
            try:
                status = process.wait(1)
                break
            except psutil.TimeoutExpired:
                peak = max(peak, resident(process.pid))
    if status:
        sys.exit(f"{' '.join(map(str, command))}: ended with {status}\n{log.read_text()[-3000:]}")
    return Spent(time.perf_counter() - started, peak)


def resident(pid: int | None) -> int:
    """Memory of a process and its children, shared pages counted once as far as the system tells."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            memory = process.memory_full_info()
            total += getattr(memory, "pss", memory.rss)
    except psutil.Error:
        pass
    return total
