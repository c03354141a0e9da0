"""The classifier of harmful text: how right it is, what it says of clean works, and how fast it reads.

    python benchmarks/toxicity.py CLEAN_WORKS [--labelled LABELLED] [--classifier FILE] [--examples N] [--json]

CLEAN_WORKS is a folder of Parquet files with identifier, lang and text. Only the works are read that
`octavo.curation.toxicity.building` leaves out of what the shipped classifier learns from. LABELLED is the Parquet
file which that module writes; of it the texts that `octavo train-classifier` holds out are judged.
`toxicity_cases.yaml` has functional tests in eight languages: a harmful case is passed where its highest score
reaches --flag (1), another one where it does not. --examples prints the N passages of each language that score
highest, to be read and argued with.

Removed is what reaches 2 in a dimension, as the page on harmful text proposes. The speed is that of two threads on
the texts of all languages in batches of 2 MB, beside whatever else the machine does: the load is stated.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from figures import Figure, figure, print_table, show

from octavo.curation.toxicity.building import is_measured
from octavo.curation.toxicity.labels import read_labelled
from octavo.curation.toxicity.scoring import DIMENSIONS, Classifier, load_classifier, score, score_passages
from octavo.curation.toxicity.training import evaluate

CASES = Path(__file__).parent / "toxicity_cases.yaml"
BATCH_BYTES = 2_000_000

REMOVED_AT = 2.0
"""A passage goes whose score reaches this in a dimension."""


def clean_texts(folder: Path) -> dict[str, list[str]]:
    """By language, the texts of the works that nothing was learnt from."""
    texts: dict[str, list[str]] = defaultdict(list)
    for file in sorted(folder.glob("*.parquet")):
        for row in pq.read_table(file, columns=["identifier", "lang", "text"]).to_pylist():
            if is_measured(row["identifier"]):
                texts[row["lang"]].append(row["text"])
    return dict(sorted(texts.items()))


def batches(texts: list[str]) -> Iterator[pa.Array]:
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= BATCH_BYTES:
            yield pa.array(held, pa.large_string())
            held, size = [], 0
    if held:
        yield pa.array(held, pa.large_string())


def scores_of(passages: pa.Array) -> npt.NDArray[np.float32]:
    """The scores of all passages, (passages, dimensions)."""
    flat = passages.flatten()
    return np.stack([flat.field(name).to_numpy() for name in DIMENSIONS], axis=1)


def cases(classifier: Classifier, flag: float) -> tuple[list[tuple[Any, ...]], float]:
    """Passed and all cases by class and by language; the share of all that passed."""
    passed: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for lang, classes in yaml.safe_load(CASES.read_text(encoding="utf-8")).items():
        for name, kinds in classes.items():
            for kind, sentences in kinds.items():
                for sentence in sentences:
                    flagged = max(score(sentence, classifier).values()) >= flag
                    right = flagged == (kind == "harmful")
                    passed[name, kind].append(right)
                    passed[lang, kind].append(right)
    rows = [(name, kind, sum(right), len(right)) for (name, kind), right in passed.items()]
    rows.sort(key=lambda row: len(row[0]) == 2)  # classes, then languages
    return rows, sum(row[2] for row in rows) / sum(row[3] for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", type=Path)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--classifier", type=Path)
    parser.add_argument("--examples", type=int, default=0)
    parser.add_argument("--flag", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    classifier = load_classifier(settings.classifier)
    texts = clean_texts(settings.works)
    load = os.getloadavg()[0]
    found, distribution, examples = measure_clean(texts, classifier, settings.examples)
    rows, share = cases(classifier, settings.flag)
    found["cases"] = figure(share, "", "", True, f"{sum(row[3] for row in rows) // 2} functional tests")
    tables = {
        ("language", "passages", "50 %", "99 %", "99.5 %", "99.9 %", ">= 1", ">= 1.5", ">= 2"): distribution,
        ("class or language", "kind", "passed", "cases"): rows,
    }
    if settings.labelled:
        measured = evaluate(read_labelled(settings.labelled), classifier)
        found |= apart_figures(measured["apart"])
        for name in ("auroc", "apart", "clean"):
            if measured[name]:
                told = [
                    [round(v, 3) if isinstance(v, float) else v for v in row.values()] for row in measured[name]
                ]
                tables[(*measured[name][0],)] = told
    machine = {"cores": os.cpu_count(), "load": round(load, 2)}
    if settings.json:
        found["tables"] = [{"heads": heads, "rows": told} for heads, told in tables.items()]  # type: ignore[assignment]
        show(found, machine, as_json=True)
        return
    show(found, machine, as_json=False)
    for heads, told in tables.items():
        print()
        print_table(heads, told)
    for line in examples:
        print(line)


def measure_clean(
    texts: dict[str, list[str]], classifier: Classifier, examples: int
) -> tuple[dict[str, Figure], list[tuple[Any, ...]], list[str]]:
    """Removal and speed on clean texts, how scores lie by language, and the passages that score highest."""
    score("compile first", classifier)
    every, distribution, shown = [], [], []
    size, seconds, processor = 0, 0.0, 0.0
    for lang, own in texts.items():
        parts = list(batches(own))
        started, used = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(2) as threads:
            passages = list(threads.map(lambda part: score_passages(part, classifier), parts))
        seconds, processor = seconds + time.perf_counter() - started, processor + time.process_time() - used
        size += sum(len(text.encode()) for text in own)
        scores = np.concatenate([scores_of(part) for part in passages])
        highest = scores.max(axis=1)
        every.append(highest)
        quantiles = np.quantile(highest, [0.5, 0.99, 0.995, 0.999]).round(3).tolist()
        shares = [round(float(share.mean()), 5) for share in (highest >= 1, highest >= 1.5, highest >= REMOVED_AT)]
        distribution.append((lang, len(scores), *quantiles, *shares))
        shown += examples_of(lang, parts, passages, examples)
    removed = np.concatenate(every) >= REMOVED_AT
    worst = max(distribution, key=lambda row: row[-1])
    how = f"{len(removed):,} passages of clean works"
    speed, by_core = size / 1e6 / seconds, size / 1e6 / processor
    return (
        {
            "removed": figure(removed.mean() * 100, "%", "<= 0.5", bool(removed.mean() <= 0.005), how),
            "removed, worst language": figure(
                worst[-1] * 100, "%", "<= 0.5", worst[-1] <= 0.005, f"{worst[1]:,} passages, {worst[0]}"
            ),
            "speed": figure(speed, "MB/s", ">= 5", speed >= 5, f"{size / 1e6:.1f} MB, two threads"),
            "speed a core": figure(by_core, "MB/s", ">= 2.5", by_core >= 2.5, "processor time"),
        },
        distribution,
        shown,
    )


def examples_of(lang: str, parts: list[pa.Array], passages: list[pa.Array], count: int) -> list[str]:
    """The passages that score highest, with their scores."""
    found = []
    for part, own in zip(parts, passages, strict=True):
        for text, spans in zip(part.to_pylist(), own.to_pylist(), strict=True) if count else ():
            for span in spans:
                scores = [round(span[name], 2) for name in DIMENSIONS]
                found.append((max(scores), scores, text.encode()[span["start"] : span["end"]].decode()))
    found.sort(key=lambda row: -row[0])
    return [f"{lang} {scores} {' '.join(passage.split())}" for _, scores, passage in found[:count]]


def apart_figures(rows: list[dict[str, Any]]) -> dict[str, Figure]:
    return {
        f"auroc, {row['lang']}": figure(
            row["auroc"], "", ">= 0.9", row["auroc"] >= 0.9, f"{row['harmful']} of level 2 or 3, and clean ones"
        )
        for row in rows
    }


if __name__ == "__main__":
    main()
