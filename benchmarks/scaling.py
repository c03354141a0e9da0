"""How large a model, and how many tokens, suit so many hours of this machine: measured on smaller ones.

    python benchmarks/scaling.py RECIPE [--set A.B=V ...] [--hours 2] [--plot FILE.svg] [--out DIR] [--json]

Every size trains on each budget of FLOPs with the whole of its schedule (6 N + 12 L H S a token, so that larger
models see fewer tokens), all with the recipe's documents, tokenizer, batch and seed, and its learning rate as the
recipe scales it by width, and a tenth of the steps, or the recipe's own if they are fewer, as warm-up; the smallest
also on the last budget with another vocabulary. Loss is the mean over languages of the bits per byte of 100 kB each
of held-out works. Fitted to it is E + A / N^0.34 + B / D^0.28, with N a sixth of a
token's FLOPs and D the tokens (Hoffmann et al., 2022; their exponents, as so few runs tell none). Read off it
is the loss of larger sizes after so many hours at the FLOP/s of the largest that was measured. Tokens past a
corpus's end are counted as new ones, so that figures of many epochs flatter. Figures are of one seed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from figures import figure, idle_machine, print_table, show

from octavo.plot import image, mark, round_step, text
from octavo.recipe.file import load
from octavo.training.memory import llama_config
from octavo.training.throughput import flops_per_token

MEASURED = (128, 192, 256)
ASKED = (192, 256, 320, 384, 448, 512)
BUDGETS = (2.5e13, 5e13, 1e14)
MEASURED_BYTES = 100_000
N_EXPONENT, D_EXPONENT = 0.34, 0.28
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 860, 420, 64, 24, 52


class Trained(NamedTuple):
    """A model after the whole of its training."""

    hidden: int
    vocab_size: int
    parameters: int
    flops_a_token: int
    tokens: int
    bits_per_byte: float
    seconds: float

    @property
    def flops(self) -> float:
        return float(self.flops_a_token) * self.tokens


def shape(hidden: int) -> list[str]:
    """A model of a width: heads of 64, half as many for keys, a layer for 40 of width, feed-forward 2.5 times."""
    heads = max(2, hidden // 64)
    return [
        f"model.hidden_size={hidden}",
        f"model.num_hidden_layers={max(3, round(hidden / 40))}",
        f"model.num_attention_heads={heads}",
        f"model.num_key_value_heads={heads // 2 if heads % 2 == 0 else heads}",
        f"model.intermediate_size={hidden * 5 // 2}",
    ]


class Bench:
    """Runs of one recipe: what comes before training is done once for each vocabulary."""

    def __init__(self, recipe: Path, settings: Sequence[str], home: Path) -> None:
        self.recipe, self.settings, self.home = recipe, list(settings), home

    def train(self, hidden: int, vocab_size: int, budget: float) -> Trained:
        """Train a size on a budget of FLOPs."""
        vocabulary = f"tokenizer.vocab_size={vocab_size}"
        prepared = self.home / f"prepared-{vocab_size}"
        if not prepared.exists():
            for other in self.home.glob("prepared-*"):
                shutil.copytree(other, prepared)  # for its corpus
                break
            self._run(prepared, "tokenization", [vocabulary])
        settings = [*shape(hidden), vocabulary]
        recipe = load(self.recipe, [*self.settings, *settings])
        config = llama_config(recipe, vocab_size)
        cost = flops_per_token(config, recipe.sequence_length)
        tokens = round(budget / cost)
        tenth = tokens // (10 * recipe.training.sequences_per_step * recipe.sequence_length)
        warmup = min(recipe.training.schedule.warmup_steps, tenth)
        settings += [f"training.tokens={tokens}", f"training.schedule.warmup_steps={warmup}"]
        settings += ["training.evaluate_every_steps=1000000"]  # that is, at the end
        settings += [f"evaluation.max_bytes={MEASURED_BYTES}"]
        out = self.home / "run"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(prepared, out)
        self._run(out, "training", settings)
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        figures = json.loads((out / "checkpoints" / "stage.json").read_text())["figures"]
        bits = lines[-1]["held_out"].values()
        speed = float(np.median([line["tokens_per_second"] for line in lines[1:] or lines]))
        shutil.rmtree(out)
        learnt = figures["tokens"]
        return Trained(hidden, vocab_size, config.parameters, cost, learnt, sum(bits) / len(bits), learnt / speed)

    def _run(self, out: Path, until: str, settings: Sequence[str]) -> None:
        command = [sys.executable, "-m", "octavo", "run", str(self.recipe), "--out", str(out), "--until", until]
        command += [part for s in (*self.settings, *settings) for part in ("--set", s)]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")


def fit(runs: Sequence[Trained]) -> np.ndarray:
    """E, A and B of the least squares, none of them negative."""
    features = np.array([terms(run.flops_a_token, run.tokens) for run in runs])
    losses = np.array([run.bits_per_byte for run in runs])
    best, error = np.zeros(3), np.inf
    for held in range(8):  # few enough to try each set of terms
        used = [n for n in range(3) if held >> n & 1]
        if not used:
            continue
        found, *_ = np.linalg.lstsq(features[:, used], losses, rcond=None)
        squares = float(((features[:, used] @ found - losses) ** 2).sum())
        if (found >= 0).all() and squares < error:
            best, error = np.zeros(3), squares
            best[used] = found
    return best


def terms(flops_a_token: float, tokens: float) -> tuple[float, float, float]:
    """What E, A and B are multiplied by."""
    return 1.0, (flops_a_token / 6) ** -N_EXPONENT, tokens**-D_EXPONENT


def plot(runs: Sequence[Trained], asked: Sequence[tuple[int, int, float]], law: np.ndarray) -> str:
    """Bits per byte by tokens: what was measured, with a curve for each size, and what is expected of the asked."""
    sizes = sorted({run.hidden for run in runs} | {hidden for hidden, *_ in asked})
    costs = {run.hidden: run.flops_a_token for run in runs}
    across = np.log10([run.tokens for run in runs] + [tokens for _, tokens, _ in asked])
    values = [run.bits_per_byte for run in runs] + [bits for *_, bits in asked]
    first, last, low, high = across.min() - 0.05, across.max() + 0.05, min(values) - 0.05, max(values) + 0.05

    def x(tokens: float) -> float:
        return LEFT + (WIDTH - LEFT - 170) * (float(np.log10(tokens)) - first) / (last - first)

    def y(bits: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - bits) / (high - low)

    drawn = []
    step = round_step(high - low, 5)
    for tick in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step:
        drawn.append(f'<line x1="{LEFT}" x2="{WIDTH - 170}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        drawn.append(text(LEFT - 8, y(tick) + 4, f"{tick:.2f}", "soft end"))
    for tokens in (t * 10**p for p in range(5, 10) for t in (1, 2, 5)):
        if first <= np.log10(tokens) <= last:
            drawn.append(text(x(tokens), HEIGHT - BOTTOM + 20, f"{tokens / 1e6:g} M", "soft middle"))
    drawn.append(text((LEFT + WIDTH - 170) / 2, HEIGHT - 10, "tokens; bits per byte upwards", "soft middle"))
    for n, hidden in enumerate(sizes):
        mine = [run for run in runs if run.hidden == hidden]
        if mine:
            curve = np.geomspace(min(r.tokens for r in mine), max(r.tokens for r in mine), 24)
            points = " ".join(f"{x(t):.1f},{y(float(law @ terms(costs[hidden], t))):.1f}" for t in curve)
            drawn.append(f'<polyline class="s{n}" points="{points}"/>')
        for run in mine:
            drawn.append(mark(n, x(run.tokens), y(run.bits_per_byte), f"{hidden}: {run.bits_per_byte:.3f}", 5))
        for _, tokens, bits in (one for one in asked if one[0] == hidden):
            drawn.append(mark(n, x(tokens), y(bits), f"{hidden}, expected: {bits:.3f}", 3))
            drawn.append(text(x(tokens), y(bits) - 8, str(hidden), "soft middle"))
        drawn.append(mark(n, WIDTH - 150, TOP + 20 + 22 * n, f"hidden size {hidden}", 5))
        drawn.append(text(WIDTH - 136, TOP + 24 + 22 * n, f"hidden size {hidden}"))
    drawn.append(text(WIDTH - 150, TOP + 34 + 22 * len(sizes), "small: expected", "soft"))
    return image(WIDTH, HEIGHT, "Bits per byte by tokens and size of model", drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="A.B=V", help="set a field of the recipe")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--budgets", type=float, nargs="+", default=list(BUDGETS), help="FLOPs")
    parser.add_argument("--vocabulary", type=int, default=65_536, help="to try in place of the recipe's")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--out", type=Path, help="keep what comes before training here, or take it from here")
    parser.add_argument("--busy", action="store_true", help="measure beside other work")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = idle_machine(options.busy)
    recipe = load(options.recipe, options.set)
    vocab_size = recipe.tokenizer.vocab_size
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(options.recipe, options.set, (options.out or Path(temporary)).resolve())
        runs = [bench.train(hidden, vocab_size, budget) for budget in options.budgets for hidden in MEASURED]
        other = bench.train(MEASURED[0], options.vocabulary, options.budgets[-1])
    law = fit(runs)
    pace = runs[-1].flops / runs[-1].seconds
    asked = []
    for hidden in ASKED:
        config = llama_config(load(options.recipe, [*options.set, *shape(hidden)]), vocab_size)
        cost = flops_per_token(config, recipe.sequence_length)
        tokens = round(pace * options.hours * 3600 / cost)
        asked.append((hidden, config.parameters, tokens, float(law @ terms(cost, tokens))))
    if options.plot:
        options.plot.write_text(plot(runs, [(h, tokens, bits) for h, _, tokens, bits in asked], law))
    if options.json:
        found = {
            f"hidden {r.hidden}, {r.vocab_size:,} entries, {r.tokens:,} tokens": figure(
                r.bits_per_byte, "bits/byte", "", True, f"{r.parameters:,} parameters, {r.seconds:,.0f} s"
            )
            for r in [*runs, other]
        }
        for hidden, parameters, tokens, bits in asked:
            how = f"{parameters:,} parameters, {tokens:,} tokens in {options.hours:g} hours, by the law"
            found[f"expected of hidden {hidden}"] = figure(bits, "bits/byte", "", True, how)
        found |= {name: figure(value, "", "", True, "the law") for name, value in zip("EAB", law, strict=True)}
        show(found, machine | {"GFLOP/s": round(pace / 1e9)}, True)
        return
    print(f"{machine} · {os.cpu_count()} cores · {pace / 1e9:,.0f} GFLOP/s")
    heads = ("hidden", "vocabulary", "parameters", "tokens", "bits per byte", "by the law", "seconds")
    print_table(
        heads,
        [
            (
                r.hidden,
                r.vocab_size,
                r.parameters,
                r.tokens,
                round(r.bits_per_byte, 4),
                round(float(law @ terms(r.flops_a_token, r.tokens)), 4),
                round(r.seconds),
            )
            for r in [*runs, other]
        ],
    )
    print("E, A, B: " + ", ".join(f"{value:.4g}" for value in law))
    print(f"expected after {options.hours:g} hours:")
    print_table(("hidden", "parameters", "tokens", "bits per byte"), [(*a[:3], round(a[3], 4)) for a in asked])


if __name__ == "__main__":
    main()
