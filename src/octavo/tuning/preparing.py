"""Stage pairs: which pairs a tune learns from, which it is measured on, and what the model is shown of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from blake3 import blake3
from pydantic import TypeAdapter

from octavo.errors import InputError
from octavo.evaluation.task_files import is_tested
from octavo.lineage import write_atomically, write_json
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.tokenization.encode import load_tokenizer
from octavo.tuning.base_model import with_task_entries
from octavo.tuning.examples import Example, compact
from octavo.tuning.leakage import without_measured
from octavo.tuning.packing import Packed, write_packed
from octavo.tuning.pair_licences import stated_licences
from octavo.tuning.pairs import LeftOut, with_own_ids
from octavo.tuning.registry import TASKS
from octavo.tuning.tasks import Parts, Prepared, Task
from octavo.tuning.vocabulary import Vocabulary, task_vocabulary

GIVEN, MADE, COPIES = "given", "made", "copies"
"""Folders of sequences: of pairs that were given, of those that were made of documents, and of texts to copy."""
TRAINING, HELD_OUT, TEST, LEFT_OUT = "training.jsonl", "held-out.jsonl", "test.jsonl", "left-out.jsonl"
PAIRS: Final = "pairs.jsonl"
"""Beside the sequences that were made of them."""
ANSWERS: Final = "held-out.parquet"
ANSWER_TOKENS: Final = 100_000
"""Of held-out pairs, most: they are measured again and again while the model learns."""
REPORT: Final = "report.json"
_SCHEMA: Final = pa.schema(
    [("id", pa.string()), ("group", pa.string()), ("bytes", pa.int64())]
    + [(name, pa.list_(pa.int32())) for name in ("prompt", "answer")]
)


def prepare(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
    """Write `run`/pairs and `run`/tokenizer, and return what was counted.

    The pairs by what they are for and those that were left out are JSON Lines; what is learnt lies packed in
    sequences. Raises InputError where nothing is left to learn from.
    """
    tuning = recipe.tuning
    assert tuning is not None
    assert tuning.supervised
    task, home = TASKS[tuning.task], run / "pairs"
    vocabulary, added = _write_tokenizer(recipe, run)
    if added:
        progress.message(f"tuning: the base's tokenizer has no {', '.join(added)}: they are added and learnt anew")
    progress.update(0, 2, "reading pairs")
    found = task.read(recipe, [Path(name) for name in tuning.pairs])
    apart = split(with_own_ids(found.pairs), recipe.seed, tuning.held_out)
    if not apart.test:
        raise InputError("tuning.pairs: found no pair for testing, expected pairs of more documents")
    parts = Parts(*(task.arranged(recipe, some, some is not apart.test) for some in apart))
    left_out = list(found.left_out)
    progress.check()
    progress.update(1, 2, "making pairs")
    room = recipe.sequence_length
    training, given = _taught(task, vocabulary, parts.training, room, left_out)
    if not given:
        raise InputError(
            f"tuning.pairs: found no pair to learn from, expected some of the documents that are not for testing; "
            f"{len(left_out):,} were left out{_in_words(left_out)}"
        )
    _write_sequences(home / GIVEN, given, room, vocabulary)
    held_out, answers = _taught(task, vocabulary, parts.held_out, room, left_out)
    _write_answers(home / ANSWERS, task, vocabulary, held_out, answers)
    parts = Parts(training, held_out, parts.test)
    measured, ngram = [*apart.held_out, *apart.test], recipe.curation.decontamination.ngram
    for name, share in ((MADE, tuning.made), (COPIES, tuning.copies)):
        wanted = int(share * recipe.training.tokens)
        if name == MADE:
            source = task.made(recipe, parts.training, wanted, left_out, progress)
        else:
            source = task.copies(recipe, wanted)
        others = without_measured(source, measured, ngram, left_out)
        pairs, shown = _taught(task, vocabulary, others, room, [], wanted)
        if shown:
            _write_sequences(home / name, shown, room, vocabulary)
            _write_lines(home / name / PAIRS, pairs)
        elif name == MADE and wanted and tuning.documents:
            progress.message("tuning: no pair could be made of the documents; the given ones alone are learnt from")
        progress.check()
    for name, some in zip((TRAINING, HELD_OUT, TEST), parts, strict=True):
        _write_lines(home / name, some)
    _write_lines(home / LEFT_OUT, left_out)
    figures = {
        "task": tuning.task,
        "base": tuning.base,
        "vocab_size": vocabulary.tokenizer.get_vocab_size(),
        "added_entries": added,
        "licences": stated_licences(Path(name) for name in tuning.pairs),
        **count_pairs(recipe, run),
    }
    write_json(home / REPORT, figures)
    return figures


def count_pairs(recipe: Recipe, run: Path) -> dict[str, Any]:
    """What the files of a prepared tune hold: pairs by use, those made and left out, and sequences."""
    assert recipe.tuning is not None
    task, home = TASKS[recipe.tuning.task], run / "pairs"
    parts = read_parts(recipe, run)
    copies = home / COPIES / PAIRS
    reasons = Counter(orjson.loads(line)["reason"] for line in (home / LEFT_OUT).read_bytes().splitlines())
    return {
        "pairs": {
            name: {"pairs": len(some), "documents": len({pair.doc for pair in some}), "groups": _groups(task, some)}
            for name, some in zip(Parts._fields, parts, strict=False)
        },
        "made": len(parts.made),
        "copies": len(copies.read_bytes().splitlines()) if copies.exists() else 0,
        "left_out": dict(sorted(reasons.items())),
        "sequences": {
            name: _packed_figures(home / name) for name in (GIVEN, MADE, COPIES) if (home / name).is_dir()
        },
    }


def split(pairs: Iterable[Any], seed: int, held_out: float) -> Parts:
    """Pairs by what they are for, whole documents each: a fifth is for testing, whatever the seed."""
    parts = Parts([], [], [])
    for pair in pairs:
        if is_tested(pair.doc):
            parts.test.append(pair)
        else:
            lot = int.from_bytes(blake3(f"held out {seed} {pair.doc}".encode()).digest(8)) / 2**64
            (parts.held_out if lot < held_out else parts.training).append(pair)
    return parts


def read_parts(recipe: Recipe, run: Path) -> Prepared:
    """The pairs of a prepared tune, as they were written."""
    assert recipe.tuning is not None
    task = TASKS[recipe.tuning.task]
    row = TypeAdapter[Any](task.kind)
    files = [run / "pairs" / name for name in (TRAINING, HELD_OUT, TEST, f"{MADE}/{PAIRS}")]
    lines = (file.read_bytes().splitlines() if file.exists() else [] for file in files)
    return Prepared(*([row.validate_json(line) for line in some] for some in lines))


def _write_tokenizer(recipe: Recipe, run: Path) -> tuple[Vocabulary, list[str]]:
    assert recipe.tokenizer.path is not None
    file = run / "tokenizer" / "tokenizer.json"
    tokenizer, added = with_task_entries(load_tokenizer(Path(recipe.tokenizer.path)))
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, tokenizer.to_str().encode())
    return task_vocabulary(tokenizer, str(file)), added


Shown = tuple[str, Example]
"""An example, and the id of its pair."""


def _taught(
    task: Task,
    vocabulary: Vocabulary,
    pairs: Iterable[Any],
    room: int,
    left_out: list[LeftOut],
    wanted: float = math.inf,
) -> tuple[list[Any], list[Shown]]:
    """The pairs that teach something, and their examples, until these have so many tokens."""
    used: list[Any] = []
    shown: list[Shown] = []
    rest, tokens = iter(pairs), 0
    while tokens < wanted and (pair := next(rest, None)) is not None:
        taught = task.examples(vocabulary, pair, room)
        left_out += taught.left_out
        if taught.examples:
            used.append(pair)
        for one in taught.examples:
            tokens += 1 + len(one.prompt) + len(one.answer)
            shown.append((pair.id, compact(one)))
    return used, shown


def _write_sequences(home: Path, shown: Sequence[Shown], room: int, vocabulary: Vocabulary) -> None:
    write_packed(home, [name for name, _ in shown], [one for _, one in shown], room, vocabulary.begin)


def _write_answers(
    file: Path, task: Task, vocabulary: Vocabulary, pairs: Sequence[Any], shown: Sequence[Shown]
) -> None:
    """As many as are soon measured, drawn by lot."""
    groups = {pair.id: task.group(pair) for pair in pairs}
    rows: list[dict[str, Any]] = []
    tokens = 0
    for name, one in sorted(shown, key=lambda pair: blake3(pair[0].encode()).digest()):
        rows.append(
            {
                "id": name,
                "group": groups[name],
                "bytes": len(vocabulary.decode(one.answer).encode()),
                "prompt": list(one.prompt),
                "answer": list(one.answer),
            }
        )
        tokens += len(one.prompt) + len(one.answer)
        if tokens > ANSWER_TOKENS:
            break
    pq.write_table(pa.Table.from_pylist(rows, _SCHEMA), file)


def _write_lines(file: Path, rows: Iterable[Any]) -> None:
    """A line of JSON for each named tuple."""
    write_atomically(file, b"".join(orjson.dumps(row._asdict()) + b"\n" for row in rows))


def _groups(task: Task, pairs: Sequence[Any]) -> dict[str, int]:
    return dict(sorted(Counter(map(task.group, pairs)).items()))


def _packed_figures(home: Path) -> dict[str, Any]:
    packed = Packed(home)
    return {
        "examples": len(packed.places),
        "sequences": len(packed),
        "tokens": packed.tokens,
        "padding": round(packed.padding, 4),
    }


def _in_words(left_out: Sequence[LeftOut]) -> str:
    reasons = Counter(one.reason for one in left_out).most_common()
    return f" ({', '.join(f'{reason} {count:,}' for reason, count in reasons)})" if reasons else ""
