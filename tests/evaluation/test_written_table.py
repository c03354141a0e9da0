"""What a model writes, in short: on the terminal at the end of a run, and of several models side by side."""

import json

import pytest

from octavo.evaluation.report.written_table import written_table
from octavo.stages import STAGES, figures_of
from octavo.summary import print_side_by_side, print_summary
from tests.evaluation.test_tasks import measured, rightly


@pytest.fixture
def figures(small_run):
    [stage] = [stage for stage in STAGES if stage.name == "evaluation"]
    return figures_of(small_run, stage)


def line_of(shown, name):
    [line] = [line for line in shown.splitlines() if line.strip().startswith(f"{name}  ")]
    return line.strip().removeprefix(name).strip()


def share(found):
    return f"{found['share']:.1%} ({100 * found['low']:.1f}-{100 * found['high']:.1f})"


def test_the_end_of_a_run_tells_what_the_files_hold(small_run, figures, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    repeated = figures["writing"]["repetition"]
    for number, row in enumerate(repeated):
        row["loops"] = {"share": number / 100, "low": 0.0, "high": 0.9}  # all are alike in so small a run
    print_summary(small_run, {"evaluation": figures})
    shown = capsys.readouterr().out
    spoken, memory = (
        json.loads((small_run / "evaluation" / f"{name}.json").read_bytes())
        for name in ("adherence", "memorization")
    )
    rows = [r for r in spoken["adherence"] if (r["lang"], r["temperature"]) == ("all", 0)]
    row = max(rows, key=lambda row: row["n"])
    names = {"own": "our own prompts", "sentence": "opening sentence"}
    assert line_of(shown, f"language kept, {names[row['prompts']]}") == f"{share(row['kept_of_all'])} of {row['n']}"
    for penalty, words in ((1.0, "no penalty"), (1.1, "penalty 1.1")):
        [row] = [r for r in repeated if (r["temperature"], r["repetition_penalty"]) == (0.0, penalty)]
        assert line_of(shown, f"ends in a loop, {words}") == f"{share(row['loops'])} of {row['n']}"
    for words, seen in (("training", (1, None)), ("held-out", (0, 0))):
        row = next(
            r for r in memory["extraction"] if (r["seen_least"], r["seen_most"], r["prompt_tokens"]) == (*seen, 64)
        )
        told = f"{share(row['extractable'])} of {row['n']}, after 64 tokens"
        assert line_of(shown, f"{words} texts given back") == told
    row = memory["spans"][0]
    assert (
        line_of(shown, "longest span from the corpus")
        == f"{row['characters']['longest']:.0f} characters in 8 texts"
    )
    assert line_of(shown, "span of 50 characters or more") == f"{share(row['reaching']['50_characters'])} of 8"
    assert "-shot" not in shown
    assert "Tasks:" not in shown


def test_tasks_are_told_by_their_mean_and_by_how_often_they_are_worth_it(small_run, figures, tmp_path, capsys):
    rows, content = measured(tmp_path, rightly, shots=[0])
    print_summary(small_run, {"evaluation": figures | {"tasks": {"tasks": content["tasks"]}}})
    shown = capsys.readouterr().out
    before = rows["ocr", 0]["error_rate_before"]["value"]
    assert line_of(shown, "OCR correction, 0-shot") == f"CER 0.0%, untouched {before:.1%}, better in 1/1"
    assert line_of(shown, "Translation, 0-shot").startswith("chrF 100.0, untouched ")
    assert "Tasks: mean of the languages" in shown


def test_models_stand_side_by_side_where_they_were_measured(figures, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "140")
    bits = {name: figures[name] for name in ("languages", "mean", "mean_interval")}
    answer = {"text": {"held_out": "x", "documents": 1, "bytes": 1}, "differences": {}}
    models = {"first": {"bits_per_byte": bits, "writing": figures["writing"]}, "second": {"bits_per_byte": bits}}
    print_side_by_side(answer | {"models": models}, tmp_path)
    shown = capsys.readouterr().out
    loops = line_of(shown, "ends in a loop, penalty 1.1")
    assert "given back" not in shown
    print_side_by_side(answer | {"models": models | {"second": models["first"]}}, tmp_path)
    both = line_of(capsys.readouterr().out, "ends in a loop, penalty 1.1")
    assert [cell.strip() for cell in both.split("   ") if cell.strip()] == [loops, loops]


def test_without_figures_there_is_no_table(figures):
    assert written_table({"a": {"bits_per_byte": {}}, "b": {}}) is None
    assert written_table({"a": {"memorization": {"spans": figures["memorization"]["spans"]}}}).row_count == 2
