"""Nanotron's data: its stages over folders of token files, read into the recipe's training.data."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from octavo.recipe.training import OWN_TOKENS
from octavo.training.nanotron.imported import Imported, Setting

FOLDER, WEIGHTS = "data.dataset.dataset_folder", "data.dataset.dataset_weights"
NAME, START = "data_stages[].name", "data_stages[].start_training_step"
DATA = (FOLDER, WEIGHTS, NAME, START)
"""The settings that make a stage."""

DOCUMENTS = "octavo mixes documents from the start: stages are for token files"


@dataclass
class DataStage:
    """A stage of nanotron's: its settings by rule, and its folders with their weights."""

    settings: dict[str, Setting] = field(default_factory=dict)
    weights: dict[str, float | None] = field(default_factory=dict)
    start: int = 1


def own_tokens(name: str) -> str:
    """Where the export says that a run's own token files are."""
    return f"runs/{name}/tokens"


def read_stages(found: Imported, settings: list[Setting], name: str) -> list[DataStage]:
    """All stages in the order of the training; InputError for a value that cannot be. `name` is the run's."""
    stages: dict[str, DataStage] = {}
    for setting in settings:
        if setting.rule.startswith(("data.", "data_stages[].")):
            number = re.match(r"data_stages\[(\d+)\]", setting.key)
            stage = stages.setdefault(number[1] if number else "", DataStage())
            if setting.rule in DATA:
                stage.settings[setting.rule] = setting
    for stage in stages.values():
        stage.start = _start(found, stage)
        stage.weights = _weights(found, stage, own_tokens(name)) or {OWN_TOKENS: 1.0}
    return sorted(stages.values(), key=lambda stage: stage.start)


def given_folders(stages: list[DataStage]) -> set[str]:
    """The folders of token files that are not the run's own."""
    return {folder for stage in stages for folder in stage.weights} - {OWN_TOKENS}


def take_stages(found: Imported, stages: list[DataStage]) -> None:
    """Take stages over token files into training.data, and say what became of each setting.

    Where none names a folder but the run's own, the recipe's documents are all that is trained on.
    """
    if not given_folders(stages):
        for stage in stages:
            _note_documents(found, stage)
        return
    taken = []
    for number, stage in enumerate(stages):
        where = f"training.data[{number}]"
        name = stage.settings[NAME].value if NAME in stage.settings else None
        taken.append(
            {"name": None if name is None else str(name), "first_step": stage.start, "weights": stage.weights}
        )
        for rule, setting in stage.settings.items():
            became = {
                NAME: f"{where}.name",
                START: f"{where}.first_step = {stage.start:,}",
                FOLDER: f"{where}.weights",
                WEIGHTS: f"{where}.weights" if setting.value else f"{where}.weights = null: sequences count alike",
            }[rule]
            found.note(setting, "taken", became)
    found.put(next(s for stage in stages for s in stage.settings.values()), "training.data", taken)


def _note_documents(found: Imported, stage: DataStage) -> None:
    for rule, setting in stage.settings.items():
        if rule == NAME:
            found.note(setting, "dropped", DOCUMENTS)
        elif rule == START:
            found.note(setting, "alike" if stage.start == 1 else "dropped", DOCUMENTS)
        else:
            found.note(setting, "alike", "octavo makes the token files of its documents")


def _start(found: Imported, stage: DataStage) -> int:
    """The step with which a stage begins, from 1; nanotron's 0 is the same."""
    if START not in stage.settings:
        return 1
    value = stage.settings[START].value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise found.refuse(stage.settings[START], "a whole number of at least 0")
    return max(value, 1)


def _weights(found: Imported, stage: DataStage, own: str) -> dict[str, float | None]:
    """Folders with their weights, from text, a list or a mapping; a folder of weight 0 is left out."""
    if FOLDER not in stage.settings or stage.settings[FOLDER].value is None:
        return {}
    setting = stage.settings[FOLDER]
    names, weights = names_in(setting.value), stage.settings[WEIGHTS].value if WEIGHTS in stage.settings else None
    if not names or not all(isinstance(name, str) and name for name in names):
        raise found.refuse(setting, "a folder, a list of folders, or folders with weights")
    if isinstance(setting.value, dict):
        weights = list(setting.value.values())
    elif weights is not None:
        setting = stage.settings[WEIGHTS]
    if weights is not None and (
        not isinstance(weights, list)
        or len(weights) != len(names)
        or not all(_is_number(weight) and 0 <= weight < math.inf for weight in weights)
        or not any(weights)
    ):
        raise found.refuse(setting, f"a weight of at least 0 for each of the {len(names)} folders, over 0 for one")
    together: dict[str, float | None] = {}
    for name, weight in zip(names, weights or [None] * len(names), strict=True):
        folder = OWN_TOKENS if name == own else f"./{name}" if name == OWN_TOKENS else name
        if weight != 0:
            together[folder] = None if weight is None else float(weight) + (together.get(folder) or 0.0)
    return together


def names_in(value: Any) -> list[Any]:
    """The names in a setting that is one, a list of them, or a mapping from them to weights."""
    return [value] if isinstance(value, str) else list(value) if isinstance(value, list | dict) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
