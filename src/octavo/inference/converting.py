"""A Hugging Face directory as a GGUF file, made once and kept in the user's cache."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import Final

from blake3 import blake3
from safetensors import SafetensorError, safe_open

from octavo import __version__
from octavo.errors import InputError, OctavoError
from octavo.evaluation.model_files import edges_of
from octavo.lineage import hash_file
from octavo.modeling.gguf.quantised import GgufType
from octavo.modeling.gguf.writing import pre_tokenizer_name, save_gguf
from octavo.modeling.hf import load_hf, read_config
from octavo.tokenization.encode import load_tokenizer

_LICENCE: Final = "unknown"
"""Of the file in the cache, which goes nowhere else."""


class NoEqualGgufError(InputError):
    """No GGUF file of the model would read text as its tokenizer does."""


def converted(folder: Path) -> Path:
    """The GGUF file of a Hugging Face directory, in the precision of its weights: nothing is lost.

    It lies under `gguf` in octavo's folder of the user's cache, by the hash of what it is made of; where it is not
    there yet it is made, with a word on stderr. Two processes may ask at once. Raises NoEqualGgufError where
    llama.cpp knows no tokenizer equal to the model's, InputError where the directory is no Llama model.
    """
    read_config(folder)
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    try:
        pre_tokenizer_name(tokenizer)
    except InputError:
        raise NoEqualGgufError(f"{folder}: llama.cpp knows no tokenizer equal to this model's") from None
    weights = sorted(folder.glob("*.safetensors"))
    kind = precision(weights)
    home = cache_folder() / "gguf"
    made_of = [folder / "config.json", folder / "tokenizer.json", *weights]
    begin, end = edges_of(folder, tokenizer)
    digest = blake3(
        "\n".join([__version__, kind, f"{begin} {end}", *(hash_file(file).blake3 for file in made_of)]).encode()
    )
    file = home / f"{digest.hexdigest(16)}-{kind}.gguf"
    if file.exists():
        return file
    try:
        home.mkdir(parents=True, exist_ok=True)
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                print(f"{folder}: converted to GGUF ({kind}, without loss) once, into {file}", file=sys.stderr)
                unfinished = file.with_suffix(".unfinished")
                name = folder.resolve().name
                try:
                    save_gguf(load_hf(folder), unfinished, kind, name, _LICENCE, tokenizer, begin, end)
                    with unfinished.open("rb") as written:
                        os.fsync(written.fileno())
                    unfinished.replace(file)
                finally:
                    for left in home.glob(f"{unfinished.name}*"):
                        left.unlink()
    except OSError as error:
        where = error.filename or home
        raise OctavoError(f"{where}: cannot be written ({error.strerror}); XDG_CACHE_HOME names a cache") from None
    return file


def cache_folder() -> Path:
    """Octavo's folder in the user's cache, by the XDG base directory specification."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if os.path.isabs(home) else Path.home() / ".cache") / "octavo"


def precision(weights: list[Path]) -> GgufType:
    """The least type that holds all matrices as they are: BF16 where all are in it, else F32."""
    types = set()
    for file in weights:
        try:
            with safe_open(file, framework="pt") as stored:
                for name in stored.keys():  # noqa: SIM118 (no mapping)
                    part = stored.get_slice(name)
                    if len(part.get_shape()) > 1:
                        types.add(part.get_dtype())
        except SafetensorError as error:
            raise InputError(f"{file}: found a file that cannot be read ({error}); is it cut short?") from None
    return "BF16" if types == {"BF16"} else "F32"
