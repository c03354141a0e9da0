"""Classifiers in the format of Hugging Face, loaded so that each gives levels of harm in our dimensions.

Two kinds are known: what transformers loads for sequence classification, whose labels the recipe maps to levels,
and encoders with a linear head of four classes on the first token for each dimension, as Celadon, which
transformers cannot load without running code of the model's repository. No such code is run here and nothing is
unpickled: weights are read from safetensors alone, and Celadon's heads are found among them by name and shape.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from octavo.curation.second_opinion.files import FIELD, files_in, folder_of
from octavo.curation.toxicity.scoring import DIMENSIONS
from octavo.errors import InputError
from octavo.lineage import stamps
from octavo.recipe.second_opinion import SecondOpinion

CLASSES: Final = 4
"""Of a head: the levels 0 to 3."""

OVERLAP: Final = 8
"""A window shares one of this many parts with the one before."""

Window = dict[str, list[int]]
"""What the model is given of a window: token ids, mask, and what else its tokenizer makes."""

Weights = dict[str, tuple[int, ...]]
"""The names and shapes of a checkpoint's tensors."""

NOT_LOADED: Final = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, SafetensorError)
"""What transformers raises of files that it cannot make a model of."""


@dataclass(frozen=True)
class SecondModel:
    """A classifier that is ready to be asked."""

    tokenizer: Any
    network: nn.Module
    levels: Callable[[Tensor], Tensor]
    """From the network's answers to the level to expect, as (windows, dimensions)."""
    known: npt.NDArray[np.bool_]
    """By dimension: whether the model says anything of it."""
    device: torch.device
    settings: SecondOpinion

    def windows(self, texts: Sequence[str]) -> tuple[list[Window], npt.NDArray[np.int64]]:
        """The texts in tokens, each in windows, and of each window the place of its text.

        A text of no token has no window.
        """
        made = self.tokenizer(
            list(texts),
            truncation=True,
            max_length=self.settings.max_tokens,
            stride=self.settings.max_tokens // OVERLAP,
            return_overflowing_tokens=True,
        )
        taken = inspect.signature(self.network.forward).parameters
        names = [name for name in self.tokenizer.model_input_names if name in taken]
        owner = np.asarray(made["overflow_to_sample_mapping"], np.int64)
        full = [place for place in range(len(owner)) if made["input_ids"][place]]
        return [{name: made[name][place] for name in names} for place in full], owner[full]

    def scores(self, windows: Sequence[Window]) -> npt.NDArray[np.float32]:
        """The levels to expect of windows, as (windows, dimensions)."""
        padded = self.tokenizer.pad(list(windows), return_tensors="pt").to(self.device)
        try:
            with torch.inference_mode():
                found = self.network(**padded)
                answers = found if isinstance(found, Tensor) else found.logits
                return np.asarray(self.levels(answers.float()).cpu().numpy(), np.float32)
        except torch.OutOfMemoryError:
            raise InputError(
                f"{FIELD}.batch_tokens: {self.settings.batch_tokens} do not fit into the memory of {self.device}, "
                "expected fewer"
            ) from None


def load_second_opinion(settings: SecondOpinion) -> SecondModel:
    """The classifier of the settings, from its folder, the hub or the hub's cache; the last one is kept, as long as
    its folder stays as it was.

    Raises InputError where transformers is not installed, the model or a file of it cannot be had, its weights
    are not what its configuration says, or the labels are not the model's.
    """
    return _load(settings.model_dump_json(), stamps(files_in(Path(settings.model).expanduser())))


@lru_cache(maxsize=1)
def _load(as_json: str, files: tuple[tuple[str, int, int], ...]) -> SecondModel:
    try:
        from transformers.utils import logging
    except ImportError:
        raise InputError(f"{FIELD} needs transformers: pip install '.[classifiers]' in octavo's checkout") from None
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # what it would warn of is checked here
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    settings = SecondOpinion.model_validate_json(as_json)
    device = _device(settings.device)
    folder, weights = folder_of(settings)
    tokenizer = _tokenizer(folder, settings)
    network, config = _network(folder, weights, settings)
    if isinstance(network, Heads):
        if settings.labels:
            raise InputError(
                f"{FIELD}.labels: found {', '.join(settings.labels)}, expected none: {settings.model} has a head "
                f"for each dimension ({', '.join(DIMENSIONS)})"
            )
        levels: Callable[[Tensor], Tensor] = _levels_of_heads
        known: npt.NDArray[np.bool_] = np.ones(len(DIMENSIONS), bool)
        tokenizer.padding_side = "right"  # the heads read the first token
    else:
        levels, known = _levels_of_labels(config, settings, device)
        if config.pad_token_id is None:
            config.pad_token_id = tokenizer.pad_token_id  # those that read the last token look for it
    _check_fit(network, tokenizer, config, settings)
    return SecondModel(tokenizer, network.eval().to(device), levels, known, device, settings)


