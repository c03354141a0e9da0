"""Another run's harmful continuations, to be set beside this one's: only where both were made alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from octavo.errors import InputError

FILE: Final = "toxicity.json"
ALIKE: Final = ("classifier.blake3", "prompts.languages", "prompts.blake3", "decodings")
"""Without these alike, a difference in shares would say nothing of the models."""


def file_of(run: str) -> Path:
    """Where a run has its harmful continuations."""
    return Path(run) / "evaluation" / FILE


def read_run(run: str, basis: dict[str, Any]) -> dict[str, Any]:
    """A run's harmful continuations; InputError where it has none, or they rest on another basis."""
    file = file_of(run)
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
        for path in ALIKE:
            here, there = _field(basis, path), _field(found, path)
            if here != there:
                raise InputError(
                    f"evaluation.compare: {file}: {path}: found {there}, expected {here}, as in this run: evaluate "
                    "both with the same octavo, corpus.languages, curation.toxicity.classifier and "
                    "evaluation.continuations"
                )
        if not {"shares", "continuations"} <= found.keys():
            raise KeyError("shares, continuations")
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"evaluation.compare: {file}: not found, expected the directory of a run that was evaluated"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"evaluation.compare: {file}: cannot be read ({error})") from None
    return found


def _field(figures: dict[str, Any], path: str) -> Any:
    for name in path.split("."):
        figures = figures[name]
    return figures
