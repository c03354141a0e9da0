"""How many tokens the recipe's optimizer needs for the held-out loss that the published recipe ends with.

    python benchmarks/tokens_to_loss.py RECIPE [--set A.B=V ...] [--seeds 3] [--json]

The baseline trains as the published run did, with AdamW (betas 0.9 and 0.95, weight decay 0.01, clipping at 1), a
warm-up and a schedule to zero, on all of the recipe's tokens; of the given learning rates it has the best one with
the first seed, and of the two schedules too. The recipe's own optimizer and schedule then train on shares of the
tokens, each with its whole schedule. All with the same model, data, order, batch and precision, one seed at a time.
Loss is the mean over languages of bits per byte on held-out works. The tokens to equal loss are read off the line
between the two nearest shares, both axes in logarithms; past the last share they are said to be more.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from figures import figure, print_table, show

from octavo.recipe.file import load

PUBLISHED = (
    "training.optimizer.name=adamw",
    "training.optimizer.betas=[0.9, 0.95]",
    "training.optimizer.weight_decay=0.01",
    "training.optimizer.gradient_clip=1.0",
    "training.schedule.final_ratio=0.0",
)
SCHEDULES = ("cosine", "warmup-stable-decay")


class Bench:
    """The runs of one recipe: what comes before training is done once for each seed."""

    def __init__(self, recipe: Path, settings: Sequence[str], home: Path) -> None:
        self.recipe, self.settings, self.home = recipe, list(settings), home
        self.tokens: int = load(recipe, self.settings).training.tokens

    def bits(self, seed: int, share: float, settings: Sequence[str] = ()) -> float:
        """Bits per byte after training on a share of the tokens."""
        prepared = self.home / f"seed-{seed}"
        if not prepared.exists():
            self._run(prepared, "tokenization", seed, ())
        out = self.home / "run"
        shutil.copytree(prepared, out)
        self._run(out, "evaluation", seed, (*settings, f"training.tokens={round(self.tokens * share)}"))
        found: float = json.loads((out / "evaluation" / "bits_per_byte.json").read_text())["mean"]["model"]
        shutil.rmtree(out)
        return found

    def _run(self, out: Path, until: str, seed: int, settings: Sequence[str]) -> None:
        command = [sys.executable, "-m", "octavo", "run", str(self.recipe), "--out", str(out), "--until", until]
        command += [part for s in (*self.settings, *settings, f"seed={seed}") for part in ("--set", s)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def tokens_to(loss: float, shares: Sequence[float], losses: Sequence[float]) -> float:
    """The share at which the loss is reached, infinite where the last one does not reach it."""
    if losses[0] <= loss:
        return shares[0]
    for (share, high), (next_share, low) in pairwise(zip(shares, losses, strict=True)):
        if low <= loss:
            part = (math.log(high) - math.log(loss)) / (math.log(high) - math.log(low))
            return math.exp(math.log(share) + part * (math.log(next_share) - math.log(share)))
    return math.inf


def not_reached(tokens: int, shares: Sequence[float]) -> str:
    """What is said where the last share does not reach the loss."""
    return f"not reached in {round(tokens * shares[-1]):,} tokens"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="A.B=V", help="set a field of the recipe")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.3, 0.45, 0.6])
    parser.add_argument("--rates", type=float, nargs="+", default=[0.001, 0.003, 0.01], help="for the baseline")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    shares = sorted(options.shares)
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(options.recipe, options.set, Path(temporary))
        first = load(options.recipe, options.set).seed
        tried = {}
        for schedule in SCHEDULES:
            for rate in options.rates:
                named = (f"training.optimizer.learning_rate={rate}", f"training.schedule.name={schedule}")
                tried[schedule, rate] = bench.bits(first, 1, (*PUBLISHED, *named))
        schedule, rate = min(tried, key=lambda one: tried[one])
        best = (*PUBLISHED, f"training.optimizer.learning_rate={rate}", f"training.schedule.name={schedule}")
        rows: list[tuple[float, ...]] = []
        for seed in range(first, first + options.seeds):
            baseline = tried[schedule, rate] if seed == first else bench.bits(seed, 1, best)
            losses = [bench.bits(seed, share) for share in shares]
            rows.append((seed, baseline, *losses, tokens_to(baseline, shares, losses)))
    if not options.json:
        print_table(("baseline", "learning rate", "bits per byte"), [(*one, tried[one]) for one in tried])
        heads = ("seed", "baseline", *(f"{share:g} of the tokens" for share in shares), "share to equal loss")
        unreached = not_reached(bench.tokens, shares)
        print_table(heads, [tuple(round(v, 4) if math.isfinite(v) else unreached for v in row) for row in rows])
    needed = [row[-1] for row in rows]
    mean, short = statistics.mean(needed), sum(map(math.isinf, needed))
    how = f"{len(needed)} seeds; {bench.tokens:,} tokens, {schedule} {rate:g}"
    if short:  # no mean of what is not known: how far it was looked for
        how = f"{short} of {len(needed)} seeds {not_reached(bench.tokens, shares)}; {how}"
        found = {
            "tokens to the baseline's loss, more than": figure(shares[-1], "of its tokens", "<= 0.6", False, how)
        }
    else:
        how = f"{min(needed):.2f} to {max(needed):.2f} with {how}"
        found = {"tokens to the baseline's loss": figure(mean, "of its tokens", "<= 0.6", mean <= 0.6, how)}
    show(found, {"cores": os.cpu_count(), "recipe": options.recipe.name}, options.json)


if __name__ == "__main__":
    main()