class Heads(nn.Module):
    """An encoder with a linear head for each dimension on the first token, as Celadon has."""

    def __init__(self, encoder: nn.Module, weight: Tensor, bias: Tensor) -> None:
        """The heads' weights as (dimensions, classes, width), and their biases as (dimensions, classes)."""
        super().__init__()
        self.encoder = encoder
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits, as (texts, dimensions, classes)."""
        first = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, 0]
        return torch.einsum("td,hcd->thc", first, self.weight) + self.bias


def forget() -> None:
    """Give up the model that is held in memory."""
    _load.cache_clear()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def find_heads(weights: Weights, prefix: str, width: int) -> list[str] | None:
    """The names of the heads of four classes in the order of DIMENSIONS; None where there are not several heads.

    `prefix` is that of the encoder's tensors, and `width` is its hidden size. Heads are numbered in the order of
    DIMENSIONS (heads.0 to heads.4, as Celadon's are), or each is named after its dimension. Raises ValueError that
    says what was found where there are several heads, but not these.
    """
    heads: dict[int, list[str]] = {}
    for name, shape in weights.items():
        stem = name.removesuffix(".weight")
        if (
            stem == name
            or name.startswith(f"{prefix}.")
            or len(shape) != 2
            or shape[1] != width
            or shape[0] == width
        ):
            continue
        if weights.get(f"{stem}.bias") == shape[:1]:
            heads.setdefault(shape[0], []).append(stem)
    several = {classes: sorted(stems) for classes, stems in heads.items() if len(stems) > 1}
    if not several:
        return None
    stems = several.get(CLASSES, [])
    if len(stems) == len(DIMENSIONS):
        for keys in ([str(number) for number in range(len(DIMENSIONS))], DIMENSIONS):
            ordered = [[stem for stem in stems if _says(stem, key)] for key in keys]
            if all(len(fitting) == 1 for fitting in ordered):
                return [stem for [stem] in ordered]
    found = "; ".join(f"{', '.join(stems)} of {classes} classes" for classes, stems in several.items())
    raise ValueError(
        f"heads {found}, expected {len(DIMENSIONS)} of {CLASSES} classes, numbered from 0 in the order "
        f"{', '.join(DIMENSIONS)}, or named so"
    )


def _says(stem: str, key: str) -> bool:
    return re.findall(r"\d+", stem) == [key] if key.isdigit() else key in stem.lower()


def _network(folder: Path, weights: Weights, settings: SecondOpinion) -> tuple[nn.Module, Any]:
    """The model of a folder and its configuration; nothing of it may have been left to chance."""
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

    how: dict[str, Any] = {
        "use_safetensors": True,
        "dtype": torch.float32,
        "output_loading_info": True,
        "trust_remote_code": False,
        "local_files_only": True,
    }
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        network, info = AutoModelForSequenceClassification.from_pretrained(folder, config=config, **how)
        if not info["missing_keys"]:
            return network, network.config
        heads = find_heads(weights, network.base_model_prefix, config.hidden_size)
        if heads is None:
            raise ValueError(
                f"no weights of {', '.join(sorted(info['missing_keys'])[:8])}, expected those of "
                f"{type(network).__name__}, or {len(DIMENSIONS)} heads of {CLASSES} classes; found beside the "
                f"encoder {_beside(weights, network.base_model_prefix)}"
            )
        encoder, info = AutoModel.from_pretrained(folder, config=config, **how)
        missing = sorted(name for name in info["missing_keys"] if not name.startswith("pooler."))
        if missing:
            raise ValueError(f"no weights of {', '.join(missing[:8])}, expected those of {type(encoder).__name__}")
        held = {name: _tensor(folder, name) for head in heads for name in (f"{head}.weight", f"{head}.bias")}
    except NOT_LOADED as error:
        said = " ".join(str(error).split())[:600]
        raise InputError(f"{FIELD}.model: {settings.model} cannot be loaded as a classifier: {said}") from None
    return (
        Heads(
            encoder,
            torch.stack([held[f"{head}.weight"] for head in heads]),
            torch.stack([held[f"{head}.bias"] for head in heads]),
        ),
        config,
    )


def _beside(weights: Weights, prefix: str) -> str:
    names = [
        f"{name} {list(shape)}" for name, shape in sorted(weights.items()) if not name.startswith(f"{prefix}.")
    ]
    return ", ".join(names[:12]) or "nothing"


def _tensor(folder: Path, name: str) -> Tensor:
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            if name in opened.keys():  # noqa: SIM118 it is no dict
                tensor: Tensor = opened.get_tensor(name)
                return tensor.float()
    raise KeyError(name)


def _tokenizer(folder: Path, settings: SecondOpinion) -> Any:
    from transformers import AutoTokenizer

    if not (folder / "tokenizer.json").exists() and any(folder.glob("*.model")) and not find_spec("sentencepiece"):
        raise InputError(
            f"{FIELD} needs sentencepiece for {settings.model}: pip install '.[classifiers]' in octavo's checkout"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (*NOT_LOADED, ImportError) as error:
        said = " ".join(str(error).split())[:300]
        raise InputError(
            f"{FIELD}.model: {settings.model}: found no tokenizer that can be loaded ({said}), expected "
            "tokenizer.json with tokenizer_config.json, or the model's own vocabulary"
        ) from None
    if not tokenizer.is_fast:
        raise InputError(
            f"{FIELD}.model: {settings.model}: found the tokenizer {type(tokenizer).__name__}, which is written in "
            "Python, expected one with tokenizer.json"
        )
    if tokenizer.pad_token_id is None:
        raise InputError(
            f"{FIELD}.model: {settings.model}: found a tokenizer without a padding token, expected one with it"
        )
    return tokenizer


def _levels_of_heads(answers: Tensor) -> Tensor:
    probabilities = answers.softmax(dim=2)
    return probabilities @ torch.arange(CLASSES, dtype=probabilities.dtype, device=probabilities.device)


def _levels_of_labels(
    config: Any, settings: SecondOpinion, device: torch.device
) -> tuple[Callable[[Tensor], Tensor], npt.NDArray[np.bool_]]:
    """How levels come of a classifier's labels, of which one holds (softmax) or each may hold (sigmoid)."""
    names = [str(config.id2label[place]) for place in range(config.num_labels)]
    if not settings.labels:
        raise InputError(
            f"{FIELD}.labels: found none, expected what labels of {settings.model} mean, such as "
            f"{{{names[-1]}: {{violence_abuse: 3}}}}; it has {', '.join(names)}"
        )
    unknown = [label for label in settings.labels if label not in names]
    if unknown:
        raise InputError(
            f"{FIELD}.labels: found {', '.join(unknown)}, expected labels of {settings.model}: {', '.join(names)}"
        )
    if config.problem_type == "regression":
        raise InputError(
            f"{FIELD}.model: {settings.model}: found a regression, expected a classifier with one or several labels"
        )
    means = [settings.labels.get(name, {}) for name in names]
    table = torch.tensor([[levels.get(name, 0.0) for name in DIMENSIONS] for levels in means], device=device)
    known = np.array([any(name in levels for levels in means) for name in DIMENSIONS])

    def one(answers: Tensor) -> Tensor:
        return answers.softmax(dim=1) @ table

    def each(answers: Tensor) -> Tensor:
        return (answers.sigmoid()[:, :, None] * table).amax(dim=1)

    several = config.problem_type == "multi_label_classification" or len(names) == 1
    return (each if several else one), known


def _check_fit(network: Any, tokenizer: Any, config: Any, settings: SecondOpinion) -> None:
    """Refuse a tokenizer with tokens that the model lacks, and more tokens at once than it has places for."""
    encoder: Any = network.encoder if isinstance(network, Heads) else network
    rows = encoder.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise InputError(
            f"{FIELD}.model: {settings.model}: found a tokenizer of {len(tokenizer)} tokens, expected at most "
            f"{rows}, which the model knows"
        )
    limits = [tokenizer.model_max_length, getattr(config, "max_position_embeddings", None)]
    for name, module in network.named_modules():
        # RoBERTa and its kin count positions from behind the padding's.
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            limits.append(module.num_embeddings - module.padding_idx - 1)
    most = min(limit for limit in limits if limit)
    if settings.max_tokens > most:
        raise InputError(
            f"{FIELD}.max_tokens: found {settings.max_tokens}, expected at most {most}, what {settings.model} reads"
        )


def _device(asked: str) -> torch.device:
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise InputError(f"{FIELD}.device: found cuda, but no GPU that torch can use; expected auto or cpu")
    return torch.device("cuda" if there and asked != "cpu" else "cpu")
