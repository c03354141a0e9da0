"""What a run made, by hashes, without what tells of times and energy: the same for runs that made the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from blake3 import blake3

from octavo.stages import Stage

KINDS = {
    "documents": "documents",
    "ledger": "corpus/ledger.parquet",
    "kept": "corpus/kept",
    "originals": "corpus/originals",
    "removed": "corpus/removed",
    "harmful passages": "corpus/passages.parquet",
    "report of curation": "corpus/report.",
    "tokenizer": "tokenizer",
    "tokens": "tokens",
    "weights and optimizer": "checkpoints",
    "losses by step": "metrics.jsonl",
    "evaluation": "evaluation",
    "safetensors": "release/model.safetensors",
    "GGUF": "release/gguf",
    "rest of the release": "release",
    "trace index": "trace",
}
"""What a file belongs to: the first whose path its own begins with."""

TIMES = {"seconds", "wall_seconds", "joules", "tokens_per_second", "mfu", "made_on", "imported_on"}
"""Fields that no two runs have the same, or none on two days."""

TIMED = {"report.html", "README.md", "SHA256SUMS", "compliance", "lineage"}
"""Files and folders of evaluation/ and release/ that show such fields, or have the hash of one that does."""

READ = {"evaluation/report.json", "release/evaluation/report.json", "release/compliance/manifest.json"}
"""Those that are compared without these fields; of the others the name alone is."""


def contents(run: Path) -> dict[str, str]:
    """The hash of each file that the stages of a run made, by its path in the run."""
    last = max((run / "checkpoints").glob("step-*[0-9]"), default=None)
    found = {}
    for name in dict.fromkeys(path.partition("/")[0] for path in KINDS.values()):
        for file in [run / name] if (run / name).is_file() else sorted((run / name).rglob("*")):
            path = file.relative_to(run)
            of_training = name == "checkpoints" and not (file.parent == last and file.suffix == ".distcp")
            if file.is_file() and file.name != "stage.json" and not of_training:
                found[str(path)] = blake3(_content(run, path)).hexdigest()
    return found


def differing(left: dict[str, str], right: dict[str, str]) -> list[str]:
    """The files that one has and the other has not, or has otherwise."""
    return [name for name in sorted({*left, *right}) if left.get(name) != right.get(name)]


def copy_made(unbroken: Path, run: Path, stages: Iterable[Stage]) -> None:
    """Have what stages made in one run, times of files and all, in the directory of another."""
    for output in (output for stage in stages for output in stage.outputs):
        (run / output).parent.mkdir(parents=True, exist_ok=True)
        if (unbroken / output).is_dir():
            shutil.copytree(unbroken / output, run / output)
        else:
            shutil.copy2(unbroken / output, run / output)


def made_otherwise(unbroken: dict[str, str], run: Path, stages: Iterable[Stage]) -> list[str]:
    """The files of stages in a run that are not as they were made in another, whose contents are given."""
    homes = {Path(output).parts[0] for stage in stages for output in stage.outputs}
    there, here = (
        {n: made for n, made in all_.items() if Path(n).parts[0] in homes} for all_ in (unbroken, contents(run))
    )
    return differing(there, here)


def kind_of(file: str) -> str:
    """What a file belongs to."""
    return next(kind for kind, path in KINDS.items() if file.startswith(path))


def _content(run: Path, path: Path) -> bytes:
    content = (run / path).read_bytes()
    if path.name == "metrics.jsonl":
        return json.dumps([_timeless(json.loads(line)) for line in content.splitlines()]).encode()
    if str(path) in READ:
        return json.dumps(_timeless(json.loads(content))).encode()
    timed = path.parts[0] in ("evaluation", "release") and not TIMED.isdisjoint(path.parts)
    return b"" if timed else content


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(item) for name, item in value.items() if name not in TIMES}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
