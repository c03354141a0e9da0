"""How much faster many prompts are continued at once than one by one, and whether each comes out the same.

    python benchmarks/continuations.py RELEASE         # a release, or any model directory in Hugging Face's layout

The project's own prompts are continued by `octavo.modeling.continuations` and, in the same rounds, by the
decoding of `octavo generate` alone, greedily and by lot. Figures are of this machine and this moment; it refuses to
time beside other work unless told (--busy).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from figures import Figure, figure, idle_machine, show

from octavo.evaluation.prompts import read_prompts
from octavo.inference.torch_engine import TorchEngine
from octavo.modeling.continuations import continue_prompts
from octavo.modeling.decoding import Decoding, next_tokens
from octavo.recipe.schema import LANGUAGES

ROUNDS = 3


def measure(engine: TorchEngine, prompts: list[list[int]], decoding: Decoding) -> dict[str, Figure]:
    seeds = list(range(len(prompts)))

    def at_once() -> list[list[int]]:
        return continue_prompts(engine.model, prompts, engine.end, decoding, seeds)

    def one_by_one() -> list[list[int]]:
        settings = [replace(decoding, seed=seed) for seed in seeds]
        parts = zip(prompts, settings, strict=True)
        return [list(next_tokens(engine.model, prompt, engine.end, setting)) for prompt, setting in parts]

    rounds = [(rate(at_once), rate(one_by_one)) for _ in range(ROUNDS)]
    fast, slow = (statistics.median(found[way][0] for found in rounds) for way in (0, 1))
    ratio = statistics.median(batch[0] / alone[0] for batch, alone in rounds)
    same = sum(a == b for a, b in zip(rounds[0][0][1], rounds[0][1][1], strict=True))
    name = "sampled" if decoding.temperature else "greedy"
    how = f"{len(prompts)} prompts, {decoding.max_tokens} tokens, median of {ROUNDS} rounds"
    return {
        f"{name}, at once": figure(fast, "tokens/s", "", True, how),
        f"{name}, one by one": figure(slow, "tokens/s", "", True, how),
        f"{name}, ratio": figure(ratio, "times", ">= 3", ratio >= 3, how),
        f"{name}, the same": figure(same, "prompts", "all", same == len(prompts), how),
    }


def rate(continued: Callable[[], list[list[int]]]) -> tuple[float, list[list[int]]]:
    started = time.perf_counter()
    found = continued()
    return sum(map(len, found)) / (time.perf_counter() - started), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", type=Path)
    parser.add_argument("--prompts", type=int, default=128, help="every so many-th of them, as many as this")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--threads", type=int, help="of torch; by default as many as there are cores")
    parser.add_argument("--busy", action="store_true", help="measure although the machine is at work")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = idle_machine(options.busy)
    if options.threads:
        torch.set_num_threads(options.threads)
    engine = TorchEngine(options.release)
    texts = [prompt.text for prompt in read_prompts(LANGUAGES)]
    prompts = [engine.encode(text) for text in texts[:: max(1, len(texts) // options.prompts)][: options.prompts]]
    machine |= {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "parameters": f"{engine.model.config.parameters:,}",
    }
    found: dict[str, Figure] = {}
    for temperature in (0.0, 0.8):
        found |= measure(engine, prompts, Decoding(options.tokens, temperature))
    show(found, machine, options.json)


if __name__ == "__main__":
    main()
