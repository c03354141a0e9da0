"""What the benchmarks share: figures beside what they should reach, and tables on the terminal."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from octavo import __version__

Figure = dict[str, Any]


def figure(value: float, unit: str, reach: str, holds: bool, how: str) -> Figure:
    """A value as measured, what it should reach, whether it does, and what it was measured on."""
    return {"value": round(value, 3), "unit": unit, "reach": reach, "holds": holds, "how": how}


def idle_machine(busy: bool) -> dict[str, object]:
    """The machine and its load, to be told beside the figures; ends where it is at work, unless `busy`."""
    load = psutil.cpu_percent(interval=2)
    if load > 20 and not busy:
        sys.exit(f"the machine is busy ({load:.0f} % of its processors); wait, or give --busy")
    name = Path("/proc/cpuinfo").read_text().partition("model name")[2].partition("\n")[0].strip("\t: ")
    return {"processor": name, "cores": os.cpu_count(), "load before, %": load}


def show(found: Mapping[str, Figure], machine: Mapping[str, object], as_json: bool) -> None:
    """Print figures under the machine that they were measured on."""
    machine = {**machine, "python": platform.python_version(), "octavo": __version__}
    if as_json:
        print(json.dumps({"machine": machine, **found}, indent=1))
        return
    print(" · ".join(f"{name} {value}" for name, value in machine.items()))
    print_figures(found)


def print_figures(found: Mapping[str, Figure]) -> None:
    """Print figures, one a line."""
    rows = [
        (name, f["value"], f["unit"], f["reach"], "" if f["holds"] else "FELL SHORT", f["how"])
        for name, f in found.items()
    ]
    print_table(("", "", "", "reach", "", "measured on"), rows)


def print_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their heads, numbers to the right; each column is as wide as it must be."""
    cells = [list(heads), *([_shown(value) for value in row] for row in rows)]
    numbers = [all(isinstance(value, int | float) for value in column) for column in zip(*rows, strict=True)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        aligned = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers or [False] * len(row), strict=True)
        ]
        print("  ".join(aligned).rstrip())


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)
