"""The OCR score beside the measured character error rate, by language.

    python benchmarks/ocr_score.py PAIRS_JSONL_ZST [--json]

Each line has a text as it was recognised (`ocr`), its language (`lang`) and its character error rate against a
corrected one (`cer`). Spearman's rank correlation is that of the score with the rate, so -1 is the best. `off` is
by how much the rate that the score expects misses the measured one, in the median; `over` the median of the
rate expected less the measured one. Texts that the score does not judge are counted alone.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import zstandard
from figures import figure, print_figures, print_table

from octavo.curation import ocr

Floats = npt.NDArray[np.float64]


def read_pairs(path: Path) -> tuple[pa.Array, pa.Array, Floats]:
    """Texts, languages and character error rates."""
    with path.open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        pairs = [json.loads(line) for line in lines]
    texts, langs = (pa.array([pair[name] for pair in pairs], pa.large_string()) for name in ("ocr", "lang"))
    return texts, langs, np.array([pair["cer"] for pair in pairs])


def spearman(first: Floats, second: Floats) -> float:
    """The correlation of ranks, equal values sharing theirs."""
    return float(np.corrcoef(_ranks(first), _ranks(second))[0, 1])


def _ranks(values: Floats) -> Floats:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: Floats = (np.cumsum(counts) - (counts - 1) / 2)[where]
    return shared


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    texts, langs, rate = read_pairs(settings.pairs)
    score = ocr.score(texts, langs).to_numpy(zero_copy_only=False).astype(np.float64)
    languages = np.array(langs.to_pylist())
    judged = ~np.isnan(score)
    rows = []
    for name in ("all", *sorted(set(languages))):
        own = (languages == name) | (name == "all")
        expected, measured = 1 - score[own & judged], rate[own & judged]
        correlation = -spearman(expected, measured)
        off, over = np.median(np.abs(expected - measured)), np.median(expected - measured)
        rows.append(
            (
                str(name),
                len(expected),
                int((own & ~judged).sum()),
                round(correlation, 3),
                off.round(3),
                over.round(3),
            )
        )
    overall = -spearman(1 - score[judged], rate[judged])
    found = {"spearman": figure(overall, "", "<= -0.7", overall <= -0.7, f"{int(judged.sum()):,} pairs")}
    if settings.json:
        print(json.dumps({**found, "languages": rows}, indent=1))
        return
    print_figures(found)
    print()
    print_table(("language", "pairs", "not judged", "spearman", "off", "over"), rows)


if __name__ == "__main__":
    main()
