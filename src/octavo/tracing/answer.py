"""What recall has found, as plain data: the answer of `octavo recall --json`, and what the summary is made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from octavo.tracing.recall.recalling import HELD_OUT, STATES, TESTED, TRAINED, Recalled
from octavo.tracing.recall.sightings import ranges
from octavo.tracing.recall.trained import Release
from octavo.tracing.recall.tunes import find_tunes
from octavo.training.checkpoint_files import path_of


def told(recalled: Recalled) -> dict[str, Any]:
    """All that is known of the documents and of the run that may have seen them."""
    run, trained, seen = recalled.run, recalled.trained, recalled.seen
    steps = np.unique(np.concatenate([np.empty(0, np.int64), *seen.steps]))
    first = int(steps[0]) if len(steps) else None
    firsts = np.sort(np.array([own[0] for own in seen.steps if len(own)], np.int64))
    clean = [step for step in trained.checkpoints if first is None or step < first]
    return {
        "run": str(run),
        "asked": recalled.wanted._asdict(),
        "pairs": recalled.recipe.is_taught,
        "found": {state: recalled.states.count(state) for state in STATES},
        "training": {
            "state": trained.state,
            "steps": trained.steps.done,
            "of": recalled.recipe.steps,
            "sequences_per_step": trained.steps.size,
            "sequence_length": recalled.recipe.sequence_length,
        },
        "steps": ranges(steps),
        "steps_seen": len(steps),
        "passed_over_steps": ranges(seen.passed_over),
        "tokens": {
            "in_files": int(recalled.tokens.sum()),
            "read": int(seen.read.sum()),
            "predicted": int(seen.predicted.sum()),
        },
        "checkpoints": [
            {
                "step": step,
                "folder": str(path_of(run / "checkpoints", step)),
                **_saw(step, firsts),
            }
            for step in trained.checkpoints
        ],
        "last_checkpoint_without": (
            {"step": clean[-1], "folder": str(path_of(run / "checkpoints", clean[-1]))} if clean else None
        ),
        "release": _release(trained.release, firsts) if trained.release else None,
        "tokenizer": _tokenizer(recalled),
        "evaluation": {"used": sum(state in (HELD_OUT, TESTED) for state in recalled.states)},
        "base": recalled.recipe.tuning.base if recalled.recipe.tuning else None,
        **_tunes(recalled, firsts),
        "untold_folders": recalled.untold,
        "superseded_trainings": [str(p) for p in sorted((run / "superseded").glob("training-*"))],
        "documents": [_document(recalled, place) for place in range(len(recalled.found))],
    }


def _saw(step: int, firsts: np.ndarray) -> dict[str, Any]:
    """Whether the weights after a step have seen documents, and how many; `firsts` has the first step of each."""
    documents = int(np.searchsorted(firsts, step, side="right"))
    return {"saw": documents > 0, "documents": documents}


def _release(release: Release, firsts: np.ndarray) -> dict[str, Any]:
    if release.step is None:
        return {"folder": str(release.folder), "step": None, "saw": None, "documents": None}
    return {"folder": str(release.folder), "step": release.step, **_saw(release.step, firsts)}


def _tokenizer(recalled: Recalled) -> dict[str, Any]:
    """One that the run trained has read a sample of the documents to train on; which ones is not recorded."""
    trained_here = recalled.recipe.tokenizer.path is None
    sampled = sum(one.part is not None and one.split == "train" for one in recalled.found)
    return {"trained_by_run": trained_here, "may_have_read": sampled if trained_here else 0}


def _tunes(recalled: Recalled, firsts: np.ndarray) -> dict[str, Any]:
    tunes = find_tunes(recalled.run, recalled.recipe)
    return {
        "tunes": [
            {
                "run": str(tune.run),
                "task": tune.task,
                "base": str(tune.base),
                "step": tune.step,
                **_saw(tune.step, firsts),
                "release": str(tune.run / "release") if tune.released else None,
            }
            for tune in tunes.found
        ],
        "unreadable_recipes": [str(file) for file in tunes.unreadable],
    }


def _document(recalled: Recalled, place: int) -> dict[str, Any]:
    one, seen, state = recalled.found[place], recalled.seen, recalled.states[place]
    steps, trained = seen.steps[place], recalled.trained
    released = trained.release.step if trained.release else None
    return {
        "identifier": one.identifier,
        "title": one.title,
        "creator": one.creator,
        "spdx": one.spdx,
        "found_by": list(one.by),
        "state": state,
        "fate": one.fate,
        "rule": one.rule,
        "repeats": one.repeats,
        "file": _file(recalled, place),
        "row": one.row,
        "in_given_files": place in recalled.given,
        "steps": ranges(steps),
        "steps_seen": len(steps),
        "sequences_seen": int(seen.sequences[place]),
        "tokens": {
            "in_files": int(recalled.tokens[place]),
            "read": int(seen.read[place]),
            "predicted": int(seen.predicted[place]),
        },
        "checkpoints": [step for step in trained.checkpoints if state == TRAINED and step >= int(steps[0])],
        "released": released is not None and state == TRAINED and released >= int(steps[0]),
    }


def _file(recalled: Recalled, place: int) -> str | None:
    part = recalled.found[place].part
    folder = "pairs" if recalled.recipe.is_taught else "corpus/kept"
    return None if part is None else f"{folder}/{part}"
