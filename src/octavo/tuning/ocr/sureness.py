"""How sure a model is of each edit, against leaving the words as they are: one reading of each corrected window.

An edit and the copy have the same tokens before them, up to the first in which they differ. There the model states
how likely it finds each. The copy cannot cost fewer bits than its first token does; so that cost, less the cost of
all tokens of the edit, is what the model is surer by at least. To read each copy to its end would take a reading of
the window for each edit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from octavo.modeling.llama import Llama
from octavo.modeling.loss import cross_entropies
from octavo.tuning.ocr.edits import Edit, applied
from octavo.tuning.ocr.format import prompts
from octavo.tuning.vocabulary import Vocabulary

_BATCH_TOKENS: Final = {"cpu": 1024}
_GPU_TOKENS: Final = 16_384
"""Tokens of a batch: on a CPU, more are slower."""


class _Asked(NamedTuple):
    """The bits of a token at a place of a row, had it stood there."""

    row: int
    place: int
    token: int
    owner: int
    """The number of the edit, over all windows."""
    sign: int
    """1 for the copy, -1 for the edit."""


def gains(
    model: Llama, vocabulary: Vocabulary, corrected: Sequence[tuple[str, Sequence[Edit]]]
) -> list[list[float]]:
    """By how many bits the model is surer of each edit of a window's text than of the copy, with all others made.

    What does not fit into the context is minus infinity.
    """
    context = model.config.max_position_embeddings
    rows: list[list[int]] = []
    asked: list[_Asked] = []
    found: list[float] = []
    questions = prompts(vocabulary, [text for text, _ in corrected])
    for row, (text, edits) in enumerate(corrected):
        versions = [applied(text, edits)]
        versions += [applied(text, [other for other in edits if other is not edit]) for edit in edits]
        whole, *copies = ([*tokens, vocabulary.end] for tokens in vocabulary.spell(versions))
        before = [vocabulary.begin, *questions[row]]
        rows.append([*before, *whole][:context])
        for copy in copies:
            first, last = _differing(whole, copy)
            inside = len(before) + last <= context
            if inside:
                asked.append(_Asked(row, len(before) + first, copy[first], len(found), 1))
                asked += [_Asked(row, len(before) + at, whole[at], len(found), -1) for at in range(first, last)]
            found.append(0.0 if inside else -math.inf)
    total = np.array(found)
    np.add.at(total, [one.owner for one in asked], _bits(model, rows, asked) * [one.sign for one in asked])
    bounds = np.cumsum([0, *(len(edits) for _, edits in corrected)])
    return [total[start:end].tolist() for start, end in pairwise(bounds)]


def _differing(tokens: Sequence[int], others: Sequence[int]) -> tuple[int, int]:
    """The stretch of `tokens`, one at least, that `others` have not, between what both begin and end with."""
    shorter = min(len(tokens), len(others))
    first = next((at for at in range(shorter) if tokens[at] != others[at]), shorter - 1)
    same = 0
    while same < shorter - first - 1 and tokens[-1 - same] == others[-1 - same]:
        same += 1
    return first, max(first + 1, len(tokens) - same)


@torch.inference_mode()
def _bits(model: Llama, rows: Sequence[Sequence[int]], asked: Sequence[_Asked]) -> npt.NDArray[np.float64]:
    """The bits of each token that is asked for."""
    device = model.output.weight.device
    by_row: dict[int, list[int]] = {}
    for number, one in enumerate(asked):
        by_row.setdefault(one.row, []).append(number)
    nats = np.zeros(len(asked))
    for batch in _batches({row: len(rows[row]) for row in by_row}, _BATCH_TOKENS.get(device.type, _GPU_TOKENS)):
        tokens = torch.zeros(len(batch), max(len(rows[row]) for row in batch), dtype=torch.int64)
        for line, row in zip(tokens, batch, strict=True):
            line[: len(rows[row])] = torch.tensor(rows[row])
        numbers = [number for row in batch for number in by_row[row]]
        lines = [line for line, row in enumerate(batch) for _ in by_row[row]]
        places = [asked[number].place - 1 for number in numbers]
        hidden = model.hidden(tokens.to(device))[lines, places]
        targets = torch.tensor([asked[number].token for number in numbers], device=device)
        nats[numbers] = cross_entropies(hidden, model.output.weight, targets).double().cpu().numpy()
    return nats / math.log(2)


def _batches(lengths: dict[int, int], most: int) -> Iterator[list[int]]:
    """Rows of like lengths together, of up to so many tokens with their padding."""
    batch: list[int] = []
    for row in sorted(lengths, key=lambda row: lengths[row]):
        if batch and (len(batch) + 1) * lengths[row] > most:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
