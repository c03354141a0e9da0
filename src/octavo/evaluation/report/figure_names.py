"""What figures are called, for people: in the report, on the terminal and in the model card."""

from __future__ import annotations

from typing import Final

from octavo.evaluation import task_files
from octavo.recipe.schema import LANGUAGE_NAMES

TRUTH: Final = "truth"
"""Stands among decodings for held-out texts."""
TASKS: Final = {
    task_files.TRANSLATION: "Translation",
    task_files.OCR: "OCR correction",
    task_files.RAG: "Questions on a passage",
}
MAIN_SCORES: Final = {task_files.TRANSLATION: "chrf", task_files.OCR: "error_rate", task_files.RAG: "f1"}
"""By which a task is judged where one figure must do."""
SCORES: Final = {
    "chrf": "chrF",
    "bleu": "BLEU",
    "error_rate": "CER",
    "f1": "F1",
    "exact_match": "exact match",
}
DECODINGS: Final = {
    "recommended": "as recommended (greedy, penalty 1.1)",
    "greedy": "greedy, no penalty",
    "drawn": "drawn at temperature 1",
    TRUTH: "held-out texts",
}
ALL: Final = "all"
"""Stands for all languages."""
UNKNOWN_LICENCE: Final = "unknown"
EVERYWHERE: Final = (1, None)
"""Texts that training has seen, drawn among all."""
HELD_OUT: Final = (0, 0)


def times_seen(least: int, most: int | None) -> str:
    """How often training has seen a group of texts."""
    if (least, most) == HELD_OUT:
        return "held out, never seen"
    if (least, most) == EVERYWHERE:
        return "drawn among all"
    if most is None:
        return f"seen over {least - 1} times"
    if least == most:
        return {1: "seen once", 2: "seen twice"}.get(least, f"seen {least} times")
    return f"seen {least} to {most} times"


def group_name(group: str) -> str:
    """A task's language, or its pair of languages."""
    return " to ".join(LANGUAGE_NAMES.get(lang, lang) for lang in group.split("-"))


def examples(shots: int) -> str:
    """How many examples a prompt has."""
    return {0: "no example", 1: "1 example"}.get(shots, f"{shots} examples")


def length(reached: str) -> str:
    """A length of a span as it is counted: 50_characters."""
    number, unit = reached.split("_")
    return f"{number} {unit} or more"


def licence_name(licence: str) -> str:
    """A licence as it is counted: its SPDX expression, or that none is known."""
    return "not known" if licence == UNKNOWN_LICENCE else licence


def prompts_name(kind: str) -> str:
    """A kind of prompts of language adherence."""
    return {"sentence": "opening sentence", "own": "our own prompts"}.get(kind, f"first {kind}")
