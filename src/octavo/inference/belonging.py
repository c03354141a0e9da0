"""What a model belongs to: the release that its files are, and the run that made it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from octavo.errors import InputError
from octavo.evaluation.model_files import is_run
from octavo.tracing.index import HOME, Index, open_index


class Belonging(NamedTuple):
    """Where a model comes from, as far as it can be told from where it lies."""

    run: Path | None
    release: Path | None


def belonging(model: Path) -> Belonging:
    """The run and the release of a run's directory, a release, a model directory or a .gguf file."""
    release: Path | None
    if model.suffix == ".gguf":
        beside = model.absolute().parent.parent
        release = beside if model.absolute().parent.name == "gguf" and (beside / "config.json").is_file() else None
    elif (model / "release").is_dir():
        return Belonging(model, model / "release")
    else:
        release = model.absolute()
    run = release.parent if release and is_run(release.parent) else None
    return Belonging(run, release)


def index_of(model: Path) -> Index | None:
    """The trace index of the run that made a model; None where there is none."""
    run = belonging(model).run
    return open_index(run / HOME) if run and (run / HOME).is_dir() else None


def needed_index(model: Path) -> Index:
    """The same; InputError where there is none."""
    index = index_of(model)
    if index is None:
        raise InputError(
            f"{model}: found no trace index of its corpus, expected the folder {HOME} in the run that it is of"
        )
    return index
