"""The rule on harmful text: scores of each passage on five dimensions, from 0 to 3.

The dimensions and levels are those of Celadon, the classifier of the published model's corpus: 0 none or an
objective mention, 1 implicit bias, 2 clear bias without aggression, 3 overt hatred or a call to violence. A score
is the level that is to be expected. Texts are cut into passages and these into windows (`toxicity_passages`); a
small network (`toxicity_network`) reads each window, and a passage has the highest score of its windows. The
weights that come with octavo were trained by `octavo train-classifier`; classifier.md says on what, and how right
they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from octavo.curation.code_points import bytes_of
from octavo.curation.toxicity.network import F32, FILTERS, VECTOR, WIDTH, Network, answers
from octavo.curation.toxicity.passages import passages_of
from octavo.errors import InputError
from octavo.lineage import stamps

DIMENSIONS: Final = ("race_origin", "gender_sexuality", "religion", "ability", "violence_abuse")
LEVELS: Final = (1, 2, 3)
OUTPUTS: Final = len(DIMENSIONS) * len(LEVELS)

SHIPPED: Final = Path(__file__).parent / "classifier.safetensors"

KIND: Final = "octavo-toxicity"
VERSION: Final = 1
"""Of the file and of what reads the text: a classifier of another version would give other scores."""

SCORED_PASSAGE: Final = pa.struct(
    [("start", pa.int64()), ("end", pa.int64()), *((name, pa.float32()) for name in DIMENSIONS)]
)
"""A passage by its place in the UTF-8 bytes of its text, and its scores."""

SCORED_PASSAGES: Final = pa.large_list(SCORED_PASSAGE)


@dataclass(frozen=True)
class Classifier:
    """Weights, what makes scores of the network's answers, and what is known of the training."""

    network: Network
    slope: F32
    shift: F32
    """By output: the probability of reaching a level is the logistic function of `slope` * answer + `shift`."""
    about: dict[str, Any]


def score_passages(texts: pa.Array, classifier: Classifier) -> pa.Array:
    """The passages of each text with their scores, in SCORED_PASSAGES; a blank text or null has none.

    Every character but white space lies in one passage. A text has the same scores beside any others.
    """
    data, offsets = bytes_of(texts.cast(pa.large_string()))
    found = passages_of(data, offsets)
    scores = np.zeros((len(found.start), len(DIMENSIONS)), np.float32)
    starts, ends, owner = (np.ascontiguousarray(column) for column in found.windows.T)
    np.maximum.at(scores, owner, _scores(answers(classifier.network, data, starts, ends), classifier))
    begins = offsets[found.doc]
    columns = [found.start - begins, found.end - begins, *scores.T]
    passages = pa.StructArray.from_arrays([pa.array(column) for column in columns], fields=list(SCORED_PASSAGE))
    bounds = np.searchsorted(found.doc, np.arange(len(texts) + 1))
    return pa.LargeListArray.from_arrays(pa.array(bounds, pa.int64()), passages).cast(SCORED_PASSAGES)


def score(text: str, classifier: Classifier) -> dict[str, float]:
    """The highest score of a text's passages by dimension; 0 of a blank text."""
    passages = score_passages(pa.array([text], pa.large_string()), classifier)[0].as_py()
    return {name: max((passage[name] for passage in passages), default=0.0) for name in DIMENSIONS}


def _scores(found: F32, classifier: Classifier) -> F32:
    """The level to expect in each dimension: the sum of the probabilities of reaching each."""
    reached = 1 / (1 + np.exp(-(found * classifier.slope + classifier.shift)))
    by_level = np.minimum.accumulate(reached.reshape(-1, len(DIMENSIONS), len(LEVELS)), axis=2)
    return np.asarray(by_level.sum(axis=2), np.float32)


def load_classifier(path: Path | None = None) -> Classifier:
    """The classifier of a file, or the one that comes with octavo.

    Raises InputError where there is none, or it is damaged or of another version.
    """
    file = path or SHIPPED
    if not file.is_file():
        raise InputError(f"{file}: not found, expected a classifier's file, as octavo train-classifier writes it")
    return _classifier(file, stamps([file]))


@lru_cache(2)
def _classifier(file: Path, stamp: tuple[tuple[str, int, int], ...]) -> Classifier:
    """Of a file, read anew where it is another than before."""
    try:
        with safe_open(file, "numpy") as opened:
            metadata = opened.metadata() or {}
            held = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 it is no dict
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read as a classifier ({error})") from None
    if KIND not in metadata:
        raise InputError(
            f"{file}: is no classifier of harmful text, expected one that octavo train-classifier wrote"
        )
    try:
        said = json.loads(metadata[KIND])
        version, about = said["version"], said["about"]
        if version == VERSION:
            return _unpacked(held, about)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file}: damaged ({error})") from None
    raise InputError(f"{file}: is of version {version}, this octavo reads version {VERSION}: train it again")


def as_stored(classifier: Classifier) -> Classifier:
    """The classifier as it is when it has been saved and loaded, its vectors in bytes."""
    network = classifier.network
    most = np.maximum(np.abs(network.vectors * network.scale).max(axis=0), 1e-9)
    scale = (most / 127).astype(np.float32)
    numbers = np.rint(network.vectors * network.scale / scale).astype(np.int8)
    return replace(classifier, network=network._replace(vectors=numbers, scale=scale))


def save_classifier(classifier: Classifier, path: Path) -> None:
    """Write a classifier's file, as it is stored."""
    held: dict[str, npt.NDArray[Any]] = {
        **as_stored(classifier).network._asdict(),
        "slope": classifier.slope,
        "shift": classifier.shift,
    }
    said = {"version": VERSION, "about": classifier.about}
    # One entry: of several the order is by lot.
    path.write_bytes(save(held, {KIND: json.dumps(said, ensure_ascii=False)}))


def _unpacked(held: dict[str, Any], about: dict[str, Any]) -> Classifier:
    buckets = len(held["vectors"])
    expected = {
        "vectors": (np.int8, (buckets, VECTOR)),
        "scale": (np.float32, (VECTOR,)),
        "filters": (np.float32, (WIDTH * VECTOR, FILTERS)),
        "filter_bias": (np.float32, (FILTERS,)),
        "outputs": (np.float32, (FILTERS, OUTPUTS)),
        **dict.fromkeys(("output_bias", "slope", "shift"), (np.float32, (OUTPUTS,))),
    }
    for name, (kind, shape) in expected.items():
        if held[name].dtype != kind or held[name].shape != shape:
            raise ValueError(f"{name} is {held[name].dtype} {held[name].shape}, expected {kind.__name__} {shape}")
        if not np.isfinite(held[name]).all():
            raise ValueError(f"{name} holds what is no number")
    if buckets.bit_count() != 1:
        raise ValueError(f"{buckets} vectors, expected a power of two")
    network = Network(*(held[name] for name in Network._fields))
    return Classifier(network, held["slope"], held["shift"], about)
