"""What the terminal says of a tune."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from octavo.energy import add_up
from octavo.summary import print_status, print_summary
from tests.tuning.tunes import evaluation, pairs, training

COMMANDS = {
    "ocr": "octavo correct {} FILE",
    "translation": "octavo translate {} FILE --to en",
    "rag": 'octavo ask {} "QUESTION" --sources DIR',
}


def stages(task: str) -> dict[str, dict[str, Any]]:
    """As the stages' records have them."""
    found = evaluation(task)
    found["scores"] = [row for row in found["scores"] if row["by"] == "all"]
    figures = {"pairs": pairs(task), "training": training(), "evaluation": found}
    figures["release"] = {"formats": ["safetensors"], "samples": {}}
    return {name: of | {"energy": add_up([])} for name, of in figures.items()}


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


@pytest.mark.parametrize("task", COMMANDS)
def test_the_end_of_a_tune_has_the_figures_and_the_command_to_try(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_summary(tmp_path, stages(task))
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == f"Try it:  {COMMANDS[task].format(tmp_path)}"
    main, ours, theirs = {
        "ocr": ("character error rate", "3.10%", "5.20%"),
        "translation": ("chrF", "31.4", "14.2"),
        "rag": ("F1", "41.2%", "28.7%"),
    }[task]
    [line] = [line.split() for line in said if line.startswith(f"  {main} ")]
    assert line[len(main.split()) :][:3] == [ours, theirs, theirs]
    assert "42 documents that the model never saw" in said[0]


def test_each_stage_of_a_tune_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(tmp_path, stages("ocr"))
    said = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "4,900 pairs of 1,225 documents to learn from, 540 held out, 1,224 for testing" in said["pairs"]
    assert "14 left out (empty 3, sides swapped 11)" in said["pairs"]
    assert "in 50 steps, step 40 taken, learning rate 0.0003" in said["training"]
    assert said["evaluation"].endswith("character error rate 3.10 %, do nothing 5.20 %, dictionary 5.20 %")


def test_the_state_of_a_tune_has_the_same_words(capsys: pytest.CaptureFixture[str]) -> None:
    states = [
        {"stage": name, "state": "done", "figures": of, "wall_seconds": 3.0, "reason": "", "energy": add_up([])}
        for name, of in stages("rag").items()
    ]
    print_status(Path("run"), states)
    assert "F1 41.2 %, best sentence 28.7 %, first source 28.7 %" in capsys.readouterr().out
