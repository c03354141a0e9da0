"""Training of the classifier of harmful text from labelled texts, its calibration, and how right it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from octavo.compiled import Ints
from octavo.curation.code_points import bytes_of
from octavo.curation.toxicity.labels import CALIBRATION, HELD_OUT, TRAINING, UNKNOWN, Labelled, read_labelled
from octavo.curation.toxicity.network import F32, answers, fresh, read, train
from octavo.curation.toxicity.passages import passages_of
from octavo.curation.toxicity.scoring import (
    DIMENSIONS,
    LEVELS,
    OUTPUTS,
    Classifier,
    as_stored,
    save_classifier,
    score_passages,
)
from octavo.errors import InputError

F64 = npt.NDArray[np.float64]

BITS: Final = 18
EPOCHS: Final = 6
RATE: Final = 0.05
SEED: Final = 1789

SPLICED: Final = 0.5
"""Share of the harmful texts that are learnt once more beside a harmless one, so that what stands around harm does
not excuse it."""

RESAMPLES: Final = 500
"""Of the bootstrap; its intervals hold 95 %."""


def train_classifier(path: Path, out: Path) -> dict[str, Any]:
    """Train on a file of labelled texts, write the classifier, and say how right it is on texts held out.

    The same file gives the same classifier. A fifth of the texts is held out, a tenth calibrates the scores.
    """
    if out.exists():
        raise InputError(f"{out}: is there already; nothing was changed")
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out}: cannot be written, expected a file in a folder that is there")
    labelled = read_labelled(path)
    _check(labelled, path)
    classifier = _calibrated(_trained(labelled), labelled)
    texts = {name: int((labelled.part == part).sum()) for name, part in _PARTS.items()}
    measured = {"texts": texts, **evaluate(labelled, as_stored(classifier))}
    partial = out.with_name(out.name + ".partial")
    try:
        save_classifier(replace(classifier, about=measured), partial)
        partial.rename(out)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror})") from None
    return measured


_PARTS: Final = {"training": TRAINING, "calibration": CALIBRATION, "held_out": HELD_OUT}


def _check(labelled: Labelled, path: Path) -> None:
    """Raise InputError where a part has no dimension with both harmful and harmless texts: nothing to learn."""
    for name, part in _PARTS.items():
        levels = labelled.levels[labelled.rows(part)]
        if not ((levels == 0).any(axis=0) & (levels > 0).any(axis=0)).any():
            raise InputError(
                f"{path}: {len(levels)} texts fell to {name}, and in no dimension are some at 0 and some above; "
                "expected more texts"
            )


def _targets(levels: npt.NDArray[np.int8]) -> tuple[F32, F32]:
    """Whether each level is reached, (texts, OUTPUTS), and whether that is known."""
    reached = levels[:, :, None] >= np.array(LEVELS)
    known = np.repeat(levels[:, :, None] != UNKNOWN, len(LEVELS), axis=2)
    return tuple(array.reshape(-1, OUTPUTS).astype(np.float32) for array in (reached, known))  # type: ignore[return-value]


def _trained(labelled: Labelled) -> Classifier:
    """A classifier that is not calibrated yet."""
    rows = labelled.rows(TRAINING)
    harmful, beside, first = _splices(labelled, rows)
    alone = labelled.text.take(pa.array(rows))
    one, other = labelled.text.take(pa.array(harmful)), labelled.text.take(pa.array(beside))
    order = pa.array(first)
    space = pa.scalar(" ", alone.type)
    spliced = pc.binary_join_element_wise(pc.if_else(order, one, other), pc.if_else(order, other, one), space)
    text = pa.concat_arrays([alone, spliced])
    reached, known = _targets(labelled.levels[np.append(rows, harmful)])
    data, offsets = bytes_of(text)
    network = fresh(BITS, OUTPUTS, SEED)
    train(network, read(data, offsets[:-1], offsets[1:], BITS), reached, known, EPOCHS, RATE, SEED)
    return Classifier(network, np.ones(OUTPUTS, np.float32), np.zeros(OUTPUTS, np.float32), {})


def _splices(labelled: Labelled, rows: Ints) -> tuple[Ints, Ints, npt.NDArray[np.bool_]]:
    """Harmful rows, a harmless row of the same language for each, and whether the harmful one comes first."""
    random = np.random.default_rng(SEED)
    harmful, harmless = [], []
    for lang in np.unique(labelled.lang):
        own = rows[labelled.lang[rows] == lang]
        levels = labelled.levels[own]
        clean = own[(levels == 0).all(axis=1)]
        drawn = own[(levels > 0).any(axis=1) & (random.random(len(own)) < SPLICED)]
        if len(clean):
            harmful.append(drawn)
            harmless.append(random.choice(clean, len(drawn)))
    chosen = np.concatenate([np.empty(0, np.int64), *harmful])
    return chosen, np.concatenate([np.empty(0, np.int64), *harmless]), random.random(len(chosen)) < 0.5


def _calibrated(classifier: Classifier, labelled: Labelled) -> Classifier:
    """The classifier with a slope and a shift for each output (Platt, 1999), fitted to the texts kept for this.

    The answer of a text is the strongest of its windows, as it is where texts are scored. An output that is reached
    by no text, or by every one, stays as it is.
    """
    rows = labelled.rows(CALIBRATION)
    found = _strongest(classifier, labelled.text.take(pa.array(rows)))
    reached, known = _targets(labelled.levels[rows])
    slope, shift = classifier.slope.copy(), classifier.shift.copy()
    for output in range(OUTPUTS):
        told = known[:, output] > 0
        share = reached[told, output]
        if 0 < share.sum() < len(share):
            slope[output], shift[output] = platt(found[told, output].astype(np.float64), share > 0)
    return replace(classifier, slope=slope, shift=shift)


def _strongest(classifier: Classifier, text: pa.Array) -> F32:
    """The highest answer of each text's windows."""
    data, offsets = bytes_of(text)
    passages = passages_of(data, offsets)
    starts, ends, owner = (np.ascontiguousarray(column) for column in passages.windows.T)
    found = np.full((len(text), OUTPUTS), -np.inf, np.float32)
    np.maximum.at(found, passages.doc[owner], answers(classifier.network, data, starts, ends))
    return found


