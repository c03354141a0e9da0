"""The index of the corpus that a model was made of."""

from __future__ import annotations

from pathlib import Path

from octavo.errors import InputError
from octavo.inference.belonging import belonging
from octavo.tracing.index.reading import CONTENTS, HOME, Index, open_index


def index_of(model: Path) -> Index | None:
    """The trace index of the run that made a model; None where there is none, or none that is done."""
    run = belonging(model).run
    return open_index(run / HOME) if run and (run / HOME / CONTENTS).is_file() else None


def needed_index(model: Path) -> Index:
    """The same; InputError where there is none."""
    index = index_of(model)
    if index is None:
        raise InputError(
            f"{model}: found no trace index of its corpus, expected the folder {HOME} in the run that it is of"
        )
    return index
