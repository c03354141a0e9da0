"""The whole road on this machine: how long it takes, and bits per byte beside xz -9 in each language.

    python benchmarks/road.py recipes/starter.yaml
    python benchmarks/road.py recipes/two-cores.yaml --set 'corpus.sources=[{path: FOLDER}]'

Figures are of this machine and this moment; it refuses to time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from figures import figure, idle_machine, show

OCTAVO = Path(sys.executable).parent / "octavo"


def help_seconds() -> float:
    """The best of ten calls, as other programs only make it longer."""
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        subprocess.run([OCTAVO, "--help"], check=True, capture_output=True)
        best = min(best, time.perf_counter() - started)
    return best


def measure(recipe: str, settings: list[str], out: Path, limit_minutes: float) -> dict[str, Any]:
    seconds = help_seconds()
    found = {"help": figure(seconds, "s", "< 0.3", seconds < 0.3, "octavo --help, best of 10")}
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
    machine = idle_machine(options.busy)
    machine |= {
        "torch": torch.__version__,
    }
    with tempfile.TemporaryDirectory() as temporary:
        found = measure(
            options.recipe, options.settings, options.out or Path(temporary) / "run", options.limit_minutes
        )
    show(found, machine, options.json)


if __name__ == "__main__":
    main()
