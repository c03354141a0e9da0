"""What a tokenizer is worth: bits per byte of models trained on each for the same compute.

    python benchmarks/tokenizer_bits.py RECIPE [--set A.B=V ...] [--beside VOCABULARY] [--json]

Runs the recipe up to evaluation with its own tokenizer, with a plain BPE in the same file format
(`tokenizer.superwords` at 0), and with each vocabulary `--beside` (a tokenizer.json, or tiktoken's ranks), on the
same documents, model and seed. Compute is FLOPs as `octavo plan` counts them: a wider vocabulary makes each token
dearer, so its model is trained on fewer of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import Figure, figure, print_table, show

from octavo.recipe.file import load
from octavo.recipe.schema import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.vocabularies import read_vocabulary
from octavo.training.memory import llama_config
from octavo.training.throughput import flops_per_token

Measured = dict[str, Any]


def evaluated(recipe: Path, settings: list[str], home: Path) -> Measured:
    """What a run of the recipe up to evaluation measures, and the compute of its training."""
    command = [sys.executable, "-m", "octavo", "run", str(recipe), "--out", str(home), "--until", "evaluation"]
    command += [word for setting in settings for word in ("--set", setting)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: Measured = json.loads((home / "evaluation" / "bits_per_byte.json").read_text())
    return found | {"flops": json.loads((home / "checkpoints" / "stage.json").read_text())["figures"]["flops"]}


def cost(recipe: Recipe, entries: int) -> int:
    """FLOPs of training on one token with so many entries."""
    return flops_per_token(llama_config(recipe, entries), recipe.sequence_length)


def beside(options: argparse.Namespace, path: Path, entries: int, home: Path) -> Measured:
    """What a vocabulary measures for the compute that one of so many entries has."""
    recipe = load(options.recipe, options.set)
    tokenizer = read_vocabulary(path)
    saved = home.with_suffix(".json")
    tokenizer.save(str(saved))
    tokens = round(recipe.training.tokens * cost(recipe, entries) / cost(recipe, tokenizer.get_vocab_size()))
    return evaluated(options.recipe, [*options.set, f"tokenizer.path={saved}", f"training.tokens={tokens}"], home)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="A.B=V", help="set a field of the recipe")
    parser.add_argument("--beside", type=Path, action="append", default=[], metavar="VOCABULARY")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        ours = evaluated(options.recipe, options.set, home / "ours")
        others = {
            "a plain BPE": evaluated(options.recipe, [*options.set, "tokenizer.superwords=0"], home / "plain")
        }
        entries = load_tokenizer(home / "ours" / "tokenizer" / "tokenizer.json").get_vocab_size()
        for path in options.beside:
            others[path.name] = beside(options, path, entries, home / f"beside-{len(others)}")
    found: dict[str, Figure] = {}
    for name, theirs in others.items():
        if not options.json:
            print_table(("", "bits per byte", name, "% fewer tokens"), list(by_language(ours, theirs)))
        bits, others_bits = ours["mean"]["model"], theirs["mean"]["model"]
        how = f"{others_bits:.3f}, {ours['flops'] / theirs['flops']:.3f} times its FLOPs"
        found[f"mean beside {name}"] = figure(bits, "bits/byte", f"<= {others_bits:.3f}", bits <= others_bits, how)
    show(found, {"cores": os.cpu_count(), "recipe": options.recipe.name}, options.json)


def by_language(ours: Measured, theirs: Measured) -> Iterator[tuple[str, float, float, float]]:
    """Bits per byte of both in each language, and how many tokens fewer the same text has."""
    for lang, measured in ours["languages"].items():
        other = theirs["languages"][lang]
        bits = (round(one["bits_per_byte"]["model"], 3) for one in (measured, other))
        yield lang, *bits, round(100 * (1 - measured["tokens"] / other["tokens"]), 1)


if __name__ == "__main__":
    main()
