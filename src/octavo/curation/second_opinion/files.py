"""The files of a second classifier: from a folder, the Hugging Face Hub, or the hub's cache where it is offline."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Final

import httpx2
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from safetensors import SafetensorError, safe_open

from octavo.errors import InputError
from octavo.recipe.second_opinion import SecondOpinion

FIELD: Final = "curation.toxicity.second_opinion"

WANTED: Final = ("*.json", "*.safetensors", "*.txt", "*.model")
"""Configuration, weights and vocabulary. No program of a repository is fetched, and nothing pickled."""


NEEDED: Final = (
    (("config.json",), "config.json"),
    (("*.safetensors",), "weights in model.safetensors"),
    # Without a vocabulary transformers makes a tokenizer that knows no word, and says nothing.
    (("tokenizer.json", "vocab.json", "vocab.txt", "*.model"), "a vocabulary, such as tokenizer.json"),
)
"""Patterns of which a file must be there, and what they are."""


def folder_of(settings: SecondOpinion) -> tuple[Path, dict[str, tuple[int, ...]]]:
    """The folder that holds a model, and the names and shapes of its tensors; fetches what is on the hub.

    Raises InputError where it cannot be had, or lacks a configuration, a vocabulary or weights as safetensors.
    """
    path = Path(settings.model).expanduser()
    if path.is_dir():
        if settings.revision is not None:
            raise InputError(f"{FIELD}.revision: found {settings.revision}, expected none of a folder ({path})")
        folder = path
    else:
        folder = _from_hub(settings)
    there = sorted(file.name for file in folder.iterdir() if file.is_file())
    for patterns, what in NEEDED:
        if not any(fnmatch.filter(there, pattern) for pattern in patterns):
            raise InputError(
                f"{FIELD}.model: {settings.model}: found {', '.join(there) or 'no file'}, expected {what}; "
                "pickled weights (pytorch_model.bin) are not read, as they can run code"
            )
    return folder, _weights(folder)


def files_in(folder: Path) -> list[Path]:
    """The files of a model in a folder; none where it is no folder."""
    return sorted(file for pattern in WANTED for file in folder.glob(pattern) if folder.is_dir())


def _weights(folder: Path) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, "np") as opened:
                shapes |= {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise InputError(f"{file}: found no safetensors ({error}), expected weights of a model") from None
    return shapes


def _from_hub(settings: SecondOpinion) -> Path:
    named = f"{FIELD}.model: {settings.model}"
    try:
        return Path(
            snapshot_download(
                settings.model, revision=settings.revision, allow_patterns=list(WANTED), ignore_patterns=["*/*"]
            )
        )
    except HFValidationError:
        raise InputError(f"{named}: found no such folder, expected one, or the id of a model on the hub") from None
    except RevisionNotFoundError:
        raise InputError(
            f"{FIELD}.revision: {settings.model}: found no revision {settings.revision}, expected a commit, a tag "
            "or a branch"
        ) from None
    except GatedRepoError:
        raise InputError(
            f"{named}: the hub gives it only to those who agreed to its terms: hf auth login"
        ) from None
    except RepositoryNotFoundError:
        raise InputError(f"{named}: found neither a folder nor a model on the hub of this name") from None
    except (OSError, httpx2.HTTPError) as error:
        said = " ".join(str(error).split())[:300]
        raise InputError(
            f"{named}: found no folder of this name, and the hub cannot be reached, nor is it in the hub's cache; "
            f"expected a folder, or a network ({said})"
        ) from None
