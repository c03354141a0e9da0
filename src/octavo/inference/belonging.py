"""What a model belongs to: the release that its files are, and the run that made it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from octavo.lineage import is_run


class Belonging(NamedTuple):
    """Where a model comes from, as far as it can be told from where it lies."""

    run: Path | None
    release: Path | None
    """The folder of its config.json: a release, or a Hugging Face directory."""


def belonging(model: Path) -> Belonging:
    """The run and the release of a run's directory, a release, a model directory or a .gguf file.

    A file belongs to the folder that it lies in, or that its folder `gguf` lies in, where this is a model's.
    """
    if model.suffix == ".gguf":
        beside = model.absolute().parent
        folders = [beside.parent, beside] if beside.name == "gguf" else [beside]
        release = next((folder for folder in folders if (folder / "config.json").is_file()), None)
    elif not (model / "config.json").is_file() and (model / "release").is_dir():
        return Belonging(model, model / "release")
    else:
        release = model
    above = release.absolute().parent if release else None
    return Belonging(above if above and is_run(above) else None, release)
