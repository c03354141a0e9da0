"""What the GGUF files of a release lose: bits per byte and greedy texts beside those of the weights in BF16.

Each file is read back into octavo's own model, its numbers as float32. So the loss is that of the numbers in the
file; what llama.cpp rounds besides, the activations in products with quantised matrices, is not in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from blake3 import blake3
from tokenizers import Tokenizer

from octavo.evaluation.openings import draw, read_documents
from octavo.evaluation.scoring import Row, row_bits
from octavo.modeling.continuations import continue_prompts
from octavo.modeling.decoding import Decoding
from octavo.modeling.gguf.reading import load_weights
from octavo.modeling.hf import round_to_bfloat16
from octavo.modeling.llama import Llama
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.release.exporting import gguf_files, recommended_penalty
from octavo.release.quantised_figures import MEAN, GgufFile, Quantised, Text
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import begin_and_end
from octavo.tuning.preparing import ANSWERS

WORKS: Final = 8
"""A language, each with its beginning; or pairs."""
BYTES: Final = 64_000
"""Of the works of all languages, each language giving as much as another."""
PROMPT: Final = 16
"""Tokens of a work's beginning that are continued."""
WRITTEN: Final = 32
"""Tokens of a continuation at most."""
_COMMAND: Final = "octavo audit RUN --full"
_DIGITS: Final = 6


class Passage(NamedTuple):
    """A held-out text that is scored, and what of it is continued."""

    group: str
    bytes: int
    rows: list[Row]
    prompt: list[int]


class _Outcome(NamedTuple):
    """What a model makes of the passages."""

    bits: dict[str, float]
    """Per byte, by group, and their mean."""
    texts: list[list[int]]


def measure_quantised(recipe: Recipe, run: Path, model: Llama, home: Path, progress: Progress) -> Quantised | None:
    """Measure the GGUF files of the release in `home`; None where it has none. `model` is rounded to BF16."""
    files = gguf_files(recipe, home)
    if not files:
        return None
    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    begin, end = begin_and_end(tokenizer, "tokenizer.json")
    context = model.config.max_position_embeddings
    if recipe.is_taught:
        passages = _answers(run, begin, context)
    else:
        passages = _beginnings(recipe, run, tokenizer, begin, context)
    prompts = [passage.prompt for passage in passages]
    if not passages and not recipe.is_taught:
        prompts = [
            [begin, *tokenizer.encode(prompt, add_special_tokens=False).ids]
            for prompt in recipe.release.prompts.values()
        ]
    decoding = Decoding(max_tokens=WRITTEN, repetition_penalty=recommended_penalty(recipe))

    def outcome(of: Llama) -> _Outcome:
        return _Outcome(_bits_per_byte(of, passages), continue_prompts(of, prompts, end, decoding))

    round_to_bfloat16(model)
    released = outcome(model.eval())
    found = []
    for kind, path in files.items():
        progress.check()
        loaded, tensors = load_weights(path)
        found.append(_compared(kind, path.relative_to(home), path, tensors, outcome(loaded), released))
    return Quantised(
        command=_COMMAND,
        blake3=_digest(passages, prompts),
        held_out=_counted(passages),
        bits_per_byte=_rounded(released.bits),
        repetition_penalty=decoding.repetition_penalty,
        texts=len(prompts),
        tokens=sum(map(len, released.texts)),
        files=found,
    )


def _beginnings(recipe: Recipe, run: Path, tokenizer: Tokenizer, begin: int, context: int) -> list[Passage]:
    """Of held-out works of each language, drawn by lot."""
    documents = read_documents(run / "corpus" / "kept", recipe.corpus.languages)
    drawn = [document for document, _ in draw(documents, WORKS, recipe.seed, lambda one: one.text.strip() or None)]
    works = Counter(document.lang for document in drawn)
    texts = [_beginning(document.text, BYTES // len(works) // works[document.lang]) for document in drawn]
    encoded = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return [
        Passage(
            document.lang,
            len(text.encode()),
            list(_side_by_side([begin, *found.ids], context)),
            [begin, *found.ids[: min(PROMPT, context // 2)]],
        )
        for document, text, found in zip(drawn, texts, encoded, strict=True)
    ]


def _side_by_side(tokens: Sequence[int], context: int) -> Iterator[Row]:
    """A context after another: that takes half the time of windows that overlap, and all models are read alike."""
    for start in range(0, len(tokens) - 1, context):
        yield Row(tokens[start : start + context + 1], 1)


def _beginning(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def _answers(run: Path, begin: int, context: int) -> list[Passage]:
    """Held-out answers after their prompts, in the order in which they were drawn."""
    found: list[Passage] = []
    taken: Counter[str] = Counter()
    for row in pq.read_table(run / "pairs" / ANSWERS).to_pylist():
        if row["bytes"] and taken[row["group"]] < WORKS:
            taken[row["group"]] += 1
            prompt, answer = [begin, *row["prompt"]], row["answer"]
            tokens = [*prompt, *answer][-context - 1 :]
            found.append(Passage(row["group"], row["bytes"], [Row(tokens, len(tokens) - len(answer))], prompt))
    return sorted(found, key=lambda passage: passage.group)


def _bits_per_byte(model: Llama, passages: Sequence[Passage]) -> dict[str, float]:
    bits = iter(row_bits(model, [row for passage in passages for row in passage.rows]).tolist())
    sums: dict[str, float] = {}
    for passage in passages:
        sums[passage.group] = sums.get(passage.group, 0.0) + sum(next(bits) for _ in passage.rows)
    found = {group: sums[group] / text.bytes for group, text in _counted(passages).items()}
    return found | {MEAN: float(np.mean(list(found.values())))} if found else {}


def _counted(passages: Iterable[Passage]) -> dict[str, Text]:
    found: dict[str, Text] = {}
    for passage in passages:
        before = found.get(passage.group, Text(passages=0, bytes=0))
        found[passage.group] = Text(passages=before.passages + 1, bytes=before.bytes + passage.bytes)
    return found


def _compared(
    kind: str, name: Path, path: Path, tensors: dict[str, int], own: _Outcome, released: _Outcome
) -> GgufFile:
    pairs = list(zip(released.texts, own.texts, strict=True))
    return GgufFile(
        path=name.as_posix(),
        format=kind,
        bytes=path.stat().st_size,
        tensors=tensors,
        bits_per_byte=_rounded(own.bits),
        lost=_rounded({name: value - released.bits[name] for name, value in own.bits.items()}),
        same_tokens=sum(_same(*pair) for pair in pairs),
        same_texts=sum(one == other for one, other in pairs),
    )


def _same(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens that both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, _DIGITS) + 0.0 for name, value in values.items()}  # no minus before 0


def _digest(passages: Iterable[Passage], prompts: Iterable[Sequence[int]]) -> str:
    rows = [row.tokens for passage in passages for row in passage.rows]
    return blake3(b"\0".join(np.array(tokens, np.int32).tobytes() for tokens in [*rows, *prompts])).hexdigest()
