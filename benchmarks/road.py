"""The whole road on this machine: how long it takes, and bits per byte beside xz -9 in each language.

    python benchmarks/road.py recipes/starter.yaml
    python benchmarks/road.py recipes/two-cores.yaml --set 'corpus.sources=[{path: FOLDER}]'

Figures are of this machine and this moment; it refuses to time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import torch

from octavo import __version__

OCTAVO = Path(sys.executable).parent / "octavo"


def figure(value: float, unit: str, reach: str, holds: bool, how: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "reach": reach, "holds": holds, "how": how}


def help_seconds() -> float:
    """The best of ten calls, as other programs only make it longer."""
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        subprocess.run([OCTAVO, "--help"], check=True, capture_output=True)
        best = min(best, time.perf_counter() - started)
    return best


def measure(recipe: str, settings: list[str], out: Path, limit_minutes: float) -> dict[str, Any]:
    found = {
        "help": figure(round(help_seconds(), 3), "s", "< 0.3", help_seconds() < 0.3, "octavo --help, best of 10")
    }
    arguments = [part for setting in settings for part in ("--set", setting)]
    how = f"octavo run {recipe} {' '.join(arguments)}".strip()
    started = time.perf_counter()
    done = subprocess.run(
        [OCTAVO, "run", recipe, *arguments, "--out", out, "--json"], stdout=subprocess.PIPE, text=True
    )
    minutes = (time.perf_counter() - started) / 60
    if done.returncode:
        sys.exit(done.returncode)
    stages = json.loads(done.stdout)["stages"]
    found["run"] = figure(round(minutes, 2), "min", f"< {limit_minutes:g}", minutes < limit_minutes, how)
    for stage, figures in stages.items():
        found[f"stage {stage}"] = figure(figures["wall_seconds"], "s", "", True, how)
    speed = stages["training"]["tokens_per_second"]
    found["training"] = figure(speed, "tokens/s", "", True, how)
    for lang, row in stages["evaluation"]["languages"].items():
        bits = row["bits_per_byte"]
        reach = f"< {bits['xz']:.3f} (xz -9), unigram {bits['unigram']:.3f}"
        found[f"bits per byte, {lang}"] = figure(
            bits["model"], f"on {row['bytes']:,} B", reach, bits["model"] < bits["xz"], how
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--out", type=Path, help="keep the run here")
    parser.add_argument("--limit-minutes", type=float, default=8)
    parser.add_argument("--busy", action="store_true", help="measure although the machine is at work")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    load = psutil.cpu_percent(interval=2)
    if load > 20 and not options.busy:
        sys.exit(f"the machine is busy ({load:.0f} % of its processors); wait, or give --busy")
    processors = Path("/proc/cpuinfo").read_text()
    machine = {
        "processor": processors.partition("model name")[2].partition("\n")[0].strip("\t: "),
        "cores": os.cpu_count(),
        "load before, %": load,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "octavo": __version__,
    }
    with tempfile.TemporaryDirectory() as temporary:
        found = measure(
            options.recipe, options.settings, options.out or Path(temporary) / "run", options.limit_minutes
        )
    if options.json:
        print(json.dumps({"machine": machine, **found}, indent=1))
        return
    print(" · ".join(f"{name} {value}" for name, value in machine.items()))
    for name, row in found.items():
        verdict = "" if row["holds"] else "FELL SHORT"
        print(f"{name:<24} {row['value']:>10} {row['unit']:<14} {row['reach']:<42} {verdict}")


if __name__ == "__main__":
    main()