def platt(answer: F64, reached: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope (not below 0.05) and shift of the logistic function that fits best, by Newton's method.

    Targets are drawn in a little, as Platt (1999) has it, so that a perfect separation has a best fit too.
    """
    positive, negative = reached.sum(), (~reached).sum()
    target = np.where(reached, (positive + 1) / (positive + 2), 1 / (negative + 2))
    slope, shift = 1.0, 0.0
    for _ in range(100):
        share = 1 / (1 + np.exp(-np.clip(slope * answer + shift, -50, 50)))
        wrong, weight = share - target, share * (1 - share) + 1e-9
        gradient = np.array([(wrong * answer).sum(), wrong.sum()])
        mixed = (weight * answer).sum()
        curvature = np.array([[(weight * answer**2).sum(), mixed], [mixed, weight.sum()]]) + 1e-6 * np.eye(2)
        step = np.clip(np.linalg.solve(curvature, gradient), -1, 1)
        slope, shift = max(slope - step[0], 0.05), shift - step[1]
        if np.abs(step).max() < 1e-7:
            break
    return float(slope), float(shift)


def evaluate(labelled: Labelled, classifier: Classifier) -> dict[str, Any]:
    """How well scores tell level 0 from the levels above in the texts held out, and what they say of clean sets.

    `auroc` has a row for each language, source and dimension that has at least ten texts of both kinds, and one for
    the highest score of any dimension. `clean` has a row for each language and source without a harmful text: the
    shares whose highest score reaches 1, 2 and 2.5. `apart` has a row for each language that has both: the AUROC of
    the highest score, texts at level 2 or 3 against those of the clean sources.
    """
    rows = labelled.rows(HELD_OUT)
    scores = _scores_of(classifier, labelled.text.take(pa.array(rows)))
    levels, lang, source = labelled.levels[rows], labelled.lang[rows], labelled.source[rows]
    found: dict[str, list[dict[str, Any]]] = {"auroc": [], "clean": [], "apart": []}
    clean: npt.NDArray[np.bool_] = np.zeros(len(rows), bool)
    for one, name in sorted(set(zip(lang.tolist(), source.tolist(), strict=True))):
        own = (lang == one) & (source == name)
        said = {"lang": one, "source": name}
        if (levels[own] <= 0).all():
            shares = {f"from_{limit}": float((scores[own].max(axis=1) >= limit).mean()) for limit in (1, 2, 2.5)}
            found["clean"].append({**said, "texts": int(own.sum()), **shares})
            clean |= own
            continue
        any_level = np.where((levels == 0).all(axis=1), 0, np.where((levels > 0).any(axis=1), 1, UNKNOWN))
        judged = [*zip(DIMENSIONS, levels.T, scores.T, strict=True), ("any", any_level, scores.max(axis=1))]
        for dimension, level, score in judged:
            told = own & (level != UNKNOWN)
            found["auroc"] += _told_apart({**said, "dimension": dimension}, score[told], level[told] > 0)
    highest, severe = scores.max(axis=1), np.asarray((levels >= 2).any(axis=1))
    for one in np.unique(lang).tolist():
        own = (lang == one) & (clean | severe)
        found["apart"] += _told_apart({"lang": one}, highest[own], severe[own])
    return found


def _told_apart(said: dict[str, Any], score: F32, harmful: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    """A row of figures, or none where there are fewer than ten texts of a kind."""
    if min(harmful.sum(), (~harmful).sum()) < 10:
        return []
    value, low, high = auroc_interval(score.astype(np.float64), harmful)
    counts = {"texts": len(harmful), "harmful": int(harmful.sum())}
    return [{**said, **counts, "auroc": value, "low": low, "high": high}]


def _scores_of(classifier: Classifier, text: pa.Array) -> F32:
    """The highest scores of each text's passages, (texts, dimensions)."""
    passages = score_passages(text, classifier)
    owner = np.repeat(np.arange(len(text)), pc.list_value_length(passages).to_numpy())
    scores = np.zeros((len(text), len(DIMENSIONS)), np.float32)
    flat = passages.flatten()
    np.maximum.at(scores, owner, np.stack([flat.field(name).to_numpy() for name in DIMENSIONS], axis=1))
    return scores


def auroc(score: F64, harmful: npt.NDArray[np.bool_]) -> float:
    """The probability that a harmful text scores above a harmless one, ties by half (Hanley and McNeil, 1982)."""
    _, where, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    positive, negative = int(harmful.sum()), int((~harmful).sum())
    return float((ranks[harmful].sum() - positive * (positive + 1) / 2) / (positive * negative))


def auroc_interval(score: F64, harmful: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """AUROC and the ends of its 95 % interval, by the bootstrap within each of the two kinds (Efron, 1979)."""
    random = np.random.default_rng(SEED)
    kinds = [np.flatnonzero(harmful), np.flatnonzero(~harmful)]
    values = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([random.choice(kind, len(kind)) for kind in kinds])
        values.append(auroc(score[drawn], harmful[drawn]))
    low, high = np.quantile(values, [0.025, 0.975])
    return auroc(score, harmful), float(low), float(high)
