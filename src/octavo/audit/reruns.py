"""Samples of the work done again: texts tokenized, held-out works scored, steps of the training, continuations, and
what the GGUF files lose."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from octavo.audit.claims import Claim, all_or_each, failed
from octavo.audit.opening import Audited
from octavo.audit.quantised import measured_again
from octavo.audit.replaying import replay
from octavo.errors import OctavoError
from octavo.evaluation import bits_per_byte
from octavo.evaluation.held_out_text import Text, read_kept
from octavo.evaluation.scoring import text_bits
from octavo.modeling.hf import round_to_bfloat16
from octavo.progress import Progress
from octavo.release.bundle import written_samples
from octavo.release.writing import COMPLIANCE, MANIFEST
from octavo.stages import trained_model
from octavo.tokenization.encode import encode_documents, load_tokenizer
from octavo.tokenization.entries import begin_and_end
from octavo.tokenization.index import open_documents
from octavo.tokenization.shards import open_shards

DOCUMENTS = 32
"""Tokenized anew."""
WORKS = 8
"""Scored anew."""
TOLERANCE = 1e-4
"""By which the bits of a work may differ, as sums of floats come in another order in other batches."""


def check_again(audited: Audited, run: Path, seed: int, progress: Progress) -> Iterator[Claim]:
    """Do samples of the work again; `seed` draws them."""
    parts = [
        ("documents tokenized", _tokens),
        ("held-out works scored", _scores),
        ("continuations written", _samples),
        ("GGUF files measured", _losses),
        ("steps of the training", replay),
    ]
    for number, (what, check) in enumerate(parts):
        progress.update(number, len(parts), f"again: {what}")
        try:
            yield from check(audited, run, random.Random(seed), progress)
        except (OctavoError, OSError, ValueError, KeyError, RuntimeError) as error:
            yield failed("re-runs", ".", f"{what} can be done again", str(error).strip().split("\n", 1)[0])


def _tokens(audited: Audited, run: Path, lot: random.Random, progress: Progress) -> Iterator[Claim]:
    if "tokenization" not in audited.records or not audited.records["tokenization"].figures["documents"]:
        return
    documents, shards = open_documents(run / "tokens"), open_shards(run / "tokens")
    stream = np.concatenate(([0], np.cumsum([len(shard.tokens) for shard in shards])))
    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    problems = []
    drawn = sorted(lot.sample(range(len(documents)), min(DOCUMENTS, len(documents))))
    for document in (documents[number] for number in drawn):
        text = _text(run / "corpus" / "kept" / document.part, document.row)
        (expected,) = next(encode_documents(tokenizer, iter([[text]]), "tokenizer.json"))
        shard = int(np.searchsorted(stream, document.start, side="right")) - 1
        first = int(stream[shard])
        found = shards[shard].tokens[document.start - first : document.end - first]
        if not np.array_equal(found, expected):
            name = f"tokens/{shards[shard].path.name}"
            problems.append((name, f"document {document.identifier} has other tokens"))
    said = f"{len(drawn)} documents drawn by lot, tokenized again, give the tokens that were trained on"
    yield from all_or_each("re-runs", "tokens", said, problems)


def _text(part: Path, row: int) -> str:
    with pq.ParquetFile(part) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row < rows:
                text: str = file.read_row_group(group, ["text"]).column("text")[row].as_py()
                return text
            row -= rows
    raise OctavoError(f"{part}: found no row {row}, expected one")


def _scores(audited: Audited, run: Path, lot: random.Random, progress: Progress) -> Iterator[Claim]:
    file = f"evaluation/{bits_per_byte.FILE}"
    if not (run / file).exists():
        return
    works = json.loads((run / file).read_bytes()).get("works", [])
    if not works:
        return
    drawn = {(work["lang"], work["work"]): work for work in lot.sample(works, min(WORKS, len(works)))}
    texts: dict[tuple[str, str], list[Text]] = {}
    for text in read_kept(run / "corpus" / "kept", audited.recipe.evaluation.max_bytes):
        texts.setdefault((text.lang, text.work), []).append(text)
    model = trained_model(audited.recipe, run)
    round_to_bfloat16(model)
    tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
    begin, _ = begin_and_end(tokenizer, "tokenizer.json")
    problems = []
    for key, work in drawn.items():
        own = [text.text for text in texts.get(key, [])]
        encoded = [tokenizer.encode(text, add_special_tokens=False).ids for text in own]
        bits = float(text_bits(model, encoded, begin).sum()) if own else 0.0
        if abs(bits - work["bits"]) > TOLERANCE * max(work["bits"], 1.0):
            problems.append((file, f"work {work['work']} has {work['bits']} bits there, found {bits:.3f}"))
    said = f"{len(drawn)} held-out works drawn by lot, scored again, need the bits that are stated"
    yield from all_or_each("re-runs", file, said, problems)


def _samples(audited: Audited, run: Path, lot: random.Random, progress: Progress) -> Iterator[Claim]:
    stated = {lang: sample.model_dump() for lang, sample in audited.manifest.samples.items()}
    if not stated:
        return
    file, said = f"{COMPLIANCE}/{MANIFEST}", f"the {len(stated)} sample continuations are the model's"
    found = written_samples(audited.recipe, run, trained_model(audited.recipe, run))
    problems = [(file, f"the sample in {lang} is another") for lang in stated if stated[lang] != found.get(lang)]
    yield from all_or_each("re-runs", file, said, problems)


def _losses(audited: Audited, run: Path, lot: random.Random, progress: Progress) -> Iterator[Claim]:
    yield from measured_again(audited, run, progress)
