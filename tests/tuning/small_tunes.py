"""For tests of the tuning road: a base of a few thousand parameters, a handful of pairs for each task, recipes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from octavo.modeling.hf import save_hf
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig
from octavo.recipe.file import validate
from octavo.recipe.schema import Recipe
from octavo.tokenization.entries import SPECIAL_ENTRIES, TASK_ENTRIES
from octavo.tuning.base_model import with_base
from tests.tuning.ocr.stand_ins import SENTENCES, prose, scanned

GERMAN = (
    "Der alte Wärter ging jeden Morgen zum Hafen hinunter, bevor die Boote kamen.",
    "Er trug eine Laterne und ein kleines Buch, in das er das Wetter schrieb.",
    "Im Winter 1868 fror das Meer elf Tage lang zu.",
    "Seine Tochter las ihm aus den Zeitungen vor, die der Kapitän zurückgelassen hatte.",
    "Nach dem Sturm fanden sie die Tür zerbrochen und den Garten voller Sand.",
    "Sie zählten 312 Fässer am Ufer, die meisten mit gesalzenem Hering.",
)
ENGLISH = (
    "The old keeper went down to the harbour every morning before the boats came.",
    "He carried a lantern and a small book in which he wrote the weather.",
    "In the winter of 1868 the sea froze for eleven days.",
    "His daughter read to him from the newspapers that the captain had left behind.",
    "After the storm they found the door broken and the garden full of sand.",
    "They counted 312 barrels on the shore, most of them with salted herring.",
)
QUESTIONS = (
    ("Who went down to the harbour every morning?", "The old keeper of the light"),
    ("What did he write into the small book?", "the weather and the names of the ships"),
    ("In which winter did the sea freeze?", "1868"),
    ("What did his daughter read to him from?", "the newspapers"),
    ("What was the garden covered with?", "sand and weeds"),
    ("How many barrels were on the shore?", "312 barrels"),
    ("What did the merchants tell them?", None),
    ("Where had the church bell been cast?", "in another country"),
)
"""One on each of SENTENCES; None where it does not say."""
CONTEXT = 256
DOCUMENTS = 16
TASKS = ("ocr", "translation", "rag")


@cache
def tokenizer(reserved: bool = True) -> Tokenizer:
    """Byte-level BPE of 512 entries, with or without those reserved for tasks."""
    special = [entry for entry in SPECIAL_ENTRIES if reserved or entry not in TASK_ENTRIES]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator([*SENTENCES, *GERMAN] * 4, trainer)
    return made


def write_base(folder: Path, reserved: bool = True) -> Path:
    """A Hugging Face directory of random weights."""
    own = tokenizer(reserved)
    config = LlamaConfig(
        vocab_size=own.get_vocab_size(),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=32,
        max_position_embeddings=CONTEXT,
    )
    save_hf(initialise(config, seed=1), folder, 1, 2, torch.float32)
    own.save(str(folder / "tokenizer.json"))
    return folder


def rows(task: str) -> list[dict[str, Any]]:
    """Pairs of DOCUMENTS documents, as a file of the task has them; some documents are for testing."""
    return [row | {"id": f"p{n}", "doc": f"d{n % DOCUMENTS}"} for n, row in enumerate(_ROWS[task]())]


def _ocr() -> Iterator[dict[str, Any]]:
    for n in range(14 * DOCUMENTS):  # noise is learnt of 20,000 characters
        printed = prose(n, 2)
        yield {"lang": "en", "ocr": scanned(printed, n, 0.2), "gt": printed, "date": "1868"}


def _translation() -> Iterator[dict[str, Any]]:
    for first, second in permutations(range(len(GERMAN)), 2):
        yield {
            "src_lang": "de",
            "tgt_lang": "en",
            "src": f"{GERMAN[first]} {GERMAN[second]}",
            "tgt": f"{ENGLISH[first]} {ENGLISH[second]}",
        }


def _rag() -> Iterator[dict[str, Any]]:
    for first, second in permutations(range(len(SENTENCES)), 2):
        question, answer = QUESTIONS[first]
        held = {"gold_source": 0, "answers": [answer]} if answer else {"gold_source": None, "answers": []}
        yield {"lang": "en", "question": question, "sources": [f"{SENTENCES[first]} {SENTENCES[second]}"], **held}


_ROWS = {"ocr": _ocr, "translation": _translation, "rag": _rag}


def write_pairs(file: Path, some: list[dict[str, Any]]) -> Path:
    """A file of pairs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(some), file)
    else:
        file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in some), encoding="utf-8")
    return file


def write_documents(file: Path, count: int = 6) -> Path:
    """Open documents to make pairs of, as curation leaves them."""
    some = [{"identifier": f"open-{n}", "lang": "en", "text": prose(1000 + n, 80)} for n in range(count)]
    return write_pairs(file, some)


def write_translations(folder: Path) -> Path:
    """Documents that are translations of one another, and the table that says so."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["source,target,src_lang,tgt_lang"]
    for n in range(4):
        order = [(n + k) % len(GERMAN) for k in range(len(GERMAN))]
        for name, sentences in ((f"de-{n}.txt", GERMAN), (f"en-{n}.txt", ENGLISH)):
            (folder / name).write_text("\n\n".join(sentences[k] for k in order) + "\n", encoding="utf-8")
        lines.append(f"de-{n}.txt,en-{n}.txt,de,en")
    table = folder / "translations.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def tune_recipe(
    base: Path, task: str, tuning: dict[str, Any], training: dict[str, Any] | None = None, **rest: Any
) -> Recipe:
    """A recipe of a few steps, with its base's shape."""
    settings: dict[str, Any] = {
        "tokens": 8 * 4 * CONTEXT,
        "sequences_per_step": 4,
        "sequences_per_pass": 2,
        "optimizer": {"learning_rate": 1e-2},
        "schedule": {"warmup_steps": 2},
        "checkpoint": {"every_steps": 2},
        "precision": "float32",
        "compile": False,
        "log_every": 1,
    }
    data = {
        "name": f"tiny-{task}",
        "tuning": {"base": str(base), "task": task, "held_out": 0.25, **tuning},
        "training": settings | (training or {}),
        # All texts here are of the same sentences, and yet none is to be left out for one that is measured.
        "curation": {"decontamination": {"ngram": 1000}},
        "release": {"formats": ["safetensors"]},
        **rest,
    }
    return with_base(validate(data, {}, "recipe.yaml"))


def task_recipe(home: Path, task: str, training: dict[str, Any] | None = None, **tuning: Any) -> Recipe:
    """A recipe of a task with the base, the pairs and the documents of `home`, which are written if need be."""
    base, pairs = home / "base", home / f"{task}.jsonl"
    if not base.exists():
        write_base(base)
    if not pairs.exists():
        write_pairs(pairs, rows(task))
    documents = home / "translations" / "translations.csv" if task == "translation" else home / "documents.parquet"
    if not documents.exists():
        write_translations(home / "translations") if task == "translation" else write_documents(documents)
    given = {"pairs": [str(pairs)], "documents": [str(documents)]}
    return tune_recipe(base, task, given | tuning, training)
