"""What a person is shown at the end of a run, and of a run's state."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from octavo.energy import add_up, in_watt_hours
from octavo.evaluation.report.toxicity_table import harm_table
from octavo.evaluation.report.written_table import written_table
from octavo.evaluation.side_by_side_table import side_by_side_table
from octavo.terminal import plain_console
from octavo.tuning.report.short import command_to_try, evaluation_in_words, pairs_in_words, scores_table

PASSAGES = 12
"""Named of a document in mixed languages, or with harmful passages; more are counted."""

SHOWN = 200
"""Characters of a harmful passage."""


def print_summary(directory: Path, figures: dict[str, dict[str, Any]]) -> None:
    """Print the figures of the stages done, the samples, and where the results lie."""
    console = plain_console()
    if "evaluation" in figures:
        _print_evaluation(console, figures["evaluation"])
    if "release" in figures:
        for lang, sample in figures["release"]["samples"].items():
            said = Text.assemble((f"{lang}  ", "dim"), (sample["prompt"], "bold"), sample["continuation"])
            console.print(said, soft_wrap=True)
    for stage, found in figures.items():
        console.print(f"{stage:<13} {_in_words(stage, found)}", markup=False, soft_wrap=True)
    _print_energy(console, figures.values())
    console.print(f"Results: {directory}", markup=False)
    report = directory / "evaluation" / "report.html"
    if "evaluation" in figures and report.exists():  # an earlier octavo wrote none
        console.print(f"Report:  {report}", markup=False, soft_wrap=True)
    if "release" in figures:
        task = figures["evaluation"].get("task")
        command = command_to_try(directory, task) if task else f'octavo generate {directory} "Once upon a time"'
        console.print(f"Try it:  {command}", markup=False, soft_wrap=True)
        if not task:
            console.print(f"Page:    octavo serve {directory}", markup=False, soft_wrap=True)


def _print_evaluation(console: Console, evaluation: dict[str, Any]) -> None:
    if "scores" in evaluation:
        console.print(scores_table(evaluation))
        return
    if evaluation["languages"]:
        console.print(_bits_per_byte(evaluation))
    if evaluation["harm"]["shares"]:
        console.print(harm_table(evaluation["harm"]))
    if written := written_table({"": evaluation}):
        console.print(written)


def print_side_by_side(answer: dict[str, Any], home: Path) -> None:
    """Print the figures of models measured on the same text, and where all of them lie."""
    console = plain_console()
    console.print(side_by_side_table(answer))
    for name, model in answer["models"].items():
        if model.get("harm", {}).get("shares"):
            console.print(name, markup=False)
            console.print(harm_table(model["harm"]))
    if written := written_table(answer["models"]):
        console.print(written)
    console.print(f"Results: {home}", markup=False)


def print_status(directory: Path, states: list[dict[str, Any]]) -> None:
    """Print each stage's state, and what is next."""
    console = plain_console()
    table = Table(box=box.SIMPLE, title=str(directory), title_justify="left")
    for column in ("stage", "state", "time", "figures"):
        table.add_column(column, justify="right" if column == "time" else "left")
    for state in states:
        words = _in_words(state["stage"], state["figures"]) if state["figures"] else ""
        seconds = f"{state['wall_seconds']:.1f} s" if state["wall_seconds"] else ""
        table.add_row(state["stage"], state["state"], seconds, words)
    console.print(table)
    for state in states:
        if state["reason"]:
            console.print(f"{state['stage']} is outdated: {state['reason']}", markup=False, soft_wrap=True)
    _print_energy(console, states)
    waiting = next((s["stage"] for s in states if s["state"] != "done"), None)
    if waiting:
        again = shlex.join(["octavo", "run", str(directory / "recipe.yaml"), "--out", str(directory)])
        console.print(f"Next: {waiting}. {again}", markup=False, soft_wrap=True)
    else:
        console.print("All stages are done.")


def _print_energy(console: Console, stages: Iterable[dict[str, Any]]) -> None:
    energy = add_up(stage["energy"] for stage in stages)
    if energy["parts"]:
        words = f"{in_watt_hours(energy['joules'])}: {energy['method']}"
        console.print(f"{'energy':<13} {words}", markup=False, soft_wrap=True)


