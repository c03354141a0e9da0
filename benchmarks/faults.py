"""A run that meets with every fault beside one that meets with none: at the end both must have made the same.

    python benchmarks/faults.py
    python benchmarks/faults.py recipes/starter.yaml --set 'corpus.sources=[{path: FOLDER}]' --kills 40 --out DIR

Kills, full disks, damaged files, signals, in every stage. The default recipe is the starter corpus in four parts
and a tiny model. The faults are drawn by --seed; when they hit depends on how quick the machine is besides. All
takes some forty times as long as the run itself, and may be at work beside other things: nothing is timed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections import Counter
from importlib import resources
from pathlib import Path

import pyarrow.parquet as pq
import yaml
from figures import Figure, figure, show

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests', which torment a run in small

import fault_cases as cases
from fault_cases import Case, Outcome
from tests.end_to_end.contents import KINDS, contents, differing, kind_of
from tests.end_to_end.damaging import ROOT, may_mount

PARTS = 4

SMALL = {
    "name": "faults",
    "curation": {"held_out": {"fraction": 0.08}},
    "tokenizer": {"vocab_size": 2048},
    "model": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 160,
        "max_position_embeddings": 128,
    },
    "training": {
        "tokens": 160_000,
        "sequences_per_step": 8,
        "sequences_per_pass": 4,
        "checkpoint": {"every_steps": 20},
        "log_every": 2,
        "compile": False,
    },
    "evaluation": {"continuations": {"max_tokens": 8}, "writing": {"prompts": 2}, "memorization": {"prompts": 8}},
    "release": {"formats": ["safetensors", "gguf-f32", "gguf-q8_0"], "prompts": {"en": "The old keeper"}},
    "trace": {"part_megabytes": 1},
}


def sliced_starter(folder: Path) -> Path:
    """A recipe over the starter corpus as four files, so that stages have parts to be interrupted between."""
    starter = resources.files("octavo.corpus") / "starter.parquet"
    with resources.as_file(starter) as file:
        table = pq.read_table(file)
    for number in range(PARTS):
        pq.write_table(table.take(list(range(number, len(table), PARTS))), folder / f"{number}.parquet")
    sources = [{"path": str(folder / f"{number}.parquet")} for number in range(PARTS)]
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**SMALL, "corpus": {"sources": sources}}))
    return folder / "recipe.yaml"


def torment(case: Case, home: Path, wanted: int, mounts: bool) -> dict[str, Figure]:
    run, copy, disk = home / "tormented", home / "copy", home / "disk"
    struck = cases.kills(case, run, wanted)
    wrong, _ = cases.finish(case, run, case.stages()[-1])
    found = {f"kills in {stage}": shown(outcome, least=2) for stage, outcome in struck.items()}
    hits = sum(outcome.met - len(outcome.wrong) for outcome in struck.values())
    found["kills that hit work"] = figure(hits, "kills", f"{wanted}", hits >= wanted and not wrong, wrong)
    found["signals, met and gone on from"] = shown(cases.signals(case, copy))
    found["stages killed, and what they left damaged"] = shown(cases.damaged_leftovers(case, copy))
    if mounts:
        with cases.mounted(disk, case.unbroken):
            found["full disks, met and gone on from"] = shown(cases.full_disks(case, disk))
            found["disks for reading alone"] = shown(cases.read_only(case, disk))
    else:
        found["full disks, met and gone on from"] = figure(
            0, "", "all", False, "skipped, as this user may not mount"
        )
    found["damaged files of done stages, told and made again"] = shown(cases.damaged_outputs(case, run))
    found["clocks put back"] = shown(cases.other_clocks(case, run))
    found["changed bits of a release that the audit finds"] = shown(cases.audited(case, run))
    differ = differing(case.made, contents(run))
    for kind in KINDS:
        files = {name for name in (*case.made, *differ) if kind_of(name) == kind}
        same = files - set(differ)
        holds = bool(files) and same == files
        found[f"the same: {kind}"] = figure(len(same), f"of {len(files)} files", "all", holds, "")
    return found


def shown(outcome: Outcome, least: int = 1) -> Figure:
    """What was met with and ended as it should, out of all."""
    kinds = Counter(where.partition(" in ")[0].partition(" of ")[0] for where in outcome.where)
    how = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    well = outcome.met - len(outcome.wrong)
    return figure(well, f"of {outcome.met}", "all", well >= least and not outcome.wrong, how)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", type=Path, help="the starter corpus, made small, by default")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--kills", type=int, default=20, help="at least so many")
    parser.add_argument("--out", type=Path, help="keep the runs here")
    parser.add_argument("--seed", type=int, default=1789)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if "FAULTS_MAY_MOUNT" not in os.environ and may_mount():
        os.environ["FAULTS_MAY_MOUNT"] = "1"
        os.execvp(ROOT[0], [*ROOT, sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory() as temporary:
        home = (options.out or Path(temporary)).absolute()
        (home / "starter").mkdir(parents=True, exist_ok=True)
        settings = [part for setting in options.settings for part in ("--set", setting)]
        recipe = (options.recipe or sliced_starter(home / "starter")).absolute()
        case = Case(recipe, settings, home / "unbroken", random.Random(options.seed))
        status, said = cases.walk(case, case.unbroken)
        if status:
            sys.exit(said)
        case.made = contents(case.unbroken)
        found = torment(case, home, options.kills, "FAULTS_MAY_MOUNT" in os.environ)
        show(found, {"seed": options.seed}, options.json)


if __name__ == "__main__":
    main()
