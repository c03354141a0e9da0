"""What a tune is worth by the size of its base and the number of its pairs, beside its baselines.

    python benchmarks/tuning.py recipes/tune-ocr.yaml --out DIR [--bases BASE ...] [--shares 0.25 0.5 1]
                                [--set A.B=V ...] [--json]

Each base is tuned with each share of the pairs that are not for testing, drawn by document; all are measured on the
same test pairs, which are whole documents that none has seen. What is in DIR already is not done again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from blake3 import blake3
from figures import print_table

from octavo.corpus.rows import read_rows
from octavo.evaluation.model_files import model_config, name_of
from octavo.evaluation.task_files import is_tested
from octavo.recipe.file import load

SHOWN = {
    "ocr": ("character error rate", "share of errors left", "over-correction rate"),
    "translation": ("chrF", "BLEU"),
    "rag": ("F1", "exact match", "citation precision", "refusal rate, unanswerable"),
}


def part(files: Sequence[str], share: float, out: Path) -> int:
    """Write the pairs of a share of the documents, and all that are for testing; return how many are not."""
    count = 0
    with out.open("wb") as written:
        for file in files:
            for row in read_rows(Path(file)):
                doc = row.text("doc")
                lot = int.from_bytes(blake3(f"share {doc}".encode()).digest(8)) / 2**64
                if is_tested(doc) or lot < share:
                    written.write(orjson.dumps(row.content) + b"\n")
                    count += not is_tested(doc)
    return count


def tune(recipe: Path, settings: Sequence[str], base: str, pairs: Path, out: Path) -> dict[str, Any]:
    """The figures of a tune, which goes on where it stopped."""
    own = (f"tuning.base={base}", f"tuning.pairs=[{pairs}]")
    command = [sys.executable, "-m", "octavo", "tune", str(recipe), "--out", str(out), "--until", "evaluation"]
    command += [piece for setting in (*settings, *own) for piece in ("--set", setting)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((out / "evaluation/tuning.json").read_bytes())
    return found


def rows_of(figures: dict[str, Any], base: str, pairs: str, systems: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """A line for each system: its figures over all test pairs, with 95 % intervals."""
    scores = {(s["system"], s["metric"]): s for s in figures["scores"] if s["by"] == "all"}
    for system in systems:
        found = [scores.get((system, metric)) for metric in SHOWN[figures["task"]]]
        yield base, pairs, system, *(_told(score) for score in found)


def _told(score: dict[str, Any] | None) -> str:
    if score is None or score["value"] is None:
        return "-"
    low, high = score["low"], score["high"]
    return f"{score['value']:.4g}" + ("" if low is None else f" ({low:.4g} to {high:.4g})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bases", nargs="+", metavar="BASE", help="by default the recipe's")
    parser.add_argument("--shares", type=float, nargs="+", default=[1.0], help="of the pairs' other documents")
    parser.add_argument("--set", action="append", default=[], metavar="A.B=V", help="set a field of the recipe")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    recipe = load(options.recipe, options.set)
    assert recipe.tuning is not None
    options.out.mkdir(parents=True, exist_ok=True)
    counts = {}
    for share in options.shares:
        counts[share] = part(recipe.tuning.pairs, share, options.out / f"pairs-{share:g}.jsonl")
    found: dict[tuple[str, float], dict[str, Any]] = {}
    for base in options.bases or [recipe.tuning.base]:
        for share in options.shares:
            out = options.out / f"{name_of(Path(base))}-{share:g}"
            found[base, share] = tune(
                options.recipe, options.set, base, options.out / f"pairs-{share:g}.jsonl", out
            )
    if options.json:
        print(json.dumps([{"base": base, "share": share, **one} for (base, share), one in found.items()]))
        return
    rows: list[tuple[str, ...]] = []
    for (base, share), figures in found.items():
        name = f"{name_of(Path(base))}, {model_config(Path(base)).parameters:,} parameters"
        rows += rows_of(figures, name, f"{counts[share]:,}", ["model"])
    baselines = dict.fromkeys(s["system"] for s in figures["scores"] if s["system"] != "model")
    rows += rows_of(figures, "", "", list(baselines))
    print_table(("base", "pairs", "system", *SHOWN[figures["task"]]), rows)


if __name__ == "__main__":
    main()
