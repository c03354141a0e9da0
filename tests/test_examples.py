"""An example holds what a run found, and none of its documents."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from octavo.errors import InputError
from octavo.evaluation.report.figures import Report

PASSAGE = 50
"""Characters in a row that are taken from a document, rather than like it by chance."""


@pytest.fixture(scope="module")
def examples() -> Any:
    """The program examples/gather.py."""
    file = Path(__file__).parent.parent / "examples" / "gather.py"
    spec = importlib.util.spec_from_file_location("gather", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def passages(text: str) -> set[str]:
    """All stretches of PASSAGE characters, whatever spaces are in them."""
    plain = re.sub(r"\s+", " ", text)
    return {plain[at : at + PASSAGE] for at in range(len(plain) - PASSAGE + 1)}


def test_an_example_has_the_papers_and_the_figures_and_no_text_of_the_documents(
    examples: Any, small_run: Path, starter_texts: list[str], tmp_path: Path
) -> None:
    examples.gather(small_run, tmp_path / "example")
    files = sorted(path for path in (tmp_path / "example").rglob("*") if path.is_file())
    names = {str(path.relative_to(tmp_path / "example")) for path in files}
    assert {
        "recipe.yaml",
        "metrics.jsonl",
        "evaluation/report.html",
        "evaluation/report.json",
        "release/README.md",
        "release/compliance/training-summary.md",
        "release/lineage/training.json",
    } <= names
    assert sum(path.stat().st_size for path in files) < 3_000_000
    own = set().union(*map(passages, starter_texts))
    for path in files:
        found = path.read_text()
        if path.suffix == ".json":
            found = "\n".join(strings(json.loads(found)))
        assert not own & passages(found), path


def strings(value: Any) -> list[str]:
    """All texts in plain data."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in strings(part)]


def test_its_figures_are_those_of_the_run(examples: Any, small_run: Path, tmp_path: Path) -> None:
    examples.gather(small_run, tmp_path / "example")
    ours, theirs = (
        Report.model_validate_json((home / "evaluation/report.json").read_bytes())
        for home in (small_run, tmp_path / "example")
    )
    left_out = {"models": {"__all__": {"samples", "copied"}}}
    assert ours.model_dump(exclude=left_out) == theirs.model_dump(exclude=left_out)
    assert not any(sample.held_out for sample in theirs.models[0].samples)


def test_an_example_that_is_there_and_a_run_that_is_not_done_are_refused(
    examples: Any, small_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="is there already"):
        examples.gather(small_run, tmp_path / "there")
    shutil.copytree(small_run, tmp_path / "run", ignore=shutil.ignore_patterns("release"))
    with pytest.raises(InputError, match="found no finished run"):
        examples.gather(tmp_path / "run", tmp_path / "new")
    assert not (tmp_path / "new").exists()
