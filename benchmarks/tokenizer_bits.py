"""Whether entries over several words make a better model: bits per byte at the same compute, with and without.

    python benchmarks/tokenizer_bits.py RECIPE [--set A.B=V ...] [--json]

Runs the recipe up to evaluation twice, with `tokenizer.superwords` as it stands and at 0 (a plain BPE in the same
file format), on the same documents, model, number of tokens and seed: so with the same FLOPs. The first model
reads more text for them; whether that outweighs what each token is harder to predict is what bits per byte tell.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from figures import Figure, figure, show


def evaluated(recipe: Path, settings: list[str], home: Path) -> dict[str, Any]:
    """What a run of the recipe up to evaluation measures."""
    command = [sys.executable, "-m", "octavo", "run", str(recipe), "--out", str(home), "--until", "evaluation"]
    command += [word for setting in settings for word in ("--set", setting)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((home / "evaluation" / "bits_per_byte.json").read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="A.B=V", help="set a field of the recipe")
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        over = evaluated(settings.recipe, settings.set, Path(temporary) / "over")
        within = evaluated(settings.recipe, [*settings.set, "tokenizer.superwords=0"], Path(temporary) / "within")
    found: dict[str, Figure] = {}
    for lang, measured in over["languages"].items():
        plain = within["languages"][lang]
        bits, without = measured["bits_per_byte"]["model"], plain["bits_per_byte"]["model"]
        fewer = 1 - measured["tokens"] / plain["tokens"]
        how = f"{without:.3f} without; {fewer:.1%} fewer tokens for the same text"
        found[lang] = figure(bits, "bits/byte", f"<= {without:.3f}", bits <= without, how)
    bits, without = over["mean"]["model"], within["mean"]["model"]
    found["mean"] = figure(bits, "bits/byte", f"<= {without:.3f}", bits <= without, f"{without:.3f} without")
    show(found, {"cores": os.cpu_count(), "recipe": settings.recipe.name}, settings.json)


if __name__ == "__main__":
    main()