def print_story(home: Path, story: dict[str, Any]) -> None:
    """Print what became of one document, and why, a line for each thing known of it."""
    console = plain_console()
    console.print(Text(story["identifier"], style="bold"), soft_wrap=True)
    for name, words in _story_in_words(home, story):
        console.print(Text.assemble((f"{name:<12}", "dim"), words), soft_wrap=True)


def _story_in_words(home: Path, story: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is known of a document, as (what, in words)."""
    for name in ("title", "creator", "date", "collection", "source"):
        if story[name]:
            yield name, story[name]
    if story["source_url"]:
        yield "found at", story["source_url"]
    yield "licence", _licence_in_words(story["licence"])
    yield "language", _languages_in_words(story)
    if story["genre"]:
        yield "genre", story["genre"]
    for finding in story["rules"]:
        yield finding["did"], f"by {finding['rule']}: {finding['meaning']} {finding['found']}".rstrip()
    yield from _harmful_in_words(story)
    yield "fate", f"{story['fate']}; {story['bytes_in']:,} bytes came in, {story['bytes_out']:,} stay"
    if story["copy_of"]:
        copy = story["copy_of"]
        yield "copy", f"{copy['identifier']} stands for it ({copy['fate']})"
    if story["cluster"]:
        yield "cluster", story["cluster"]
    if story["copies"]["documents"]:
        more = story["copies"]["documents"] - len(story["copies"]["first"])
        named = ", ".join(story["copies"]["first"]) + (f" and {more:,} more" if more else "")
        opted_out = any(finding["rule"] == "opt-out" for finding in story["rules"])
        does = "took with it" if opted_out else "stands for"
        yield "copies", f"{does} {story['copies']['documents']:,}: {named}"
    if story["split"]:
        often = {1: "once", 2: "twice"}.get(story["repeats"], f"{story['repeats']:,} times")
        yield "split", f"{story['split']}, taken {often}"
    for folder, place in story["text"].items():
        words = {"kept": "text as it stays", "originals": "text as it came"}.get(folder, "text as it came")
        where = f"{home / place['file']}, row {place['row']:,}" if place else f"not found in {home / folder}"
        yield folder, f"{words}: {where}"
    if story["namesakes"]:
        yield "namesakes", f"{len(story['namesakes']):,} more have this identifier; this is the first"


def _harmful_in_words(story: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for passage in story["harmful"][:PASSAGES]:
        scores = passage["scores"] | {n: s for n, s in (passage["second"] or {}).items() if s is not None}
        dimension = max(scores, key=lambda name: scores[name])
        number = "no decision" if passage["decision"] is None else f"decision {passage['decision']}"
        where = f"bytes {passage['start']:,}-{passage['end']:,}, {dimension} {scores[dimension]:.2f}, {number}"
        yield "harmful", f"{passage['outcome']} ({where}): {_shortened(passage['text'])}"
        if passage["instead"] is not None:
            yield "instead", f"by {passage['model']}: {_shortened(passage['instead'])}"
    more = len(story["harmful"]) - PASSAGES
    if more > 0:
        yield "harmful", f"and {more:,} more passages"


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def _languages_in_words(story: dict[str, Any]) -> str:
    shares = ", ".join(f"{found['lang']} {found['share']:.0%}" for found in story["languages"])
    if not story["passages"]:
        return shares
    first = "; ".join(f"{p['lang']} {p['start']:,}-{p['end']:,}" for p in story["passages"][:PASSAGES])
    more = len(story["passages"]) - PASSAGES
    return f"mixed: {shares}; by characters: {first}" + (f" and {more:,} more" if more > 0 else "")


def _harm_in_words(figures: dict[str, Any]) -> str:
    """What became of harmful passages, and how much of the text a model wrote; empty where none were looked for."""
    if "toxicity" not in figures:
        return ""
    outcomes = {name: count["passages"] for name, count in figures["toxicity"]["outcomes"].items()}
    gone = outcomes.get("removed", 0) + outcomes.get("document-removed", 0)
    said = f"; of {figures['toxicity']['passages']:,} passages {gone:,} removed as harmful"
    if outcomes.get("annotated"):
        said += f", {outcomes['annotated']:,} annotated"
    if outcomes.get("rewritten"):
        said += (
            f", {outcomes['rewritten']:,} rewritten ({figures['toxicity']['synthetic']['share']:.2%} of the text)"
        )
    return said


def _licence_in_words(licence: dict[str, Any]) -> str:
    if licence["spdx"] is None:
        return f"none understood; stated: {licence['stated'] or 'nothing'}"
    why = f"; {licence['basis']}" if licence["basis"] else ""
    asks = f"; obligations: {licence['obligations']}" if licence["obligations"] else ""
    return f"{licence['spdx']}{why}{asks}"


def _bits_per_byte(evaluation: dict[str, Any]) -> Table:
    table = Table(box=box.SIMPLE, title="Bits per byte on held-out works", title_justify="left")
    table.add_column("language")
    for column in ("documents", "bytes", "model", "xz -9", "unigram"):
        table.add_column(column, justify="right")
    for lang, row in evaluation["languages"].items():
        bits = row["bits_per_byte"]
        table.add_row(
            lang,
            f"{row['documents']:,}",
            f"{row['bytes']:,}",
            *(f"{bits[name]:.3f}" for name in ("model", "xz", "unigram")),
        )
    mean = evaluation["mean"]
    table.add_section()
    table.add_row("mean", "", "", *(f"{mean[name]:.3f}" for name in ("model", "xz", "unigram")))
    return table


def _in_words(stage: str, f: dict[str, Any]) -> str:
    match stage:
        case "corpus":
            unreadable = f", {f['unreadable']:,} pieces unreadable" if f["unreadable"] else ""
            skipped = f", {len(f['skipped_files']):,} files of other kinds skipped" if f["skipped_files"] else ""
            return (
                f"{f['documents']:,} documents, {f['bytes']:,} bytes from {f['files']:,} files{unreadable}{skipped}"
            )
        case "curation":
            reasons = ", ".join(f"{rule} {count['documents']:,}" for rule, count in f["rules"].items())
            removed = f"{f['removed']['documents']:,} removed" + (f" ({reasons})" if reasons else "")
            counts = {fate: count["documents"] for fate, count in f["fates"].items()}
            changed = ", ".join(
                f"{counts[fate]:,} {fate}" for fate in ("repaired", "redacted", "rewritten") if fate in counts
            )
            kept = f"{f['kept']['documents']:,} documents kept" + (f" ({changed})" if changed else "")
            return f"{kept}, {removed}{_harm_in_words(f)}"
        case "tokenization":
            given = sum(folder["tokens"] for folder in f.get("folders", {}).values())
            said = [f"{f['tokens']:,} tokens"] if f["documents"] or not given else []
            said += [f"{given:,} tokens given"] if given else []
            return ", ".join([*said, f"{f['vocab_size']:,} entries"])
        case "pairs":
            return pairs_in_words(f)
        case "training":
            taken = f.get("chosen_step") or f["steps"]
            loss = "no loss" if f["loss"] is None else f"loss {f['loss']:.3f}"
            rate = f"learning rate {f['learning_rate']:g}, " if "sweep" in f else ""
            return (
                f"{f['parameters']:,} parameters, {f['tokens']:,} tokens in {f['steps']:,} steps, "
                f"{f'step {taken:,} taken, ' if taken != f['steps'] else ''}{rate}"
                f"{loss}, {f['tokens_per_second'] or 0:,.0f} tokens/s"
            )
        case "evaluation" if "scores" in f:
            return evaluation_in_words(f)
        case "evaluation":
            mean = f["mean"]
            return f"{mean['model']:.3f} bits per byte, xz -9 {mean['xz']:.3f}" if mean else "nothing held out"
        case "trace":
            return f"{f['documents']:,} documents, {f['words']:,} words indexed, {f['index_bytes']:,} bytes"
        case _:
            return ", ".join(f["formats"])
