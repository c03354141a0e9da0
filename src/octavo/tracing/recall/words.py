"""What `octavo recall` has found, in words."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any, Final

from rich.text import Text

from octavo.terminal import plain_console
from octavo.tracing.recall.recalling import HELD_OUT, REMOVED, TESTED, TRAINED

DOCUMENTS: Final = 20
"""Named; more are counted."""

RANGES: Final = 12
"""Stretches of steps named; more are counted."""


def print_recalled(answer: dict[str, Any]) -> None:
    """Print what was found, what has seen it, and what to do next, a line for each thing known."""
    console = plain_console()
    documents = answer["documents"]
    if not documents:
        console.print(f"No document of {answer['run']} matches.", markup=False, soft_wrap=True)
    for document in documents[:DOCUMENTS]:
        console.print(Text.assemble((document["identifier"], "bold"), f"  {_document(document)}"), soft_wrap=True)
    if len(documents) > DOCUMENTS:
        console.print(f"and {len(documents) - DOCUMENTS:,} more documents: --json tells all")
    for name, words in _lines(answer) if documents else _beside(answer):
        console.print(Text.assemble((f"{name:<12}", "dim"), words), soft_wrap=True)


def _document(document: dict[str, Any]) -> str:
    said = [part for part in (document["title"], document["spdx"]) if part]
    state = document["state"]
    if state == TRAINED:
        tokens, steps = document["tokens"]["in_files"], steps_in_words(document["steps"])
        said.append(f"{state}: {tokens:,} tokens, {document['sequences_seen']:,} sequences, steps {steps}")
    elif state == REMOVED:
        said.append(f"removed by {document['rule']}: never trained on")
    elif state in (HELD_OUT, TESTED):
        said.append(f"{state}: never trained on, used for evaluation")
    else:
        said.append(state)
    return " · ".join(said)


def _lines(answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    found = ", ".join(f"{count:,} {state}" for state, count in answer["found"].items() if count)
    what = "pairs" if answer["pairs"] else "documents"
    yield "found", f"{what}: {found}"
    yield "training", _training(answer["training"])
    if answer["steps"]:
        share = answer["steps_seen"] / answer["training"]["steps"]
        yield "steps", f"{answer['steps_seen']:,} ({share:.1%}) saw them: {steps_in_words(answer['steps'])}"
        tokens = answer["tokens"]
        yield (
            "tokens",
            f"{tokens['in_files']:,} in what training reads; {tokens['read']:,} read and "
            f"{tokens['predicted']:,} predicted over all steps",
        )
    if answer["passed_over_steps"]:
        yield "taken back", f"steps {steps_in_words(answer['passed_over_steps'])} saw them, too, and were undone"
    yield from _weights(answer)
    yield from _beside(answer)
    yield from _next(answer)


def _training(training: dict[str, Any]) -> str:
    match training["state"]:
        case "waiting":
            return "not begun: nothing has been seen yet"
        case "interrupted":
            return f"not done: {training['steps']:,} of {training['of']:,} steps so far"
        case _:
            return f"done in {training['steps']:,} steps"


def _weights(answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    checkpoints = answer["checkpoints"]
    for saw, words in ((True, "saw them"), (False, "did not")):
        if steps := [one["step"] for one in checkpoints if one["saw"] is saw]:
            yield "checkpoints", f"step {', '.join(f'{step:,}' for step in steps)} {words}"
    if checkpoints and answer["steps"]:
        last = answer["last_checkpoint_without"]
        first = answer["steps"][0][0]
        before = f"before step {first:,}, the first that saw any"
        none = "none: the very first step saw them" if first == 1 else f"none: no checkpoint is left from {before}"
        yield "without", f"{last['folder']}, the last {before}" if last else none
    if release := answer["release"]:
        if release["step"] is None:
            words = "is of an earlier training, which was set aside: nothing tells what it saw"
        else:
            seen = f"saw {release['documents']:,} of them" if release["saw"] else "saw none of them"
            words = f"of step {release['step']:,} {seen}"
        yield "release", f"{release['folder']} {words}"
    for tune in answer["tunes"]:
        words = "saw them through its base" if tune["saw"] else "saw none of them through its base"
        released = f"; so did its release {tune['release']}" if tune["release"] and tune["saw"] else ""
        yield "tune", f"{tune['run']} ({tune['task']}, from step {tune['step']:,}) {words}{released}"


def _beside(answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if answer["tokenizer"]["may_have_read"]:
        yield (
            "tokenizer",
            "trained by this run on a sample of the documents, and may have read "
            f"{answer['tokenizer']['may_have_read']:,} of these; which it read is not recorded",
        )
    if answer["base"]:
        yield "base", f"this run began with {answer['base']}, which may have seen them, too: recall there as well"
    for folder in answer["untold_folders"]:
        yield "not told", f"{folder} does not tell this of its documents, and may hold such, too"
    for folder in answer["superseded_trainings"]:
        yield "not told", f"{folder} is an earlier training that was set aside, and was not looked at"
    for file in answer["unreadable_recipes"]:
        yield "not told", f"{file} cannot be read, so nothing tells whether its run began with this one"


def _next(answer: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not answer["steps"]:
        open_ends = answer["base"] or answer["untold_folders"]
        said = (
            "no step of this run saw those found; look at what may have, above"
            if open_ends
            else "nothing to do for the model: it has not seen them"
        )
        yield "next", said if answer["training"]["state"] == "done" else f"{said} so far"
    elif answer["pairs"]:
        yield "next", "take them out of the files of tuning.pairs and tuning.documents, and call octavo tune again"
    else:
        does = "trains without them, from the start, as every sequence changes"
        if answer["recipe"]:
            yield "next", f"octavo run {quote(answer['recipe'])} {does}"
        else:
            yield "next", f"the recipe that --write-recipe FILE writes {does}"


def steps_in_words(ranges: list[list[int]]) -> str:
    """Steps as ranges, the first of them: 3, 7-12, 15 and 8 more stretches."""
    shown = [f"{first:,}" if first == last else f"{first:,}-{last:,}" for first, last in ranges[:RANGES]]
    more = len(ranges) - RANGES
    return ", ".join(shown) + (f" and {more:,} more" + (", the last " + f"{ranges[-1][1]:,}") if more > 0 else "")
