"""The figures of one proxy, by the evaluation's own measurements, on the same texts and prompts for all proxies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow.parquet as pq
from blake3 import blake3

from octavo.corpus.schema import content_hash
from octavo.evaluation import adherence
from octavo.evaluation.held_out_text import Text, beginning, digest
from octavo.evaluation.openings import Document
from octavo.evaluation.scoring import text_bits
from octavo.evaluation.speaker import Speaker
from octavo.evaluation.toxicity import measure_harm
from octavo.lineage import write_json
from octavo.modeling.hf import round_to_bfloat16
from octavo.modeling.llama import Llama
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import begin_and_end

BITS: Final = "bits_per_byte.json"
FORMS: Final = {"curated": "text", "as-it-came": "text_in"}
"""The two forms of the held-out works, and the column of each."""
EXCERPT: Final = 4096
"""Bytes of a work that are measured at most: an interval needs many works more than it needs long ones."""


def held_out_texts(file: Path, max_bytes: int) -> dict[str, list[Text]]:
    """The beginnings of the same held-out works in each form, ordered by language.

    Of each language works are taken, in the order of a hash of their names, until there is so much curated text.
    """
    rows = pq.read_table(file).to_pylist()
    forms = {form: [_text(row, row[column]) for row in rows] for form, column in FORMS.items()}
    chosen = _choose(forms["curated"], max_bytes)
    return {form: _excerpts(texts, chosen) for form, texts in forms.items()}


def measure(
    recipe: Recipe, model: Llama, tokenizer: Path, held_out: Path, seed: int, home: Path, progress: Progress
) -> dict[str, Any]:
    """Write the figures of a proxy into `home`, and return the means. `seed` draws the prompts of all proxies."""
    home.mkdir(exist_ok=True)
    loaded = load_tokenizer(tokenizer)
    begin, end = begin_and_end(loaded, tokenizer.name)
    round_to_bfloat16(model)
    model.eval()
    speaker = Speaker(model, loaded, begin, end)
    texts = held_out_texts(held_out, recipe.evaluation.max_bytes)
    bits = _bits(speaker, texts, progress)
    write_json(home / BITS, bits)
    written, languages = recipe.evaluation.writing, recipe.corpus.languages
    documents = [Document(t.id, t.work, t.lang, t.text) for t in texts["curated"] if t.lang in languages]
    adhered = adherence.measure_adherence(
        speaker, documents, languages, seed, written.prompts, written.max_tokens, progress
    )
    write_json(home / adherence.FILE, adhered)
    measure_harm(recipe, model, loaded, begin, end, home / "no report", home, progress)
    return {"text": {form: found["blake3"] for form, found in bits.items()}}


def _bits(speaker: Speaker, texts: dict[str, list[Text]], progress: Progress) -> dict[str, Any]:
    """Of each form which text it is, and the bits and bytes of each work; what is the same in both is read once."""
    known: dict[str, float] = {}
    distinct = {text.text: text.lang for found in texts.values() for text in found}
    for done, lang in enumerate(languages := dict.fromkeys(distinct.values())):
        progress.check()
        progress.update(done, len(languages), f"bits per byte, {lang}")
        own = [text for text, of in distinct.items() if of == lang]
        found = text_bits(speaker.model, speaker.encode(own), speaker.begin)
        known |= dict(zip(own, found.tolist(), strict=True))
    return {form: {"blake3": digest(found), "works": _works(found, known)} for form, found in texts.items()}


def _works(texts: Sequence[Text], bits: dict[str, float]) -> list[dict[str, Any]]:
    works: dict[tuple[str, str], dict[str, Any]] = {}
    for text in texts:
        empty = {"lang": text.lang, "work": text.work, "bytes": 0, "bits": 0.0}
        work = works.setdefault((text.lang, text.work), empty)
        work["bytes"] += len(text.text.encode())
        work["bits"] += bits[text.text]
    return list(works.values())


def read_figures(home: Path, name: str) -> Any:
    """The figures in a file that `measure` wrote."""
    return orjson.loads((home / name).read_bytes())


def _choose(texts: Sequence[Text], max_bytes: int) -> list[tuple[str, str]]:
    sizes: dict[tuple[str, str], int] = {}
    for text in texts:
        if text.text.strip():
            key = (text.lang, text.work)
            sizes[key] = sizes.get(key, 0) + len(text.text.encode())
    chosen = []
    taken: dict[str, int] = {}
    for lang, work in sorted(sizes, key=lambda key: (key[0], blake3(key[1].encode()).digest())):
        if taken.get(lang, 0) < max_bytes:
            chosen.append((lang, work))
            taken[lang] = taken.get(lang, 0) + min(sizes[lang, work], EXCERPT)
    return chosen


def _excerpts(texts: Sequence[Text], chosen: Sequence[tuple[str, str]]) -> list[Text]:
    by_work: dict[tuple[str, str], list[Text]] = {}
    for text in texts:
        by_work.setdefault((text.lang, text.work), []).append(text)
    return [excerpt for key in chosen for excerpt in beginning(by_work[key], EXCERPT)]


def _text(row: dict[str, Any], text: str) -> Text:
    name = row["identifier"]
    return Text(name, name.partition("#")[0], row["lang"], None, None, "", content_hash(text), text)
